"""How long a parent that leaves waits for its children."""

import pytest

from shared.entities.leaving import has_left, waited_before
from shared.records import Outcome
from shared.state.ledger_rows import LedgerRow
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
