"""The opt-out document: what it says, and every problem reported at once with its place."""

import pytest

from shared.mapping import InvalidDocument, SourceColumn, SourceTable, TargetField, TargetResource
from shared.opt_out.documents import Pair, default_opt_out_document, problems, read_opt_out_document

GOOD = "pairs:\n  - {column: donotfax, flag: blackListFax}\n"


def test_the_packaged_document_is_sound() -> None:
    document = read_opt_out_document(default_opt_out_document())
    assert {pair.flag for pair in document.pairs} >= {"blackList", "blackListEmail"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pairs: []", "pairs"),
        ("pairs:\n  - {column: donotfax, flag: faxDenied}", "must be one of Campaign's flags"),
        (GOOD + "  - {column: donotfax, flag: blackListEmail}", "donotfax stands in two pairs"),
        (GOOD + "  - {column: donotemail, flag: denyListFax}", "blackListFax stands in two pairs"),
        (GOOD + "opt_in_from_dynamics: maybe", "opt_in_from_dynamics"),
        (GOOD + "promise_minutes: 0", "promise_minutes"),
        (GOOD + "files: {encoding: utf-9}", "no encoding of text that is known"),
        (GOOD + "files: {time_zone: CEST}", "files.time_zone: is no time zone"),
        (GOOD + "files: {values: {Oui: yes, OUI: no}}", "says both yes and no"),
        (GOOD + "files: {values: {Oui: oui}}", "files.values.Oui"),
        (GOOD + "files: {settled_seconds: -1}", "files.settled_seconds"),
        (GOOD + "files: {stable_second: 1}", "Did you mean stable_seconds?"),
        (
            GOOD + "files: {stable_seconds: 1, settled_seconds: 2}",
            "files.settled_seconds is no key that is known here",
        ),
        (GOOD + "polarity: true", "polarity is no key that is known here"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        read_opt_out_document(text)
    assert message in " ".join(refused.value.problems)


@pytest.mark.parametrize("key", ["stable_seconds", "settled_seconds"])
def test_the_seconds_of_a_stable_file_are_read_under_their_old_name_too(key: str) -> None:
    assert read_opt_out_document(GOOD + f"files: {{{key}: 7}}").files.stable_seconds == 7


@pytest.mark.parametrize(
    ("pair", "row", "no"),
    [
        (Pair(column="c", flag="blackList"), {"c": True}, True),
        (Pair(column="c", flag="blackList"), {"c": None}, False),
        (Pair(column="c", flag="blackList", inverted=True), {"c": True}, False),
        (Pair(column="c", flag="blackList", inverted=True), {"c": False}, True),
        (Pair(column="c", flag="blackList", inverted=True), {"c": None}, False),
        (Pair(column="c", flag="denyList", also=["d"]), {"c": False, "d": True}, True),
    ],
)
def test_what_a_row_says(pair: Pair, row: dict[str, object], no: bool) -> None:
    assert pair.opted_out(row) is no
    assert pair.column_value(True) is not pair.inverted


def test_both_systems_must_bear_the_pairs() -> None:
    document = read_opt_out_document(
        GOOD + "  - {column: gone, flag: denyList}\n  - {column: name, flag: ccpaOptOut}"
    )
    columns = {
        name: SourceColumn(name, kind)
        for name, kind in (("donotfax", "Boolean"), ("name", "String"))
    }
    contact = SourceTable("contact", "contacts", "contactid", columns)
    profile = TargetResource(
        "profile", {"blackListFax": TargetField("blackListFax", "boolean", read_only=True)}
    )
    assert problems(document, contact, profile) == [
        "Line 2, pairs[1] (blackListFax): flag blackListFax is read-only: take the pair out.",
        (
            "Line 3, pairs[2] (denyList): table contact has no column gone: correct its name, or"
            " take the pair out."
        ),
        (
            "Line 3, pairs[2] (denyList): the profile has no flag blackList: "
            "take the pair out, or ask Adobe for the release that has it."
        ),
        (
            "Line 4, pairs[3] (ccpaOptOut): column name is of type String, and a pair needs a"
            " Yes/No column: name another column."
        ),
        (
            "Line 4, pairs[3] (ccpaOptOut): the profile has no flag ccpaOptOut: "
            "take the pair out, or ask Adobe for the release that has it."
        ),
    ]
