"""How long a parent that leaves waits for its children, and how often it asks them to go."""

from dataclasses import replace

import pytest

from shared.entities.asking import is_asked, looks_already, pause_began
from shared.entities.leaving import has_left, may_be_there, waited_before
from shared.records import Change, Kind, Outcome
from shared.state.ledger_rows import LedgerRow
from shared.state.waiting import Waiter
from shared.waits import ChildrenFirst

SINCE = 1_760_000_000.125
CHILDREN = ("waiting", f"children {SINCE}")


def row(*happened: tuple[str, str], exists: bool = True) -> LedgerRow:
    found = LedgerRow("1", exists=exists)
    for number, (outcome, reason) in enumerate(happened):
        found.add_history(SINCE + number, Outcome(outcome), 0, reason, 1)
    return found


@pytest.mark.parametrize(
    ("found", "since"),
    [
        pytest.param(None, None, id="never seen"),
        pytest.param(row(("created", "")), None, id="it did not wait"),
        pytest.param(row(("created", ""), CHILDREN), SINCE, id="it waits"),
        pytest.param(row(CHILDREN, ("waiting", "target")), SINCE, id="its deletion failed then"),
        pytest.param(row(CHILDREN, ("deleted", "")), None, id="it left"),
        pytest.param(row(CHILDREN, ("updated", ""), ("waiting", "target")), None, id="it stayed"),
    ],
)
def test_a_deletion_that_failed_does_not_begin_the_wait_again(
    found: LedgerRow | None, since: float | None
) -> None:
    assert waited_before(found) == ChildrenFirst(since)


@pytest.mark.parametrize(
    ("found", "left"),
    [
        pytest.param(None, False, id="never seen"),
        pytest.param(row(("deleted", ""), exists=False), True, id="deleted"),
        pytest.param(row(("filtered", ""), exists=False), True, id="filtered out"),
        pytest.param(row(("filtered", "")), False, id="filtered out, and still there"),
        pytest.param(row(("deleted", ""), CHILDREN, exists=False), False, id="it waits again"),
    ],
)
def test_who_has_left_waits_for_no_child_to_make_sure_of_it(
    found: LedgerRow | None, left: bool
) -> None:
    """A child that can't go would begin its hour again with each confirmation."""
    assert has_left(found) is left


PARKED = ("waiting", "parent acs_car 1")
UNANSWERED = ("waiting", "target")
DOUBT_SECONDS = 600.0


@pytest.mark.parametrize(
    ("happened", "during", "after"),
    [
        pytest.param((), False, True, id="cut off before anything was noted"),
        pytest.param((UNANSWERED,), True, True, id="a creation without an answer"),
        pytest.param((UNANSWERED, PARKED), True, True, id="then its parent was to leave"),
        pytest.param((UNANSWERED, ("filtered", "")), False, True, id="then it was made to go"),
        pytest.param(
            (UNANSWERED, ("filtered", ""), PARKED), False, True, id="made to go, and parked since"
        ),
        pytest.param((("deleted", ""), UNANSWERED), True, True, id="created again without answer"),
    ],
)
def test_who_may_be_there_is_made_to_go_once_and_again_when_the_doubt_has_ended(
    happened: tuple[tuple[str, str], ...], during: bool, after: bool
) -> None:
    found = row(*happened, exists=False)
    assert not may_be_there(found, SINCE), "it is in no doubt"
    found.doubt_until = SINCE + DOUBT_SECONDS
    assert may_be_there(found, SINCE) is during
    assert may_be_there(found, found.doubt_until) is after
    found.exists = True
    assert not may_be_there(found, SINCE), "it is there"


def looked_at(after: float) -> LedgerRow:
    found = row(CHILDREN)
    found.settled_at = SINCE + after
    return found


@pytest.mark.parametrize(
    ("found", "now", "listed", "asked"),
    [
        pytest.param(None, 0, -60, True, id="the first look"),
        pytest.param(row(("created", "")), 0, -60, True, id="it did not wait before"),
        pytest.param(looked_at(0), 1, -60, False, id="a copy in the first pause"),
        pytest.param(looked_at(0), 1, 0.5, True, id="a child that is new since the last look"),
        pytest.param(looked_at(0), 6, -60, True, id="the second pause"),
        pytest.param(looked_at(41), 79, -60, False, id="a copy in a later pause"),
        pytest.param(looked_at(79), 81, -60, True, id="the first look in the next one"),
        pytest.param(looked_at(650), 950, -60, False, id="a copy in one of the longest"),
        pytest.param(looked_at(950), 961, -60, True, id="the first look in the next longest"),
    ],
)
def test_a_child_is_asked_once_in_each_pause_however_many_copies_look(
    found: LedgerRow | None, now: float, listed: float, asked: bool
) -> None:
    child = Waiter("contacts-00", "1", "flow", "queue", "table", "2", SINCE + listed)
    assert is_asked(SINCE + now, SINCE, found, child) is asked


@pytest.mark.parametrize(
    ("found", "now", "asked_by_parent", "ends"),
    [
        pytest.param(None, 0, True, False, id="the first look"),
        pytest.param(row(("updated", "")), 0, True, False, id="nobody looks yet"),
        pytest.param(looked_at(0), 2, True, True, id="another message has just looked"),
        pytest.param(looked_at(0), 2, False, False, id="its own deletion goes on"),
        pytest.param(looked_at(0), 3, True, False, id="half the pause is over"),
        pytest.param(looked_at(80), 99, True, True, id="a longer pause"),
        pytest.param(looked_at(80), 101, True, False, id="half the longer pause is over"),
        pytest.param(looked_at(1000), 1029, True, True, id="the longest pause"),
        pytest.param(looked_at(1000), 1031, True, False, id="half the longest pause is over"),
    ],
)
def test_of_several_messages_that_its_parent_sent_one_looks_on(
    found: LedgerRow | None, now: float, asked_by_parent: bool, ends: bool
) -> None:
    change = Change("1", Kind.REFERENCE, first_seen=SINCE + 1, parent_leaves=asked_by_parent)
    assert looks_already(5.0, SINCE + now, change, found, SINCE) is ends
    for more in ({"replay": True}, {"uncertain": True}):
        assert not looks_already(5.0, SINCE + now, replace(change, **more), found, SINCE)
    own = replace(change, first_seen=found.first_seen if found else 0.0)
    assert not looks_already(5.0, SINCE + now, own, found, SINCE), "it looked last itself"


def test_in_an_hour_a_child_is_asked_as_often_as_its_pauses_are_many() -> None:
    began = {pause_began(SINCE, SINCE + seconds) for seconds in range(3600)}
    assert len(began) == 18
