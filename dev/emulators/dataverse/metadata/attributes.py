"""Columns as JSON: what all have in common, what each type adds, and their sets of options."""

from collections.abc import Iterator
from typing import Any

from dev.emulators.dataverse.metadata.shapes import Document, label, managed
from dev.emulators.dataverse.model import Column, Table, stable_id

PREFIX = "Microsoft.Dynamics.CRM."
CLASSES = {
    "Customer": "Lookup",
    "Owner": "Lookup",
    "Uniqueidentifier": "UniqueIdentifier",
}
NAVIGATION = ("OptionSet", "GlobalOptionSet")
OPTION_SET_TYPES = {
    "Picklist": "Picklist",
    "MultiSelectPicklist": "Picklist",
    "State": "State",
    "Status": "Status",
    "Boolean": "Boolean",
}


def class_of(kind: str) -> str:
    """The metadata type without its namespace: StringAttributeMetadata."""
    return CLASSES.get(kind, kind) + "AttributeMetadata"


def attribute_documents(table: Table) -> Iterator[tuple[str, Document]]:
    """Class and whole document of each column, helper columns included."""
    for number, column in enumerate(table.columns.values(), 1):
        yield (
            class_of(column.kind),
            {
                **common(table, column, number),
                **particular(column),
                **option_sets(table, column),
            },
        )
    yield from helper_documents(table)


def common(table: Table, column: Column, number: int) -> Document:
    custom = bool(column.document.get("custom", False))
    return {
        "MetadataId": column.metadata_id,
        "LogicalName": column.name,
        "SchemaName": column.schema,
        "EntityLogicalName": table.logical,
        "AttributeType": "Virtual" if column.kind == "MultiSelectPicklist" else column.kind,
        "AttributeTypeName": {"Value": f"{column.kind}Type"},
        "AttributeOf": None,
        "ColumnNumber": number,
        "DisplayName": label(column.label),
        "Description": label(column.document.get("description")),
        "RequiredLevel": managed(
            column.document.get("required", "None"), "canmodifyrequirementlevelsettings"
        ),
        "IsValidForCreate": column.allows("create"),
        "IsValidForUpdate": column.allows("update"),
        "IsValidForRead": column.allows("read"),
        "IsPrimaryId": column.name == table.id_column,
        "IsPrimaryName": column.name == table.name_column,
        "IsCustomAttribute": custom,
        "IsManaged": not custom,
        "IsLogical": False,
        "IsSecured": False,
        "SourceType": None,
        "HasChanged": None,
    }


def particular(column: Column) -> Document:
    """What the column's own metadata type adds."""
    document = column.document
    if column.is_lookup:
        return {"Targets": column.target_tables, "Format": "None"}
    bounds = {"MinValue": document.get("min"), "MaxValue": document.get("max")}
    added: dict[str, Document] = {
        "String": {
            "MaxLength": document.get("max", 100),
            "FormatName": {"Value": document.get("format", "Text")},
        },
        "Memo": {
            "MaxLength": document.get("max", 2000),
            "FormatName": {"Value": document.get("format", "TextArea")},
        },
        "Integer": {
            "MinValue": document.get("min", -2147483648),
            "MaxValue": document.get("max", 2147483647),
            "Format": "None",
        },
        "BigInt": {"MinValue": -9223372036854775808, "MaxValue": 9223372036854775807},
        "Decimal": {**bounds, "Precision": document.get("precision", 2)},
        "Double": {**bounds, "Precision": document.get("precision", 2)},
        "Money": {
            **bounds,
            "Precision": document.get("precision", 2),
            "PrecisionSource": 2,
            "IsBaseCurrency": False,
        },
        "DateTime": {
            "Format": document.get("format", "DateAndTime"),
            "DateTimeBehavior": {"Value": document.get("behavior", "UserLocal")},
            "MinSupportedValue": "1753-01-01T00:00:00Z",
            "MaxSupportedValue": "9999-12-30T23:59:59Z",
        },
        "Boolean": {"DefaultValue": bool(column.default)},
    }
    default = {"DefaultFormValue": -1 if column.default is None else column.default}
    return added.get(column.kind, default if column.choices else {})


def option_sets(table: Table, column: Column) -> Document:
    if column.kind not in OPTION_SET_TYPES:
        return {}
    return {"OptionSet": option_set(table, column), "GlobalOptionSet": None}


def option_set(table: Table, column: Column) -> Document:
    name = f"{table.logical}_{column.name}"
    head = {
        "MetadataId": stable_id("optionset", name),
        "Name": name,
        "DisplayName": label(column.label),
        "IsGlobal": False,
        "IsCustomOptionSet": False,
        "IsManaged": True,
        "OptionSetType": OPTION_SET_TYPES[column.kind],
        "HasChanged": None,
    }
    if column.kind == "Boolean":
        no, yes = column.flag_labels
        return {**head, "TrueOption": option(1, yes), "FalseOption": option(0, no)}
    return {
        **head,
        "Options": [
            {**option(value, text), **stateful(table, column, value)}
            for value, text in column.choice_labels.items()
        ],
    }


def option(value: int, text: Any) -> Document:
    return {
        "Value": value,
        "Label": label(text),
        "Description": label(None),
        "Color": None,
        "IsManaged": True,
        "ExternalValue": None,
        "ParentValues": [],
        "MetadataId": None,
        "HasChanged": None,
    }


def stateful(table: Table, column: Column, value: int) -> Document:
    """A state names its default reason, a reason the state it belongs to."""
    if column.kind == "State":
        return {
            "@odata.type": f"#{PREFIX}StateOptionMetadata",
            "DefaultStatus": table.first_status(value),
            "InvariantName": column.choices[value],
        }
    if column.kind == "Status":
        return {
            "@odata.type": f"#{PREFIX}StatusOptionMetadata",
            "State": column.states[value],
            "TransitionData": None,
        }
    return {}


def helper_documents(table: Table) -> Iterator[tuple[str, Document]]:
    """The columns that metadata lists beside others (`AttributeOf`), and that no row has."""
    for column in table.columns.values():
        for suffix, kind in helpers_of(column):
            name = column.name + suffix
            if name not in table.columns:
                yield class_of(kind), helper(table, column, name, kind)


def helpers_of(column: Column) -> list[tuple[str, str]]:
    if column.is_lookup:
        return [
            ("name", "String"),
            ("yominame", "String"),
            *([("type", "EntityName")] if column.polymorphic else []),
        ]
    return [("name", "Virtual")] if column.kind in OPTION_SET_TYPES else []


def helper(table: Table, column: Column, name: str, kind: str) -> Document:
    own = Column(
        table.logical, name, {"kind": kind, "create": False, "update": False, "label": column.label}
    )
    extra: Document = {"AttributeOf": column.name, "IsLogical": True, "DisplayName": label(None)}
    more: dict[str, Any] = particular(own) if kind == "String" else {}
    return {**common(table, own, 0), **extra, **more}


BASE_PROPERTIES = frozenset(
    common(
        Table({"logical": "x", "id": "x", "name": "x", "columns": {}}),
        Column("x", "x", {"kind": "String"}),
        0,
    )
)
