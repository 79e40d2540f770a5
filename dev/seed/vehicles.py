"""An example of custom entities: vehicles of contacts, and their service visits. Tables, publication and mapping documents."""

from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

from dev.verbs import Dynamics

HERE = Path(__file__).parent
PUBLICATION = HERE / "vehicles.publication.yaml"
DOCUMENTS = {"acs_vehicle": HERE / "acs_vehicle.yaml", "acs_visit": HERE / "acs_visit.yaml"}
TYPES = "Microsoft.Dynamics.CRM."


def label(text: str) -> dict[str, Any]:
    return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}


def create_table(dynamics: Dynamics, schema: str, parent: str, parent_schema: str) -> None:
    """A table with a name and a lookup to its parent, change tracking on, over the metadata API."""
    attribute = {"SchemaName": f"{schema}_name", "IsPrimaryName": True, "MaxLength": 100, "DisplayName": label("Name")}
    definition = {
        "@odata.type": f"{TYPES}EntityMetadata",
        "SchemaName": schema,
        "DisplayName": label(schema),
        "DisplayCollectionName": label(f"{schema}s"),
        "OwnershipType": "UserOwned",
        "ChangeTrackingEnabled": True,
        "Attributes": [{"@odata.type": f"{TYPES}StringAttributeMetadata", **attribute}],
    }
    dynamics.http.told("POST", "/EntityDefinitions", definition)
    lookup = {
        "@odata.type": f"{TYPES}OneToManyRelationshipMetadata",
        "SchemaName": f"{parent}_{schema}s",
        "ReferencedEntity": parent,
        "ReferencingEntity": schema,
        "Lookup": {"@odata.type": f"{TYPES}LookupAttributeMetadata", "SchemaName": parent_schema, "DisplayName": label("Parent")},
    }
    dynamics.http.told("POST", "/RelationshipDefinitions", lookup)


def create_tables(dynamics: Dynamics) -> None:
    create_table(dynamics, "acs_vehicle", "contact", "acs_ownerid")
    create_table(dynamics, "acs_visit", "acs_vehicle", "acs_vehicleid_ref")


def put_documents(config: ContainerClient) -> None:
    for table, path in DOCUMENTS.items():
        config.upload_blob(f"mappings/{table}.yaml", path.read_bytes(), overwrite=True)


def create(dynamics: Dynamics, table: str, name: str, lookup: str, parent: str) -> str:
    """A row linked to its parent; returns its id."""
    response = dynamics.http.ask("POST", f"/{table}s", {f"{table}_name": name, f"{lookup}@odata.bind": parent})
    if response.status_code != 204:
        raise AssertionError(f"create {table}: {response.status_code} {response.text[:300]}")
    return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))
