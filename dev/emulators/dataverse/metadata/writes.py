"""POST, PUT and DELETE on definitions: tables, columns, lookups, alternate keys, the switch of
change tracking.

Source: Microsoft Learn, "Create and update table definitions using the Web API", "Define alternate
keys for a table".
"""

import re
import sqlite3
import uuid
from typing import Any

from dev.emulators.control import Clock
from dev.emulators.dataverse.activities import refuse_bad_activity
from dev.emulators.dataverse.metadata.attributes import PREFIX
from dev.emulators.dataverse.metadata.reads import MetadataReads, named_key, split_key
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.organization import add_message_filters, add_privileges
from dev.emulators.dataverse.problems import ApiError, not_emulated
from dev.emulators.dataverse.registry import Registry, completed
from dev.emulators.dataverse.solutions import COMPONENT_TYPES, Solutions
from dev.emulators.dataverse.wire import Request, Response

KEYABLE = {"String", "Integer", "Decimal", "DateTime", "Lookup", "Customer", "Picklist"}
MOST_KEYS, MOST_KEY_COLUMNS = 10, 16
Body = dict[str, Any]


class MetadataWrites:
    def __init__(self, registry: Registry, reads: MetadataReads, clock: Clock) -> None:
        self.registry, self.reads, self.clock = registry, reads, clock
        self.solutions = Solutions(registry.store)

    def handle(self, request: Request, segments: list[str]) -> Response:
        collection, _ = split_key(segments[0])
        below = split_key(segments[1])[0] if len(segments) > 1 else ""
        with self.registry.store.transaction():
            solution_id = self.solutions.wanted(request)
            answer = self.change(request, segments, collection, below)
            if solution_id and request.method == "POST":
                kind = COMPONENT_TYPES[below if collection == "EntityDefinitions" else collection]
                self.solutions.add(
                    solution_id, kind, answer, self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
                )
        return answer

    def change(
        self, request: Request, segments: list[str], collection: str, below: str
    ) -> Response:
        key = split_key(segments[0])[1]
        match request.method, collection, below:
            case "POST", "EntityDefinitions", "":
                return self.create_table(request)
            case "PUT", "EntityDefinitions", "":
                return self.replace_table(request, self.reads.table(key or ""))
            case "POST", "EntityDefinitions", "Attributes":
                return self.create_column(request, self.reads.table(key or ""))
            case "POST", "EntityDefinitions", "Keys":
                return self.create_key(request, self.reads.table(key or ""))
            case "DELETE", "EntityDefinitions", "Attributes":
                return self.delete_column(
                    self.reads.table(key or ""), split_key(segments[1])[1] or ""
                )
            case "DELETE", "EntityDefinitions", "Keys":
                return self.delete_key(self.reads.table(key or ""), split_key(segments[1])[1] or "")
            case "POST", "RelationshipDefinitions", "":
                return self.create_lookup(request)
            case "PATCH", _, _:
                raise ApiError(405, "0x80060888", "Operation not supported on EntityMetadata")
        raise not_emulated(f"{request.method} on {collection}/{below}".rstrip("/"))

    def create_table(self, request: Request) -> Response:
        body = request.json()
        schema = required(body, "SchemaName")
        if schema.lower() in self.registry.tables:
            raise ApiError(400, "0x80047013", f"The specified name '{schema}' is already in use.")
        table = self.registry.add(completed(table_document(body)))
        add_message_filters(self.registry.store, table)
        add_privileges(self.registry.store, table)
        return created(request, f"EntityDefinitions({table.metadata_id})")

    def replace_table(self, request: Request, table: Table) -> Response:
        """Of a whole definition only change tracking is taken up; it cannot be switched off
        again.
        """
        if table.abstract:
            raise not_emulated(f"change tracking of {table.logical}")
        wanted = bool(request.json().get("ChangeTrackingEnabled", table.tracked))
        if table.tracked and not wanted:
            raise ApiError(
                400,
                "0x80040203",
                "Change tracking cannot be disabled for an entity once it is enabled.",
            )
        if wanted != table.tracked:
            self.registry.change(table, change_tracking=wanted)
        return Response(204)

    def create_column(self, request: Request, table: Table) -> Response:
        schema, body = column_body(request.json())
        if schema.lower() in table.columns:
            raise ApiError(
                400,
                "0x80044152",
                f"An attribute with the specified name {schema.lower()} already exists.",
            )
        column = self.registry.add_column(table, schema, body)
        return created(
            request, f"EntityDefinitions({table.metadata_id})/Attributes({column.metadata_id})"
        )

    def delete_column(self, table: Table, text: str) -> Response:
        """Only custom columns can be deleted, and none that an alternate key is made of."""
        name = named_key(text)
        column = next((c for c in table.columns.values() if name in (c.name, c.metadata_id)), None)
        if column is None:
            raise ApiError(
                404, "0x80060888", f"Could not find an attribute {name} for entity {table.logical}"
            )
        if not column.document.get("custom") or any(
            column.name in key.columns for key in table.keys
        ):
            raise ApiError(
                400,
                "0x8004F01F",
                f"The {name} attribute cannot be deleted: it is referenced by other components.",
            )
        self.registry.drop_column(table, column)
        return Response(204)

    def create_lookup(self, request: Request) -> Response:
        """A one-to-many relationship is a lookup column on the referencing table."""
        body = request.json()
        if not str(body.get("@odata.type", "")).endswith("OneToManyRelationshipMetadata"):
            raise not_emulated("relationships other than one-to-many")
        table, target = (
            self.registry.named(required(body, name))
            for name in ("ReferencingEntity", "ReferencedEntity")
        )
        lookup = body.get("Lookup") or {}
        schema = required(lookup, "SchemaName")
        navigation = body.get("ReferencingEntityNavigationPropertyName") or schema
        relationship = {target.logical: required(body, "SchemaName")}
        declared = {
            **described(lookup),
            "kind": "Lookup",
            "targets": {navigation: target.logical},
            "relationships": relationship,
        }
        declared["on_merge"] = (body.get("CascadeConfiguration") or {}).get("Merge", "NoCascade")
        self.registry.add_column(table, schema, declared)
        documents = (
            document
            for document in self.reads.all_relationships()
            if document["SchemaName"] == body["SchemaName"]
        )
        return created(request, f"RelationshipDefinitions({next(documents)['MetadataId']})")

    def create_key(self, request: Request, table: Table) -> Response:
        body = request.json()
        schema = required(body, "SchemaName")
        columns = [str(name).lower() for name in listed(body, "KeyAttributes")]
        refuse_bad_key(table, columns)
        metadata_id = str(uuid.uuid4())
        try:
            self.registry.add_key(
                table,
                schema,
                {"columns": columns, "label": text_of(body, schema), "metadata_id": metadata_id},
            )
        except sqlite3.IntegrityError:
            message = (
                f"Entity key {schema} could not be activated: rows with duplicate values exist."
            )
            raise ApiError(400, "0x80060891", message) from None
        return created(request, f"EntityDefinitions({table.metadata_id})/Keys({metadata_id})")

    def delete_key(self, table: Table, text: str) -> Response:
        wanted = text.strip("'").lower()
        for key in table.keys:
            if wanted in {key.metadata_id, key.name}:
                self.registry.drop_key(table, key.schema)
                return Response(204)
        raise ApiError(404, "0x80040217", f"Could not find a key {text} for entity {table.logical}")


def required(body: Body, name: str) -> str:
    """A text that must be there; ApiError 400 without it. Schema names are identifiers."""
    value = body.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]\w*", value, re.ASCII):
        raise ApiError(400, "0x80048d19", f"The property '{name}' is missing or not a valid name.")
    return value


def listed(body: Body, name: str) -> list[Any]:
    found = body.get(name) or []
    if not isinstance(found, list):
        raise ApiError(400, "0x80048d19", f"The property '{name}' must be a collection.")
    return found


def created(request: Request, path: str) -> Response:
    return Response(204, {"OData-EntityId": f"{request.api}/{path}"})


def refuse_bad_key(table: Table, columns: list[str]) -> None:
    if len(table.keys) >= MOST_KEYS:
        raise ApiError(400, "0x80060893", f"A table can have at most {MOST_KEYS} alternate keys.")
    if not 1 <= len(columns) <= MOST_KEY_COLUMNS:
        raise ApiError(400, "0x80060893", f"An alternate key has 1 to {MOST_KEY_COLUMNS} columns.")
    for name in columns:
        if name not in table.columns or table.columns[name].kind not in KEYABLE:
            raise ApiError(
                400,
                "0x80060894",
                f"Attribute {name} cannot be part of an alternate key of {table.logical}.",
            )


def text_of(body: Body, fallback: str, name: str = "DisplayName") -> str:
    """The first label of a Label object."""
    labels = (body.get(name) or {}).get("LocalizedLabels") or []
    return str(labels[0]["Label"]) if labels else fallback


def labels_of(option: Body, fallback: str) -> dict[str, str] | str:
    """The texts of an option's label by language."""
    if "Label" not in option:
        return fallback
    labels = (option["Label"] or {}).get("LocalizedLabels") or []
    return {str(item["LanguageCode"]): str(item["Label"]) for item in labels}


def described(attribute: Body) -> Body:
    return {
        "label": text_of(attribute, required(attribute, "SchemaName")),
        "required": (attribute.get("RequiredLevel") or {}).get("Value", "None"),
        "custom": True,
    }


def column_body(attribute: Body) -> tuple[str, Body]:
    """Schema name and declaration of a column from its metadata."""
    kind = (
        str(attribute.get("@odata.type", ""))
        .removeprefix("#")
        .removeprefix(PREFIX)
        .removesuffix("AttributeMetadata")
    )
    if kind not in {
        "String",
        "Memo",
        "Integer",
        "BigInt",
        "Decimal",
        "Double",
        "Money",
        "DateTime",
        "Boolean",
        "Picklist",
        "MultiSelectPicklist",
    }:
        raise not_emulated(f"creating columns of type '{attribute.get('@odata.type', '')}'")
    given = {
        "max": attribute.get("MaxLength") or attribute.get("MaxValue"),
        "min": attribute.get("MinValue"),
    }
    given |= {
        "precision": attribute.get("Precision"),
        "format": (attribute.get("FormatName") or {}).get("Value") or attribute.get("Format"),
    }
    given |= {
        "behavior": (attribute.get("DateTimeBehavior") or {}).get("Value"),
        "default": attribute.get("DefaultValue"),
    }
    declared = {
        **described(attribute),
        "kind": kind,
        **{name: value for name, value in given.items() if value is not None},
    }
    return required(attribute, "SchemaName"), declared | options_of(
        kind, attribute.get("OptionSet") or {}
    )


def options_of(kind: str, option_set: Body) -> Body:
    if kind == "Boolean":
        return {
            "labels": [
                labels_of(option_set.get(f"{side}Option") or {}, text)
                for side, text in (("False", "No"), ("True", "Yes"))
            ]
        }
    if "Options" not in option_set:
        return {}
    return {
        "choices": {
            option["Value"]: labels_of(option, str(option["Value"]))
            for option in option_set["Options"]
        }
    }


def table_document(body: Body) -> dict[str, Any]:
    """The document of a custom table: its id column and the columns given, the primary name among
    them.
    """
    if body.get("IsActivity"):
        refuse_bad_activity(body)
    schema = required(body, "SchemaName")
    declared = dict(column_body(attribute) for attribute in listed(body, "Attributes"))
    primary = next(
        (a["SchemaName"] for a in listed(body, "Attributes") if a.get("IsPrimaryName")), None
    )
    if primary is None:
        raise ApiError(400, "0x80044363", "The table needs a primary name attribute.")
    return {
        "logical": schema.lower(),
        "schema": schema,
        "set": str(body.get("EntitySetName") or f"{schema.lower()}s"),
        "name": str(primary).lower(),
        "code": 10000 + uuid.uuid5(uuid.NAMESPACE_URL, schema).int % 10000,
        "label": text_of(body, schema),
        "plural": text_of(body, f"{schema}s", "DisplayCollectionName"),
        "ownership": body.get("OwnershipType", "UserOwned"),
        "custom": True,
        "bulk": True,
        "change_tracking": bool(body.get("ChangeTrackingEnabled", False)),
        **(activity_facts(body) if body.get("IsActivity") else {"id": f"{schema.lower()}id"}),
        "columns": declared if body.get("IsActivity") else {**id_column(body, schema), **declared},
    }


def id_column(body: Body, schema: str) -> Body:
    facts = {
        "kind": "Uniqueidentifier",
        "label": text_of(body, schema),
        "required": "SystemRequired",
        "update": False,
    }
    return {f"{schema}Id": facts}


def activity_facts(body: Body) -> Body:
    """`ActivityTypeMask` 1 shows the activity in menus, which is the default; 0 does not."""
    return {"activity": True, "activity_mask": int(body.get("ActivityTypeMask", 1))}
