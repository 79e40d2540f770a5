"""Which values an update empties: told from hashes of names, never from values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.deciding import decide_row
from shared.entities.filled import cleared, filled_in
from shared.mapping import Mapped
from shared.records import Change, Kind
from shared.state.ledger_rows import LedgerRow

ID = "00000000-0000-0000-0000-000000000001"
NAMES = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=12)
FILLED = {"email": "a@example.org", "location": {"city": "Bonn", "zip": None}, "cusNumber": 0}


@pytest.mark.parametrize(
    ("update", "lost"),
    [
        pytest.param({"email": "b@example.org"}, (), id="another value"),
        pytest.param({"email": None}, ("email",), id="null"),
        pytest.param({"email": ""}, ("email",), id="empty text"),
        pytest.param({"cusNumber": 0}, (), id="zero is a value"),
        pytest.param({"cusNumber": None}, ("cusNumber",), id="a number"),
        pytest.param({"location": {"city": None}}, ("location.city",), id="in a group"),
        pytest.param({"location": {"zip": None}}, (), id="was empty before"),
        pytest.param({"cusNew": None}, (), id="a field that is new in the document"),
        pytest.param({}, (), id="a field that left the document"),
    ],
)
def test_a_value_that_becomes_empty_is_named(update: dict[str, Any], lost: tuple[str, ...]) -> None:
    assert cleared(update, filled_in(FILLED)) == lost


def test_of_a_row_of_the_version_before_nothing_is_known() -> None:
    assert cleared({"email": None}, b"") == ()


@given(st.dictionaries(NAMES, st.none() | st.text(max_size=3), max_size=30))
def test_what_was_filled_and_is_sent_empty_is_always_noticed(record: dict[str, str | None]) -> None:
    lost = {name for name, value in record.items() if value}
    found = cleared(dict.fromkeys(record), filled_in(record))
    assert lost <= set(found)


def test_an_update_that_empties_a_field_of_a_record_in_the_target_says_so() -> None:
    row = LedgerRow(ID, version=1, exists=True, outcome="created", filled=filled_in(FILLED))
    after = {**FILLED, "email": None}
    change = Change(ID, Kind.REFERENCE, 2, {})
    decision = decide_row(change, Mapped(ID, after, after), row, False, b"key")
    assert decision.cleared == ("email",)
    assert decision.filled == filled_in(after)
    assert decide_row(change, Mapped(ID, after, after), None, False, b"key").cleared == ()


def test_a_row_with_forty_fields_costs_eighty_bytes() -> None:
    assert len(filled_in({f"field{number}": "x" for number in range(40)})) <= 80
