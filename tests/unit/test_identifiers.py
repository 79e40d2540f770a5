"""Ids from outside: which forms are one id, and what is none."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.wire import webhook_reference
from shared.identifiers import log_number, record_id

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
    ids=["plain", "upper", "braces", "parentheses", "blanks", "bare", "bare in braces", "bom", "no-break", "urn", "uuid"],
)
def test_a_record_id_has_one_form(text: str) -> None:
    assert record_id(text) == ID


@pytest.mark.parametrize(
    "value",
    ["", "customer-17", f"{{{ID}", f"{ID}}}", f"({ID}}}", ID[:-1], ID + "0", f"{ID},{ID}", "g" + ID[1:], None, 7, b"x", [ID]],
    ids=str,
)
def test_what_is_no_guid_is_no_record_id(value: object) -> None:
    assert record_id(value) == ""


@given(st.uuids(), st.booleans(), st.sampled_from(["", "{}", "()"]), st.booleans())
def test_every_way_of_writing_a_guid_is_the_same_record(known: uuid.UUID, upper: bool, bracket: str, hyphens: bool) -> None:
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
        "1.23457E+11", "1e5", "1,270,000", "1.270.000", "1 270 000", "1\u00a0270", "1'270", "+7", "-7", "7.0", "7,0", "0x1f",
        "\u0661\u0662", "\uff17", "\u00b2", "#####", "9" * 20, "1" * 5000, "0" * 5000, 7.5, 1e22, -7, 2**70, float("nan"),
        Decimal("7.5"), Decimal("1E+22"), Decimal("-7"), Decimal("NaN"),
        float("inf"), True, [], {}, b"7",
    ],
    ids=lambda value: str(value)[:12],
)  # fmt: skip
def test_anything_else_is_none(value: Any) -> None:
    assert log_number(value) is None


@given(st.integers(1, 10**19 - 1), st.integers(0, 10))
def test_a_number_is_itself_however_it_is_padded(number: int, zeros: int) -> None:
    assert log_number("0" * zeros + str(number)) == log_number(number) == str(number)


def test_a_webhook_may_tell_a_record_in_braces() -> None:
    body = {"PrimaryEntityName": "contact", "PrimaryEntityId": f"{{{ID.upper()}}}", "MessageName": "Update"}
    assert webhook_reference(json.dumps(body).encode())[1] == ID
