"""Filter trees to SQL conditions over the storage of one table.

Text compares without regard to case, as the platform's collation does. A condition is a pair: SQL
text with `?`, values.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dev.emulators.dataverse.model import DECIMAL_KINDS, TEXT_KINDS, Column, Table
from dev.emulators.dataverse.odata import expressions as tree
from dev.emulators.dataverse.odata.literals import day_of, fold, stored_literal, typed
from dev.emulators.dataverse.problems import bad_query, no_such_property, not_emulated
from dev.emulators.dataverse.registry import Registry

OPERATORS = {"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
Condition = tuple[str, list[Any]]


@dataclass(frozen=True)
class ColumnSql:
    """A column, and the SQL that reads it."""

    column: Column
    sql: str


def like(pattern: str, text: str | None) -> bool:
    """SQL Server's LIKE for patterns that SQLite's cannot do: brackets, and letters beyond ASCII in
    either case.
    """
    if text is None:
        return False
    parts = re.findall(r"\[[^\]]*\]|%|_|.", pattern, re.DOTALL)
    regex = "".join({"%": ".*", "_": "."}.get(p, p if len(p) > 1 else re.escape(p)) for p in parts)
    return re.fullmatch(regex, text, re.DOTALL | re.IGNORECASE) is not None


class Conditions:
    """Translates for one table under one alias, at one moment (`now`, for relative dates)."""

    def __init__(self, registry: Registry, table: Table, alias: str, now: datetime) -> None:
        self.registry, self.table, self.alias, self.now = registry, table, alias, now

    def of(self, node: tree.Expression) -> Condition:
        match node:
            case tree.Logical():
                return self.logical(node)
            case tree.Comparison():
                return self.comparison(node)
            case tree.Call():
                return self.text_call(node)
            case tree.PlatformCall():
                return self.platform_call(node)
            case _:
                return self.flag(node)

    def logical(self, node: tree.Logical) -> Condition:
        conditions = [self.of(operand) for operand in node.operands]
        values = [value for _, given in conditions for value in given]
        if node.operator == "not":
            return f"NOT coalesce({conditions[0][0]}, 0)", values
        return "(" + f" {node.operator.upper()} ".join(sql for sql, _ in conditions) + ")", values

    def flag(self, node: tree.Name) -> Condition:
        place = self.place(node)
        if place.column.kind != "Boolean":
            raise bad_query("The $filter expression must evaluate to a single boolean value.")
        return f"{place.sql} = 1", []

    def place(self, name: tree.Name) -> ColumnSql:
        """Follows a path; each step but the last is a navigation property with one value."""
        table, sql = self.table, self.alias
        steps: list[tuple[Table, Column]] = []
        for nav in name.path[:-1]:
            column = table.navigation.get(nav)
            if column is None:
                raise no_such_property(nav, table.logical)
            steps.append((table, column))
            table = self.registry.named(column.targets[nav][0])
        found = filterable(table, name.path[-1])
        if not steps:
            return ColumnSql(found, f'{sql}."{found.name}"')
        return ColumnSql(found, self.joined(steps, table, found))

    def joined(self, steps: list[tuple[Table, Column]], last: Table, found: Column) -> str:
        """A scalar subquery for each step, innermost the table that the statement reads."""
        key = f'{self.alias}."{steps[0][1].name}"'
        for depth, (table, column) in enumerate(steps[1:], 1):
            key = (
                f'(SELECT j{depth}."{column.name}" FROM "{table.logical}" j{depth} WHERE'
                f' j{depth}."{table.id_column}" = {key})'
            )
        return (
            f'(SELECT j."{found.name}" FROM "{last.logical}" j WHERE j."{last.id_column}" = {key})'
        )

    def comparison(self, node: tree.Comparison) -> Condition:
        left, right = node.left, node.right
        if isinstance(left, tree.Literal) and isinstance(right, tree.Name):
            flipped = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}.get(
                node.operator, node.operator
            )
            return self.comparison(tree.Comparison(flipped, right, left))
        if not isinstance(left, tree.Name):
            raise bad_query("A comparison of two constants is not supported.")
        place = self.place(left)
        if isinstance(right, tree.Name):
            other = self.place(right)
            return (
                f"{place.sql} {OPERATORS[node.operator]} {other.sql}{collation(place.column)}",
                [],
            )
        return compare(place, node.operator, stored_literal(place.column, right, node.operator))

    def text_call(self, node: tree.Call) -> Condition:
        target, sought = node.arguments
        if (
            not isinstance(target, tree.Name)
            or not isinstance(sought, tree.Literal)
            or sought.kind != "string"
        ):
            raise bad_query(
                f"No function signature for the function with name '{node.function}' matches the"
                " specified arguments."
            )
        place = self.place(target)
        if place.column.kind not in TEXT_KINDS:
            raise bad_query(
                f"The function '{node.function}' needs a string property, '{place.column.name}' is"
                " none."
            )
        pattern = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}[
            node.function
        ].format(sought.value)
        if pattern.isascii() and "[" not in pattern:
            return f"{place.sql} LIKE ?", [pattern]
        return f"dv_like(?, {place.sql})", [pattern]

    def platform_call(self, node: tree.PlatformCall) -> Condition:
        place = self.place(node.property)
        method = getattr(self, f"call_{node.function.lower()}", None)
        if method is None:
            raise not_emulated(f"the query function {node.function}")
        try:
            condition: Condition = method(place, node.values)
        except (ValueError, OverflowError, IndexError, TypeError):
            raise bad_query(
                f"The parameters of the function '{node.function}' are not valid."
            ) from None
        return condition

    def call_in(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        stored = [stored_literal(place.column, typed(value), "eq") for value in values]
        if place.column.kind in TEXT_KINDS and all(value.isascii() for value in stored):
            return f"{place.sql} COLLATE NOCASE IN (SELECT value FROM json_each(?))", [
                json.dumps(stored)
            ]
        if place.column.kind in TEXT_KINDS:
            stored = [fold(value) for value in stored]
            return f"dv_fold({place.sql}) IN (SELECT value FROM json_each(?))", [json.dumps(stored)]
        return f"{place.sql} IN (SELECT value FROM json_each(?))", [json.dumps(stored)]

    def call_notin(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        sql, stored = self.call_in(place, values)
        return f"NOT coalesce({sql}, 0)", stored

    def call_between(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        if len(values) != 2:
            raise bad_query("The function 'Between' needs exactly two values.")
        low, high = (stored_literal(place.column, typed(value), "ge") for value in values)
        return f"{place.sql} BETWEEN ? AND ?", [low, high]

    def call_notbetween(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        sql, stored = self.call_between(place, values)
        return f"NOT ({sql})", stored

    def call_on(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        return f"substr({place.sql}, 1, 10) = ?", [day_of(values[0])]

    def call_onorafter(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        return f"substr({place.sql}, 1, 10) >= ?", [day_of(values[0])]

    def call_onorbefore(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        return f"substr({place.sql}, 1, 10) <= ?", [day_of(values[0])]

    def call_lastxdays(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        first = (self.now - timedelta(days=int(values[0]))).date()
        return f"{place.sql} BETWEEN ? AND ?", [
            first.isoformat(),
            self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        ]

    def call_nextxdays(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        last = (self.now + timedelta(days=int(values[0]))).date()
        return f"{place.sql} > ? AND substr({place.sql}, 1, 10) <= ?", [
            self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            last.isoformat(),
        ]

    def call_lastxhours(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        first = self.now - timedelta(hours=int(values[0]))
        form = "%Y-%m-%dT%H:%M:%SZ"
        return f"{place.sql} BETWEEN ? AND ?", [first.strftime(form), self.now.strftime(form)]

    def call_containvalues(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        if place.column.kind != "MultiSelectPicklist":
            raise bad_query(
                f"The function 'ContainValues' needs a choices property, '{place.column.name}' is"
                " none."
            )
        tests = " OR ".join(f"(',' || {place.sql} || ',') LIKE ?" for _ in values)
        return f"({tests})", [f"%,{value},%" for value in values]

    def call_doesnotcontainvalues(self, place: ColumnSql, values: tuple[Any, ...]) -> Condition:
        sql, stored = self.call_containvalues(place, values)
        return f"NOT coalesce({sql}, 0)", stored


def filterable(table: Table, name: str) -> Column:
    """A column under the name that queries use; platform functions also take a lookup by its column
    name.
    """
    column = table.by_wire_name.get(name)
    if column is None and name in table.columns and table.columns[name].is_lookup:
        column = table.columns[name]
    if column is None or not column.allows("read"):
        raise no_such_property(name, table.logical)
    return column


def collation(column: Column) -> str:
    return " COLLATE NOCASE" if column.kind in TEXT_KINDS else ""


def compare(place: ColumnSql, operator: str, value: Any) -> Condition:
    """`ne` is true for rows without a value, as in OData; the ordering operators never are."""
    if value is None:
        if operator not in {"eq", "ne"}:
            return "0", []
        return f"{place.sql} IS {'NOT ' if operator == 'ne' else ''}NULL", []
    sql, sign = place.sql, OPERATORS[operator]
    if isinstance(value, str) and place.column.kind in TEXT_KINDS:
        if value.isascii():
            sql += " COLLATE NOCASE"
        else:
            sql, value = f"dv_fold({sql})", fold(value)
    if place.column.kind in DECIMAL_KINDS:
        sql += " COLLATE dv_decimal"
    test = f"{sql} {sign} ?"
    return (f"({test} OR {place.sql} IS NULL)", [value]) if operator == "ne" else (test, [value])
