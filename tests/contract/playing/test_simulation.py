"""A fixed part of `manage.py bench simulation`, seeds that once broke a rule, and that a seed
decides everything.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from dev.simulation.faults import KINDS
from dev.simulation.locks import Lock, Pool
from dev.simulation.runs import play
from dev.simulation.scenarios import SCENARIOS
from dev.simulation.scheduler import START_SECONDS, Scheduler
from dev.simulation.shrinking import Shrinking
from dev.simulation.systems import DEFINITIONS
from shared.pipeline import doubt
from shared.records import Change

ROOT = Path(__file__).parents[3]


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
    found = figures(tmp_path, "--flow", flow, "--seed", "1", "--steps", "3000")
    assert found["violations"] == 0, found["reported"]
    assert found["steps"] >= 3000
    assert len(found["faults"]) > len(KINDS) / 4


NEWER = ("lethal", "campaign_denies")
WITHOUT = [part for kind in NEWER for part in ("--without", kind)]
"""Kinds that were not played yet when these seeds were found."""

ONCE_BROKEN = {
    "contacts": {
        16: "rows of a flow that does not run",
        17: "messages that multiply while they wait",
        101: "poison after a busy storage",
        104: "messages that multiply while their partition is claimed",
        109: "a restore: rows with lower versions",
        1001: "an outage of the storage",
        60035: "a creation that was answered with a redirect and done for all that",
    },
    "custom-entities": {
        303: "deletions that wait for children on the queue",
        319: "a parent that leaves while another instance creates its child",
        325: "a hidden child is a duplicate for ever",
        3032: "messages that multiply while a circuit is open",
        5017: "a room that others emptied while something was parked",
        7012: "a child that waits for whoever was cut off while it left",
        7072: "a deletion below a profile that Campaign does not show",
        9272: "children that multiply while their parents leave",
        9187: "a row read before a restore, written after it",
        9192: "a creation carried out below a profile that a person has deleted",
        21002: "a command that is answered late",
        12227: "a child that can't leave its parent, for its next one is not there",
        60042: "a child in doubt that was made to go, and is asked once more at its end",
        80372: "a child that is created late, below a parent that was to leave",
        70262: "a parent deleted by a process that knows no table of its children yet",
        30800: "a webhook that waits for a silent storage account's first answer",
        40032: "a child whose creation had no answer, when its parent leaves",
        30192: "a child that is to leave a profile that a person has deleted",
    },
    "email-events": {
        8: "a contact deleted before its event is written",
        15: "a creation carried out after the deletion",
        3068: "events that multiply while a circuit is open",
        7013: "an event that another instance writes after the look for it",
        30448: "a contact that is made again between a refusal and the look for it",
    },
    "opt-outs": {
        5011: "a change token that expires again soon after a full read",
        20543: "an opt-out that Campaign alone knew when its contact left the filter",
        12286: "an edit after a restore, in a version that was given out before",
        12321: "a restore that undid the change which brings a deleted profile back",
    },
    "pairs": {
        129: "a pair that is taken out while its contact is looked at",
    },
    "whole": {
        104: "opt-outs that multiply while their partition is claimed",
        3079: "an opt-out of a contact that was made again under its id",
        12294: "an edit after a restore, of another flag, in a version given out again",
        12074: "an opt-out said once more before the opt-in of Campaign was read",
        30464: "an unsubscription by a message of before the profile was deleted",
        80149: "a parent that leaves and children in doubt, which woke each other",
        5064: "a message ahead of the poll that takes the first document into force",
        41314: "an unsubscription of who is opted out already",
    },
}


@pytest.mark.parametrize("flow", ONCE_BROKEN)
def test_a_seed_that_once_broke_a_rule_breaks_none(flow: str, tmp_path: Path) -> None:
    seeds = [part for seed in ONCE_BROKEN[flow] for part in ("--again", str(seed))]
    found = figures(tmp_path, "--flow", flow, *WITHOUT, *seeds)
    assert found["seeds"] == len(ONCE_BROKEN[flow])
    assert found["violations"] == 0, found["reported"]


def test_a_seed_that_broke_a_rule_by_any_kind_breaks_none(tmp_path: Path) -> None:
    """References that were parked again while they were handed off, and removed then."""
    found = figures(tmp_path, "--flow", "contacts", "--again", "90277", "--again", "90469")
    assert (found["seeds"], found["violations"]) == (2, 0), found["reported"]


def test_a_seed_decides_everything(tmp_path: Path) -> None:
    first, again = (figures(tmp_path, "--seed", "7", "--steps", "1000") for _ in range(2))
    assert (first["trace"], first["faults"]) == (again["trace"], again["faults"])


@pytest.mark.parametrize("flow", SCENARIOS)
def test_without_faults_nothing_is_in_doubt(flow: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each doubt costs a write more, and nothing is safe to send until it ends."""
    doubted: list[str] = []

    def noted(flow: Any, bridge: Any, references: Collection[Change], until: float) -> None:
        doubted.extend(one.record_id for one in references)

    monkeypatch.setattr(doubt, "confirm_later", noted)
    for seed in range(1, 4):
        assert play(seed, kinds=(), scenario=SCENARIOS[flow]).violations == []
        assert not doubted, f"{flow}, seed {seed}"


def test_what_was_played_before_changes_nothing() -> None:
    """Definitions are kept from world to world; who asks first draws no more than who asks last."""
    DEFINITIONS.clear()
    first, again = (play(7, scenario=SCENARIOS["contacts"]) for _ in range(2))
    assert (first.trace, first.steps) == (again.trace, again.steps)


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


def test_what_has_not_begun_can_be_cancelled_and_is_never_done() -> None:
    scheduler, done, cancelled = Scheduler(), list[str](), list[bool]()
    pool = Pool(scheduler, 1)

    def caller() -> None:
        first, second = pool.submit(work, "first"), pool.submit(work, "second")
        scheduler.sleep(0.5)
        cancelled.extend((first.cancel(), second.cancel()))

    def work(name: str) -> None:
        scheduler.sleep(1.0)
        done.append(name)

    scheduler.spawn("caller", None, caller)
    scheduler.run(START_SECONDS + 10)
    assert (cancelled, done) == ([False, True], ["first"])


@pytest.mark.parametrize("needed", [{"f3"}, {"f1", "f17"}, {"f0", "f9", "f19"}])
def test_the_shortest_schedule_holds_what_is_needed_alone(needed: set[str]) -> None:
    schedule = [f"f{number}" for number in range(20)]
    assert set(Shrinking(lambda kept: needed <= set(kept)).shortest(schedule)) == needed
