"""Filters: a document's conditions as one function of a row that says which condition kept it out,
or nothing.

As in Dataverse, texts compare without case and an empty column satisfies nothing but `ne` and
`is_null: true`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from shared.errors import Refusal, Rejected
from shared.mapping.comparing import comparable
from shared.mapping.documents import AllOf, AnyOf, Condition, Filter
from shared.mapping.metadata import SourceColumn, SourceTable
from shared.mapping.operators import Comparable
from shared.mapping.refusal import Refuse

Row = Mapping[str, Any]
RowFilter = Callable[[Row], str]
Test = Callable[[Any], bool]


def parts_of(chosen: Filter | None, path: str = "filters") -> Iterator[tuple[str, Filter]]:
    """Every condition and every `all` and `any`, however nested, with its place in the document."""
    if chosen is None:
        return
    yield path, chosen
    if not isinstance(chosen, Condition):
        word, inner = ("all", chosen.all) if isinstance(chosen, AllOf) else ("any", chosen.any)
        for number, part in enumerate(inner, 1):
            yield from parts_of(part, f"{path}.{word}[{number}]")


def conditions(chosen: Filter | None) -> list[Condition]:
    """All conditions, however nested."""
    return [part for _, part in parts_of(chosen) if isinstance(part, Condition)]


def row_filter(chosen: Filter, table: SourceTable) -> RowFilter:
    """A function of a row: "" if it passes, else the condition that said no.

    The filter must have no faults.
    """
    if isinstance(chosen, Condition):
        return condition_filter(chosen, table)
    parts = [
        row_filter(part, table)
        for part in (chosen.all if isinstance(chosen, AllOf) else chosen.any)
    ]
    if isinstance(chosen, AllOf):
        return lambda row: next((reason for part in parts if (reason := part(row))), "")

    def none_of(row: Row) -> str:
        reasons = [part(row) for part in parts]
        return "" if "" in reasons else " or ".join(reasons)

    return none_of


def condition_filter(condition: Condition, table: SourceTable) -> RowFilter:
    name, reason = condition.field, f"{condition.field} {condition.is_}"
    column = table.column(name)
    if column is None:
        raise Refuse("no_column", f"column {name}, which the table does not have")
    test = tester(condition, column)

    def kept_out_by(row: Row) -> str:
        try:
            return "" if test(row[name]) else reason
        except Refuse as refusal:
            sentence = (
                f"The condition {reason} of the filters cannot be decided: column {name} has"
                f" {refusal.reason}."
            )
            raise Rejected(Refusal("", "not_comparable", sentence)) from None

    return kept_out_by


def tester(condition: Condition, column: SourceColumn) -> Test:
    """Whether a row's value satisfies the condition.

    Refuse for one that cannot; the test raises it for a wrong value.
    """
    kind = comparable(column)
    if kind is None:
        raise Refuse(
            "no_operator",
            f"a column of type {column.type}, which cannot be compared: take the condition out",
        )
    if condition.is_ == "is_null":
        return lambda value: empty(value) == condition.value
    if condition.is_ not in kind.operators:
        usable = ", ".join([*kind.operators, "is_null"])
        raise Refuse(
            "no_operator",
            f"{kind.kind}, for which {condition.is_} has no meaning: use one of {usable}",
        )
    wanted = [kind.given(value) for value in values_of(condition)]
    if not wanted:
        raise Refuse("no_value", "an empty list, which nothing is in: list the values")
    whole_and_day(condition, column, wanted)
    return test_of(condition.is_, kind, wanted)


def test_of(name: str, kind: Comparable, wanted: list[Any]) -> Test:
    compare, stored = kind.operators[name], kind.stored
    if name == "ne":
        return lambda value: empty(value) or compare(stored(value), wanted[0])
    if len(wanted) == 1:
        return lambda value: not empty(value) and compare(stored(value), wanted[0])

    def among(value: Any) -> bool:
        form = None if empty(value) else stored(value)
        return form is not None and any(compare(form, one) for one in wanted)

    return among


def values_of(condition: Condition) -> list[Any]:
    return condition.value if isinstance(condition.value, list) else [condition.value]


def empty(value: Any) -> bool:
    return value is None or value == ""


def whole_and_day(condition: Condition, column: SourceColumn, wanted: list[Any]) -> None:
    """Equality asks for a value that a row can have: a whole number where the column holds those, a
    time and not a day.
    """
    if condition.is_ not in ("eq", "ne", "in"):
        return
    if column.type in ("Integer", "BigInt") and any(
        value != value.to_integral_value() for value in wanted
    ):
        raise Refuse(
            "cannot_match", "a number that is not whole, and the column holds whole numbers"
        )
    of_times = column.type == "DateTime" and not column.local_days
    if of_times and any(len(str(value)) == len("2019-01-05") for value in values_of(condition)):
        raise Refuse(
            "cannot_match", "a day, and the column holds times: use ge and lt, or write the time"
        )


def faults(chosen: Filter | None, table: SourceTable) -> list[tuple[str, str]]:
    """What is wrong with the filters: the place of each fault and a sentence."""
    return [(path, fault) for path, part in parts_of(chosen) if (fault := fault_of(part, table))]


def fault_of(part: Filter, table: SourceTable) -> str:
    if isinstance(part, AllOf | AnyOf):
        empty_list = not (part.all if isinstance(part, AllOf) else part.any)
        return (
            "an empty list of conditions decides nothing: list conditions, or take it out."
            if empty_list
            else ""
        )
    column = table.column(part.field)
    if column is None:
        return f"table {table.logical_name} has no column {part.field}: correct its name."
    try:
        tester(part, column)
    except Refuse as refusal:
        return f"{part.field} {part.is_} compares with {refusal.reason}."
    return ""
