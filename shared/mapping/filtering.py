"""Filters: a document's conditions as one function of a row that says which condition kept it out, or nothing.

As in Dataverse, texts compare without case and an empty column satisfies nothing but `ne` and `is_null: true`.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from shared.mapping.conversion import CHOICES, Refuse, instant, number
from shared.mapping.documents import AllOf, Condition, Filter
from shared.mapping.metadata import SourceColumn, SourceTable

Row = Mapping[str, Any]
Verdict = Callable[[Row], str]

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
    "contains": operator.contains,
    "starts_with": lambda held, value: bool(held.startswith(value)),
}
NUMBERS = frozenset({"Integer", "BigInt", "Decimal", "Double", "Money"})
TIMES = frozenset({"DateTime", "DateOnly"})


def conditions(chosen: Filter | None) -> list[Condition]:
    """All conditions, however nested."""
    if chosen is None:
        return []
    if isinstance(chosen, Condition):
        return [chosen]
    parts = chosen.all if isinstance(chosen, AllOf) else chosen.any
    return [condition for part in parts for condition in conditions(part)]


def verdict(chosen: Filter, table: SourceTable) -> Verdict:
    """A function of a row: "" if it passes, else the condition that said no."""
    if isinstance(chosen, Condition):
        return condition_verdict(chosen, table)
    parts = [verdict(part, table) for part in (chosen.all if isinstance(chosen, AllOf) else chosen.any)]
    if isinstance(chosen, AllOf):
        return lambda row: next((reason for part in parts if (reason := part(row))), "")

    def none_of(row: Row) -> str:
        reasons = [part(row) for part in parts]
        return "" if "" in reasons else " or ".join(reasons)

    return none_of


def condition_verdict(condition: Condition, table: SourceTable) -> Verdict:
    name, reason = condition.field, f"{condition.field} {condition.is_}"
    test = tester(condition, table.column(name))
    return lambda row: "" if test(row[name]) else reason


def tester(condition: Condition, column: SourceColumn | None) -> Callable[[Any], bool]:
    if condition.is_ == "is_null":
        return lambda held: (held is None or held == "") == condition.value
    comparable = comparing(column)
    if isinstance(condition.value, list):
        values = [comparable(value) for value in condition.value]
        return lambda held: held is not None and held_form(comparable, held) in values
    value = comparable(condition.value)
    if condition.is_ == "ne":
        return lambda held: held is None or held_form(comparable, held) != value
    order = ORDERS[condition.is_]
    return lambda held: held is not None and satisfied(order, held_form(comparable, held), value)


def satisfied(order: Callable[[Any, Any], bool], held: Any, value: Any) -> bool:
    try:
        return order(held, value)
    except TypeError:
        return False


def held_form(comparable: Callable[[Any], Any], held: Any) -> Any:
    """The row's value in the form that is compared; None for one that is not of its column's type."""
    try:
        return comparable(held)
    except Refuse:
        return None


def comparing(column: SourceColumn | None) -> Callable[[Any], Any]:
    """Brings a value of the document or of a row into the form that is compared; Refuse if it has none."""
    kind = column.type if column else ""
    if kind in NUMBERS:
        return number
    if kind in TIMES:
        return instant
    if kind == "Boolean":
        return lambda value: str(value).lower() in ("true", "1")
    if column and kind in CHOICES:
        values = {label.casefold(): value for value, label in column.options.items()}
        return lambda value: choice(value, values)
    return lambda value: str(value).casefold()


def choice(value: Any, values: Mapping[str, int]) -> int:
    """A choice's number, from the number or from its label."""
    found = values.get(str(value).casefold(), value)
    try:
        return int(found)
    except (TypeError, ValueError):
        raise Refuse("unknown_choice", "a choice that the column does not have") from None


def faults(chosen: Filter | None, table: SourceTable) -> list[str]:
    """What is wrong with the filters, each as a sentence."""
    found = []
    for condition in conditions(chosen):
        column = table.column(condition.field)
        if column is None:
            found.append(f"filters: table {table.logical_name} has no column {condition.field}: correct its name.")
            continue
        try:
            tester(condition, column)
        except Refuse as refusal:
            found.append(f"filters: {condition.field} {condition.is_} compares with {refusal.reason}.")
    return found
