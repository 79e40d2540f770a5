"""By type of column: which operators and values mean something, what they match; all else is a
problem with its line.
"""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.mapping import (
    Filtered,
    InvalidDocument,
    SourceColumn,
    SourceTable,
    check,
    compile_mapping,
    filtering,
    read_document,
)
from shared.mapping.comparing import KINDS, comparable
from shared.mapping.documents import Condition
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

HEAD = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
HEAD += "fields: [{source: firstname, target: firstName}]\nfilters: "
ID = "6d81597f-0f9f-e711-8122-000d3aa2331c"
EXTRA = [
    SourceColumn("acs_consent", "Boolean", options={0: "Nein", 1: "Ja"}),
    SourceColumn("acs_swapped", "Boolean", options={0: "Yes", 1: "No"}),
    SourceColumn("acs_digits", "Picklist", options={100: "1", 1: "other", 2: "2"}),
    SourceColumn("acs_counts", "MultiSelectPicklist", options={1: "2", 2: "1"}),
    SourceColumn("acs_ones", "Boolean", options={0: "1", 1: "0"}),
    SourceColumn("acs_states", "Picklist", options={1: "Yes", 2: "On", 3: "No"}),
    SourceColumn("acs_same", "Boolean", options={0: "n/a", 1: "n/a"}),
    SourceColumn(
        "acs_topics", "MultiSelectPicklist", options={1: "News", 2: "Sport", 9: "News, local"}
    ),
    SourceColumn("acs_answer", "Picklist", options={1: "Yes", 2: "No", 3: "Twice", 4: "twice"}),
    SourceColumn("acs_big", "BigInt"),
    SourceColumn("acs_bare", "Picklist", options={1: "High", 2: ""}),
    SourceColumn("acs_image", "Image"),
    SourceColumn("acs_new", "SomethingNew"),
]
TABLE = SourceTable(
    "contact",
    "contacts",
    "contactid",
    {**CONTACT.columns, **{column.name: column for column in EXTRA}},
)


def problems(condition: str) -> list[str]:
    try:
        return check(read_document(HEAD + condition), TABLE, PROFILE)
    except InvalidDocument as error:
        return error.problems


def matches(condition: str, **values: object) -> bool:
    assert problems(condition) == []
    mapping = compile_mapping(read_document(HEAD + condition), TABLE, PROFILE)
    full = {**row(), **dict.fromkeys(mapping.columns), "contactid": ID, **values}
    return not isinstance(mapping.map(full), Filtered)


@pytest.mark.parametrize(
    ("field", "is_", "value", "yes", "no"),
    [
        ("acs_topics", "contains", "News", ["1", "1,2", "9,1"], [None, "2", "9", "11"]),
        ("acs_topics", "contains", "NEWS", ["1"], ["2"]),
        ("acs_topics", "contains", "1", ["1,2"], ["2,9"]),
        ("acs_topics", "contains", "'1,2'", ["2,1,9"], ["1"]),
        ("acs_topics", "contains", "'News; Sport'", ["1,2,9"], ["1,9"]),
        ("acs_topics", "contains", "'News, local'", ["9"], ["1"]),
        ("acs_topics", "in", "[Sport, 9]", ["1,2", "9"], ["1", None]),
        ("acs_topics", "eq", "News", ["1"], ["1,2", None]),
        ("acs_topics", "eq", "'2, 1'", ["1,2"], ["1", "1,2,9"]),
        ("acs_topics", "ne", "News", ["1,2", None], ["1"]),
        ("acs_topics", "is_null", "true", [None], ["1"]),
        ("acs_consent", "eq", "Ja", [True], [False, None]),
        ("acs_consent", "eq", "'nein'", [False], [True, None]),
        ("acs_consent", "eq", "yes", [True], [False]),
        ("acs_consent", "eq", "0", [False], [True]),
        ("acs_consent", "eq", "'1'", [True], [False]),
        ("acs_consent", "eq", "'TRUE'", [True], [False]),
        ("acs_consent", "ne", "Ja", [False, None], [True]),
        ("acs_consent", "in", "[Ja, false]", [True, False], [None]),
        ("acs_swapped", "eq", "'Yes'", [False], [True]),
        ("acs_swapped", "eq", "1", [True], [False]),
        ("acs_swapped", "eq", "'true'", [True], [False]),
        ("acs_digits", "eq", "'1'", [100], [1, 2]),
        ("acs_digits", "eq", "100", [100], [1, 2]),
        ("acs_digits", "eq", "other", [1], [100, 2]),
        ("acs_digits", "eq", "2", [2], [100, 1]),
        ("gendercode", "eq", "female", [2], [1, None]),
        ("gendercode", "eq", "'2'", [2], [1]),
        ("gendercode", "in", "[1, Female]", [1, 2], [None]),
        ("acs_answer", "eq", "Yes", [1], [2]),
        ("acs_answer", "eq", "no", [2], [1]),
        ("acs_answer", "eq", "3", [3], [4]),
        ("exchangerate", "eq", "1", [1, 1.0, Decimal("1.00"), "1.00"], [Decimal("1.01"), None]),
        ("exchangerate", "eq", "'1.00'", [1], [2]),
        ("exchangerate", "eq", "99999999999.9999999999", [Decimal("99999999999.9999999999")],
         [100000000000, 99999999999.99]),
        ("annualincome", "ge", "0.1", [0.1, Decimal("0.1000")], [0.09, None]),
        ("address1_latitude", "lt", "1e-3", [0.0009], [0.001]),
        ("numberofchildren", "gt", "1.5", [2], [1]),
        ("acs_big", "eq", "9007199254740993", [9007199254740993, "9007199254740993"],
         [9007199254740992]),
        ("birthdate", "eq", "2019-01-05", ["2019-01-05"], ["2019-01-06", None]),
        ("birthdate", "in", "[2019-01-05, 2020-01-01]", ["2020-01-01"], ["2019-01-06"]),
        ("birthdate", "lt", "'2019-01-05T00:00:00Z'", ["2019-01-04"], ["2019-01-05"]),
        ("modifiedon", "ge", "2019-01-05", ["2019-01-05T00:00:00Z"], ["2019-01-04T23:59:59Z"]),
        ("modifiedon", "eq", "'2019-01-05T02:00:00+02:00'", ["2019-01-05T00:00:00Z"],
         ["2019-01-05T02:00:00Z"]),
        ("lastname", "eq", "O'Neil", ["o'neil", "O'Neil  "], ["Neil", None, ""]),
        ("lastname", "ne", "x", [None, "", "y"], ["X"]),
        ("lastname", "contains", "an ", ["jan de"], ["jande"]),
        ("lastname", "starts_with", "'5'", ["51"], ["15"]),
        ("address1_postalcode", "eq", "10115", ["10115"], ["1011"]),
        ("address1_postalcode", "in", "[10115, '01067']", ["01067"], ["1067"]),
        ("contactid", "eq", f"'{{{ID.upper()}}}'", [ID], []),
        ("_parentcustomerid_value", "ne", ID, [None, "7d81597f-0f9f-e711-8122-000d3aa2331c"],
         [ID, ID.upper()]),
    ],
)  # fmt: skip
def test_what_a_condition_matches(
    field: str, is_: str, value: str, yes: list[object], no: list[object]
) -> None:
    condition = f"{{field: {field}, is: {is_}, value: {value}}}"
    condition = (
        condition
        if "'" not in value or value.startswith("'")
        else condition.replace(value, f'"{value}"', 1)
    )
    condition = (
        f"{{field: {field}, is: {is_}, value: {value}}}" if value.startswith("[") else condition
    )
    condition = condition.replace("value: an }", "value: 'an '}")
    assert [matches(condition, **{field: one}) for one in yes] == [True] * len(yes)
    assert [matches(condition, **{field: one}) for one in no] == [False] * len(no)


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("field: acs_topics, is: contains, value: Nws", "'Nws', which is no choice"),
        ("field: acs_topics, is: eq, value: '1,7'", "'7', which is no choice"),
        ("field: acs_topics, is: starts_with, value: News", "starts_with has no meaning"),
        ("field: acs_topics, is: gt, value: 1", "gt has no meaning"),
        ("field: acs_topics, is: in, value: [News, 5]", "5, which is no choice"),
        (
            "field: acs_consent, is: eq, value: 'Yes'",
            "'Yes', which is no value of the yes/no column",
        ),
        ("field: acs_consent, is: eq, value: 2", "no value of the yes/no column"),
        ("field: acs_consent, is: eq, value: 1.5", "no value of the yes/no column"),
        ("field: acs_consent, is: gt, value: 0", "gt has no meaning"),
        ("field: acs_consent, is: in, value: [Ja, Maybe]", "'Maybe'"),
        (
            "field: acs_same, is: eq, value: n/a",
            "the label of several choices: write the number, 0, 1",
        ),
        (
            "field: acs_swapped, is: eq, value: Yes",
            "true, which may mean the value true or a label",
        ),
        (
            "field: acs_swapped, is: ne, value: no",
            "quote the label, or write 1 for true and 0 for false",
        ),
        (
            "field: acs_swapped, is: eq, value: true",
            "quote the label, or write 1 for true and 0 for false",
        ),
        ("field: acs_ones, is: eq, value: 1", "quote the label"),
        (
            "field: acs_digits, is: eq, value: 1",
            "1, the number of one choice and the label of another: quote the label",
        ),
        (
            "field: acs_counts, is: contains, value: 1",
            "the number of one choice and the label of another",
        ),
        (
            "field: acs_counts, is: eq, value: '1,2'",
            "the number of one choice and the label of another",
        ),
        (
            "field: acs_states, is: eq, value: yes",
            "the label of several choices: write the number, 1, 2",
        ),
        (
            "field: acs_answer, is: eq, value: TWICE",
            "the label of several choices: write the number, 3, 4",
        ),
        ("field: gendercode, is: eq, value: Mael", "'Mael', which is no choice of the column"),
        ("field: gendercode, is: ne, value: 3", "3, which is no choice of the column"),
        ("field: gendercode, is: eq, value: 1.5", "no choice of the column"),
        ("field: gendercode, is: eq, value: yes", "quote a label"),
        ("field: gendercode, is: contains, value: Ma", "contains has no meaning"),
        ("field: statecode, is: ge, value: 0", "ge has no meaning"),
        ("field: statecode, is: eq, value: ''", "no choice of the column"),
        ("field: annualincome, is: gt, value: much", "no number"),
        ("field: annualincome, is: gt, value: '1,000'", "no number"),
        ("field: annualincome, is: eq, value: true", "no number"),
        ("field: annualincome, is: contains, value: 1", "contains has no meaning"),
        ("field: exchangerate, is: lt, value: 1000000000000", "cannot hold"),
        ("field: numberofchildren, is: eq, value: 1.5", "not whole"),
        ("field: numberofchildren, is: eq, value: 3000000000", "cannot hold"),
        ("field: birthdate, is: eq, value: 2019-02-30", "no date"),
        ("field: birthdate, is: eq, value: 5 January", "no day"),
        ("field: birthdate, is: ge, value: '2019-01-05T08:00:00Z'", "no day"),
        ("field: birthdate, is: ge, value: 20190105", "no day"),
        ("field: birthdate, is: ge, value: 0019-01-05", "before 1753"),
        ("field: birthdate, is: starts_with, value: '2019'", "starts_with has no meaning"),
        ("field: modifiedon, is: eq, value: 2019-01-05", "use ge and lt"),
        ("field: modifiedon, is: gt, value: 2019-W01-1", "no time"),
        ("field: lastname, is: eq, value: no", "quote the text"),
        ("field: lastname, is: contains, value: true", "quote the text"),
        ("field: lastname, is: eq, value: 1.10", "quote it"),
        ("field: lastname, is: eq, value: ''", "use is_null"),
        ("field: lastname, is: starts_with, value: ' '", "use is_null"),
        (
            "field: address1_postalcode, is: ne, value: 123456789012345678901",
            "longer than the 20 characters",
        ),
        ("field: lastname, is: in, value: []", "empty list"),
        ("field: lastname, is: in, value: [a, yes]", "quote the text"),
        ("field: contactid, is: eq, value: Ana", "no id"),
        ("field: contactid, is: contains, value: 6d81", "contains has no meaning"),
        ("field: _parentcustomerid_value, is: in, value: [account]", "no id"),
        ("field: parentcustomerid, is: eq, value: x", "no column parentcustomerid"),
        ("field: gendercodename, is: eq, value: Male", "cannot be compared"),
        ("field: gendercodename, is: is_null, value: true", "cannot be compared"),
        ("field: acs_image, is: is_null, value: true", "cannot be compared"),
        ("field: acs_new, is: eq, value: x", "cannot be compared"),
    ],
)
def test_what_can_never_mean_anything_is_a_problem_with_its_line(condition: str, part: str) -> None:
    (problem,) = problems(f"{{{condition}}}")
    assert part in problem
    assert problem.startswith("Line 5, filters: ")


@pytest.mark.parametrize("value", ["''", "' '", "Some"])
def test_an_option_without_a_label_is_named_by_none(value: str) -> None:
    (problem,) = problems(f"{{field: acs_bare, is: eq, value: {value}}}")
    assert "no choice of the column" in problem
    assert problem.endswith("such as 'High'.")


@pytest.mark.parametrize("name", ["all", "any"])
def test_an_empty_list_of_conditions_is_a_problem(name: str) -> None:
    assert (
        "decides nothing"
        in problems(f"{{all: [{{field: lastname, is: eq, value: x}}, {{{name}: []}}]}}")[0]
    )
    assert (
        "filters.all[2]"
        in problems(f"{{all: [{{field: lastname, is: eq, value: x}}, {{{name}: []}}]}}")[0]
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"acs_topics": "x"}, "acs_topics"),
        ({"acs_consent": "maybe"}, "acs_consent"),
        ({"birthdate": "soon"}, "birthdate"),
    ],
)
def test_a_row_whose_value_cannot_be_compared_is_refused_and_not_filtered_out(
    values: dict[str, object], field: str
) -> None:
    wanted = {"acs_topics": "News", "acs_consent": "Ja", "birthdate": "2019-01-05"}[field]
    with pytest.raises(Rejected) as refused:
        matches(f"{{field: {field}, is: eq, value: {wanted}}}", **values)
    assert refused.value.reason == "not_comparable"
    assert str(values[field]) not in str(refused.value)


TYPES = sorted(KINDS)
OPTIONS = {"Boolean": {0: "No", 1: "Yes"}}
OPERATORS = ["eq", "ne", "gt", "ge", "lt", "le", "contains", "starts_with", "in"]
LIKELY = st.sampled_from(
    [
        0,
        1,
        2,
        -1,
        "Yes",
        "no",
        "Red",
        "red; Blue",
        "1,9",
        True,
        False,
        1.0,
        1.5,
        "1.00",
        "2019-01-05",
        ID,
        " x",
    ]
)
LIKELY_TIMES = st.sampled_from(
    ["2019-01-05T08:00:00Z", "1753-01-01", "9999-12-31", "2019-01-05T00:00:00+02:00"]
)
PRINTED = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
ANY = (
    LIKELY
    | LIKELY_TIMES
    | PRINTED
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
)


def rows_of(column: SourceColumn, condition: Condition) -> list[Any]:
    """Rows about the value of the condition, as Dataverse would have them."""
    kind = comparable(column)
    assert kind
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    form = kind.given(values[0])  # type: ignore[arg-type]
    if column.type in ("Integer", "BigInt", "Decimal", "Double", "Money"):
        whole = column.type in ("Integer", "BigInt")
        return [int(form) - 1, int(form), int(form) + 1] if whole else [form - 1, form, form + 1]
    if column.type in ("String", "Memo", "EntityName"):
        return [str(values[0]), f"{values[0]}x", f"x{values[0]}", "", "\U0010ffff", "!"]
    if column.type in ("DateOnly", "DateTime"):
        return [form.isoformat(), "1700-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    if column.type == "MultiSelectPicklist":
        return ["1", "2", "9", ",".join(map(str, form)), "1,2,9"]
    if column.type == "Uniqueidentifier":
        return [form, ID, ID.replace("6", "7")]
    return [True, False] if column.type == "Boolean" else [*column.options, form]


@given(st.sampled_from(TYPES), st.sampled_from(OPERATORS), st.lists(ANY, min_size=1, max_size=2))
def test_each_condition_is_a_problem_or_matches_one_row_and_not_another(
    kind: str, is_: str, values: list[Any]
) -> None:
    options = OPTIONS.get(
        kind, {1: "Red", 2: "Green", 9: "Blue"} if kind in ("Picklist", "State", "Status") else {}
    )
    options = {1: "Red", 2: "Green", 9: "Blue"} if kind == "MultiSelectPicklist" else options
    column = SourceColumn("a", kind, options=options)
    condition = Condition.model_validate(
        {"field": "a", "is": is_, "value": values if is_ == "in" else values[0]}
    )
    if fault := filtering.fault_of(condition, SourceTable("t", "ts", "tid", {"a": column})):
        assert fault.endswith(".")
        return
    test = filtering.tester(condition, column)
    found = {test(value) for value in [None, *rows_of(column, condition)]}
    assert found == {True, False} or (
        is_ in ("gt", "lt", "ge", "le") and kind in ("DateOnly", "DateTime")
    )
