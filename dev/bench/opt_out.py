"""Opt-out: latency of both directions while contacts are loaded, safe-to-send in random states,
cost, the model played wide.
"""

import re
import subprocess
import sys
from typing import Any

from rich.console import Console

from dev.bench import opt_out_cost, opt_out_load, opt_out_safety
from dev.commands.processes import ROOT
from dev.commands.stack import DIRECTORY

MODEL, SEED, EXAMPLES, STEPS = "tests/contract/opt_out/test_model.py", 20261124, 40, 25
MODEL_SECONDS = 3600


def run(console: Console, small: bool = False, groups: bool = False) -> dict[str, Any]:
    """All figures, each with its target in its name.

    With `groups` only the load, for the others start no host.
    """
    scale = 20 if small else 1
    if groups:
        return opt_out_load.run(scale, groups)
    figures: dict[str, Any] = {}
    for name, part in (
        ("load", opt_out_load.run),
        ("safe-to-send", opt_out_safety.run),
        ("cost", opt_out_cost.run),
        ("model", model),
    ):
        console.print(f"  measuring {name} ...", style="dim")
        figures.update(part(scale))
    return figures


def model(scale: int) -> dict[str, Any]:
    """The model check with many more examples than the tests play; it ends the measurement if it
    finds one that fails.
    """
    examples = max(2, EXAMPLES // scale)
    report = DIRECTORY / "bench" / "model.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        MODEL,
        "-o",
        "junit_family=xunit1",
        f"--junitxml={report}",
        f"--hypothesis-seed={SEED}",
    ]
    command += [f"--model-examples={examples}", f"--model-steps={STEPS}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=MODEL_SECONDS, check=False
    )
    if done.returncode:
        raise AssertionError(f"the model did not pass, seed {SEED}: {done.stdout[-3000:]}")
    states = [
        int(number) for number in re.findall(r'name="states" value="(\d+)"', report.read_text())
    ]
    return {
        f"model, {len(states)} clock settings, {examples} examples of {STEPS} steps, seed "
        f"{SEED}: states": sum(states)
    }
