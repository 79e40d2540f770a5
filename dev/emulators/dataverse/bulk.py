"""Bulk messages: CreateMultiple, UpdateMultiple, UpsertMultiple (one transaction each) and the
BulkDelete job.

Source: Microsoft Learn, "Use bulk operation messages"; "Bulk delete data".
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dev.emulators.dataverse.keys import Address, as_guid, read_address
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.organization import set_bulk_filters
from dev.emulators.dataverse.problems import (
    ApiError,
    bad_payload,
    not_emulated,
    unsupported_message,
)
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.store import Row, Store
from dev.emulators.dataverse.wire import Request, Response, json_response
from dev.emulators.dataverse.writing import Intent, Writing, intent_of

Target = dict[str, Any]
BULK_DELETE, COMPLETED, SUCCEEDED = 13, 3, 30


class Bulk:
    def __init__(self, store: Store, registry: Registry, writing: Writing) -> None:
        self.store, self.registry, self.writing = store, registry, writing
        self.without: set[str] = set()

    def configure(self, order: dict[str, Any]) -> None:
        """{"without": ["task"]}: tables that lack the bulk messages from now on; ValueError for a
        table that does not exist.
        """
        without = set(order.get("without", []))
        if unknown := without - self.registry.tables.keys():
            raise ValueError(f"no such table: {', '.join(sorted(unknown))}")
        changed, self.without = without ^ self.without, without
        with self.store.transaction():
            for table in map(self.registry.named, changed):
                set_bulk_filters(
                    self.store,
                    table,
                    bool(table.document.get("bulk")) and table.logical not in without,
                )

    def run(self, request: Request, table: Table, message: str) -> Response:
        actions: dict[str, Callable[[Request, Table], Response]] = {
            "CreateMultiple": self.create_multiple,
            "UpdateMultiple": self.update_multiple,
            "UpsertMultiple": self.upsert_multiple,
        }
        if message == "DeleteMultiple":
            raise ApiError(400, "0x80040216", "DeleteMultiple has not yet been implemented.")
        if message not in actions:
            raise not_emulated(f"the action {message}")
        if not table.document.get("bulk") or table.logical in self.without:
            raise unsupported_message(message, table.logical)
        with self.store.transaction():
            return actions[message](request, table)

    def targets(self, request: Request, table: Table) -> list[Target]:
        found = request.json().get("Targets")
        if not isinstance(found, list) or not all(isinstance(target, dict) for target in found):
            raise bad_payload(
                table.set,
                "Microsoft.OData.ODataException: The parameter 'Targets' must be a collection.",
            )
        expected = f"Microsoft.Dynamics.CRM.{table.logical}"
        for target in found:
            if str(target.get("@odata.type", "")).lstrip("#") != expected:
                why = (
                    "Microsoft.OData.ODataException: A type named"
                    f" '{target.get('@odata.type', '')}' could not be resolved."
                )
                raise bad_payload(table.set, why)
        return found

    def create_multiple(self, request: Request, table: Table) -> Response:
        ids = self.writing.create_many(table, self.targets(request, table), intent_of(request))
        context = f"{request.api}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
        return json_response({"@odata.context": context, "Ids": ids})

    def update_multiple(self, request: Request, table: Table) -> Response:
        """Of several targets with one id, the first counts and the others are passed over, as on
        the platform.
        """
        intent = intent_of(request)
        wanted = [(self.address(table, target), target) for target in self.targets(request, table)]
        targets = [(address, address.find(self.store), target) for address, target in wanted]
        if missing := [
            address.row_id or address.text for address, found, _ in targets if found is None
        ]:
            raise ApiError(
                404, "0x80040217", f"{table.logical} With Ids = {', '.join(missing)} Do Not Exist"
            )
        first: dict[str, tuple[Row, Target]] = {}
        for _, found, target in targets:
            if found:
                first.setdefault(found[table.id_column], (found, target))
        for found, target in first.values():
            self.writing.change(table, found, target, intent)
        return Response(204)

    def upsert_multiple(self, request: Request, table: Table) -> Response:
        intent = replace(intent_of(request), if_match=None, if_none_match=None)
        targets = [(self.address(table, target), target) for target in self.targets(request, table)]
        texts = [address.text for address, _ in targets]
        if len(set(texts)) < len(texts):
            raise ApiError(400, "0x80040237", "Cannot insert duplicate key.")
        for address, target in targets:
            self.writing.upsert(address, target, intent)
        return Response(204)

    def address(self, table: Table, target: Target) -> Address:
        """By `@odata.id`, `contacts(key='x')`, or by the id among the columns."""
        reference = target.get("@odata.id")
        if isinstance(reference, str):
            inner = reference[reference.find("(") + 1 : -1]
            return read_address(table, inner)
        row_id = as_guid(target.get(table.id_column))
        if row_id is None:
            raise ApiError(
                400, "0x80040203", f"The target needs '{table.id_column}' or '@odata.id'."
            )
        return read_address(table, row_id)

    def bulk_delete(self, request: Request) -> Response:
        """Deletes the rows of a QueryExpression at once and leaves a finished job; real jobs take
        minutes.
        """
        body = request.json()
        job_id = str(uuid.uuid4())
        with self.store.transaction():
            for query in body.get("QuerySet", []):
                table = self.registry.named(query.get("EntityName", ""))
                for row_id in self.matching(table, query):
                    self.writing.delete(
                        read_address(table, row_id), Intent(request.caller, request.request_id)
                    )
            self.record(job_id, str(body.get("JobName", "")))
        context = f"{request.api}/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
        return json_response({"@odata.context": context, "JobId": job_id})

    def matching(self, table: Table, query: dict[str, Any]) -> list[str]:
        """Ids of the existing rows that an `In` or `Equal` condition on the primary id names."""
        conditions = (query.get("Criteria") or {}).get("Conditions", [])
        if len(conditions) != 1 or (query.get("Criteria") or {}).get("Filters"):
            raise not_emulated("BulkDelete with criteria other than one condition")
        condition = conditions[0]
        if condition.get("AttributeName") != table.id_column or condition.get("Operator") not in {
            "In",
            "Equal",
        }:
            raise not_emulated("BulkDelete by anything but the primary id")
        values = [
            value.get("Value") if isinstance(value, dict) else value
            for value in condition.get("Values", [])
        ]
        ids = [guid for value in values if (guid := as_guid(value))]
        return [
            row_id for row_id in ids if self.store.fetch(table.logical, table.id_column, row_id)
        ]

    def record(self, job_id: str, name: str) -> None:
        now = self.writing.now()
        row = {
            "asyncoperationid": job_id,
            "name": name,
            "operationtype": BULK_DELETE,
            "messagename": "BulkDelete",
        }
        row |= {
            "createdon": now,
            "modifiedon": now,
            "completedon": now,
            "statecode": COMPLETED,
            "statuscode": SUCCEEDED,
        }
        self.store.insert("asyncoperation", "asyncoperationid", row)
