"""Conditions that decide nothing together are problems; those that some rows satisfy and others do
not are none.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.mapping import check, misfits, read_document
from shared.mapping.contradicting import never
from shared.mapping.filtering import row_filter
from tests.unit.mapping.metadata import CONTACT, PROFILE

HEAD = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
HEAD += "fields: [{source: firstname, target: firstName}]\nfilters: "
STATE = "{field: statecode, is: eq, value: 0}"


def one(field: str, is_: str, value: object) -> str:
    return f"{{field: {field}, is: {is_}, value: {value}}}"


def test_the_values_of_the_document_are_named() -> None:
    text = f"{HEAD}{{all: [{STATE}, {one('statecode', 'in', '[1, Inactive]')}]}}"
    (problem,) = check(read_document(text), CONTACT, PROFILE)
    assert problem.endswith(
        "no row can satisfy all conditions on statecode: eq 0, in [1, Inactive]."
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (STATE, one("statecode", "eq", 1)),
        (STATE, one("statecode", "ne", "Active")),
        (STATE, one("statecode", "in", "[1]")),
        (one("gendercode", "eq", 1), one("gendercode", "is_null", "true")),
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
    (problem,) = check(document, CONTACT, PROFILE)
    assert "no row can satisfy all conditions" in problem
    assert problem.startswith("Line 5, filters: ")
    assert misfits(document, CONTACT, PROFILE) == []


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    ("second", "count"), [("{is: lt, value: 2019-01-06}", 1), ("{is: lt, value: 2019-01-07}", 0)]
)
def test_days_of_a_zone_are_tried_as_days(zone: str, second: str, count: int) -> None:
    conditions = (
        f"{one('lastusedincampaign', 'gt', '2019-01-05')},"
        f" {second.replace('{', '{field: lastusedincampaign, ')}"
    )
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
def test_what_every_row_satisfies_is_a_problem_of_a_new_document_alone(
    first: str, second: str
) -> None:
    document = read_document(f"{HEAD}{{any: [{first}, {second}]}}")
    assert "every row satisfies one of the conditions" in check(document, CONTACT, PROFILE)[0]
    assert misfits(document, CONTACT, PROFILE) == []


@pytest.mark.parametrize(
    "filters",
    [
        f"{{any: [{STATE}, {one('statecode', 'eq', 1)}]}}",
        f"{{all: [{one('numberofchildren', 'gt', 5)}, {one('numberofchildren', 'lt', 7)}]}}",
        (
            f"{{all: [{one('birthdate', 'ge', '2019-01-05')},"
            f" {one('birthdate', 'le', '2019-01-05')}]}}"
        ),
        f"{{all: [{one('lastname', 'contains', 'a')}, {one('lastname', 'starts_with', 'b')}]}}",
        f"{{all: [{one('lastname', 'ne', 'a')}, {one('lastname', 'ne', 'b')}]}}",
        (
            f"{{all: [{one('new_colours', 'contains', 'Red')},"
            f" {one('new_colours', 'contains', 'Blue')}]}}"
        ),
        (
            f"{{all: [{one('new_colours', 'in', '[Red]')},"
            f" {one('new_colours', 'in', '[Blue, Green]')}]}}"
        ),
        f"{{all: [{one('new_colours', 'contains', 'Red')}, {one('new_colours', 'ne', 'Red')}]}}",
        f"{{any: [{one('numberofchildren', 'gt', 5)}, {one('numberofchildren', 'le', 5)}]}}",
        f"{{all: [{STATE}, {{any: [{one('statecode', 'eq', 0)}, {one('lastname', 'eq', 'a')}]}}]}}",
    ],
)
def test_what_some_rows_satisfy_is_no_problem(filters: str) -> None:
    assert check(read_document(HEAD + filters), CONTACT, PROFILE) == []


OWNER, OTHER = "6d81597f-0f9f-e711-8122-000d3aa2331c", "00000000-0000-0000-0000-000000000000"
PARENT = "_parentcustomerid_value"


def both(field: str, *conditions: tuple[str, object]) -> str:
    return ", ".join(one(field, is_, value) for is_, value in conditions)


@pytest.mark.parametrize(
    "filters",
    [
        f"{{all: [{both(PARENT, ('ne', OWNER), ('is_null', 'false'))}]}}",
        f"{{all: [{both(PARENT, ('ne', OWNER), ('ne', OTHER), ('is_null', 'false'))}]}}",
        f"{{any: [{both(PARENT, ('eq', OWNER), ('is_null', 'true'))}]}}",
        f"{{all: [{both('birthdate', ('eq', '9999-12-31'), ('is_null', 'false'))}]}}",
        f"{{all: [{both('birthdate', ('ge', '9999-12-31'), ('is_null', 'false'))}]}}",
        f"{{all: [{both('birthdate', ('eq', '1753-01-01'), ('is_null', 'false'))}]}}",
        f"{{any: [{both('birthdate', ('lt', '9999-12-31'), ('is_null', 'true'))}]}}",
        f"{{all: [{both('modifiedon', ('ge', '9999-12-31'), ('is_null', 'false'))}]}}",
        f"{{all: [{both('numberofchildren', ('gt', 5.5), ('lt', 6.5))}]}}",
        f"{{all: [{both('numberofchildren', ('gt', 2147483646), ('is_null', 'false'))}]}}",
        f"{{all: [{both('exchangerate', ('gt', '1.0000000001'), ('lt', '1.0000000003'))}]}}",
        f"{{all: [{both('annualincome', ('gt', '1.1'), ('lt', '1.11'))}]}}",
        f"{{all: [{both('gendercode', ('ne', 1), ('ne', 2), ('is_null', 'false'))}]}}",
        f"{{all: [{both('lastname', ('eq', 'abc'), ('starts_with', 'ab'))}]}}",
        f"{{all: [{both('lastname', ('starts_with', 'a'), ('starts_with', 'ab'))}]}}",
        f"{{all: [{both('lastname', ('eq', 'a'), ('contains', '"a "'))}]}}",
        f"{{all: [{both('new_colours', ('ne', 1), ('ne', '"1,9"'), ('is_null', 'false'))}]}}",
        f"{{all: [{{any: [{STATE}, {one('lastname', 'eq', 'a')}]}}, {one('statecode', 'eq', 1)}]}}",
    ],
)
@pytest.mark.parametrize("end", ["keep", "delete"])
def test_what_one_value_satisfies_is_no_problem_though_nobody_names_it(
    filters: str, end: str
) -> None:
    document = read_document(f"{HEAD}{filters}\nfiltered_out: {end}")
    assert check(document, CONTACT, PROFILE) == []


@pytest.mark.parametrize(
    "filters",
    [
        one("contactid", "is_null", "true"),
        one("statecode", "is_null", "true"),
        one("birthdate", "lt", "1753-01-01"),
        one("birthdate", "gt", "9999-12-31"),
        one("modifiedon", "gt", '"9999-12-31T23:59:59.9999999Z"'),
        one("numberofchildren", "eq", 2147483648),
        one("numberofchildren", "gt", 2147483647),
        one("numberofchildren", "lt", -2147483648),
        one("annualincome", "gt", 922337203685478),
        one("exchangerate", "eq", '"0.00000000001"'),
        f"{{all: [{{any: [{STATE}]}}, {one('statecode', 'eq', 1)}]}}",
        (
            f"{{all: [{{any: [{STATE}, {one('lastname', 'eq', 'a')}]}},"
            f" {one('statecode', 'eq', 1)}, {one('lastname', 'eq', 'b')}]}}"
        ),
        (
            f"{{any: [{{all: [{STATE}, {one('statecode', 'eq', 1)}]}},"
            f" {one('contactid', 'is_null', 'true')}]}}"
        ),
        f"{{all: [{both('lastname', ('starts_with', 'a'), ('starts_with', 'b'))}]}}",
        f"{{all: [{both('lastname', ('eq', 'abc'), ('starts_with', 'b'))}]}}",
        f"{{all: [{both('lastname', ('gt', 'z'), ('lt', 'a'))}]}}",
        f"{{all: [{both('lastname', ('contains', 'z'), ('is_null', 'true'))}]}}",
        f"{{all: [{both('new_colours', ('eq', '"1,2"'), ('contains', 9))}]}}",
    ],
)
def test_filters_that_let_no_row_pass_never_delete(filters: str) -> None:
    """A flow with such a version does not run: it would delete every record.

    With `keep` it only sends nothing, and runs.
    """
    kept, deleting = (
        read_document(f"{HEAD}{filters}\nfiltered_out: {end}") for end in ("keep", "delete")
    )
    assert any("no row can satisfy" in problem for problem in check(kept, CONTACT, PROFILE))
    assert misfits(kept, CONTACT, PROFILE) == []
    assert any(
        "would delete every record" in problem for problem in misfits(deleting, CONTACT, PROFILE)
    )


def test_a_part_that_no_row_satisfies_beside_others_deletes_nothing() -> None:
    filters = (
        f"{{any: [{{all: [{STATE}, {one('statecode', 'eq', 1)}]}}, {one('lastname', 'eq', 'a')}]}}"
    )
    document = read_document(f"{HEAD}{filters}\nfiltered_out: delete")
    assert [problem.split(": ")[0] for problem in check(document, CONTACT, PROFILE)] == [
        "Line 5, filters.any[1]"
    ]
    assert misfits(document, CONTACT, PROFILE) == []


CHILDREN = st.tuples(st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]), st.integers(0, 6))


@settings(deadline=None)
@given(st.lists(CHILDREN, min_size=2, max_size=4))
def test_numbers_contradict_each_other_exactly_where_no_number_satisfies_all(
    group: list[tuple[str, int]],
) -> None:
    listed = ", ".join(one("numberofchildren", is_, value) for is_, value in group)
    chosen = read_document(f"{HEAD}{{all: [{listed}]}}").filters
    assert chosen
    passes = row_filter(chosen, CONTACT)
    possible = any(not passes({"numberofchildren": value}) for value in [None, *range(-2, 10)])
    assert bool(list(never(chosen, CONTACT))) is not possible
