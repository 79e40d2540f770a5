"""Value in, value out: what each kind of column becomes in each kind of field."""

from decimal import Decimal
from typing import Any

import pytest

from shared import exact_json
from shared.errors import Rejected
from shared.mapping import Mapped, SourceColumn, compile_mapping, read_document, table_of
from shared.mapping.conversion import enumeration, one_of, textual
from shared.mapping.refusal import Refuse
from shared.mapping.texts import is_address
from tests.unit.mapping.metadata import CONTACT, PROFILE, row


def mapped(field: str, more: str = "", **values: object) -> Mapped:
    text = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
    result = compile_mapping(
        read_document(f"{text}{more}\nfields: [{field}]"), CONTACT, PROFILE
    ).map(row(**values))
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
        ("annualincome", "cusAmount", Decimal("20000.5000"), Decimal("20000.5")),
        ("annualincome", "cusText", Decimal("20000.0000"), "20000"),
        ("annualincome", "cusNumber", Decimal("20000.0000"), 20000),
        ("annualincome", "cusAmount", 20000, Decimal("20000.0")),
        ("annualincome", "cusText", Decimal("922337203685477.5807"), "922337203685477.5807"),
        (
            "annualincome",
            "cusAmount",
            Decimal("-922337203685477.5808"),
            Decimal("-922337203685477.5808"),
        ),
        ("exchangerate", "cusRatio", Decimal("0.1"), Decimal("0.1")),
        ("exchangerate", "cusText", Decimal("99999999999.9999999999"), "99999999999.9999999999"),
        ("exchangerate", "cusText", Decimal("1E-10"), "0.0000000001"),
        ("exchangerate", "cusText", Decimal("1.00"), "1"),
        ("exchangerate", "cusText", Decimal("-0.00"), "0"),
        ("exchangerate", "cusText", Decimal("0E+999999"), "0"),
        (
            "address1_latitude",
            "cusText",
            Decimal("1.7976931348623157E+308"),
            "17976931348623157" + "0" * 292,
        ),
        ("exchangerate", "cusFlag", Decimal("1.00"), True),
        ("new_big", "cusText", 2**63 - 1, "9223372036854775807"),
        ("new_big", "cusAmount", 2**53, 2**53),
        ("birthdate", "birthDate", "1980-02-29", "1980-02-29"),
        ("birthdate", "cusMoment", "1980-02-29", "1980-02-29 00:00:00.000Z"),
        ("modifiedon", "cusMoment", "2023-04-07T21:59:01Z", "2023-04-07 21:59:01.000Z"),
        ("modifiedon", "cusMoment", "2023-04-07T21:59:01.123+02:00", "2023-04-07 19:59:01.123Z"),
        ("modifiedon", "cusDay", "2023-04-07T23:59:01Z", "2023-04-07"),
        ("modifiedon", "cusText", "2023-04-07T21:59:01Z", "2023-04-07 21:59:01.000Z"),
        ("lastname", "cusNumber", " 42 ", 42),
        ("lastname", "cusAmount", "4.5", Decimal("4.5")),
        ("lastname", "cusAmount", " 1e-5 ", Decimal("0.00001")),
        ("lastname", "cusFlag", "true", True),
        (
            "emailaddress1",
            "email",
            "ana.o'brien+x@mail.example.org",
            "ana.o'brien+x@mail.example.org",
        ),
        (
            "contactid",
            "cusText",
            "6d81597f-0f9f-e711-8122-000d3aa2331c",
            "6d81597f-0f9f-e711-8122-000d3aa2331c",
        ),
    ],
)
def test_a_value_becomes(source: str, target: str, value: object, expected: object) -> None:
    result = converted(source, target, value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("target", "expected"),
    [("cusText", ""), ("cusNumber", 0), ("cusAmount", 0), ("cusFlag", False), ("cusDay", ""),
     ("cusMoment", ""), ("email", ""),
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
        ("annualincome", "cusNumber", Decimal("1.5"), "not_a_number"),
        ("annualincome", "cusNumber", Decimal("1E+999999"), "out_of_range"),
        ("annualincome", "cusNumber", Decimal("NaN"), "not_a_number"),
        ("annualincome", "cusText", Decimal("1E+999999"), "out_of_range"),
        ("annualincome", "cusText", Decimal("1E-999999"), "out_of_range"),
        ("annualincome", "cusAmount", Decimal("Infinity"), "not_a_number"),
        ("new_big", "cusAmount", 2**53 + 1, "out_of_range"),
        ("new_big", "cusNumber", 2**31, "out_of_range"),
        ("lastname", "cusAmount", "1e999999", "out_of_range"),
        ("lastname", "cusAmount", "1e9999999999", "not_a_number"),
        ("lastname", "cusAmount", "9" * 900, "not_a_number"),
        ("lastname", "cusAmount", "nan", "not_a_number"),
        ("lastname", "cusAmount", "Infinity", "not_a_number"),
        ("lastname", "cusAmount", "1_000", "not_a_number"),
        ("statecode", "cusText", 5, "unknown_choice"),
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
def test_what_does_not_fit_is_refused_by_rule(
    source: str, target: str, value: object, rule: str
) -> None:
    with pytest.raises(Rejected) as caught:
        converted(source, target, value)
    (refusal,) = caught.value.refusals
    assert (refusal.field, refusal.rule) == (target, rule)
    assert source in refusal.sentence


@pytest.mark.parametrize(
    ("kind", "value"),
    [("Picklist", 2), ("Status", 2), ("Boolean", True), ("MultiSelectPicklist", "1,2")],
)
def test_a_choice_that_has_lost_its_label_is_refused_and_never_its_number(
    kind: str, value: object
) -> None:
    """Where the document is in force and the option was added, or its label taken away, since."""
    options = {0: "Low", 1: ""} if kind == "Boolean" else {1: "High", 2: ""}
    with pytest.raises(Refuse) as refused:
        textual(SourceColumn("acs_bare", kind, options=options), labels=True)(value)
    assert refused.value.rule == "no_label"


def test_a_number_looks_the_same_however_it_was_written() -> None:
    """Else each change of a currency's precision would write every record again."""
    written = {
        exact_json.in_order(converted("annualincome", "cusAmount", value))
        for value in (1, Decimal(1), Decimal("1.00"))
    }
    assert written == {b"1.0"}


@pytest.mark.parametrize(
    "value",
    [Decimal("0.00001"), Decimal("1E-7"), Decimal("922337203685477.5807"), Decimal("1E+22")],
)
def test_campaign_is_sent_plain_digits(value: Decimal) -> None:
    body = exact_json.written({"amount": converted("annualincome", "cusAmount", value)}).decode()
    assert Decimal(body.removeprefix('{"amount":').removesuffix("}")) == value
    assert "e" not in body.removeprefix('{"amount":').lower()


@pytest.mark.parametrize(
    "address",
    ["zero\u200bwidth@example.com", "a\u200d@example.com", "a@exam\u00adple.com",
     "\ufeffa@example.com", "a\u2060@example.com",
     "\u202ea@example.com", "a\u034f@example.com", "a\u115f@example.com", "a\ufe0f@example.com",
     "a\u2800@example.com", "a\u17b4@example.com", "a\U000e0020@example.com", "a\u00a0@example.com",
     "a@example.com\u00a0", " a@example.com", "a@example.com ", ".a@example.com", "a.@example.com",
     "a..b@example.com", "a@example..com", "a@.example.com", "a@example.com.", "a@example",
     "@example.com", "a@b@example.com", "a@example.com;b@example.com",
     "a@example.com,b@example.com", "a@example.com b@example.com", "Ana Test <a@example.com>",
     "<a@example.com>", '"a b"@example.com', "'a'@example.com'", "mailto:a@example.com",
     "a\n@example.com", "a@example.com\n", "a@exa_mple.com", "a@example-.com", "a@127.0.0.1",
     "a@[127.0.0.1]", "ａ@example.com", "a@example。com",
     "a@" + "b" * 64 + ".com", "a" * 65 + "@example.com", "ü" * 33 + "@example.com",
     "a@" + ".".join(["b" * 30] * 9) + ".com"],
)  # fmt: skip
def test_an_address_that_cannot_be_written_to_is_refused(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize(
    "address",
    ["a@example.org", "A.B+c-d_e@mail.example.org", "o'brien@example.org", "a@x1.example.org",
     "1@1.example.org",
     "a@xn--exmple-cua.org",
     "müller@exämple.org", "müller@example.org", "用户@例子.广告", "a@exämple.org",
     "a" * 64 + "@example.org"],
)  # fmt: skip
def test_an_address_is_accepted_as_it_is(address: str) -> None:
    assert is_address(address)
    assert len(address) > 60 or converted("emailaddress1", "email", address) == address


@pytest.mark.parametrize(
    ("zone", "value", "expected"),
    [
        ("Europe/Berlin", "2019-01-04T23:00:00Z", "2019-01-05"),
        ("Europe/Berlin", "2019-07-04T22:00:00Z", "2019-07-05"),
        ("Europe/Berlin", "2019-03-31T22:00:00Z", "2019-04-01"),
        ("Pacific/Tongatapu", "2019-01-04T11:00:00Z", "2019-01-05"),
        ("Pacific/Pago_Pago", "2019-01-05T11:00:00Z", "2019-01-05"),
        ("America/New_York", "2019-01-05T05:00:00Z", "2019-01-05"),
        ("Europe/Berlin", "2019-01-05", "2019-01-05"),
    ],
)
def test_a_day_is_the_one_that_people_see(zone: str, value: str, expected: str) -> None:
    more = f"time_zone: {zone}"
    assert converted("lastusedincampaign", "cusDay", value, more) == expected
    assert converted("lastusedincampaign", "cusText", value, more) == expected
    assert converted("lastusedincampaign", "cusMoment", value, more) == f"{expected} 00:00:00.000Z"
    template = mapped(
        "{template: 'on {lastusedincampaign}', target: cusText}", more, lastusedincampaign=value
    )
    assert template.record["cusText"] == f"on {expected}"


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("birthdate", "cusDay", "2019-01-04", "2019-01-04"),
        ("new_opened", "cusDay", "2019-01-04T23:00:00Z", "2019-01-04"),
        ("new_opened", "cusText", "2019-01-04T23:00:00Z", "2019-01-04 23:00:00.000Z"),
        ("modifiedon", "cusMoment", "2019-01-04T23:00:00Z", "2019-01-04 23:00:00.000Z"),
        ("modifiedon", "cusText", "2019-01-04T23:00:00Z", "2019-01-04 23:00:00.000Z"),
        ("modifiedon", "cusDay", "2019-01-04T23:00:00Z", "2019-01-05"),
    ],
)
def test_what_is_no_local_day_is_not_moved(
    source: str, target: str, value: str, expected: str
) -> None:
    assert converted(source, target, value, "time_zone: Europe/Berlin") == expected


def test_a_time_beyond_the_calendar_is_no_date() -> None:
    with pytest.raises(Rejected) as caught:
        converted(
            "lastusedincampaign", "cusDay", "0001-01-01T00:00:00Z", "time_zone: America/New_York"
        )
    assert caught.value.reason == "not_a_date"


def test_a_field_may_be_left_out_where_its_value_is_refused() -> None:
    fields = (
        "{source: emailaddress1, target: email, invalid: omit}, {source: address1_city, target:"
        " location.city, invalid: omit}"
    )
    result = mapped(
        f"{fields}, {{source: lastname, target: lastName}}",
        emailaddress1="nobody",
        address1_city="x" * 81,
    )
    assert result.update == {"lastName": ""}
    assert result.record == {"externalId": result.key, "lastName": ""}
    assert result.altered == (
        ("email", "omitted", "not_an_email"),
        ("location.city", "omitted", "too_long"),
    )


def test_null_still_clears_where_values_may_be_left_out() -> None:
    result = mapped("{source: emailaddress1, target: email, invalid: omit}")
    assert (result.update, result.altered) == ({"email": ""}, ())


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "{template: '{lastname} {gendercode}', target: cusText, invalid: omit}",
            {"gendercode": 77},
        ),
        (
            "{source: gendercode, target: cusText, invalid: omit, replace: {1: m}}",
            {"gendercode": 77},
        ),
        ("{source: lastname, target: birthDate, invalid: omit}", {"lastname": "soon"}),
    ],
)
def test_any_rule_may_leave_its_field_out(field: str, values: dict[str, Any]) -> None:
    result = mapped(f"{field}, {{source: firstname, target: firstName}}", **values)
    assert result.update == {"firstName": ""}
    assert [what for _, what, _ in result.altered] == ["omitted"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abcdef", "abcde"),
        ("abcd🎉🎉", "abcd🎉"),
        ("abcde\u0301f", "abcd"),
        ("abc👩\u200d👩\u200d👧", "abc"),
        ("abcd👍🏽", "abcd"),
        ("abcd🇩🇪", "abcd"),
        ("a" + "\u0301" * 9, "a" + "\u0301" * 4),
    ],
)
def test_a_text_is_cut_between_characters(value: str, expected: str) -> None:
    result = mapped("{source: lastname, target: cusShort, invalid: cut}", lastname=value)
    assert result.update == {"cusShort": expected}
    assert result.altered == (("cusShort", "cut", "too_long"),)


def test_a_text_that_fits_is_not_cut_and_another_fault_still_refuses() -> None:
    assert (
        mapped("{source: lastname, target: cusShort, invalid: cut}", lastname="abcde").altered == ()
    )
    with pytest.raises(Rejected) as caught:
        mapped("{source: lastname, target: cusShort, invalid: cut}", lastname="a\x07" * 9)
    assert caught.value.reason == "unsafe_characters"


def test_what_only_one_field_may_leave_out_still_refuses_the_record() -> None:
    with pytest.raises(Rejected) as caught:
        mapped(
            "{source: emailaddress1, target: email, invalid: omit}, {source: firstname, target:"
            " firstName}",
            emailaddress1="nobody",
            firstname="x" * 31,
        )
    assert [refusal.rule for refusal in caught.value.refusals] == ["too_long"]


@pytest.mark.parametrize("value", [Decimal("1.50"), Decimal("1.5"), Decimal("1.5000")])
def test_replacements_compare_numbers_as_numbers(value: Decimal) -> None:
    assert (
        mapped(
            "{source: exchangerate, target: cusText, replace: {1.50: middle}}", exchangerate=value
        ).record["cusText"]
        == "middle"
    )


def test_a_name_of_an_enumeration_goes_before_a_label_and_a_label_of_two_is_none() -> None:
    names = enumeration({"a": "B", "b": "C", "x": "Same", "y": "Same"})
    assert names == {"a": "a", "b": "b", "c": "b", "x": "x", "y": "y"}


def test_choices_may_go_as_values() -> None:
    assert converted("gendercode", "cusText", 2, "choices: value") == "2"
    assert converted("new_colours", "cusText", "1,9", "choices: value") == "1,9"
    assert converted("donotemail", "cusText", True, "choices: value") == "true"


@pytest.mark.parametrize(
    ("value", "expected"), [(1, "male"), (2, "female"), (3, "unknown"), (None, "unknown")]
)
def test_replacements_and_otherwise(value: object, expected: str) -> None:
    field = (
        "{source: gendercode, target: gender, replace: {1: male, Female: female}, otherwise:"
        " unknown}"
    )
    assert mapped(field, gendercode=value).record["gender"] == expected


def test_what_is_not_replaced_is_converted_where_there_is_no_otherwise() -> None:
    field = "{source: lastname, target: lastName, replace: {N/A: ''}}"
    assert mapped(field, lastname="N/A").record["lastName"] == ""
    assert mapped(field, lastname="Test").record["lastName"] == "Test"
    assert mapped(field, lastname=None).record["lastName"] == ""


def test_true_and_1_are_told_apart_from_text_only_by_what_they_say() -> None:
    field = "{source: donotemail, target: cusText, replace: {true: 'no mail', false: mail}}"
    assert [mapped(field, donotemail=value).record["cusText"] for value in (True, False)] == [
        "no mail",
        "mail",
    ]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [("Ana", "Test", "Ana Test"), (None, "Test", "Test"), (None, None, "")],
)
def test_a_template_leaves_no_blanks_behind(first: object, last: object, expected: str) -> None:
    field = "{template: '{firstname}  {lastname}', target: cusText}"
    assert mapped(field, firstname=first, lastname=last).record["cusText"] == expected


def test_braces_in_a_value_are_text() -> None:
    assert (
        mapped("{template: '{firstname}!', target: cusText}", firstname="{lastname}").record[
            "cusText"
        ]
        == "{lastname}!"
    )


def test_an_update_lacks_the_key_and_what_updates_do_not_apply_to() -> None:
    fields = (
        "{source: firstname, target: firstName, apply_updates: false}, {source: address1_city,"
        " target: location.city}"
    )
    result = mapped(fields, firstname="Ana", address1_city="Lyon")
    assert result.record == {
        "externalId": result.key,
        "firstName": "Ana",
        "location": {"city": "Lyon"},
    }
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
    linked: dict[str, Any] = {
        "_parentcustomerid_value": "aaaa",
        table_of("_parentcustomerid_value"): "contact",
    }
    result = mapped("{source: firstname, target: firstName}", more, **linked)
    assert result.record["cusText"] == "aaaa"
    assert [(parent.table, parent.record_id) for parent in result.parents] == [("contact", "aaaa")]
    assert mapped("{source: firstname, target: firstName}", more).parents == ()


def test_a_lookup_that_leads_to_a_table_without_a_link_leaves_the_link_empty() -> None:
    more = "links: [{source: _parentcustomerid_value, target: cusText, parent: contact}]"
    linked: dict[str, Any] = {
        "_parentcustomerid_value": "aaaa",
        table_of("_parentcustomerid_value"): "account",
    }
    result = mapped("{source: firstname, target: firstName}", more, **linked)
    assert (result.record["cusText"], result.parents) == ("", ())


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        (
            "{firstname} {lastname}",
            {"firstname": "a  b\n\u00a0c", "lastname": " d"},
            "a  b\n\u00a0c  d",
        ),
        ("{firstname} {middlename} {lastname}", {"firstname": "a", "lastname": "b"}, "a b"),
        ("{firstname} {middlename} {lastname}", {"middlename": "a"}, "a"),
        ("{firstname} {middlename} {lastname}", {"firstname": "a", "middlename": "  "}, "a"),
        ("{firstname} {middlename} {lastname}", {"firstname": "a "}, "a "),
        ("{firstname}, {lastname}", {"firstname": "a"}, "a,"),
        ("({firstname}) {lastname}", {"lastname": "b"}, "() b"),
        ("{firstname}{middlename}{lastname}", {"firstname": "a", "lastname": "b"}, "ab"),
        ("{{{firstname}}}", {"firstname": "a"}, "{a}"),
        ("{firstname} {lastname}", {}, ""),
        ("  Dear   {firstname} ", {"firstname": "a"}, "Dear a"),
    ],
)
def test_a_template_collapses_blanks_around_what_is_empty_alone(
    template: str, values: dict[str, object], expected: str
) -> None:
    assert (
        mapped(f"{{template: '{template}', target: cusText}}", **values).record["cusText"]
        == expected
    )


@pytest.mark.parametrize("text", ["a\x1fb", "\x1ca", "a\x00"])
def test_a_template_takes_no_character_that_a_source_does_not(text: str) -> None:
    for field in (
        "{template: '{description}', target: cusText}",
        "{source: description, target: cusText}",
    ):
        with pytest.raises(Rejected) as refused:
            mapped(field, description=text)
        assert refused.value.reason == "unsafe_characters"


@pytest.mark.parametrize(
    "value",
    ["2019-W01-1", "20190105", "2019W011", "2019-01-05x10:00", "20190105T100000Z", "2019-01-05T10"],
)
@pytest.mark.parametrize("target", ["cusDay", "cusMoment"])
def test_a_text_of_another_form_is_no_date(target: str, value: str) -> None:
    with pytest.raises(Rejected) as refused:
        converted("description", target, value)
    assert refused.value.reason == "not_a_date"


def test_a_year_has_four_digits() -> None:
    assert (
        converted("description", "cusMoment", "0999-05-05T01:02:03.456789Z")
        == "0999-05-05 01:02:03.456Z"
    )
    assert converted("description", "cusDay", "0999-05-05") == "0999-05-05"


NAMES = {"male": "Male", "Male": "Man", "MALE": "M", "fr": "French"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("male", "male"),
        ("Male", "Male"),
        ("MALE", "MALE"),
        ("man", "Male"),
        ("FR", "fr"),
        ("french", "fr"),
    ],
)
def test_a_name_of_an_enumeration_is_found_as_it_is_first(text: str, name: str) -> None:
    assert one_of(text, enumeration(NAMES), NAMES) == name


def test_a_name_that_may_be_two_is_none() -> None:
    with pytest.raises(Refuse):
        one_of("mALE", enumeration(NAMES), NAMES)
