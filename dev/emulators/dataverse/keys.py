"""How a URL addresses one row: by its id, by an alternate key, by several columns.

    contacts(<guid>)   contacts(contactid=<guid>)   contacts(new_code='x')
    contacts(new_a='x',new_b=5,_new_c_value=<guid>)

Source: Microsoft Learn, "Use an alternate key to reference a record".
"""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from dev.emulators.dataverse.model import TEXT_KINDS, Column, Table
from dev.emulators.dataverse.odata import expressions as tree
from dev.emulators.dataverse.odata.literals import stored_literal
from dev.emulators.dataverse.problems import (
    ApiError,
    bad_query,
    duplicate_id,
    duplicate_key,
    no_such_key,
    no_such_row,
    not_a_key,
)
from dev.emulators.dataverse.store import Row, Store

GUID = re.compile(r"\{?[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}\}?")
CANONICAL_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PAIR = re.compile(r"\s*([\w@.]+)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(?:,|$)")


@dataclass(frozen=True)
class Address:
    """One row of one table, whether it exists or not. `values` are as stored, by column name."""

    table: Table
    text: str
    values: dict[str, Any]

    @property
    def row_id(self) -> str | None:
        return self.values.get(self.table.id_column)

    def find(self, store: Store) -> Row | None:
        row_id = self.row_id or self.find_id(store)
        return store.fetch(self.table.logical, self.table.id_column, row_id) if row_id else None

    def find_id(self, store: Store) -> str | None:
        """The id of the row if it exists: cheaper than the row."""
        tests = " AND ".join(test(self.table.columns[name]) for name in self.values)
        sql = f'SELECT "{self.table.id_column}" FROM "{self.table.logical}" WHERE {tests}'
        found = store.db.execute(sql, tuple(self.values.values())).fetchone()
        return str(found[0]) if found else None

    def require(self, store: Store) -> Row:
        """The row; ApiError 404 if there is none."""
        row = self.find(store)
        if row is None:
            raise self.missing()
        return row

    def require_id(self, store: Store) -> str:
        """The id of the row; ApiError 404 if there is none."""
        row_id = self.find_id(store)
        if row_id is None:
            raise self.missing()
        return row_id

    def missing(self) -> ApiError:
        return (
            no_such_row(self.table.logical, self.row_id)
            if self.row_id
            else no_such_key(self.table.logical)
        )


def test(column: Column) -> str:
    return f'"{column.name}" = ?' + (" COLLATE NOCASE" if column.kind in TEXT_KINDS else "")


def read_address(table: Table, text: str) -> Address:
    """The address between the brackets; ApiError 400 if it is neither an id nor an alternate key of
    the table.
    """
    bare = text.strip()
    if guid := as_guid(bare):
        return Address(table, bare, {table.id_column: guid})
    values = key_values(table, bare)
    if set(values) == {table.id_column}:
        return Address(table, bare, values)
    if not any(set(key.columns) == set(values) for key in table.keys):
        raise not_a_key(table.logical)
    return Address(table, bare, values)


def key_values(table: Table, text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    place = 0
    while place < len(text):
        match = PAIR.match(text, place)
        if not match:
            raise not_a_key(table.logical)
        column = table.by_wire_name.get(match[1]) or table.columns.get(match[1])
        if column is None:
            raise not_a_key(table.logical)
        values[column.name] = key_value(column, match[2].strip())
        place = match.end()
    if not values:
        raise not_a_key(table.logical)
    return values


def key_value(column: Column, text: str) -> Any:
    found = tree.Parser(text, {}).operand()
    if not isinstance(found, tree.Literal):
        raise bad_query(f"The key value '{text}' is not valid.")
    return stored_literal(column, found, "eq")


def as_guid(text: Any) -> str | None:
    """The canonical form of a GUID, None for any other text."""
    if not isinstance(text, str) or not GUID.fullmatch(text):
        return None
    return text if CANONICAL_GUID.fullmatch(text) else str(uuid.UUID(text))


def unique_violation(table: Table, error: Exception, row: Row) -> ApiError:
    """What SQLite's broken unique index means: a taken id, or a taken alternate key.

    `row` is empty where nobody knows which.
    """
    message = str(error)
    for key in table.keys:
        if all(f"{table.logical}.{name}" in message for name in key.columns):
            attributes = "".join(
                f"<Attribute Name='{name}'>{row[name]}</Attribute>"
                for name in key.columns
                if name in row
            )
            labels = [table.columns[name].label for name in key.columns]
            return duplicate_key(
                key.label,
                labels,
                f"<DuplicateAttributes>{attributes}<EntityId></EntityId></DuplicateAttributes>",
            )
    return duplicate_id()
