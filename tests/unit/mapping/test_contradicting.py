"""Conditions that decide nothing together are problems; those that some rows satisfy and others do not are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mapping import check, misfits, read_document
from shared.mapping.contradicting import never
from shared.mapping.filtering import verdict
from tests.unit.mapping.metadata import CONTACT, PROFILE

HEAD = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
HEAD += "fields: [{source: firstname, target: firstName}]\nfilters: "
STATE = "{field: statecode, is: eq, value: 0}"


def one(field: str, is_: str, value: object) -> str:
    return f"{{field: {field}, is: {is_}, value: {value}}}"


def test_the_values_of_the_document_are_named() -> None:
    text = f"{HEAD}{{all: [{STATE}, {one('statecode', 'in', '[1, Inactive]')}]}}"
    (problem,) = check(read_document(text), CONTACT, PROFILE)
    assert problem.endswith("no row can satisfy all conditions on statecode: eq 0, in [1, Inactive].")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (STATE, one("statecode", "eq", 1)),
        (STATE, one("statecode", "ne", "Active")),
        (STATE, one("statecode", "in", "[1]")),
        (STATE, one("statecode", "is_null", "true")),
        (one("donotfax", "eq", "true"), one("donotfax", "eq", "Allow")),
        (one("numberofchildren", "gt", 5), one("numberofchildren", "lt", 5)),
        (one("numberofchildren", "gt", 5), one("numberofchildren", "lt", 6)),
        (one("exchangerate", "ge", "1.5"), one("exchangerate", "lt", "1.50")),
        (one("birthdate", "gt", "2019-01-05"), one("birthdate", "lt", "2019-01-06")),
        (one("modifiedon", "gt", "2020-01-01"), one("modifiedon", "lt", "2019-01-01")),
        (one("lastname", "eq", "a"), one("lastname", "eq", "b")),
        (one("lastname", "eq", "a"), one("lastname", "in", "[b, c]")),
        (one("lastname", "is_null", "true"), one("lastname", "is_null", "false")),
        (one("lastname", "eq", "a"), f"{{all: [{STATE}, {one('lastname', 'eq', 'b')}]}}"),
        (one("new_colours", "eq", "Red"), one("new_colours", "eq", "Blue")),
    ],
)
def test_what_no_row_can_satisfy_is_a_problem(first: str, second: str) -> None:
    document = read_document(f"{HEAD}{{all: [{first}, {second}]}}")
    (problem,) = misfits(document, CONTACT, PROFILE)
    assert "no row can satisfy all conditions" in problem
    assert problem.startswith("Line 5, filters: ")


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Kiritimati"])
@pytest.mark.parametrize(("second", "count"), [("{is: lt, value: 2019-01-06}", 1), ("{is: lt, value: 2019-01-07}", 0)])
def test_days_of_a_zone_are_tried_as_days(zone: str, second: str, count: int) -> None:
    conditions = f"{one('lastusedincampaign', 'gt', '2019-01-05')}, {second.replace('{', '{field: lastusedincampaign, ')}"
    document = read_document(f"{HEAD}{{all: [{conditions}]}}\ntime_zone: {zone}")
    assert len(check(document, CONTACT, PROFILE)) == count


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (STATE, one("statecode", "ne", 0)),
        (one("lastname", "is_null", "true"), one("lastname", "is_null", "false")),
        (one("lastname", "ne", "a"), one("lastname", "ne", "b")),
        (one("numberofchildren", "ne", 1), one("numberofchildren", "eq", 1)),
    ],
)
def test_what_every_row_satisfies_is_a_problem_of_a_new_document_alone(first: str, second: str) -> None:
    document = read_document(f"{HEAD}{{any: [{first}, {second}]}}")
    assert "every row satisfies one of the conditions" in check(document, CONTACT, PROFILE)[0]
    assert misfits(document, CONTACT, PROFILE) == []


@pytest.mark.parametrize(
    "filters",
    [
        f"{{any: [{STATE}, {one('statecode', 'eq', 1)}]}}",
        f"{{all: [{one('numberofchildren', 'gt', 5)}, {one('numberofchildren', 'lt', 7)}]}}",
        f"{{all: [{one('birthdate', 'ge', '2019-01-05')}, {one('birthdate', 'le', '2019-01-05')}]}}",
        f"{{all: [{one('lastname', 'contains', 'a')}, {one('lastname', 'starts_with', 'b')}]}}",
        f"{{all: [{one('lastname', 'ne', 'a')}, {one('lastname', 'ne', 'b')}]}}",
        f"{{all: [{one('new_colours', 'contains', 'Red')}, {one('new_colours', 'contains', 'Blue')}]}}",
        f"{{all: [{one('new_colours', 'in', '[Red]')}, {one('new_colours', 'in', '[Blue, Green]')}]}}",
        f"{{all: [{one('new_colours', 'contains', 'Red')}, {one('new_colours', 'ne', 'Red')}]}}",
        f"{{any: [{one('numberofchildren', 'gt', 5)}, {one('numberofchildren', 'le', 5)}]}}",
        f"{{all: [{STATE}, {{any: [{one('statecode', 'eq', 0)}, {one('lastname', 'eq', 'a')}]}}]}}",
    ],
)
def test_what_some_rows_satisfy_is_no_problem(filters: str) -> None:
    assert check(read_document(HEAD + filters), CONTACT, PROFILE) == []


CHILDREN = st.tuples(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), st.integers(0, 6))


@given(st.lists(CHILDREN, min_size=2, max_size=4))
def test_numbers_contradict_each_other_exactly_where_no_number_satisfies_all(group: list[tuple[str, int]]) -> None:
    listed = ", ".join(one("numberofchildren", is_, value) for is_, value in group)
    chosen = read_document(f"{HEAD}{{all: [{listed}]}}").filters
    assert chosen
    passes = verdict(chosen, CONTACT)
    possible = any(not passes({"numberofchildren": value}) for value in [None, *range(-2, 10)])
    assert bool(list(never(chosen, CONTACT))) is not possible
