"""python -m dev.host APP_DIR [--port N] [--ready-file FILE] [--keys FILE] [--message-lease SECONDS] [--instances N]"""

import argparse
import asyncio
import logging
import os
import sys
import threading
from pathlib import Path

from dev.emulators.serve import announce, until_stopped
from dev.host.fleet import Fleet
from dev.host.instance import REAL_MESSAGE_LEASE_SECONDS, Instance
from dev.host.logs import configure_logging
from dev.host.settings import ConfigurationError
from dev.host.worker import FunctionFailed

log = logging.getLogger("Host")


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.host", description="Runs a function app on this machine.")
    parser.add_argument("app_dir", type=_absolute, metavar="APP_DIR")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--ready-file", type=_absolute, metavar="FILE", help="written when everything answers")
    parser.add_argument("--keys", type=_absolute, metavar="FILE", help="access keys (APP_DIR/.local/host-keys.json)")
    parser.add_argument("--message-lease", type=int, default=REAL_MESSAGE_LEASE_SECONDS, metavar="SECONDS")
    parser.add_argument("--instances", type=int, default=1, metavar="N", help="processes of the same app")
    parser.add_argument("--stop-at-end-of-input", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    arguments.keys = arguments.keys or arguments.app_dir / ".local" / "host-keys.json"
    return arguments


def _absolute(path: str) -> Path:
    return Path(path).resolve()


async def run_instance(arguments: argparse.Namespace) -> int:
    """Until a signal, then drains; a second signal does not wait for the runs under way. Returns the exit code."""
    try:
        instance = Instance(arguments.app_dir, arguments.keys, arguments.message_lease)
        configure_logging(instance.config.log_levels, instance.invoker.running)
        port = await instance.start(arguments.port)
    except (ConfigurationError, FunctionFailed, OSError) as error:
        print(f"The app could not be started: {error}\n{getattr(error, 'stack_trace', '')}", flush=True)
        return 1
    if arguments.ready_file:
        announce(arguments.ready_file, port=port, pid=os.getpid())
    await _until_told(arguments.stop_at_end_of_input)
    log.info("Application is shutting down (%d runs under way)", len(instance.invoker.running))
    return await _drain(instance)


async def _until_told(at_end_of_input: bool) -> None:
    waits = [asyncio.ensure_future(until_stopped([]))]
    if at_end_of_input:
        waits.append(asyncio.ensure_future(_end_of_input()))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)


async def _end_of_input() -> None:
    """The process that started this one has closed our standard input, or is gone."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        while os.read(0, 1024):  # not sys.stdin: its lock would be in the way of the interpreter's exit
            pass
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=read, name="end-of-input", daemon=True).start()
    await ended.wait()


async def _drain(instance: Instance) -> int:
    """0 when everything under way has ended; 1 when a second signal cut it short."""
    drain = asyncio.ensure_future(instance.drain())
    again = asyncio.ensure_future(until_stopped([]))
    await asyncio.wait([drain, again], return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if drain.done():
        drain.result()
    if drain.done() and not instance.invoker.abandoned:
        return 0
    logging.shutdown()
    os._exit(0 if drain.done() else 1)  # a normal exit would wait for the functions' threads


def main() -> int:
    arguments = parse()
    if arguments.instances == 1:
        return asyncio.run(run_instance(arguments))
    logging.basicConfig(stream=sys.stdout, level=logging.INFO)
    one = [str(arguments.app_dir), "--keys", str(arguments.keys), "--message-lease", str(arguments.message_lease)]
    return asyncio.run(Fleet(one, arguments.port, arguments.instances).run(arguments.ready_file))


if __name__ == "__main__":
    sys.exit(main())
