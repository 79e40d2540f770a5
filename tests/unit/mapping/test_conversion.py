"""Value in, value out: what each kind of column becomes in each kind of field."""

from typing import Any

import pytest

from shared.errors import Rejected
from shared.mapping import Mapped, compile_mapping, read_document, table_of
from tests.unit.mapping.metadata import CONTACT, PROFILE, row


def mapped(field: str, more: str = "", **values: object) -> Mapped:
    text = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
    result = compile_mapping(read_document(f"{text}{more}\nfields: [{field}]"), CONTACT, PROFILE).map(row(**values))
    assert isinstance(result, Mapped)
    return result


def converted(source: str, target: str, value: object, more: str = "") -> Any:
    return mapped(f"{{source: {source}, target: {target}}}", more, **{source: value}).record[target]


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("lastname", "lastName", "Müller", "Müller"),
        ("description", "cusText", "a\nb\tc", "a\nb\tc"),
        ("donotemail", "cusText", True, "Do Not Allow"),
        ("donotemail", "cusFlag", True, True),
        ("donotemail", "cusNumber", True, 1),
        ("gendercode", "cusText", 2, "Female"),
        ("gendercode", "cusNumber", 2, 2),
        ("gendercode", "gender", 1, "male"),
        ("new_colours", "cusText", "1,9", "Red; Blue"),
        ("numberofchildren", "cusText", 3, "3"),
        ("numberofchildren", "cusNumber", 3, 3),
        ("numberofchildren", "cusAmount", 3, 3),
        ("annualincome", "cusAmount", 20000.5, 20000.5),
        ("annualincome", "cusText", 20000.0, "20000"),
        ("annualincome", "cusNumber", 20000.0, 20000),
        ("exchangerate", "cusRatio", 0.1, 0.1),
        ("birthdate", "birthDate", "1980-02-29", "1980-02-29"),
        ("birthdate", "cusMoment", "1980-02-29", "1980-02-29 00:00:00.000Z"),
        ("modifiedon", "cusMoment", "2023-04-07T21:59:01Z", "2023-04-07 21:59:01.000Z"),
        ("modifiedon", "cusMoment", "2023-04-07T21:59:01.123+02:00", "2023-04-07 19:59:01.123Z"),
        ("modifiedon", "cusDay", "2023-04-07T23:59:01Z", "2023-04-07"),
        ("modifiedon", "cusText", "2023-04-07T21:59:01Z", "2023-04-07 21:59:01.000Z"),
        ("lastname", "cusNumber", " 42 ", 42),
        ("lastname", "cusAmount", "4.5", 4.5),
        ("lastname", "cusFlag", "true", True),
        ("emailaddress1", "email", "ana.o'brien+x@mail.example.org", "ana.o'brien+x@mail.example.org"),
        ("contactid", "cusText", "6d81597f-0f9f-e711-8122-000d3aa2331c", "6d81597f-0f9f-e711-8122-000d3aa2331c"),
    ],
)
def test_a_value_becomes(source: str, target: str, value: object, expected: object) -> None:
    result = converted(source, target, value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("target", "expected"),
    [("cusText", ""), ("cusNumber", 0), ("cusAmount", 0), ("cusFlag", False), ("cusDay", ""), ("cusMoment", ""), ("email", ""),
     ("gender", "unknown"), ("preferredLanguage", "none")],
)  # fmt: skip
@pytest.mark.parametrize("empty", [None, ""])
def test_null_clears(target: str, expected: object, empty: object) -> None:
    result = converted("lastname", target, empty)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("source", "target", "value", "rule"),
    [
        ("lastname", "firstName", "x" * 31, "too_long"),
        ("lastname", "cusShort", "🎉" * 6, "too_long"),
        ("lastname", "cusText", "bell\x07", "unsafe_characters"),
        ("lastname", "cusText", "lone \ud800", "unsafe_characters"),
        ("emailaddress1", "email", "nobody", "not_an_email"),
        ("emailaddress1", "email", "a@b", "not_an_email"),
        ("emailaddress1", "email", "a b@example.org", "not_an_email"),
        ("emailaddress1", "email", "a@example.org, b@example.org", "not_an_email"),
        ("emailaddress1", "email", "a@-example.org", "not_an_email"),
        ("lastname", "birthDate", "31.12.1999", "not_a_date"),
        ("lastname", "birthDate", "2023-02-29", "not_a_date"),
        ("numberofchildren", "cusNumber", 2**31, "out_of_range"),
        ("annualincome", "cusNumber", 1.5, "not_a_number"),
        ("annualincome", "cusAmount", float("nan"), "not_a_number"),
        ("annualincome", "cusAmount", float("inf"), "not_a_number"),
        ("annualincome", "cusText", float("inf"), "not_a_number"),
        ("lastname", "cusAmount", "many", "not_a_number"),
        ("lastname", "cusFlag", "perhaps", "not_a_boolean"),
        ("lastname", "gender", "Klingon", "unknown_choice"),
        ("gendercode", "cusText", 77, "unknown_choice"),
        ("new_colours", "cusText", "1,77", "unknown_choice"),
    ],
)
def test_what_does_not_fit_is_refused_by_rule(source: str, target: str, value: object, rule: str) -> None:
    with pytest.raises(Rejected) as caught:
        converted(source, target, value)
    (refusal,) = caught.value.refusals
    assert (refusal.field, refusal.rule) == (target, rule)
    assert source in refusal.sentence


def test_choices_may_go_as_values() -> None:
    assert converted("gendercode", "cusText", 2, "choices: value") == "2"
    assert converted("new_colours", "cusText", "1,9", "choices: value") == "1,9"
    assert converted("donotemail", "cusText", True, "choices: value") == "true"


@pytest.mark.parametrize(("value", "expected"), [(1, "male"), (2, "female"), (3, "unknown"), (None, "unknown")])
def test_replacements_and_otherwise(value: object, expected: str) -> None:
    field = "{source: gendercode, target: gender, replace: {1: male, Female: female}, otherwise: unknown}"
    assert mapped(field, gendercode=value).record["gender"] == expected


def test_what_is_not_replaced_is_converted_where_there_is_no_otherwise() -> None:
    field = "{source: lastname, target: lastName, replace: {N/A: ''}}"
    assert mapped(field, lastname="N/A").record["lastName"] == ""
    assert mapped(field, lastname="Test").record["lastName"] == "Test"
    assert mapped(field, lastname=None).record["lastName"] == ""


def test_true_and_1_are_told_apart_from_text_only_by_what_they_say() -> None:
    field = "{source: donotemail, target: cusText, replace: {true: 'no mail', false: mail}}"
    assert [mapped(field, donotemail=value).record["cusText"] for value in (True, False)] == ["no mail", "mail"]


@pytest.mark.parametrize(("first", "last", "expected"), [("Ana", "Test", "Ana Test"), (None, "Test", "Test"), (None, None, "")])
def test_a_template_leaves_no_blanks_behind(first: object, last: object, expected: str) -> None:
    field = "{template: '{firstname}  {lastname}', target: cusText}"
    assert mapped(field, firstname=first, lastname=last).record["cusText"] == expected


def test_braces_in_a_value_are_text() -> None:
    assert mapped("{template: '{firstname}!', target: cusText}", firstname="{lastname}").record["cusText"] == "{lastname}!"


def test_an_update_lacks_the_key_and_what_updates_do_not_apply_to() -> None:
    fields = "{source: firstname, target: firstName, apply_updates: false}, {source: address1_city, target: location.city}"
    result = mapped(fields, firstname="Ana", address1_city="Lyon")
    assert result.record == {"externalId": result.key, "firstName": "Ana", "location": {"city": "Lyon"}}
    assert result.update == {"location": {"city": "Lyon"}}


def test_all_refusals_of_a_row_are_told_at_once() -> None:
    with pytest.raises(Rejected) as caught:
        mapped(
            "{source: firstname, target: firstName}, {source: emailaddress1, target: email}",
            firstname="x" * 40,
            emailaddress1="x",
        )
    assert [refusal.rule for refusal in caught.value.refusals] == ["too_long", "not_an_email"]
    assert caught.value.field == "firstName, email"


def test_a_record_without_a_key_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        mapped("{source: firstname, target: firstName}", contactid=None)
    assert caught.value.reason == "bad_key"


def test_a_link_gives_its_join_column_and_its_parent() -> None:
    more = "links: [{source: _parentcustomerid_value, target: cusText, parent: [account, contact]}]"
    linked: dict[str, Any] = {"_parentcustomerid_value": "aaaa", table_of("_parentcustomerid_value"): "contact"}
    result = mapped("{source: firstname, target: firstName}", more, **linked)
    assert result.record["cusText"] == "aaaa"
    assert [(parent.table, parent.record_id) for parent in result.parents] == [("contact", "aaaa")]
    assert mapped("{source: firstname, target: firstName}", more).parents == ()


def test_a_lookup_that_leads_to_a_table_without_a_link_leaves_the_link_empty() -> None:
    more = "links: [{source: _parentcustomerid_value, target: cusText, parent: contact}]"
    linked: dict[str, Any] = {"_parentcustomerid_value": "aaaa", table_of("_parentcustomerid_value"): "account"}
    result = mapped("{source: firstname, target: firstName}", more, **linked)
    assert (result.record["cusText"], result.parents) == ("", ())
