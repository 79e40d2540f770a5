"""What holds for any row: it is mapped or refused, nothing is cut or guessed, and no refusal tells
a value.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.mapping import Mapped, compile_mapping, default_document, read_document
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

MAPPING = compile_mapping(read_document(default_document("contact")), CONTACT, PROFILE)
NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Cn"), blacklist_characters="\ufffe\uffff"),
    max_size=30,
)
WORLDLY = st.sampled_from(
    ["田中", "محمد", "Zoë 🎉", 'O\'Brien "Bob"', "𠜎𠜱", "\\n", "<b>&amp;", "Null", "null", "'; --"]
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.lists(st.integers(), max_size=2),
)
ROWS = st.fixed_dictionaries({name: ANYTHING for name in MAPPING.columns if name != "contactid"})


@given(st.one_of(NAMES, WORLDLY), st.one_of(st.none(), NAMES))
def test_names_arrive_as_they_are(first: str, last: str | None) -> None:
    result = MAPPING.map(row(firstname=first, lastname=last))
    assert isinstance(result, Mapped)
    assert (result.record["firstName"], result.record["lastName"]) == (first, last or "")


@given(ROWS)
def test_any_row_is_mapped_or_refused(values: dict[str, Any]) -> None:
    try:
        result = MAPPING.map(row(**values))
    except Rejected as refused:
        assert refused.refusals
        return
    assert isinstance(result, Mapped)
    assert set(result.update) <= set(result.record)


@given(ROWS)
def test_equal_rows_give_equal_records(values: dict[str, Any]) -> None:
    def once() -> object:
        try:
            return MAPPING.map(row(**values))
        except Rejected as refused:
            return str(refused)

    assert once() == once()


@given(st.text(max_size=200))
def test_a_text_is_kept_whole_or_refused(text: str) -> None:
    try:
        result = MAPPING.map(row(address1_city=text))
    except Rejected as refused:
        assert refused.reason in ("too_long", "unsafe_characters")
        return
    assert isinstance(result, Mapped)
    assert result.record["location"]["city"] == text


@given(st.sampled_from(MAPPING.columns), st.text("qzx#@ ", min_size=12, max_size=60))
def test_no_refusal_tells_a_value(column: str, value: str) -> None:
    try:
        MAPPING.map(row(**{column: value}))
    except Rejected as refused:
        assert value not in str(refused)


def test_a_row_that_lacks_a_column_is_a_bug_and_not_an_empty_field() -> None:
    values = row()
    del values["lastname"]
    with pytest.raises(KeyError):
        MAPPING.map(values)
