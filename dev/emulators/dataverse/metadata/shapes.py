"""Definitions as JSON: labels, managed properties, tables, keys, relationships."""

from collections.abc import Iterator
from typing import Any

from dev.emulators.dataverse.model import ENGLISH, Column, Key, Table, stable_id

PRIVILEGE_TYPES = ("Create", "Read", "Write", "Delete", "Assign", "Share", "Append", "AppendTo")
Document = dict[str, Any]


def label(text: Any) -> Document:
    """A text is English; a dictionary has texts by language.

    The user's own label is null where English is missing.
    """
    texts = {} if text is None else text if isinstance(text, dict) else {str(ENGLISH): text}
    listed = [localized(int(language), one) for language, one in texts.items()]
    return {
        "LocalizedLabels": listed,
        "UserLocalizedLabel": next((one for one in listed if one["LanguageCode"] == ENGLISH), None),
    }


def localized(language: int, text: str) -> Document:
    facts = {"Label": text, "LanguageCode": language, "IsManaged": True, "HasChanged": None}
    return {**facts, "MetadataId": stable_id("label", str(language), text)}


def managed(value: Any, name: str, changeable: bool = True) -> Document:
    return {"Value": value, "CanBeChanged": changeable, "ManagedPropertyLogicalName": name}


def table_document(table: Table) -> Document:
    """Everything about a table that is no navigation property."""
    custom = bool(table.document.get("custom", False))
    activity = bool(table.document.get("activity", False))
    return {
        "MetadataId": table.metadata_id,
        "LogicalName": table.logical,
        "SchemaName": table.schema,
        "EntitySetName": table.set,
        "LogicalCollectionName": table.set,
        "CollectionSchemaName": table.set,
        "PrimaryIdAttribute": table.id_column,
        "PrimaryNameAttribute": table.name_column,
        "ObjectTypeCode": table.code,
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(table.plural),
        "Description": label(table.document.get("description")),
        "OwnershipType": table.ownership,
        "TableType": "Standard",
        "IsCustomEntity": custom,
        "IsManaged": not custom,
        "IsActivity": activity,
        "IsActivityParty": table.logical in {"contact", "account", "systemuser"},
        "IsPrivate": False,
        "IsIntersect": False,
        "IsValidForAdvancedFind": True,
        "ChangeTrackingEnabled": table.tracked,
        "CanChangeTrackingBeEnabled": managed(True, "canchangetrackingbeenabled"),
        "IsOptimisticConcurrencyEnabled": True,
        "HasActivities": table.logical in {"contact", "account"},
        "HasNotes": activity or table.logical in {"contact", "account"},
        "IsAvailableOffline": activity or table.logical in {"contact", "account"},
        "ActivityTypeMask": int(table.document.get("activity_mask", 1)) if activity else 0,
        "HasChanged": None,
        "Privileges": [privilege(table, kind) for kind in PRIVILEGE_TYPES],
    }


def privilege(table: Table, kind: str) -> Document:
    name = f"prv{kind}{table.privilege}"
    owned = table.ownership == "UserOwned"
    depths = {"CanBeBasic": owned, "CanBeLocal": owned, "CanBeDeep": owned, "CanBeGlobal": True}
    return {
        "Name": name,
        "PrivilegeId": stable_id("privilege", name),
        "PrivilegeType": kind,
        **depths,
    }


def key_document(table: Table, key: Key) -> Document:
    return {
        "MetadataId": key.metadata_id,
        "LogicalName": key.name,
        "SchemaName": key.schema,
        "EntityLogicalName": table.logical,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Active",
        "DisplayName": label(key.label),
        "IsManaged": False,
        "IsCustomizable": managed(True, "iscustomizable"),
        "AsyncJob": None,
        "HasChanged": None,
    }


def relationships(table: Table, tables: dict[str, Table]) -> Iterator[Document]:
    """The many-to-one relationships of a table: one for each lookup and each table that it may
    point to.
    """
    for column in table.columns.values():
        for navigation, targets in column.targets.items():
            for target in targets:
                yield relationship(table, column, navigation, tables[target])


def relationship(table: Table, column: Column, navigation: str, target: Table) -> Document:
    schema = column.document.get("relationships", {}).get(
        target.logical, f"{target.logical}_{table.logical}_{column.name}"
    )
    return {
        "MetadataId": stable_id("relationship", schema),
        "SchemaName": schema,
        "RelationshipType": "OneToManyRelationship",
        "ReferencingEntity": table.logical,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": navigation,
        "ReferencedEntity": target.logical,
        "ReferencedAttribute": target.id_column,
        "ReferencedEntityNavigationPropertyName": schema,
        "IsCustomRelationship": bool(column.document.get("custom", False)),
        "IsHierarchical": False,
        "IsManaged": not column.document.get("custom", False),
        "HasChanged": None,
    }
