"""A fixed part of `manage.py bench simulation`, and that a seed decides everything.

Only faults under which every rule holds today are played here; the bench plays all.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dev.simulation.faults import KINDS
from dev.simulation.locks import Lock, Pool
from dev.simulation.scheduler import START_SECONDS, Scheduler
from dev.simulation.shrinking import Shrinking

ROOT = Path(__file__).parents[2]
HOLDS_NOT_YET = ("late", "instance_killed", "worker_killed")
WITHOUT = [part for kind in HOLDS_NOT_YET for part in ("--without", kind)]


def figures(tmp_path: Path, *orders: str) -> dict[str, Any]:
    """Of a process whose sets have one order."""
    file = tmp_path / "figures.json"
    command = [
        sys.executable,
        "-m",
        "dev.simulation",
        "--shrink",
        "1",
        "--json",
        str(file),
        *orders,
    ]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(file.read_text()), "reported": done.stdout + done.stderr}


@pytest.mark.parametrize("flow", ["contacts", "opt-outs"])
def test_every_rule_holds_under_the_faults_that_are_played(flow: str, tmp_path: Path) -> None:
    found = figures(tmp_path, "--flow", flow, "--seed", "1", "--steps", "12000", *WITHOUT)
    assert found["violations"] == 0, found["reported"]
    assert found["steps"] >= 12_000
    assert len(found["faults"]) > len(KINDS) / 2


@pytest.mark.parametrize(
    ("flow", "seed"),
    [
        ("contacts", 107),
        ("contacts", 1001),
        ("contacts", 1004),
        ("opt-outs", 308),
        ("opt-outs", 324),
    ],
)
def test_a_storage_that_was_away_leaves_nothing_behind(
    flow: str, seed: int, tmp_path: Path
) -> None:
    """Seeds that once made poison of messages."""
    others = [kind for kind in KINDS if not kind.startswith("storage")]
    without = [part for kind in others for part in ("--without", kind)]
    found = figures(tmp_path, "--flow", flow, "--seed", str(seed), "--steps", "1", *without)
    assert found["violations"] == 0, found["reported"]


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    first, again = (figures(tmp_path, "--seed", "7", "--steps", "1000") for _ in range(2))
    assert (first["trace"], first["faults"]) == (again["trace"], again["faults"])


def test_a_task_that_waits_for_a_lock_lets_others_go_on() -> None:
    scheduler, reported = Scheduler(), list[str]()
    lock = Lock(scheduler)

    def work(name: str) -> None:
        with lock:
            reported.append(f"{name} begins")
            scheduler.sleep(1.0)
            reported.append(f"{name} ends")

    for name in ("first", "second"):
        scheduler.spawn(name, None, lambda name=name: work(name))
    scheduler.run(START_SECONDS + 10)
    assert reported == ["first begins", "first ends", "second begins", "second ends"]


def test_a_pool_runs_no_more_at_once_than_it_may() -> None:
    scheduler, running, most = Scheduler(), set[int](), list[int]()
    pool = Pool(scheduler, 2)

    def work(number: int) -> int:
        running.add(number)
        most.append(len(running))
        scheduler.sleep(1.0)
        running.remove(number)
        return number * 2

    found: list[int] = []
    scheduler.spawn("caller", None, lambda: found.extend(pool.map(work, range(5))))
    scheduler.run(START_SECONDS + 10)
    assert found == [0, 2, 4, 6, 8]
    assert max(most) == 2


@pytest.mark.parametrize("needed", [{"f3"}, {"f1", "f17"}, {"f0", "f9", "f19"}])
def test_the_shortest_schedule_holds_what_is_needed_alone(needed: set[str]) -> None:
    schedule = [f"f{number}" for number in range(20)]
    assert set(Shrinking(lambda kept: needed <= set(kept)).shortest(schedule)) == needed
