"""Ids from outside: which forms are one id, and what is none."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.wire import webhook_reference
from shared.identifiers import is_row_key, log_number, record_id, table_name
from shared.state.filters import literal

ID = "8f0e1d2c-3b4a-4c5d-8e6f-708192a3b4c5"


@pytest.mark.parametrize(
    "text",
    [
        ID,
        ID.upper(),
        f"{{{ID.upper()}}}",
        f"({ID})",
        f"  {{{ID}}}\t",
        ID.replace("-", ""),
        f"{{{ID.replace('-', '').upper()}}}",
        f"\ufeff{ID}\u200b",
        f"\u00a0{ID}\u00a0",
        f"urn:uuid:{ID}",
        f"uuid:{ID}",
    ],
    ids=[
        "plain",
        "upper",
        "braces",
        "parentheses",
        "blanks",
        "bare",
        "bare in braces",
        "bom",
        "no-break",
        "urn",
        "uuid",
    ],
)
def test_a_record_id_has_one_form(text: str) -> None:
    assert record_id(text) == ID


@pytest.mark.parametrize(
    "value",
    [
        "",
        "customer-17",
        f"{{{ID}",
        f"{ID}}}",
        f"({ID}}}",
        ID[:-1],
        ID + "0",
        f"{ID},{ID}",
        "g" + ID[1:],
        None,
        7,
        b"x",
        [ID],
    ],
    ids=str,
)
def test_what_is_no_guid_is_no_record_id(value: object) -> None:
    assert record_id(value) == ""


@given(st.uuids(), st.booleans(), st.sampled_from(["", "{}", "()"]), st.booleans())
def test_every_way_of_writing_a_guid_is_the_same_record(
    known: uuid.UUID, upper: bool, bracket: str, hyphens: bool
) -> None:
    text = str(known) if hyphens else known.hex
    text = text.upper() if upper else text
    assert record_id(bracket[:1] + text + bracket[1:]) == str(known)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", "7"),
        (" 007\t", "7"),
        ("\ufeff7", "7"),
        (7, "7"),
        (7.0, "7"),
        (Decimal("7.0"), "7"),
        (Decimal("7E+2"), "700"),
        (Decimal("9007199254740993.0"), "9007199254740993"),
        ("9" * 19, "9" * 19),
        ("", ""),
        ("   ", ""),
        ("0", ""),
        (0, ""),
        (None, ""),
    ],
)
def test_plain_digits_are_a_log_number(value: Any, expected: str) -> None:
    assert log_number(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "1.23457E+11", "1e5", "1,270,000", "1.270.000", "1 270 000", "1\u00a0270", "1'270", "+7",
        "-7", "7.0", "7,0", "0x1f", "\u0661\u0662", "\uff17", "\u00b2", "#####", "9" * 20,
        "1" * 5000, "0" * 5000, 7.5, 1e22, -7, 2**70, float("nan"), Decimal("7.5"),
        Decimal("1E+22"), Decimal("-7"), Decimal("NaN"), float("inf"), True, [], {}, b"7",
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_anything_else_is_none(value: Any) -> None:
    assert log_number(value) is None


@given(st.integers(1, 10**19 - 1), st.integers(0, 10))
def test_a_number_is_itself_however_it_is_padded(number: int, zeros: int) -> None:
    assert log_number("0" * zeros + str(number)) == log_number(number) == str(number)


def test_a_webhook_may_tell_a_record_in_braces() -> None:
    body = {
        "PrimaryEntityName": "contact",
        "PrimaryEntityId": f"{{{ID.upper()}}}",
        "MessageName": "Update",
    }
    assert webhook_reference(json.dumps(body).encode()).record_id == ID


@pytest.mark.parametrize("name", ["contact", "acs_visit", "a", "new_1", "a" * 128])
def test_a_table_has_a_logical_name(name: str) -> None:
    assert table_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "a/b", "../contact", "%2e%2e", "contact%00", "Contact", "contact ",
        "contact\n", "con'tact", "1contact", "_contact", "cont\u0430ct", "contact\u200b", "a" * 129,
        "a-b", None, 7, b"contact", ["contact"],
    ],
    ids=ascii,
)  # fmt: skip
def test_nothing_else_is_the_name_of_a_table(name: object) -> None:
    assert table_name(name) == ""


@given(st.text(max_size=200))
def test_what_passes_as_a_name_is_plain(text: str) -> None:
    name = table_name(text)
    assert name in ("", text)
    assert name == "" or (
        name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    )


@pytest.mark.parametrize("key", ["", ID, "a' or RowKey gt 'b", "\u00e4", "x" * 500], ids=ascii)
def test_a_row_key_may_hold_what_tables_take(key: str) -> None:
    assert is_row_key(key)


@pytest.mark.parametrize(
    "key", ["a/b", "a\\b", "a#b", "a?b", "a\nb", "\x00", "\x9f", "\ud800", "x" * 501], ids=ascii
)
def test_a_row_key_may_not_hold_what_tables_refuse(key: str) -> None:
    assert not is_row_key(key)


@given(st.text())
def test_a_text_in_a_filter_ends_where_it_ends(text: str) -> None:
    written = literal(text)
    assert written[0] == written[-1] == "'"
    assert "'" not in written[1:-1].replace("''", "")
    assert written[1:-1].replace("''", "'") == text
