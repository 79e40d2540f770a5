"""Rows as JSON text, made by SQLite itself.

A page of 5,000 rows is one SELECT whose single column is each row's JSON: that is several times
cheaper than carrying the values through Python. Annotations and expanded rows are parts of the same
expression.

Source of the shapes: Microsoft Learn, "Web API types and operations", "Query data using the Web
API".
"""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache

from dev.emulators.dataverse.model import DECIMAL_KINDS, Column, Table, shown
from dev.emulators.dataverse.odata.literals import fold
from dev.emulators.dataverse.odata.options import Expand, selected
from dev.emulators.dataverse.odata.sql import like
from dev.emulators.dataverse.problems import no_such_property, not_emulated
from dev.emulators.dataverse.registry import Registry

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL_NAME = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
MOST_ARGUMENTS = 90  # of SQLite's 127 for one function


def wants(annotations: Sequence[str], name: str) -> bool:
    """Whether a preference such as `*` or `OData.Community.*` covers the annotation `name`."""
    return any(fnmatchcase(name, pattern) for pattern in annotations)


def formatted_date(text: str | None, date_only: int) -> str | None:
    """As a US English user sees it: 3/1/2025 8:00 AM."""
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    day = f"{moment.month}/{moment.day}/{moment.year}"
    return day if date_only else f"{day} {moment.hour % 12 or 12}:{moment:%M %p}"


def formatted_number(value: float | str | None, digits: int, symbol: str) -> str | None:
    """Decimals come as the text that is stored."""
    return None if value is None else f"{symbol}{Decimal(value):,.{digits}f}"


def install_functions(db: sqlite3.Connection) -> None:
    """What SQLite's own functions lack; expressions here and conditions elsewhere call them."""
    db.create_function("dv_like", 2, like, deterministic=True)
    db.create_function("dv_fold", 1, fold, deterministic=True)
    db.create_function("dv_date", 2, formatted_date, deterministic=True)
    db.create_function("dv_number", 3, formatted_number, deterministic=True)


class Rendering:
    """Builds the JSON expression of a row and remembers it as long as the table's definition
    stays.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._expression = lru_cache(maxsize=256)(self._build)

    def expression(
        self,
        table: Table,
        alias: str,
        select: tuple[str, ...] = (),
        expand: tuple[Expand, ...] = (),
        annotations: tuple[str, ...] = (),
        context: str = "",
    ) -> str:
        """SQL that yields one row's JSON.

        `context` is the `@odata.context` of a row that stands alone.
        """
        known = (table.metadata_version, int(table.document.get("options_version", 0)))
        return self._expression(table.logical, known, alias, select, expand, annotations, context)

    def _build(
        self,
        logical: str,
        _: tuple[int, int],
        alias: str,
        select: tuple[str, ...],
        expand: tuple[Expand, ...],
        annotations: tuple[str, ...],
        context: str,
    ) -> str:
        table = self.registry.named(logical)
        parts: list[tuple[str, str | None]] = [
            ('{"@odata.context":"' + context.replace("'", "''") + '",' if context else "{", None)
        ]
        parts.append(('"@odata.etag":"W/\\"%d\\""', f"{alias}.versionnumber"))
        for name in selected(table, select):
            parts.extend(self.members(table.columns[name], alias, annotations))
        for wish in expand:
            parts.append(
                (f',"{wish.navigation}":%s', self.expanded(table, alias, wish, annotations))
            )
        return chained([*parts, ("}", None)])

    def members(
        self, column: Column, alias: str, annotations: tuple[str, ...]
    ) -> Iterator[tuple[str, str | None]]:
        """Format fragments with the argument of each: the property, then its annotations where it
        has a value.
        """
        sql = f'{alias}."{column.name}"'
        yield f',"{column.wire_name}":%s', value_sql(column, sql)
        for name, text in self.annotated(column, alias, sql, annotations):
            quoted = f"""format(',"{column.wire_name}@{name}":%s', json_quote({text}))"""
            yield "%s", f"CASE WHEN {sql} IS NULL THEN '' ELSE {quoted} END"

    def annotated(
        self, column: Column, alias: str, sql: str, annotations: tuple[str, ...]
    ) -> Iterator[tuple[str, str]]:
        if wants(annotations, FORMATTED) and (text := self.formatted(column, alias, sql)):
            yield FORMATTED, text
        if not column.is_lookup:
            return
        kind = (
            f'{alias}."{column.name}__type"'
            if column.polymorphic
            else f"'{column.target_tables[0]}'"
        )
        if wants(annotations, NAVIGATION):
            yield NAVIGATION, navigation_sql(column, kind)
        if wants(annotations, LOGICAL_NAME):
            yield LOGICAL_NAME, kind

    def formatted(self, column: Column, alias: str, sql: str) -> str | None:
        if column.is_lookup:
            return self.name_of_target(column, alias, sql)
        if column.choices:
            cases = " ".join(
                f"WHEN {value} THEN {sql_text(label)}" for value, label in column.choices.items()
            )
            return f"CASE {sql} {cases} END"
        if column.kind == "Boolean":
            no, yes = (shown(label) for label in column.flag_labels)
            return f"CASE {sql} WHEN 1 THEN {sql_text(yes)} ELSE {sql_text(no)} END"
        if column.kind == "DateTime":
            return f"dv_date({sql}, {int(column.date_only)})"
        digits = {"Integer": 0, "Decimal": 2, "Double": 2, "Money": 2}.get(column.kind)
        digits = (
            column.document.get("precision", digits)
            if column.kind in {"Decimal", "Double"}
            else digits
        )
        return (
            None
            if digits is None
            else f"dv_number({sql}, {digits}, '{'$' if column.kind == 'Money' else ''}')"
        )

    def name_of_target(self, column: Column, alias: str, sql: str) -> str:
        def named(table: Table) -> str:
            return (
                f'(SELECT n."{table.name_column}" FROM "{table.logical}" n WHERE'
                f' n."{table.id_column}" = {sql})'
            )

        tables = [self.registry.named(name) for name in column.target_tables]
        if len(tables) == 1:
            return named(tables[0])
        cases = " ".join(f"WHEN '{table.logical}' THEN {named(table)}" for table in tables)
        return f'CASE {alias}."{column.name}__type" {cases} END'

    def expanded(self, table: Table, alias: str, wish: Expand, annotations: tuple[str, ...]) -> str:
        column = table.navigation.get(wish.navigation)
        if column is None:
            raise no_such_property(wish.navigation, table.logical)
        if len(column.targets[wish.navigation]) > 1:
            raise not_emulated(f"expanding {wish.navigation}, which leads to several tables")
        target = self.registry.named(column.targets[wish.navigation][0])
        inner = alias + "x"
        row = self.expression(target, inner, wish.select, wish.expands, annotations)
        found = (
            f'(SELECT {row} FROM "{target.logical}" {inner} WHERE {inner}."{target.id_column}" ='
            f' {alias}."{column.name}")'
        )
        return f"coalesce({found}, 'null')"


def value_sql(column: Column, sql: str) -> str:
    """The column's value as JSON text."""
    if column.kind == "Boolean":
        return f"CASE {sql} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE 'null' END"
    if column.kind in DECIMAL_KINDS:
        return f"coalesce({sql}, 'null')"
    return f"json_quote({sql})"


def navigation_sql(column: Column, kind: str) -> str:
    by_table = {table: nav for nav, tables in column.targets.items() for table in tables}
    cases = " ".join(f"WHEN '{table}' THEN '{nav}'" for table, nav in by_table.items())
    return f"CASE {kind} {cases} END"


def sql_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def chained(parts: list[tuple[str, str | None]]) -> str:
    """`format(...)` calls joined by `||`, because a function takes only so many arguments."""
    calls = []
    for start in range(0, len(parts), MOST_ARGUMENTS):
        some = parts[start : start + MOST_ARGUMENTS]
        form = "".join(fragment for fragment, _ in some)
        arguments = "".join(f", {argument}" for _, argument in some if argument)
        calls.append(f"format('{form}'{arguments})")
    return " || ".join(calls)
