"""A fixed part of `manage.py bench simulation`, seeds that once broke a rule, and that a seed
decides everything.
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
from dev.simulation.scenarios import SCENARIOS
from dev.simulation.scheduler import START_SECONDS, Scheduler
from dev.simulation.shrinking import Shrinking

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("flow", SCENARIOS)
def test_every_rule_holds_under_all_faults(flow: str, tmp_path: Path) -> None:
    found = figures(tmp_path, "--flow", flow, "--seed", "1", "--steps", "5000")
    assert found["violations"] == 0, found["reported"]
    assert found["steps"] >= 5000
    assert len(found["faults"]) > len(KINDS) / 3


@pytest.mark.parametrize(
    ("flow", "seed"),
    [
        pytest.param("contacts", 16, id="rows of a flow that does not run"),
        pytest.param("contacts", 17, id="messages that multiply while they wait"),
        pytest.param("contacts", 101, id="poison after a busy storage"),
        pytest.param("contacts", 109, id="a restore: rows with lower versions"),
        pytest.param("contacts", 1001, id="an outage of the storage"),
        pytest.param("custom-entities", 303, id="deletions that wait for children on the queue"),
        pytest.param("custom-entities", 319, id="a lookup that the parent's deletion emptied"),
        pytest.param("custom-entities", 325, id="a hidden child is a duplicate for ever"),
        pytest.param("email-events", 8, id="a contact deleted before its event is written"),
        pytest.param("email-events", 15, id="a creation carried out after the deletion"),
    ],
)
def test_a_seed_that_once_broke_a_rule_breaks_none(flow: str, seed: int, tmp_path: Path) -> None:
    found = figures(tmp_path, "--flow", flow, "--seed", str(seed), "--steps", "1")
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
