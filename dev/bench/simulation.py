"""The simulation of the whole bridge (dev/simulation), in a process whose sets have one order."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from dev.commands.processes import ROOT

STEPS, SMALL_STEPS = 1_000_000, 20_000


def run(
    console: Console,
    small: bool,
    *,
    steps: int | None = None,
    seed: int = 1,
    replay: bool = False,
    only: str = "",
    without: list[str] | None = None,
    flow: str = "all",
) -> dict[str, Any]:
    """The figures; {} for a replay, which prints its steps.

    Failing seeds are printed with their shortest schedule.
    """
    orders = [
        "--flow",
        flow,
        "--seed",
        str(seed),
        "--steps",
        str(steps or (SMALL_STEPS if small else STEPS)),
    ]
    orders += ["--replay"] if replay else []
    orders += ["--only", str(Path(only).absolute())] if only else []
    orders += [part for kind in without or () for part in ("--without", kind)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "dev.simulation", *orders, "--json", str(file)]
        subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": "0"}, check=False)
        figures: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return figures
