"""Azurite, Microsoft's storage emulator, on free ports; installed by manage.py under
.local/tools.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from dev.commands.processes import ROOT, WITH_PARENT

MODULES = ROOT / ".local" / "tools" / "node_modules"
COMPILED = {"NODE_COMPILE_CACHE": str(ROOT / ".local" / "node-cache")}
"""Half of a start is the compiling of the same files: Node.js 22 and newer keep the result."""

PRELOAD = Path(__file__).with_name("azurite_preload.js")
KEY = (  # Azurite's well-known key
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
READY_SECONDS = 60.0
PORT_ATTEMPTS = 3


class AzuriteFailed(Exception):
    """Azurite could not be started; the message says what to do."""


class PortTaken(AzuriteFailed):
    """A port that was free is not any more."""


@dataclass
class Azurite:
    """A running Azurite: a context manager that stops it."""

    process: subprocess.Popen[bytes]
    ports: dict[str, int]

    @property
    def connection_string(self) -> str:
        services = (("Blob", "blob"), ("Queue", "queue"), ("Table", "table"))
        ends = "".join(
            f"{name}Endpoint=http://127.0.0.1:{self.ports[kind]}/devstoreaccount1;"
            for name, kind in services
        )
        return f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={KEY};{ends}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stderr:
            self.process.stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start_azurite(directory: Path | None = None) -> Azurite:
    """Starts Azurite and waits until it answers; in memory, or in `directory`, where it
    persists.
    """
    program = MODULES / "azurite" / "dist" / "src" / "azurite.js"
    if not program.exists():
        raise AzuriteFailed(
            "Azurite is not installed: run python3 manage.py once, which gets it by npm."
        )
    place = ["--location", str(directory)] if directory else ["--inMemoryPersistence"]
    for _ in range(PORT_ATTEMPTS - 1):
        with contextlib.suppress(PortTaken):
            return started(program, place)
    return started(program, place)


def started(program: Path, place: list[str]) -> Azurite:
    """PortTaken where somebody else was quicker to open a port that was free a moment ago."""
    ports = {kind: free_port() for kind in ("blob", "queue", "table")}
    given = [argument for kind, port in ports.items() for argument in (f"--{kind}Port", str(port))]
    flags = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    command = [node(), "--require", str(PRELOAD), str(program), *flags, *place, *given]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | COMPILED,
        **WITH_PARENT,
    )
    azurite = Azurite(process, ports)
    try:
        wait_for(azurite)
    except BaseException:  # Ctrl-C too: nobody else knows of it yet
        azurite.stop()
        raise
    return azurite


def node() -> str:
    """The plain node that the npm package brings, which is quicker than an old one of the machine;
    else the machine's own.
    """
    brought = next(MODULES.glob("node-*/bin/node*"), None)
    found = str(brought) if brought else shutil.which("node")
    if not found:
        raise AzuriteFailed("There is no Node.js on this machine: install Node.js 20 or newer.")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(azurite: Azurite) -> None:
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(azurite.ports.values())
    while waiting:
        if azurite.process.poll() is not None:
            said = re.sub(
                r"\s+",
                " ",
                (azurite.process.stderr.read() if azurite.process.stderr else b"").decode()[-300:],
            )
            failure = PortTaken if "EADDRINUSE" in said else AzuriteFailed
            raise failure(f"Azurite ended at once: {said or 'it did not say why'}")
        if time.monotonic() > deadline:
            raise AzuriteFailed(f"Azurite did not answer within {READY_SECONDS:g} s.")
        waiting = [port for port in waiting if not answers(port)]
        time.sleep(0.02)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
