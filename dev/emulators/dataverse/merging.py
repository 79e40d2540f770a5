"""Merge: one of two rows stays, the other becomes inactive and names its master.

Rows that point to the loser move to the master where the relationship cascades merges: activities
regarding it, contacts below it, accounts whose primary contact it is; lookups of custom tables do
so if they were made with `Merge: Cascade`. Microsoft Learn:
"Merge table rows using the Web API", "Contact table/entity reference" (CascadeConfiguration of the
one-to-many relationships).
"""

from typing import Any

from dev.emulators.dataverse.keys import Address, as_guid
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.payloads import Payloads
from dev.emulators.dataverse.problems import ApiError, bad_payload, not_emulated
from dev.emulators.dataverse.store import Row
from dev.emulators.dataverse.wire import Request, Response
from dev.emulators.dataverse.writing import Writing, intent_of

INACTIVE = 1
Body = dict[str, Any]


class Merging:
    def __init__(self, payloads: Payloads, writing: Writing) -> None:
        self.payloads, self.writing = payloads, writing
        self.registry, self.store = payloads.registry, payloads.store

    def run(self, request: Request) -> Response:
        """{"Target", "Subordinate", "UpdateContent", "PerformParentingChecks"}: 204; ApiError 404
        if either row is missing.
        """
        body = request.json()
        with self.store.transaction():
            table = self.table(body)
            master, loser = self.row(table, body["Target"]), self.row(table, body["Subordinate"])
            self.refuse(table, master, loser, body)
            self.merge(request, table, master, loser, body.get("UpdateContent") or {})
        return Response(204)

    def table(self, body: Body) -> Table:
        """The one table of both rows."""
        types = {
            str((body.get(name) or {}).get("@odata.type", "")).lstrip("#")
            for name in ("Target", "Subordinate")
        }
        if types != {"Microsoft.Dynamics.CRM.contact"}:
            raise not_emulated("merging anything but two contacts")
        return self.registry.named("contact")

    def row(self, table: Table, given: Body) -> Row:
        row_id = as_guid(given.get(table.id_column))
        if row_id is None:
            raise bad_payload(
                "Merge", "EdmEntityObject passed should have the key property value set."
            )
        return Address(table, row_id, {table.id_column: row_id}).require(self.store)

    def refuse(self, table: Table, master: Row, loser: Row, body: Body) -> None:
        checks = body.get("PerformParentingChecks")
        if not isinstance(checks, bool):
            raise ApiError(
                400,
                "0x80048d19",
                "The parameter 'PerformParentingChecks' of the action Merge must be true or false.",
            )
        if master[table.id_column] == loser[table.id_column] or loser["merged"]:
            raise not_emulated("merging a row with itself, or one that has been merged")
        if checks and master.get("parentcustomerid") != loser.get("parentcustomerid"):
            raise not_emulated("parenting checks of rows with different parents")

    def merge(self, request: Request, table: Table, master: Row, loser: Row, content: Body) -> None:
        intent = intent_of(request)
        changes = {
            name: value
            for name, value in content.items()
            if name not in {"@odata.type", table.id_column}
        }
        if changes:
            self.writing.change(table, master, changes, intent)
        self.move_children(table, loser[table.id_column], master[table.id_column])
        lost = {"masterid": master[table.id_column], "merged": 1}
        state = {"statecode": INACTIVE, "statuscode": table.first_status(INACTIVE)}
        self.writing.update(table, loser, {**lost, **state}, intent)

    def move_children(self, table: Table, old: str, new: str) -> None:
        for other, column in self.registry.pointing_to(table.logical):
            if column.document.get("on_merge") == "Cascade":
                for child in self.store.fetch_all(other.logical, column.name, old):
                    self.store.update(
                        other.logical, other.id_column, child[other.id_column], {column.name: new}
                    )
