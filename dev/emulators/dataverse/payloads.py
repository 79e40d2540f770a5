"""The body of a write: which columns it sets, to what, and which rows it binds.

Columns that a caller may not write are passed over without a word, as the platform does; unknown
names are refused.
Source: Microsoft Learn, "Create a table row using the Web API", "Web API navigation properties".
"""

import re
from collections.abc import Mapping
from typing import Any

from dev.emulators.dataverse.keys import Address, read_address
from dev.emulators.dataverse.model import Column, Table
from dev.emulators.dataverse.problems import (
    ApiError,
    bad_payload,
    not_emulated,
    undeclared_property,
)
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.values import stored

Values = dict[str, Any]
REFERENCE = re.compile(r"/?(\w+)\((.*)\)", re.DOTALL)


class Payloads:
    def __init__(self, store: Store, registry: Registry) -> None:
        self.store, self.registry = store, registry

    def read(self, table: Table, body: Mapping[str, Any], verb: str) -> Values:
        """Column values as stored. `verb` is create or update; the id is taken on create only."""
        values: Values = {}
        for name, value in body.items():
            if name.endswith("@odata.bind"):
                values |= self.bind(table, name.removesuffix("@odata.bind"), value)
            elif "@" not in name:
                values |= self.member(table, name, value, verb)
        return values

    def member(self, table: Table, name: str, value: Any, verb: str) -> Values:
        column = table.columns.get(name)
        if column is not None and not column.is_lookup:
            ignored = not column.allows(verb) or (
                value is None and column.kind in {"State", "Status"}
            )
            return {} if ignored else {name: stored(table, column, value)}
        if name in table.navigation:
            return self.clear_or_refuse(table, table.navigation[name], value)
        if name in table.by_wire_name:
            message = (
                "CRM do not support direct update of Entity Reference properties, Use Navigation"
                " properties instead."
            )
            raise bad_payload(table.set, f"Microsoft.Crm.CrmException: {message}")
        raise self.unknown(table, name)

    def clear_or_refuse(self, table: Table, column: Column, value: Any) -> Values:
        if value is None:
            return self.cleared(column)
        if isinstance(value, dict):
            raise not_emulated("creating related rows in one request (deep insert)")
        raise bad_payload(
            table.set, "Microsoft.OData.ODataException: A 'StartObject' node was expected."
        )

    def unknown(self, table: Table, name: str) -> ApiError:
        why = (
            f"Microsoft.Crm.CrmException: Invalid property '{name}' was found in entity"
            f" 'Microsoft.Dynamics.CRM.{table.logical}'. ---> Microsoft.OData.ODataException: The"
            f" property '{name}' does not exist on type 'Microsoft.Dynamics.CRM.{table.logical}'."
            " Make sure to only use property names that are defined by the type."
        )
        return bad_payload(table.set, why)

    def cleared(self, column: Column) -> Values:
        return (
            {column.name: None, f"{column.name}__type": None}
            if column.polymorphic
            else {column.name: None}
        )

    def bind(self, table: Table, navigation: str, reference: Any) -> Values:
        """A lookup's new value.

        Of a lookup with several targets, the new one takes the place of any other.
        """
        column = table.navigation.get(navigation)
        if column is None:
            raise undeclared_property(table.set, navigation)
        if reference is None:
            return self.cleared(column)
        address = self.resolve(table, reference)
        if address.table.logical not in column.targets[navigation]:
            raise bad_payload(
                table.set,
                f"Microsoft.Crm.CrmException: A '{address.table.logical}' cannot be bound to"
                f" '{navigation}'.",
            )
        row_id = address.require_id(self.store)
        return (
            {column.name: row_id, f"{column.name}__type": address.table.logical}
            if column.polymorphic
            else {column.name: row_id}
        )

    def resolve(self, table: Table, reference: Any) -> Address:
        """`/accounts(<guid>)`, without the slash, absolute, or with an alternate key."""
        match = (
            REFERENCE.fullmatch(re.sub(r"^.*/api/data/v\d\.\d", "", reference))
            if isinstance(reference, str)
            else None
        )
        if not match or match[1] not in self.registry.sets:
            raise bad_payload(
                table.set,
                "Microsoft.OData.ODataException: Resource not found for the segment"
                f" '{reference}'.",
            )
        return read_address(self.registry.of_set(match[1]), match[2])
