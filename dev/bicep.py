"""Microsoft's Bicep compiler: where it is on this machine, and one running process of it that
answers many questions.

It is spoken to by JSON-RPC on its standard input and output (`bicep jsonrpc --stdio`), because a
start takes seconds.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

WANTED = (0, 49)
MISSING = (
    "No Bicep compiler {}.{} or newer was found: the tests of infra/ are left out. Run `az bicep"
    " install` or `az bicep upgrade`."
)
IDS = {
    "tenantId": "00000000-0000-4000-8000-000000000001",
    "subscriptionId": "00000000-0000-4000-8000-000000000002",
    "resourceGroup": "rg",
    "location": "westeurope",
    "deploymentName": "bridge",
}


class Refused(Exception):
    """What the compiler said instead of an answer."""


@cache
def find() -> str | None:
    """Path of a compiler that is new enough: on the PATH, or where `az bicep` keeps its own; None
    if there is none.
    """
    azure = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure") / "bin"
    name = "bicep.exe" if os.name == "nt" else "bicep"
    candidates = [shutil.which("bicep"), str(azure / name)]
    return next((found for found in candidates if found and version(found) >= WANTED), None)


def missing() -> str:
    """One line for whoever has no compiler."""
    return MISSING.format(*WANTED)


def version(program: str) -> tuple[int, ...]:
    """(major, minor) of a compiler; (0, 0) if it does not run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    numbers = re.search(r"(\d+)\.(\d+)\.\d+", said)
    return tuple(int(number) for number in numbers.groups()) if numbers else (0, 0)


@dataclass
class Compiler:
    """A context manager; `environ` is what `readEnvironmentVariable` of a parameter file sees."""

    environ: Mapping[str, str] = field(default_factory=dict)
    asked: int = 0
    compiled: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def __enter__(self) -> Self:
        program = find()
        assert program is not None, missing()
        self.process = subprocess.Popen(
            [program, "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self.environ},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def findings(self, path: Path) -> list[str]:
        """What compiler and rules say of a .bicep or .bicepparam file: `file:line code message`,
        errors included.
        """
        said = self.ask(
            "compileParams" if path.suffix == ".bicepparam" else "compile", **self.arguments(path)
        )
        return [finding(one) for one in said["diagnostics"]]

    def template(self, path: Path) -> dict[str, Any]:
        """What a .bicep file compiles to; compiled once."""
        if path not in self.compiled:
            self.compiled[path] = json.loads(self.ask("compile", path=str(path))["contents"])
        return self.compiled[path]

    def snapshot(self, path: Path) -> dict[str, Any]:
        """The evaluated deployment of a .bicepparam file: `predictedResources`, `outputs`.

        Refused says why there is none.
        """
        answer = self.ask("getSnapshot", path=str(path), metadata=IDS, externalInputs=None)
        taken: dict[str, Any] = json.loads(answer["snapshot"])
        return taken

    def arguments(self, path: Path) -> dict[str, Any]:
        overrides: dict[str, Any] = (
            {"parameterOverrides": {}} if path.suffix == ".bicepparam" else {}
        )
        return {"path": str(path), **overrides}

    def ask(self, method: str, **arguments: Any) -> dict[str, Any]:
        """One question and its answer (JSON-RPC 2.0 with the headers of the Language Server
        Protocol).
        """
        assert self.process.stdin and self.process.stdout
        self.asked += 1
        body = json.dumps(
            {"jsonrpc": "2.0", "id": self.asked, "method": f"bicep/{method}", "params": arguments}
        ).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()
        headers = dict(line.split(b": ") for line in iter(lambda: self.line(), b""))
        answer = json.loads(self.process.stdout.read(int(headers[b"Content-Length"])))
        if "error" in answer:
            raise Refused(answer["error"]["message"])
        result: dict[str, Any] = answer["result"]
        return result

    def line(self) -> bytes:
        assert self.process.stdout
        read = self.process.stdout.readline()
        if not read:
            raise Refused("The compiler ended.")
        return read.strip()


def finding(diagnostic: dict[str, Any]) -> str:
    where = f"{Path(diagnostic['source']).name}:{diagnostic['range']['start']['line'] + 1}"
    return f"{where} {diagnostic['code']} {diagnostic['message']}"
