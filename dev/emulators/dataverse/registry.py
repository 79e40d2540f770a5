"""All tables of the organization: read from the documents shipped here at first, from storage
afterwards.
"""

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from dev.emulators.dataverse.activities import BASE, activity_document, base_view, own_navigation
from dev.emulators.dataverse.model import Column, Table
from dev.emulators.dataverse.problems import ApiError, no_such_path
from dev.emulators.dataverse.store import Store
from dev.emulators.yaml_files import read_yaml

PERMANENT = {"systemuser", "team", "businessunit", "transactioncurrency"}
DOCUMENTS = Path(__file__).parent / "tables"
SQL_TYPES = {
    "Integer": "INTEGER",
    "BigInt": "INTEGER",
    "Boolean": "INTEGER",
    "Picklist": "INTEGER",
    "State": "INTEGER",
    "Status": "INTEGER",
    "Decimal": "TEXT COLLATE dv_decimal",
    "Double": "REAL",
    "Money": "TEXT COLLATE dv_decimal",
}


@cache
def shipped(name: str) -> Any:
    return read_yaml(DOCUMENTS / f"{name}.yaml")


def shipped_documents() -> Iterator[dict[str, Any]]:
    """The documents of `tables/`, each completed with the columns that the platform gives to every
    table.
    """
    for document in [
        *shipped("system"),
        shipped("account"),
        shipped("contact"),
        *shipped("activity")["tables"],
    ]:
        yield completed(copy.deepcopy(document))


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with the standard columns of its ownership, its own declarations winning."""
    standard = shipped("standard")
    if is_activity(document):
        document = activity_document(document, shipped("activity"))
    ownership = document.setdefault("ownership", "None")
    columns = copy.deepcopy({**standard["any"], **standard.get(ownership, {})})
    if document.get("state", True):
        columns |= state_columns(document, standard["state"])
    document["columns"] = {**document["columns"], **columns}
    if is_activity(document) and not document.get("abstract"):
        own_navigation(document)
    return document


def is_activity(document: Mapping[str, Any]) -> bool:
    return bool(document.get("activity"))


def state_columns(document: dict[str, Any], standard: dict[str, Any]) -> dict[str, Any]:
    """State and status columns; a table may declare its own `states` and `statuses`."""
    columns = copy.deepcopy(standard)
    if states := document.pop("states", None):
        columns["StateCode"]["choices"] = states
        columns["StatusCode"]["choices"] = {1: states[0], 2: states[1]}
    if statuses := document.pop("statuses", None):
        columns["StatusCode"]["choices"] = {value: label for value, (_, label) in statuses.items()}
        columns["StatusCode"]["states"] = {value: state for value, (state, _) in statuses.items()}
    return columns


def follows_deletion(column: Column) -> bool:
    """Whether the lookup may point to rows that come and go; users, teams, units and currencies
    stay.
    """
    return column.is_lookup and not set(column.target_tables) <= PERMANENT


class Registry:
    """Tables by logical name and by entity set, in step with storage."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.tables: dict[str, Table] = {}
        self.sets: dict[str, Table] = {}
        store.db.execute(
            "CREATE TABLE IF NOT EXISTS _tables (logical TEXT PRIMARY KEY, document TEXT, version"
            " INTEGER)"
        )
        for document, version in store.db.execute(
            "SELECT document, version FROM _tables ORDER BY rowid"
        ):
            self._remember(Table(json.loads(document), version))

    def load_shipped(self) -> None:
        with self.store.transaction():
            for document in shipped_documents():
                self.add(document)

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables.values())

    def of_set(self, entity_set: str) -> Table:
        try:
            return self.sets[entity_set]
        except KeyError:
            raise no_such_path(entity_set) from None

    def named(self, logical: str) -> Table:
        try:
            return self.tables[logical]
        except KeyError:
            message = (
                f"The entity with a name = '{logical}' with namemapping = 'Logical' was not found"
                " in the MetadataCache."
            )
            raise ApiError(404, "0x80060888", message) from None

    def add(self, document: dict[str, Any]) -> Table:
        """Makes a table: its document, its storage."""
        table = Table(document, self.store.next_version())
        if not table.abstract:
            self._make_storage(table)
        self._save(table)
        if is_activity(document) and BASE in self.tables:
            self._renew_base_rows()
        return table

    def _renew_base_rows(self) -> None:
        activities = [table for table in self if is_activity(table.document) and not table.abstract]
        self.store.db.execute(f'DROP VIEW IF EXISTS "{BASE}"')
        self.store.db.execute(base_view(self.tables[BASE], activities))

    def _make_storage(self, table: Table) -> None:
        declarations = ", ".join(self._declarations(table.columns.values()))
        self.store.db.execute(
            f'CREATE TABLE "{table.logical}" (versionnumber INTEGER PRIMARY KEY, {declarations})'
        )
        self.store.db.execute(
            f'CREATE UNIQUE INDEX "{table.logical}.id" ON "{table.logical}" ("{table.id_column}")'
        )
        for column in filter(follows_deletion, table.columns.values()):
            self._index(column)

    def add_column(self, table: Table, schema: str, body: dict[str, Any]) -> Column:
        """Adds a column; change tokens given before no longer serve, as on the platform."""
        document = copy.deepcopy(table.document)
        document["columns"][schema] = body
        column = Column(table.logical, schema, body)
        for declaration in self._declarations([column]):
            self.store.db.execute(f'ALTER TABLE "{table.logical}" ADD COLUMN {declaration}')
        if follows_deletion(column):
            self._index(column)
        return self._save(Table(document, self.store.next_version())).columns[column.name]

    def drop_column(self, table: Table, column: Column) -> None:
        """Takes a column and its values away; change tokens given before no longer serve."""
        document = copy.deepcopy(table.document)
        del document["columns"][column.schema]
        self.store.db.execute(f'DROP INDEX IF EXISTS "{column.table}.{column.name}"')
        self.store.db.execute(f'ALTER TABLE "{table.logical}" DROP COLUMN "{column.name}"')
        self._save(Table(document, self.store.next_version()))

    def add_key(self, table: Table, schema: str, body: dict[str, Any]) -> None:
        """Adds an alternate key.

        Rows with a null in a key column are not checked, which is SQLite's rule too.
        """
        document = copy.deepcopy(table.document)
        document.setdefault("keys", {})[schema] = body
        columns = ", ".join(f'"{name}" COLLATE NOCASE' for name in body["columns"])
        self.store.db.execute(
            f'CREATE UNIQUE INDEX "{table.logical}.key.{schema}" ON "{table.logical}" ({columns})'
        )
        self._save(Table(document, table.metadata_version))

    def drop_key(self, table: Table, schema: str) -> None:
        document = copy.deepcopy(table.document)
        del document["keys"][schema]
        self.store.db.execute(f'DROP INDEX "{table.logical}.key.{schema}"')
        self._save(Table(document, table.metadata_version))

    def change_options(self, table: Table, document: dict[str, Any]) -> Table:
        """Replaces the definition by one with other options; change tokens stay good."""
        number = int(table.document.get("options_version", 0)) + 1
        return self._save(Table({**document, "options_version": number}, table.metadata_version))

    def change(self, table: Table, **facts: Any) -> Table:
        """Replaces facts of the definition, such as `change_tracking`."""
        return self._save(Table({**table.document, **facts}, self.store.next_version()))

    def pointing_to(self, logical: str) -> list[tuple[Table, Column]]:
        """The lookups, of any table, that may hold a row of `logical`."""
        tables = (table for table in self if not table.abstract)
        columns = (
            (table, column)
            for table in tables
            for column in table.columns.values()
            if follows_deletion(column)
        )
        return [(table, column) for table, column in columns if logical in column.target_tables]

    def _index(self, column: Column) -> None:
        self.store.db.execute(
            f'CREATE INDEX "{column.table}.{column.name}" ON "{column.table}" ("{column.name}")'
            f' WHERE "{column.name}" IS NOT NULL'
        )

    def _declarations(self, columns: Iterable[Column]) -> Iterator[str]:
        for column in columns:
            if column.name == "versionnumber":
                continue
            yield f'"{column.name}" {SQL_TYPES.get(column.kind, "TEXT")}'
            if column.polymorphic:
                yield f'"{column.name}__type" TEXT'

    def _save(self, table: Table) -> Table:
        self.store.db.execute(
            "INSERT INTO _tables VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET document = excluded.document, version = excluded.version",
            (table.logical, json.dumps(table.document, default=float), table.metadata_version),
        )
        return self._remember(table)

    def _remember(self, table: Table) -> Table:
        self.tables[table.logical] = table
        self.sets[table.set] = table
        return table
