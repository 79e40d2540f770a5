"""Children of a command: started with a log file each, waited for by their ready files, stopped by
pid, never left behind.
"""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
OWNER_FILE = "owner.pid"
WORKERS = ("dev.host.worker_process", "azure_functions_worker", "worker.py")
COMMANDS = "dev.commands"
READY_SECONDS = 180.0
STOP_SECONDS = 20.0
CLOCK_SECONDS = 5.0
"""By which the clocks of processes and files may differ."""


class DidNotStart(Exception):
    """A child ended or did not answer; the message holds the end of its log."""


def die_with_parent() -> None:
    """On Linux the kernel ends a child whose parent is gone, even if that was killed (prctl
    PR_SET_PDEATHSIG).
    """
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


WITH_PARENT: dict[str, Any] = {"preexec_fn": die_with_parent} if sys.platform == "linux" else {}


class Child:
    """One `python -m <module>`; `facts` is what its ready file says once it answers."""

    def __init__(
        self,
        name: str,
        arguments: list[str],
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.arguments, self.directory = name, arguments, directory
        self.environment = {**os.environ, **(environment or {})}
        self.log = directory / "logs" / f"{name}.log"
        self.ready_file = directory / f"{name}.ready.json"
        self.process: subprocess.Popen[bytes] | None = None
        self.is_told = False
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        """Starts the process; `wait` tells when it answers."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", *self.arguments, "--ready-file", str(self.ready_file)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.PIPE,
                env=self.environment,
                cwd=ROOT,
                **WITH_PARENT,
            )

    def wait(self) -> dict[str, Any]:
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready_file.exists():
            if (
                self.process is None
                or self.process.poll() is not None
                or time.monotonic() > deadline
            ):
                raise DidNotStart(
                    f"{self.name} did not start; {self.log} ends with:\n{self.tail()}"
                )
            time.sleep(0.02)
        self.facts = json.loads(self.ready_file.read_text())
        return self.facts

    def tail(self) -> str:
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])
            if self.log.exists()
            else ""
        )

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def ask_to_stop(self) -> None:
        """Once: a host that is told twice does not wait for what runs."""
        if self.process and self.process.poll() is None and not self.is_told:
            self.process.terminate()
            self.is_told = True

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Asks, waits for what is under way, and ends what does not end."""
        if not self.process:
            return
        self.ask_to_stop()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.close()

    def stop_now(self) -> None:
        """Told again and again, a host cuts off what runs: a deployment under Azure's usual
        strategy, Recreate.
        """
        while self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
        self.close()

    def kill(self) -> None:
        """As when a machine goes away: nothing is finished."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.close()

    def close(self) -> None:
        if self.process and self.process.stdin:
            self.process.stdin.close()


def stop_together(children: Collection[Child], seconds: float = STOP_SECONDS) -> None:
    """All at the same time; what has not ended by then is killed."""
    for child in children:
        child.ask_to_stop()
    ended_by = time.monotonic() + seconds
    for child in children:
        child.stop(max(1.0, ended_by - time.monotonic()))


def stack_processes(directory: Path) -> dict[str, psutil.Process]:
    """By name, the processes that the stack of this folder still has.

    The command that owns it is there before `stack.json` is. Both files stay when it is killed.
    A file that is none of ours names no process.
    """
    facts = directory / "stack.json"
    found = alive(pids_in(facts), facts) if facts.exists() else {}
    return found | stack_owner(directory)


def stack_owner(directory: Path) -> dict[str, psutil.Process]:
    """The command that starts or has started the stack of this folder; {} if it is gone."""
    file = directory / OWNER_FILE
    text = file.read_text() if file.exists() else ""
    found = alive({"owner": int(text)}, file) if text.isdecimal() else {}
    return {name: process for name, process in found.items() if is_command(process)}


def alive(pids: Mapping[str, int], file: Path) -> dict[str, psutil.Process]:
    """A process that began after the file was written has only got the number of one that is
    gone.
    """
    written, found = file.stat().st_mtime, {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.Error, ValueError, OverflowError):
            process = psutil.Process(pid)
            if process.create_time() < written + CLOCK_SECONDS and runs(process):
                found[name] = process
    return found


def pids_in(facts: Path) -> dict[str, int]:
    """Process ids by name; none where the file was cut off or somebody else wrote it."""
    try:
        pids = dict(json.loads(facts.read_bytes())["pids"])
    except (ValueError, TypeError, KeyError):
        return {}
    return {name: pid for name, pid in pids.items() if isinstance(pid, int) and pid > 1}


def is_command(process: psutil.Process) -> bool:
    """One of manage.py, in its virtual environment."""
    with contextlib.suppress(psutil.Error):
        return COMMANDS in process.cmdline()
    return False


def runs(process: psutil.Process) -> bool:
    """Has not ended; one that has ended stands in the list until its owner asks for its exit
    code.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    return False


def is_worker(process: psutil.Process) -> bool:
    """Of the stand-in, or of Core Tools."""
    with contextlib.suppress(psutil.Error):
        return any(name in argument for name in WORKERS for argument in process.cmdline())
    return False
