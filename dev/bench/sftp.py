"""Which client reads exports: paramiko or asyncssh, a long file line by line, each in a process of its own."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from dev.bench.sftp_readers import READERS
from dev.commands.processes import ROOT, Child
from dev.emulators.sftp import EXPORTS

DIRECTORY = ROOT / ".local" / "bench" / "sftp"
REPEATS = 3
ROW = "{0}\t{0:036x}\tperson{0}@example.org\t1\t0\t0\t2026/05/04 10:20:30\t2026/05/04 10:20:30\tDM101\tSpring sale\tCMP1\n"


def run(console: Console, small: bool = False) -> dict[str, Any]:
    """Seconds, CPU seconds and peak memory of each reader: the least and the median of the repeats."""
    server = Child("sftp", ["dev.emulators.sftp", "--directory", str(DIRECTORY), "--root", str(DIRECTORY / "root")], DIRECTORY)
    server.start()
    try:
        server.wait()
        write(DIRECTORY / "root" / EXPORTS.strip("/") / "bench.txt", 100_000 if small else 1_000_000)
        found = {name: [read(server.ready_file, name) for _ in range(REPEATS)] for name in READERS}
    finally:
        server.stop()
    what = f"against {server.facts['server']}: s, CPU s, peak MB; least (median)"
    return {f"{name} {what}": ", ".join(figures(runs)) for name, runs in found.items()}


def write(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.writelines(ROW.format(number) for number in range(rows))


def read(facts: Path, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "dev.bench.sftp_readers", str(facts), f"{EXPORTS}/bench.txt", name]
    return dict(json.loads(subprocess.check_output(command, cwd=ROOT)))


def figures(runs: list[dict[str, Any]]) -> list[str]:
    names = ("seconds", "cpu_seconds", "peak_megabytes")
    return [f"{min(run[name] for run in runs)} ({statistics.median(run[name] for run in runs)})" for name in names]
