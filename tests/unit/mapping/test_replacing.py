"""Replacements: keys by the column's type and options, values by the field's; what can never match
or be written is a problem.
"""

from decimal import Decimal

import pytest

from shared.errors import Rejected
from shared.mapping import (
    InvalidDocument,
    Mapped,
    SourceColumn,
    SourceTable,
    check,
    compile_mapping,
    misfits,
    read_document,
)
from shared.mapping.rule_checks import MOST_NAMES, listed
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

HEAD = (
    "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\nfields:\n  - "
)
EXTRA = [
    SourceColumn("acs_answer", "Picklist", options={1: "Yes", 2: "No", 3: "Twice", 4: "Twice"}),
    SourceColumn("acs_consent", "Boolean", options={0: "Nein", 1: "Ja"}),
    SourceColumn("acs_image", "Image"),
]
TABLE = SourceTable(
    "contact",
    "contacts",
    "contactid",
    {**CONTACT.columns, **{column.name: column for column in EXTRA}},
)
ID = "6d81597f-0f9f-e711-8122-000d3aa2331c"


def problems(rule: str) -> list[str]:
    try:
        return check(read_document(f"{HEAD}{{{rule}}}"), TABLE, PROFILE)
    except InvalidDocument as error:
        return error.problems


def becomes(rule: str, target: str = "cusText", **values: object) -> object:
    mapping = compile_mapping(read_document(f"{HEAD}{{{rule}}}"), TABLE, PROFILE)
    found = mapping.map({**row(), **dict.fromkeys(mapping.columns), "contactid": ID, **values})
    assert isinstance(found, Mapped)
    return found.record[target]


@pytest.mark.parametrize(
    ("source", "replace", "value", "expected"),
    [
        ("acs_answer", "{Yes: a, No: b}", 1, "a"),
        ("acs_answer", "{Yes: a, No: b}", 2, "b"),
        ("acs_answer", "{'yes': a}", 1, "a"),
        ("acs_answer", "{1: a}", 1, "a"),
        ("acs_answer", "{'1': a}", 1, "a"),
        ("acs_answer", "{Yes: a}", None, ""),
        ("acs_consent", "{Ja: a, Nein: b}", True, "a"),
        ("acs_consent", "{Ja: a, Nein: b}", False, "b"),
        ("acs_consent", "{true: a, false: b}", False, "b"),
        ("acs_consent", "{1: a, 0: b}", True, "a"),
        ("exchangerate", "{1: one}", Decimal("1.00"), "one"),
        ("exchangerate", "{'1.00': one}", 1, "one"),
        ("exchangerate", "{1.50: one}", 1.5, "one"),
        ("numberofchildren", "{'2': two}", 2, "two"),
        ("new_colours", "{'1,9': a}", "9,1", "a"),
        ("new_colours", "{'Red; Blue': a}", "1,9", "a"),
        ("new_colours", "{Red: a}", "1", "a"),
        ("birthdate", "{2019-01-05: a}", "2019-01-05", "a"),
        ("modifiedon", "{'2019-01-05T02:00:00+02:00': a}", "2019-01-05T00:00:00Z", "a"),
        ("_parentcustomerid_value", f"{{'{{{ID.upper()}}}': a}}", ID, "a"),
        ("lastname", "{N/A: a}", "N/A", "a"),
        ("lastname", "{N/A: a}", "n/a", "n/a"),
        ("lastname", "{10115: a}", "10115", "a"),
    ],
)
def test_a_key_finds_its_value(source: str, replace: str, value: object, expected: str) -> None:
    rule = f"source: {source}, target: cusText, replace: {replace}"
    assert problems(rule) == []
    assert becomes(rule, **{source: value}) == expected


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (
            "source: gendercode, target: cusText, replace: {Mael: male}",
            "'Mael', which is no choice of the column",
        ),
        ("source: gendercode, target: cusText, replace: {3: x}", "3, which is no choice"),
        ("source: gendercode, target: cusText, replace: {true: x}", "quote a label"),
        (
            "source: acs_answer, target: cusText, replace: {twice: x}",
            "the label of several choices: write the number, 3, 4",
        ),
        (
            "source: numberofchildren, target: cusText, replace: {'1.5': x}",
            "a number that the column cannot hold",
        ),
        (
            "source: numberofchildren, target: cusText, replace: {2147483648: x}",
            "a number that the column cannot hold",
        ),
        (
            "source: new_big, target: cusText, replace: {9223372036854775808: x}",
            "a number that the column cannot hold",
        ),
        (
            "source: modifiedon, target: cusText, replace: {2019-01-05: x}",
            "a day, and the column holds times",
        ),
        (
            "source: acs_consent, target: cusText, replace: {Maybe: x}",
            "'Maybe', which is no value of the yes/no column",
        ),
        ("source: acs_consent, target: cusText, replace: {2: x}", "no value of the yes/no column"),
        ("source: exchangerate, target: cusText, replace: {one: x}", "no number"),
        ("source: numberofchildren, target: cusText, replace: {9999999999: x}", "cannot hold"),
        ("source: birthdate, target: cusText, replace: {yesterday: x}", "no day"),
        ("source: new_colours, target: cusText, replace: {'1,7': x}", "'7', which is no choice"),
        ("source: contactid, target: cusText, replace: {Ana: x}", "no id"),
        ("source: lastname, target: cusText, replace: {yes: x}", "quote the text"),
        ("source: lastname, target: cusText, replace: {'': x}", "use otherwise"),
        ("source: lastname, target: cusText, replace: {1.10: x}", "quote it"),
        (
            "source: address1_postalcode, target: cusText, replace: {123456789012345678901: x}",
            "longer than the 20 characters",
        ),
        (
            "source: exchangerate, target: cusText, replace: {1: a, '1.0': b}",
            "the keys 1 and 1.0 of replace are the same value",
        ),
        (
            "source: acs_consent, target: cusText, replace: {Ja: a, true: b}",
            "the keys Ja and true of replace are the same",
        ),
        (
            "source: lastname, target: cusText, replace: {Norway: NO}",
            "the key Norway of replace: an unquoted yes, no",
        ),
        ("source: lastname, target: cusText, otherwise: no", "otherwise: an unquoted yes, no"),
        (
            "source: lastname, target: cusText, replace: {a: 1.10}",
            "the key a of replace: a number with a point",
        ),
        (
            "source: lastname, target: cusShort, replace: {a: abcdef}",
            "the key a of replace: a replacement for cusShort",
        ),
        (
            "source: lastname, target: cusShort, otherwise: abcdef",
            "otherwise: a replacement for cusShort",
        ),
        (
            "source: lastname, target: gender, replace: {a: mail}",
            "mail is none of the names of gender: use one of ",
        ),
        ("source: lastname, target: cusDay, replace: {a: 2019-02-30}", "a replacement for cusDay"),
        ("source: lastname, target: cusNumber, replace: {a: 1.5}", "a replacement for cusNumber"),
        ("source: lastname, target: cusFlag, otherwise: perhaps", "a replacement for cusFlag"),
        ("source: acs_image, target: cusText", "(Image) has no text"),
        ("template: '{firstname} {acs_image}', target: cusText", "(Image) has no text"),
        ("template: '{firstname} {gendercodename}', target: cusText", "virtual and cannot be read"),
        ("template: '{firstname', target: cusText", "a brace without its counterpart"),
        ("template: '{firstname:>9}', target: cusText", "plain names in braces"),
        ("template: '{firstname.x}', target: cusText", "plain names in braces"),
        (
            "template: 'No. {numberofchildren}', target: cusNumber",
            "never becomes a value of cusNumber",
        ),
        ("template: 'on {birthdate}', target: cusDay", "never becomes a value of cusDay"),
        (
            "template: 'abcdef{firstname}', target: cusShort",
            "longer than the 5 characters of cusShort",
        ),
        ("template: abcdef, target: cusShort", "the template gives cusShort a text longer"),
        ("template: maybe, target: cusFlag", "the template gives cusFlag"),
    ],
)
def test_what_can_never_match_or_be_written_is_a_problem(rule: str, part: str) -> None:
    (problem,) = problems(rule)
    assert part in problem
    assert problem.startswith("Line 5, fields[1] (")


def test_each_wrong_key_and_value_is_told() -> None:
    assert (
        len(
            problems(
                "source: gendercode, target: gender, replace: {Mael: male, Femael: female, 1:"
                " mail}, otherwise: x"
            )
        )
        == 4
    )


@pytest.mark.parametrize(
    "rule", ["template: Dynamics, target: cusText", "template: 'x{{y}}', target: cusText"]
)
def test_a_template_without_columns_is_a_constant(rule: str) -> None:
    assert problems(rule) == []


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("source: gendercode, target: cusText, replace: {Mael: m, 1: n}", {"gendercode": 1}, "n"),
        (
            "template: '{donotfax}', target: cusText, replace: {false: may}",
            {"donotfax": False},
            "may",
        ),
        (
            "source: lastname, target: cusText, replace: {true: x, 1.5: y}",
            {"lastname": "true"},
            "x",
        ),
        ("source: lastname, target: cusText, otherwise: no", {"lastname": "a"}, "false"),
    ],
)
def test_what_is_pointless_keeps_its_meaning_in_a_version_that_is_active(
    rule: str, values: dict[str, object], expected: str
) -> None:
    document = read_document(f"{HEAD}{{{rule}, apply_updates: true}}")
    value_document = document.model_copy(update={"choices": "value"})
    assert misfits(value_document, TABLE, PROFILE) == []
    assert check(value_document, TABLE, PROFILE)
    found = compile_mapping(value_document, TABLE, PROFILE).map(
        {**row(), "contactid": ID, **values}
    )
    assert isinstance(found, Mapped)
    assert found.record["cusText"] == expected


def test_a_condition_that_cannot_match_stops_a_version_that_is_active() -> None:
    document = read_document(
        f"{HEAD}{{source: lastname, target: lastName}}\nfilters: {{field: new_colours, is:"
        " contains, value: x}"
    )
    assert misfits(document, TABLE, PROFILE)


@pytest.mark.parametrize(
    "key",
    [
        *(
            "..",
            ".",
            " ",
            "a/",
            "/a",
            "a/../b",
            "%2e%2e",
            "%252e",
            "a\\..",
            "a\tb",
            "x" * 256,
            "%00",
            "\ud800",
        ),
        *("..;", "..;x=1", "a/..;/b", "%2e%2e%3b", "\uff0e\uff0e", "\u2024\u2024", "a\uff0f.."),
    ],
)
def test_a_key_that_a_url_would_shorten_is_refused(key: str) -> None:
    mapping = compile_mapping(
        read_document(f"{HEAD}{{source: lastname, target: lastName}}"), TABLE, PROFILE
    )
    with pytest.raises(Rejected) as refused:
        mapping.map({**row(), "contactid": key})
    assert refused.value.reason in ("bad_key", "unsafe_characters", "too_long")


@pytest.mark.parametrize(
    "key",
    ["a;b", "..a", "a..b", "...", "a/b", "a?b=1", "a#b", "\uff21\uff22", "~", "Z\u00fcrich 7"],
)
def test_a_key_that_no_url_shortens_is_one(key: str) -> None:
    mapping = compile_mapping(
        read_document(f"{HEAD}{{source: lastname, target: lastName}}"), TABLE, PROFILE
    )
    found = mapping.map({**row(), "contactid": key})
    assert isinstance(found, Mapped)
    assert found.key == key


def test_the_first_names_of_a_long_enumeration_are_listed() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(f"n{number}" for number in range(MOST_NAMES + 3)).endswith("n11 and 3 more")
