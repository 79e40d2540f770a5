"""What a change tells of opt-outs is one of five types, read from rows as every version has written
them.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.opt_out.rows import (
    Columns,
    Flags,
    OptOutRow,
    ProfileMade,
    Refetched,
    Unreadable,
    flags_in,
    read_row,
)
from shared.opt_out.systems import ALIAS, Contact, Profile

ID = "00000000-0000-4000-8000-000000000001"
AT = "2026-05-04 10:00:00.000Z"
VALUES = {"blackListEmail": True, "blackListPhone": False}
TIMES = {
    "blackListEmail": AT,
    "blackListPhone": "",
}
CAMPAIGN: dict[str, Any] = {"values": VALUES, "times": TIMES, "changed": AT}
DYNAMICS: dict[str, Any] = {
    "record_id": ID, "etag": 'W/"7"', "modified_at": "2026-05-04T10:00:00Z", "master": "",
    "values": VALUES, "held": ["blackListEmail"], "empty": [],
}  # fmt: skip
CONTACT = Contact(ID, 'W/"7"', "2026-05-04T10:00:00Z", "", VALUES, frozenset({"blackListEmail"}))
COLUMNS = {"contactid": ID, "donotbulkemail": True, "modifiedon": "2026-05-04T10:00:00Z"}

WRITTEN: list[tuple[str, dict[str, Any], Flags | ProfileMade | Refetched]] = [
    ("campaign", {"campaign": CAMPAIGN}, Flags(VALUES, TIMES, AT)),
    ("alias", {"campaign": {**CAMPAIGN, "alias": ALIAS}}, Flags(VALUES, TIMES, AT, ALIAS)),
    (
        "profile made",
        {"settled": {"values": VALUES, "times": TIMES}},
        ProfileMade(Profile(VALUES, TIMES)),
    ),
    ("no profile made", {"settled": None}, ProfileMade(None)),
    ("looked at", {"dynamics": DYNAMICS}, Refetched(CONTACT)),
    (
        "looked at after a replay of all",
        {"dynamics": {**DYNAMICS, "life": 2}},
        Refetched(replace(CONTACT, life=2)),
    ),
    ("gone", {"dynamics": None}, Refetched()),
    ("fed", {"dynamics": DYNAMICS, "feed": True}, Refetched(CONTACT, fed=True)),
    (
        "both",
        {"dynamics": DYNAMICS, "campaign": CAMPAIGN},
        Refetched(CONTACT, Flags(VALUES, TIMES, AT)),
    ),
]
"""As version 1 has put them on the queue, which knew no life."""


@pytest.mark.parametrize(
    ("row", "reported"), [case[1:] for case in WRITTEN], ids=[case[0] for case in WRITTEN]
)
def test_a_row_is_read_and_written_in_the_same_shape(
    row: dict[str, Any], reported: Flags | ProfileMade | Refetched
) -> None:
    assert read_row(json.loads(json.dumps(row))) == reported
    assert json.dumps(reported.as_row()) == json.dumps(row)


@pytest.mark.parametrize(
    ("row", "reported"),
    [
        (COLUMNS, Columns(COLUMNS)),
        ({"fault": ["broken_line", "", ""]}, Unreadable(["broken_line", "", ""])),
        (None, Refetched()),
    ],
    ids=["columns", "unreadable", "of nobody"],
)
def test_a_row_that_others_write_is_read(row: dict[str, Any] | None, reported: OptOutRow) -> None:
    assert read_row(row) == reported


def test_a_contact_looked_at_by_a_version_that_knew_no_empty_columns_is_read() -> None:
    row = {"dynamics": {name: value for name, value in DYNAMICS.items() if name != "empty"}}
    assert read_row(row) == Refetched(CONTACT)


def test_an_alias_is_one_only_where_it_opts_out() -> None:
    nothing = dict.fromkeys(VALUES, False)
    reported = [
        Flags(VALUES, TIMES, AT, ALIAS),
        Flags(VALUES, TIMES, AT),
        Flags(nothing, TIMES, AT, ALIAS),
    ]
    assert [flags.is_alias for flags in reported] == [True, False, False]


def test_an_opt_out_without_a_time_of_its_own_stands_since_the_profile_was_changed() -> None:
    assert Flags({"a": True, "b": True, "c": False}, {"a": "1", "b": "", "c": "3"}, "9").since == {
        "a": "1",
        "b": "9",
    }


def test_what_campaign_told_is_found_wherever_a_change_carries_it() -> None:
    flags = Flags(VALUES, TIMES, AT)
    assert [
        flags_in(reported)
        for reported in (flags, Refetched(None, flags), Columns(COLUMNS), ProfileMade(None))
    ] == [
        flags,
        flags,
        None,
        None,
    ]
