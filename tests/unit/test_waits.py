"""Why a record waits is written into its ledger row and read from there again, whichever version
wrote it.
"""

import pytest

from shared.records import Change, Kind, Outcome, waiting
from shared.state.ledger_rows import LedgerRow
from shared.waits import (
    BugMet,
    ChildrenFirst,
    ContactsFirst,
    CutOff,
    FlowFailed,
    NoParent,
    ParentMissing,
    Transient,
    Wait,
    read_wait,
)

ID = "00000000-0000-4000-8000-000000000001"
IN_ROWS: list[tuple[str, Wait]] = [
    ("target", Transient()),
    ("flow_failed", FlowFailed()),
    ("fault", BugMet()),
    (f"parent acs_vehicle {ID}", ParentMissing("acs_vehicle", ID)),
    ("no_parent", NoParent()),
    ("children", ChildrenFirst()),
    ("children 1760000000.125", ChildrenFirst(1760000000.125)),
    ("contacts", ContactsFirst()),
    ("cut_off", CutOff()),
]
"""As rows of version 1 hold them."""


@pytest.mark.parametrize(
    ("text", "wait"), IN_ROWS, ids=[text.replace(" ", "-") for text, _ in IN_ROWS]
)
def test_a_wait_is_read_as_it_was_written(text: str, wait: Wait) -> None:
    assert (read_wait(text), wait.text) == (wait, text)
    assert waiting(Change(ID, Kind.REFERENCE), wait, "Waits.").reason == text


def test_a_row_of_another_outcome_waits_for_nothing() -> None:
    rows = [LedgerRow(ID, outcome=outcome.value, reason="contacts") for outcome in Outcome]
    assert [row.wait for row in rows if row.wait] == [ContactsFirst()]


@pytest.mark.parametrize(
    "text", ["", "parent", "parent_missing", "a newer version has been settled", "contacts of 1"]
)
def test_what_is_no_wait_is_read_as_none(text: str) -> None:
    assert read_wait(text) is None


def test_who_is_called_for_is_not_sent_again_and_only_what_failed_uses_up_attempts() -> None:
    waits = [wait for _, wait in IN_ROWS]
    assert {type(wait) for wait in waits if wait.called_for} == {
        ParentMissing,
        NoParent,
        ContactsFirst,
    }
    assert {type(wait) for wait in waits if wait.counted} == {
        Transient,
        CutOff,
    }
