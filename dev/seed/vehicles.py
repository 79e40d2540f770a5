"""An example of custom entities: vehicles of contacts, and their service visits.

Tables, publication and mapping documents.
"""

from pathlib import Path

from azure.storage.blob import ContainerClient

from dev.seed.tables import Table
from dev.verbs import Dynamics

HERE = Path(__file__).parent
PUBLICATION = HERE / "vehicles.publication.yaml"
DOCUMENTS = {"acs_vehicle": HERE / "acs_vehicle.yaml", "acs_visit": HERE / "acs_visit.yaml"}


def create_tables(dynamics: Dynamics) -> None:
    """Both tables, change tracking on."""
    Table("acs_vehicle", {"acs_ownerid": ("contact", "externalId")}).create(dynamics)
    Table("acs_visit", {"acs_vehicleid_ref": ("acs_vehicle", "vehicleId")}).create(dynamics)


def put_documents(config: ContainerClient) -> None:
    for table, path in DOCUMENTS.items():
        config.upload_blob(f"mappings/{table}.yaml", path.read_bytes(), overwrite=True)


def create(dynamics: Dynamics, table: str, name: str, lookup: str, parent: str) -> str:
    """A row linked to its parent; returns its id."""
    response = dynamics.http.ask(
        "POST", f"/{table}s", {f"{table}_name": name, f"{lookup}@odata.bind": parent}
    )
    if response.status_code != 204:
        raise AssertionError(f"create {table}: {response.status_code} {response.text[:300]}")
    return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))
