"""Documents: read strictly, checked against both systems, every problem reported at once."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.mapping import (
    InvalidDocument,
    MappingDocument,
    SourceColumn,
    check,
    compile_mapping,
    default_document,
    misfits,
    read_document,
)
from shared.mapping.documents import Condition, FieldRule, Key, Link
from shared.opt_out.owned import flag_problems
from tests.unit.mapping.metadata import CONTACT, PROFILE

MOODS = replace(
    CONTACT,
    columns={
        **CONTACT.columns,
        "new_mood": SourceColumn("new_mood", "Picklist", options={1: "High", 2: ""}),
    },
)
HEAD = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        read_document(text)
    return caught.value.problems


def checked(rest: str) -> list[str]:
    return check(read_document(HEAD + rest), CONTACT, PROFILE)


def test_the_default_document_of_contact_has_19_fields_no_opt_out_and_fits() -> None:
    document = read_document(default_document("contact"))
    assert len(document.fields) == 19
    assert not flag_problems(document)
    assert check(document, CONTACT, PROFILE) == []
    assert (document.key.source, document.key.target, document.key.lookup) == (
        "contactid",
        "externalId",
        "uri",
    )


def test_a_table_without_a_packaged_document_is_told_what_to_do() -> None:
    with pytest.raises(InvalidDocument, match=r"put mappings/account\.yaml"):
        default_document("account")


@pytest.mark.parametrize(
    "text", ["table: [", "\t", "a: 1\na: 2", "just text", "- a list", "", "{{}}: 1"]
)
def test_what_is_no_mapping_of_keys_is_refused_with_a_sentence(text: str) -> None:
    (problem,) = problems(text)
    assert problem.endswith(".")


def test_every_fault_is_told_at_once_with_its_place() -> None:
    found = problems(
        "table: contact\nresource: profile\nkey: {source: a, target: b, lookup: filter}\nfields:\n "
        " - {source: a, target: c, colour: red}\n  - {target: d}\n  - {template: '{x!r}', target:"
        " e}\nfilters: {all: [{field: f, is: like, value: 1}, {field: g, is: in, value:"
        " 1}]}\nfiltered_out: maybe\n"
    )
    text = "\n".join(found)
    for part in (
        "key:",
        "fields[1].colour",
        "fields[2]",
        "fields[3]",
        "filters.all[1].is",
        "filters.all[2]",
        "filtered_out",
    ):
        assert part in text


def test_two_sources_for_one_target_are_refused() -> None:
    assert (
        "two sources for one target: firstName"
        in problems(
            HEAD + "fields: [{source: a, target: firstName}, {source: b, target: firstName}]"
        )[0]
    )


def test_the_newer_name_of_a_deny_list_is_understood() -> None:
    document = read_document(HEAD + "fields: [{source: donotfax, target: denyListFax}]")
    assert document.fields[0].target == "blackListFax"


@pytest.mark.parametrize(
    ("rest", "part"),
    [
        ("fields: [{source: fistname, target: firstName}]", "no column fistname"),
        ("fields: [{source: parentcustomerid, target: cusText}]", "write _parentcustomerid_value"),
        ("fields: [{source: gendercodename, target: cusText}]", "virtual"),
        ("fields: [{source: firstname, target: firstname}]", "did you mean firstName?"),
        ("fields: [{source: firstname, target: cusNothing}]", "publish it"),
        ("fields: [{source: firstname, target: age}]", "read-only"),
        ("fields: [{source: gendercode, target: cusDay}]", "cannot become cusDay"),
        (
            "fields: [{source: gendercode, target: gender, replace: {1: mail}}]",
            "mail is none of the names of gender",
        ),
        ("fields: [{template: '{fistname}', target: cusText}]", "no column fistname"),
        (
            (
                "fields: [{source: firstname, target: firstName}]\nfilters: {field: x, is: eq,"
                " value: 1}"
            ),
            "no column x",
        ),
        (
            (
                "fields: [{source: firstname, target: firstName}]\nfilters: {field: statecode, is:"
                " eq, value: Asleep}"
            ),
            "statecode eq",
        ),
        (
            (
                "fields: [{source: firstname, target: firstName}]\nlinks: [{source: firstname,"
                " target: cusText, parent: account}]"
            ),
            "no lookup",
        ),
        (
            (
                "fields: [{source: firstname, target: firstName}]\n"
                "links: [{source: _parentcustomerid_value, target: cusText, parent: lead}]"
            ),
            "never leads to lead",
        ),
    ],
)
def test_what_does_not_fit_both_systems_is_told(rest: str, part: str) -> None:
    (problem,) = checked(rest)
    assert part in problem


def test_all_misfits_are_told_at_once() -> None:
    found = checked(
        "fields: [{source: fistname, target: firstName}, {source: lastname, target: age}]\nfilters:"
        " {field: x, is: eq, value: 1}"
    )
    assert len(found) == 3


def test_the_key_must_be_the_tables_id() -> None:
    text = (
        HEAD.replace("source: contactid", "source: emailaddress1")
        + "fields: [{source: firstname, target: firstName}]"
    )
    assert "key.source must be contactid" in check(read_document(text), CONTACT, PROFILE)[0]


def test_columns_are_all_that_must_be_read() -> None:
    rest = (
        "fields: [{source: firstname, target: firstName}, {template: '{lastname}', target:"
        " cusText}]\n"
    )
    rest += "filters: {field: statecode, is: eq, value: 0}"
    mapping = compile_mapping(read_document(HEAD + rest), CONTACT, PROFILE)
    assert mapping.columns == ("contactid", "firstname", "lastname", "statecode")


def test_the_documentation_lists_exactly_the_keys_that_there_are() -> None:
    text = (Path(__file__).parents[3] / "docs" / "mapping.md").read_text()
    listed = set(re.findall(r"^\| `([a-z_.]+)` ", text, re.MULTILINE))
    models: dict[str, type[BaseModel]] = {
        "": MappingDocument,
        "key.": Key,
        "fields.": FieldRule,
        "links.": Link,
        "filters.": Condition,
    }
    known = {
        f"{prefix}{field.alias or name}"
        for prefix, model in models.items()
        for name, field in model.model_fields.items()
    }
    missing, too_many = sorted(known - listed), sorted(listed - known)
    assert listed == known, f"docs/mapping.md needs a row for {missing}, and none for {too_many}"


@pytest.mark.parametrize(
    "zone", ["Berlin", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "", "CEST+1"]
)
def test_a_time_zone_is_one_of_the_iana_list(zone: str) -> None:
    (problem,) = problems(
        f"{HEAD}time_zone: '{zone}'\nfields: [{{source: firstname, target: firstName}}]"
    )
    assert (
        problem
        == "Line 4, time_zone: is no time zone: use a name of the IANA list, such as Europe/Berlin."
    )


@pytest.mark.parametrize(
    ("field", "part"),
    [
        ("{source: birthdate, target: birthDate, invalid: cut}", "birthDate is of type date"),
        ("{source: gendercode, target: gender, invalid: cut}", "gender is of type enumeration"),
        (
            "{source: numberofchildren, target: cusNumber, invalid: cut}",
            "cusNumber is of type integer",
        ),
        (
            "{source: annualincome, target: cusShort, invalid: cut}",
            "column annualincome (Money) is no text",
        ),
        (
            "{source: birthdate, target: cusShort, invalid: cut}",
            "column birthdate (DateOnly) is no text",
        ),
        (
            "{source: contactid, target: cusShort, invalid: cut}",
            "column contactid (Uniqueidentifier) is no text",
        ),
        (
            "{source: _parentcustomerid_value, target: cusShort, invalid: cut}",
            "(Customer) is no text",
        ),
        (
            "{source: gendercode, target: cusShort, invalid: cut}",
            "column gendercode (Picklist) is no text",
        ),
        (
            "{source: new_colours, target: cusShort, invalid: cut}",
            "(MultiSelectPicklist) is no text",
        ),
        (
            "{template: '{firstname} {gendercode}', target: cusShort, invalid: cut}",
            "column gendercode (Picklist) is no text",
        ),
        ("{source: emailaddress1, target: email, invalid: cut}", "a cut one is another address"),
        (
            "{source: new_mood, target: cusText}",
            "option 2 of column new_mood has no label in any language",
        ),
        (
            "{template: '{new_mood}!', target: cusText}",
            "option 2 of column new_mood has no label in any language",
        ),
        (
            "{source: new_mood, target: gender, replace: {1: male}}",
            "option 2 of column new_mood has no label in any language",
        ),
    ],
)
def test_a_rule_that_cannot_do_what_it_says_is_told(field: str, part: str) -> None:
    (problem,) = check(read_document(f"{HEAD}fields: [{field}]"), MOODS, PROFILE)
    assert problem.startswith("Line 4, fields[1] (")
    assert part in problem


@pytest.mark.parametrize(
    "rest",
    [
        "fields: [{source: new_mood, target: cusText, replace: {2: low}}]",
        "fields: [{source: new_mood, target: cusText, otherwise: none}]",
        "fields: [{source: new_mood, target: cusNumber}]",
        "choices: value\nfields: [{source: new_mood, target: cusText}]",
        "fields: [{source: lastname, target: cusShort, invalid: cut}]",
    ],
)
def test_a_label_that_is_not_needed_is_not_missed(rest: str) -> None:
    assert check(read_document(HEAD + rest), MOODS, PROFILE) == []


@pytest.mark.parametrize(
    "rest",
    [
        "key: {source: contactid, target: externalId, invalid: omit}",
        "links: [{source: a, target: b, parent: c, invalid: omit}]",
    ],
)
def test_keys_and_links_are_never_left_out(rest: str) -> None:
    head = HEAD if rest.startswith("links") else "table: contact\nresource: profile\n"
    (problem,) = problems(f"{head}{rest}\nfields: [{{source: firstname, target: firstName}}]")
    assert re.search(r"invalid( \(b\))? is no key that is known here", problem)


def test_decimals_of_a_document_are_exact() -> None:
    filters = "filters: {field: annualincome, is: eq, value: 99999999999.9999999999}"
    document = read_document(f"{HEAD}{filters}\nfields: [{{source: firstname, target: firstName}}]")
    assert isinstance(document.filters, Condition)
    assert str(document.filters.value) == "99999999999.9999999999"


def test_an_otherwise_with_nothing_behind_it_is_a_problem() -> None:
    found = checked("fields:\n  - source: firstname\n    target: cusShort\n    otherwise:\n")
    assert found == ["Line 7, fields[1].otherwise: is empty: write a value, or take it out."]


@pytest.mark.parametrize("text", ["filters:", "filters: ~", "time_zone:", "filters: # later"])
def test_a_key_with_nothing_behind_it_is_a_problem_of_a_new_document(text: str) -> None:
    """With `filtered_out: delete` it may be half of an edit. A version that is active goes on."""
    document = read_document(
        f"{HEAD}fields: [{{source: firstname, target: firstName}}]\n{text}\nfiltered_out: delete"
    )
    name = text.split(":")[0]
    assert check(document, CONTACT, PROFILE) == [
        f"Line 5, {name}: is empty: write a value, or take it out."
    ]
    assert misfits(document, CONTACT, PROFILE) == []
