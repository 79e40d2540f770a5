"""A field is the same where Campaign's form of the value says the same."""

from decimal import Decimal
from typing import Any

import pytest

from shared.entities.both_sides import (
    CAMPAIGNS_OWN,
    DIFFERS,
    LEFT_OUT,
    SAME,
    UNKNOWN,
    field_pairs,
    is_same,
)
from shared.mapping import Altered, Mapped


@pytest.mark.parametrize(
    ("value", "held", "same"),
    [
        ("Ana", "Ana", True),
        ("Ana", "ana", False),
        ("", None, True),
        (None, None, True),
        ("x", None, False),
        (0, None, False),
        (Decimal("1.50"), 1.5, True),
        (Decimal("1.5"), 1.6, False),
        (1, 1.0, True),
        (True, True, True),
        (True, 1, False),
        (False, None, False),
        ("2026-01-02 03:04:05.000Z", "2026-01-02 03:04:05Z", True),
        ("2026-01-02 03:04:05Z", "2026-01-02T03:04:05.000Z", True),
        ("2026-01-02 03:04:05Z", "2026-01-02 03:04:06Z", False),
        ("2026-13-02 03:04:05Z", "2026-13-02T03:04:05Z", False),
        ("2026-01-02", "2026-01-02", True),
    ],
)
def test_a_value_in_both_systems(value: Any, held: Any, same: bool) -> None:
    assert is_same(value, held) is same


def test_each_field_says_how_it_stands() -> None:
    record = {"email": "a@b", "name": "A", "lang": "en", "owner": "1", "location": {"city": "L"}}
    update = {"email": "a@b", "name": "A", "owner": "1", "location": {"city": "L"}}
    mapped = Mapped("k", record, update, altered=(Altered("fax", "omitted", "too_long"),))
    stored = {"email": "a@b", "name": "B", "lang": "fr", "owner": {"href": "x"}, "location": {}}
    assert {pair.name: pair.state for pair in field_pairs(mapped, stored)} == {
        "email": SAME,
        "name": DIFFERS,
        "lang": CAMPAIGNS_OWN,
        "owner": UNKNOWN,
        "location.city": DIFFERS,
        "fax": LEFT_OUT,
    }


def test_a_pair_shows_no_value_of_its_own_accord() -> None:
    (pair,) = field_pairs(Mapped("k", {"email": "ana@example.org"}, {}), {"email": "b@example.org"})
    assert "example.org" not in repr(pair)
