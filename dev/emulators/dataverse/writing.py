"""Writes of single rows: conditions, defaults, computed columns, states, and the events they raise.

Source: Microsoft Learn, "Create a table row", "Update and delete table rows", "Use Upsert to create
or update a record", "Perform conditional operations using the Web API".
"""

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.emulators.control import Clock
from dev.emulators.dataverse.events import Event, EventSink
from dev.emulators.dataverse.keys import Address, unique_violation
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.payloads import Payloads, Values
from dev.emulators.dataverse.problems import ApiError, already_exists, version_mismatch
from dev.emulators.dataverse.reading import etag
from dev.emulators.dataverse.rules import RULES
from dev.emulators.dataverse.store import Row, Store
from dev.emulators.dataverse.wire import Caller, Request

ANY = "*"


@dataclass(frozen=True)
class Intent:
    """Who writes, under which conditions, and what it sets off."""

    caller: Caller
    request_id: str
    if_match: str | None = None
    if_none_match: str | None = None
    bypass: frozenset[str] = frozenset()
    bypass_steps: frozenset[str] = frozenset()
    tag: str | None = None


def intent_of(request: Request) -> Intent:
    headers = request.headers
    if_none_match = headers.get("if-none-match")
    return Intent(
        caller=request.caller,
        request_id=request.request_id,
        if_match=headers.get("if-match"),
        if_none_match=None if if_none_match == "null" else if_none_match,
        bypass=frozenset(listed(headers.get("mscrm.bypassbusinesslogicexecution", ""))),
        bypass_steps=frozenset(
            listed(headers.get("mscrm.bypassbusinesslogicexecutionstepids", "").lower())
        ),
        tag=request.query.get("tag"),
    )


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@dataclass(frozen=True)
class Written:
    """What a write did: `created` or changed, which row, its version."""

    table: Table
    row_id: str
    version: int
    created: bool


class Writing:
    def __init__(self, store: Store, payloads: Payloads, clock: Clock, events: EventSink) -> None:
        self.store, self.payloads, self.clock, self.events = store, payloads, clock, events

    def now(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def create(self, table: Table, body: Mapping[str, Any], intent: Intent) -> Written:
        """A new row; ApiError 412 if its id or an alternate key is taken."""
        with self.store.transaction():
            return self.insert(table, self.payloads.read(table, body, "create"), intent)

    def create_many(
        self, table: Table, bodies: Sequence[Mapping[str, Any]], intent: Intent
    ) -> list[str]:
        """New rows, all or none, and their ids in order; ApiError 412, which does not say whose, if
        an id or key is taken.
        """
        with self.store.transaction():
            defaults = self.defaults(table, intent)
            sent = [self.payloads.read(table, body, "create") for body in bodies]
            rows = [self.new_row(table, defaults, values) for values in sent]
            try:
                versions = self.store.insert_many(table.logical, table.id_column, rows)
            except sqlite3.IntegrityError as error:
                raise unique_violation(table, error, {}) from None
            if self.events.listens("Create", table.logical):
                for row, values, version in zip(rows, sent, versions, strict=True):
                    self.raise_event(
                        "Create", table, row[table.id_column], row, row, values, intent, version
                    )
        return [row[table.id_column] for row in rows]

    def upsert(self, address: Address, body: Mapping[str, Any], intent: Intent) -> Written:
        """PATCH: updates the addressed row, or creates it unless a condition says otherwise."""
        table = address.table
        with self.store.transaction():
            found = address.find(self.store)
            if found is not None:
                refuse_if_present(found, intent)
                refuse_if_other_version(found, intent)
                return self.change(table, found, body, intent)
            if intent.if_match:
                raise address.missing()
            values = {**address.values, **self.payloads.read(table, body, "create")}
            if address.row_id:
                values[table.id_column] = address.row_id
            return self.insert(table, values, intent)

    def change(self, table: Table, found: Row, body: Mapping[str, Any], intent: Intent) -> Written:
        return self.update(table, found, self.payloads.read(table, body, "update"), intent)

    def insert(self, table: Table, values: Values, intent: Intent) -> Written:
        row = self.new_row(table, self.defaults(table, intent), values)
        try:
            version = self.store.insert(table.logical, table.id_column, row)
        except sqlite3.IntegrityError as error:
            raise unique_violation(table, error, row) from None
        self.raise_event("Create", table, row[table.id_column], row, row, values, intent, version)
        return Written(table, row[table.id_column], version, created=True)

    def new_row(self, table: Table, defaults: Values, values: Values) -> Row:
        """The whole row: an id if none was given, the first state, and what the table's rules
        add.
        """
        row = defaults | values
        row[table.id_column] = row.get(table.id_column) or str(uuid.uuid4())
        if row.get("overriddencreatedon"):
            row["createdon"], row["overriddencreatedon"] = (
                row["overriddencreatedon"],
                row["createdon"],
            )
        row |= status_on_create(table, values, row[table.id_column])
        return row | self.consequences(table, row, row)

    def defaults(self, table: Table, intent: Intent) -> Values:
        """What the platform fills in: column defaults, times, the caller as author and owner, the
        organization's currency.
        """
        row = {
            c.name: int(c.default) if isinstance(c.default, bool) else c.default
            for c in table.columns.values()
            if c.default is not None
        }
        now = self.now()
        row |= {
            "createdon": now,
            "createdby": intent.caller.user_id,
            "modifiedon": now,
            "modifiedby": intent.caller.user_id,
        }
        row["modifiedonbehalfby"] = None
        if "ownerid" in table.columns:
            row |= {
                "ownerid": intent.caller.user_id,
                "ownerid__type": "systemuser",
                "owninguser": intent.caller.user_id,
            }
            row["owningbusinessunit"] = intent.caller.business_unit_id
        return row

    def update(self, table: Table, found: Row, values: Values, intent: Intent) -> Written:
        """Writes the given columns and whatever follows from them.

        Equal values make a new version too.
        """
        row_id = found[table.id_column]
        changes = values | {
            "modifiedon": self.now(),
            "modifiedby": intent.caller.user_id,
            "modifiedonbehalfby": None,
        }
        changes |= status_on_update(table, values, row_id)
        changes |= self.consequences(table, changes, found | changes)
        try:
            version = self.store.update(table.logical, table.id_column, row_id, changes)
        except sqlite3.IntegrityError as error:
            raise unique_violation(table, error, found | changes) from None
        self.raise_event(
            "Update", table, row_id, changes, found | changes, values, intent, version, found
        )
        return Written(table, row_id, version, created=False)

    def consequences(self, table: Table, values: Values, row: Row) -> Values:
        """What the table's own rules add to the values being written."""
        added: Values = {}
        for rule in RULES.get(table.logical, ()):
            added |= rule(self.store, values, row)
        return {name: value for name, value in added.items() if name in table.columns}

    def delete(self, address: Address, intent: Intent) -> None:
        table = address.table
        with self.store.transaction():
            found = address.require(self.store)
            refuse_if_other_version(found, intent)
            self.remove(table, found, intent)

    def remove(self, table: Table, found: Row, intent: Intent) -> None:
        """Deletes a row; rows that point to it go too or lose the link, as the relationship has
        it.
        """
        row_id = found[table.id_column]
        self.store.delete(table.logical, table.id_column, row_id)
        self.raise_event("Delete", table, row_id, {}, found, {}, intent, 0, found)
        for other, column in self.payloads.registry.pointing_to(table.logical):
            for child in self.store.fetch_all(other.logical, column.name, row_id):
                if column.document.get("on_delete") == "Cascade":
                    self.remove(other, child, intent)
                else:
                    self.store.update(
                        other.logical,
                        other.id_column,
                        child[other.id_column],
                        self.payloads.cleared(column),
                    )

    def raise_event(
        self,
        message: str,
        table: Table,
        row_id: str,
        target: Values,
        row: Row,
        sent: Values,
        intent: Intent,
        version: int,
        before: Row | None = None,
    ) -> None:
        """Waits for the commit: a write that is rolled back has no events."""
        if not self.events.listens(message, table.logical):
            return
        event = Event(
            message, table, row_id, target, dict(row), before, frozenset(sent), version,
            intent.caller, intent.request_id, intent.bypass, intent.bypass_steps, intent.tag,
            self.clock.time(),
        )  # fmt: skip
        self.store.after_commit.append(lambda: self.events.publish(event))


def refuse_if_present(found: Row, intent: Intent) -> None:
    """`If-None-Match: *` makes a PATCH create only."""
    if intent.if_none_match in {ANY, etag(found)}:
        raise already_exists()


def refuse_if_other_version(found: Row, intent: Intent) -> None:
    if intent.if_match and intent.if_match not in {ANY, etag(found)}:
        raise version_mismatch()


def wrong_status(table: Table, status: int, state: int, row_id: str) -> ApiError:
    name = table.columns["statecode"].choices.get(state, str(state))
    message = (
        f"{status} is not a valid status code for state code {table.schema}State.{name} on"
        f" {table.logical} with Id {row_id}."
    )
    return ApiError(400, "0x80048408", message)


def status_on_create(table: Table, values: Values, row_id: str) -> Values:
    """A new row is in its first state; a status reason of another state is refused."""
    if "statecode" not in table.columns:
        return {}
    status = values.get("statuscode")
    if status is None:
        return {"statecode": 0, "statuscode": table.first_status(0)}
    if table.columns["statuscode"].states[status] != 0:
        raise wrong_status(table, status, 0, row_id)
    return {"statecode": 0}


def status_on_update(table: Table, values: Values, row_id: str) -> Values:
    """State and reason go together: either alone brings the other along, a pair must fit."""
    state, status = values.get("statecode"), values.get("statuscode")
    if "statecode" not in table.columns or (state is None and status is None):
        return {}
    if status is None:
        return {"statuscode": table.first_status(values["statecode"])}
    own = table.columns["statuscode"].states[status]
    if state is not None and own != state:
        raise wrong_status(table, status, state, row_id)
    return {"statecode": own}
