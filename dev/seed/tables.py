"""Tables of any shape: made in Dataverse over its metadata API, published in Campaign, mapped by a
document.

For benchmarks and tests of custom entities; `vehicles.py` is the example that people read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from azure.storage.blob import ContainerClient

from dev.verbs import Dynamics

TYPES = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True)
class Table:
    """`parents`: lookup column -> (parent table, the parent's key field in Campaign).

    `columns`: name -> metadata of the column, whose `kind` names its type, and of the Campaign
    field that it goes to in `target`.
    """

    name: str
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    api: str = "profileAndServicesExt"
    cardinality: str = "one"

    @property
    def resource(self) -> str:
        return (
            "profile"
            if self.name == "contact"
            else "cus" + "".join(part.capitalize() for part in self.name.split("_")[1:])
        )

    def create(self, dynamics: Dynamics) -> None:
        """The table with change tracking on, its columns and its lookups."""
        name = {
            "SchemaName": f"{self.name}_name",
            "IsPrimaryName": True,
            "MaxLength": 100,
            "DisplayName": label("Name"),
        }
        definition = {
            "@odata.type": f"{TYPES}EntityMetadata",
            "SchemaName": self.name,
            "DisplayName": label(self.name),
            "DisplayCollectionName": label(f"{self.name}s"),
            "OwnershipType": "UserOwned",
            "ChangeTrackingEnabled": True,
            "Attributes": [{"@odata.type": f"{TYPES}StringAttributeMetadata", **name}],
        }
        dynamics.http.json("POST", "/EntityDefinitions", definition)
        for column, facts in self.columns.items():
            add_column(dynamics, self.name, column, facts)
        for lookup, (parent, _) in self.parents.items():
            add_lookup(dynamics, self.name, lookup, parent)

    def publication(self) -> dict[str, Any]:
        """The custom resource: id, name, a field for each column, a link for each parent."""
        fields = {"recordId": {"length": 64}, "name": {"length": 100}}
        fields |= {
            column: facts.get("target", {"length": 100}) for column, facts in self.columns.items()
        }
        fields |= {f"{lookup}_id": {"length": 64} for lookup in self.parents}
        links = {
            f"{lookup}_link": {
                "target": Table(parent).resource,
                "join": {f"{lookup}_id": key},
                "cardinality": self.cardinality,
                "onDelete": "keep",
            }
            for lookup, (parent, key) in self.parents.items()
        }
        filters = {"recordid": {"conditions": [{"field": "recordId"}]}}
        return {
            "fields": fields,
            "keys": [["recordId"]],
            "filters": filters,
            "links": links,
            "apis": [self.api],
        }

    def document(self) -> dict[str, Any]:
        key = {"source": f"{self.name}id", "target": "recordId", "lookup": "filter"}
        return {
            "table": self.name,
            "resource": self.resource,
            "api": self.api,
            "key": {**key, "filter": "byRecordid", "parameter": "recordId_parameter"},
            "fields": [
                {"source": f"{self.name}_name", "target": "name"},
                *({"source": c, "target": c} for c in self.columns),
            ],
            "links": [
                {"source": f"_{lookup}_value", "target": f"{lookup}_id", "parent": parent}
                for lookup, (parent, _) in self.parents.items()
            ],
        }


def add_column(dynamics: Dynamics, table: str, column: str, facts: dict[str, Any]) -> None:
    rest = {name: value for name, value in facts.items() if name not in ("kind", "target")}
    kind = f"{TYPES}{facts.get('kind', 'String')}AttributeMetadata"
    body = {"@odata.type": kind, "SchemaName": column, "DisplayName": label(column), **rest}
    dynamics.http.json("POST", f"/EntityDefinitions(LogicalName='{table}')/Attributes", body)


def add_lookup(dynamics: Dynamics, table: str, lookup: str, parent: str) -> None:
    body = {
        "@odata.type": f"{TYPES}OneToManyRelationshipMetadata",
        "SchemaName": f"{table}_{lookup}",
        "ReferencedEntity": parent,
        "ReferencingEntity": table,
        "Lookup": {
            "@odata.type": f"{TYPES}LookupAttributeMetadata",
            "SchemaName": lookup,
            "DisplayName": label(lookup),
        },
    }
    dynamics.http.json("POST", "/RelationshipDefinitions", body)


def label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def write_publication(path: Path, tables: list[Table]) -> Path:
    profile = {"keys": [["externalId"]], "keyInUrl": True}
    text = {"profile": profile} | {table.resource: table.publication() for table in tables}
    path.write_text(yaml.safe_dump(text, sort_keys=False))
    return path


def put_documents(config: ContainerClient, tables: list[Table]) -> None:
    for table in tables:
        config.upload_blob(
            f"mappings/{table.name}.yaml",
            yaml.safe_dump(table.document(), sort_keys=False),
            overwrite=True,
        )


def create_many(dynamics: Dynamics, table: str, rows: list[dict[str, Any]]) -> list[str]:
    """Ids of the rows, in their order."""
    return [
        record_id
        for answer in many(dynamics, table, "CreateMultiple", rows)
        for record_id in answer["Ids"]
    ]


def update_many(dynamics: Dynamics, table: str, rows: list[dict[str, Any]]) -> None:
    """Each row names its id."""
    list(many(dynamics, table, "UpdateMultiple", rows))


def many(dynamics: Dynamics, table: str, message: str, rows: list[dict[str, Any]]) -> Iterator[Any]:
    """500 to a request."""
    for start in range(0, len(rows), 500):
        targets = [{"@odata.type": f"#{TYPES}{table}", **row} for row in rows[start : start + 500]]
        yield dynamics.http.json("POST", f"/{table}s/{TYPES}{message}", {"Targets": targets})
