"""python -m dev.host APP_DIR [--port N] [--ready-file FILE] [--keys FILE] [--instances N]
[--groups] ...: see --help.
"""

import argparse
import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

from dev.emulators.serve import announce, until_stopped
from dev.host.fleet import Fleet
from dev.host.front import FRONT_END_SECONDS
from dev.host.instance import REAL_MESSAGE_LEASE_SECONDS, Instance, Pace
from dev.host.lease import ASK_SECONDS, LOCK_SECONDS
from dev.host.logs import configure_logging
from dev.host.settings import ConfigurationError
from dev.host.worker import MOST_CRASHES, FunctionFailed, WorkerEnded

STOP_SECONDS = 10.0
"""What Azure gives a host between the signal and its end."""

log = logging.getLogger("Host")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dev.host", description="Runs a function app on this machine."
    )
    parser.add_argument("app_dir", type=_absolute, metavar="APP_DIR")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument(
        "--ready-file", type=_absolute, metavar="FILE", help="written when everything answers"
    )
    parser.add_argument(
        "--keys", type=_absolute, metavar="FILE", help="access keys (APP_DIR/.local/host-keys.json)"
    )
    parser.add_argument(
        "--message-lease", type=int, default=REAL_MESSAGE_LEASE_SECONDS, metavar="SECONDS"
    )
    parser.add_argument(
        "--timer-lock", type=int, default=LOCK_SECONDS, metavar="SECONDS", help="15 is the least"
    )
    parser.add_argument(
        "--timer-ask", type=float, default=ASK_SECONDS, metavar="SECONDS", help="of who has no lock"
    )
    seconds, front = FRONT_END_SECONDS, "after which a caller is answered, whatever runs"
    parser.add_argument(
        "--front-end-seconds", type=float, default=seconds, metavar="SECONDS", help=front
    )
    parser.add_argument(
        "--cors", default="", metavar="ORIGINS", help="allowed ones, separated by commas, or *"
    )
    parser.add_argument(
        "--group", default="", help="listen for this group only: http, or function:<name>"
    )
    parser.add_argument(
        "--groups", action="store_true", help="a process for each group, as on Flex Consumption"
    )
    parser.add_argument(
        "--instances", type=int, default=1, metavar="N", help="processes of the same app"
    )
    parser.add_argument(
        "--stop-seconds",
        type=float,
        default=STOP_SECONDS,
        metavar="SECONDS",
        help="for what runs (0: none)",
    )
    parser.add_argument("--stop-at-end-of-input", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    arguments.keys = arguments.keys or arguments.app_dir / ".local" / "host-keys.json"
    return arguments


def _absolute(path: str) -> Path:
    return Path(path).resolve()


async def run_instance(arguments: argparse.Namespace) -> int:
    """Until a signal, then drains for ten seconds at most; a second signal does not wait.

    Returns the exit code.

    Where the real host stops by itself, another is started at the same address, as the platform
    does.
    """
    stop_asked = asyncio.ensure_future(_until_asked_to_stop(arguments.stop_at_end_of_input))
    while True:
        instance = await _started(arguments)
        if instance is None:
            return 1
        over = asyncio.ensure_future(instance.over.wait())
        await asyncio.wait([stop_asked, over], return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if stop_asked.done():
            return await _stop(instance, arguments.stop_seconds)
        log.error(
            "The host has stopped, as it does in Azure, where the platform then starts another. It"
            " is started."
        )
        await instance.close()


async def _started(arguments: argparse.Namespace) -> Instance | None:
    """None, and why, if the app cannot be run."""
    try:
        instance = await _launched(arguments, MOST_CRASHES)
    except (ConfigurationError, FunctionFailed, OSError) as error:
        print(
            f"The app could not be started: {error}\n{getattr(error, 'stack_trace', '')}",
            flush=True,
        )
        return None
    if arguments.ready_file:
        facts = {
            "pid": os.getpid(),
            "worker": instance.worker_pid,
            "group": arguments.group,
            "groups": instance.groups,
        }
        announce(arguments.ready_file, port=arguments.port, **facts)
    return instance


async def _launched(arguments: argparse.Namespace, attempts: int) -> Instance:
    """A worker process that ends while it loads the app is no error of the app: another is
    tried.
    """
    instance = Instance(arguments.app_dir, arguments.keys, pace_of(arguments))
    configure_logging(instance.config.log_levels, instance.invoker.running)
    try:
        arguments.port = await instance.start(arguments.port)
    except (ConfigurationError, FunctionFailed, OSError) as error:
        await instance.close()
        if not isinstance(error, WorkerEnded) or attempts == 1:
            raise
        log.warning("%s Another is tried.", error)
        return await _launched(arguments, attempts - 1)
    return instance


def pace_of(arguments: argparse.Namespace) -> Pace:
    return Pace(
        message_lease_seconds=arguments.message_lease,
        timer_lock_seconds=arguments.timer_lock,
        timer_ask_seconds=arguments.timer_ask,
        front_end_seconds=arguments.front_end_seconds,
        cors=arguments.cors,
        group=arguments.group,
    )


async def _until_asked_to_stop(at_end_of_input: bool) -> None:
    waits = [asyncio.ensure_future(until_stopped([]))]
    if at_end_of_input:
        waits.append(asyncio.ensure_future(_end_of_input()))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)


async def _end_of_input() -> None:
    """The process that started this one has closed our standard input, or is gone."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        while os.read(
            0, 1024
        ):  # not sys.stdin: its lock would be in the way of the interpreter's exit
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, name="end-of-input", daemon=True).start()
    await ended.wait()


async def _stop(instance: Instance, seconds: float) -> int:
    """0 when everything under way has ended in time; 1 when it was cut off, by a second signal or
    the end of the time.
    """
    log.info("Application is shutting down (%d runs under way)", len(instance.invoker.running))
    drain = asyncio.ensure_future(instance.drain())
    again = asyncio.ensure_future(until_stopped([]))
    await asyncio.wait([drain, again], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    in_time = drain.done()
    if not in_time:
        log.warning(
            "Not ended within %g s, or told twice: %d runs are cut off",
            seconds,
            len(instance.invoker.running),
        )
        drain.cancel()
    await instance.close()
    return 0 if in_time else 1


def main() -> int:
    arguments = parse()
    if arguments.instances == 1 and not arguments.groups:
        return asyncio.run(run_instance(arguments))
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    one = [
        str(arguments.app_dir),
        "--keys",
        str(arguments.keys),
        "--message-lease",
        str(arguments.message_lease),
    ]
    one += [
        "--stop-seconds",
        str(arguments.stop_seconds),
        "--timer-lock",
        str(arguments.timer_lock),
    ]
    one += [
        "--timer-ask",
        str(arguments.timer_ask),
        "--front-end-seconds",
        str(arguments.front_end_seconds),
    ]
    one += ["--cors", arguments.cors] if arguments.cors else []
    fleet = Fleet(one, arguments.port, arguments.instances, arguments.groups)
    return asyncio.run(fleet.run(arguments.ready_file))


if __name__ == "__main__":
    sys.exit(main())
