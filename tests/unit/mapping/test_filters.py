"""Which rows pass: every comparison, nulls, nesting."""

from decimal import Decimal

import pytest

from shared.mapping import Filtered, Mapped, compile_mapping, read_document
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

HEAD = """table: contact
resource: profile
key: {source: contactid, target: externalId}
fields: [{source: firstname, target: firstName}]
filters: """


def passes(filters: str, **values: object) -> bool:
    result = compile_mapping(read_document(HEAD + filters), CONTACT, PROFILE).map(row(**values))
    assert isinstance(result, Mapped | Filtered)
    return isinstance(result, Mapped)


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("{field: statecode, is: eq, value: 0}", 0, True),
        ("{field: statecode, is: eq, value: Inactive}", 1, True),
        ("{field: statecode, is: ne, value: Active}", 1, True),
        ("{field: lastname, is: eq, value: tEST}", "Test", True),
        ("{field: lastname, is: ne, value: x}", None, True),
        ("{field: lastname, is: eq, value: x}", None, False),
        ("{field: lastname, is: contains, value: ES}", "Test", True),
        ("{field: lastname, is: contains, value: x}", None, False),
        ("{field: lastname, is: starts_with, value: te}", "Test", True),
        ("{field: lastname, is: in, value: [a, TEST]}", "test", True),
        ("{field: lastname, is: in, value: [a]}", None, False),
        ("{field: lastname, is: is_null, value: true}", None, True),
        ("{field: lastname, is: is_null, value: false}", None, False),
        ("{field: annualincome, is: eq, value: 0.1}", Decimal("0.1000"), True),
        (
            "{field: annualincome, is: eq, value: 922337203685477.5807}",
            Decimal("922337203685477.5807"),
            True,
        ),
        (
            "{field: annualincome, is: eq, value: 922337203685477.5807}",
            Decimal("922337203685477.5806"),
            False,
        ),
        ("{field: annualincome, is: gt, value: 1}", Decimal("1E+999999"), True),
        ("{field: annualincome, is: in, value: [1, 2.50]}", Decimal("2.5"), True),
        ("{field: numberofchildren, is: gt, value: 2}", 3, True),
        ("{field: numberofchildren, is: ge, value: 3}", 3, True),
        ("{field: numberofchildren, is: lt, value: 3}", 3, False),
        ("{field: numberofchildren, is: le, value: 3}", None, False),
        ("{field: annualincome, is: gt, value: 99.5}", 100, True),
        ("{field: birthdate, is: ge, value: 2000-01-01}", "2000-01-01", True),
        (
            "{field: modifiedon, is: gt, value: '2023-04-07T20:00:00Z'}",
            "2023-04-07T21:59:01Z",
            True,
        ),
        ("{field: donotemail, is: eq, value: true}", True, True),
        ("{field: donotemail, is: eq, value: true}", False, False),
    ],
)
def test_a_condition(condition: str, value: object, expected: bool) -> None:
    name = condition.split(",")[0].removeprefix("{field: ")
    assert passes(condition, **{name: value}) is expected


NESTED = """
  all:
    - {field: statecode, is: eq, value: 0}
    - any:
        - {field: lastname, is: eq, value: a}
        - {field: firstname, is: eq, value: b}
"""


@pytest.mark.parametrize(
    ("state", "last", "first", "expected"),
    [(0, "a", "x", True), (0, "x", "b", True), (0, "x", "x", False), (1, "a", "b", False)],
)
def test_any_and_all_nest(state: int, last: str, first: str, expected: bool) -> None:
    assert passes(NESTED, statecode=state, lastname=last, firstname=first) is expected


def test_the_reason_names_the_condition_and_never_the_value() -> None:
    result = compile_mapping(read_document(HEAD + NESTED), CONTACT, PROFILE).map(
        row(statecode=0, lastname="Zaphod", firstname="Z")
    )
    assert isinstance(result, Filtered)
    assert result.reason == "lastname eq or firstname eq"


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("{field: lastusedincampaign, is: eq, value: '2019-01-05'}", "2019-01-04T23:00:00Z", True),
        ("{field: lastusedincampaign, is: eq, value: '2019-01-04'}", "2019-01-04T23:00:00Z", False),
        ("{field: lastusedincampaign, is: le, value: '2019-07-05'}", "2019-07-04T22:00:00Z", True),
        ("{field: lastusedincampaign, is: gt, value: '2019-01-05'}", "2019-01-05T23:00:00Z", True),
        (
            "{field: lastusedincampaign, is: in, value: ['2019-01-05']}",
            "2019-01-04T22:59:59Z",
            False,
        ),
        ("{field: modifiedon, is: lt, value: '2019-01-05'}", "2019-01-04T23:30:00Z", True),
        ("{field: birthdate, is: eq, value: '2019-01-05'}", "2019-01-05", True),
    ],
)
def test_filters_see_the_day_that_people_see(condition: str, value: object, expected: bool) -> None:
    name = condition.partition("field: ")[2].partition(",")[0]
    assert passes(f"{condition}\ntime_zone: Europe/Berlin", **{name: value}) is expected
