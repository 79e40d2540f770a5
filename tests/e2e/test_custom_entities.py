"""Stories of vehicles and their service visits: dropped documents, no restart, parents first."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import wait_until
from dev.world import World, world_of

VEHICLE, VISIT = "custom_entities-acs_vehicle", "custom_entities-acs_visit"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("vehicles")
    with Stack(
        directory=directory, instances=2, settings=LOCAL_PACE, publication=vehicles.PUBLICATION
    ) as stack:
        running = world_of(stack)
        running.wait_for_quiet()
        vehicles.create_tables(running.dynamics)
        config = ContainerClient.from_connection_string(stack.facts["storage"], "config")
        vehicles.put_documents(config)
        yield running


def create(world: World, table: str, **columns: Any) -> str:
    response = world.dynamics.http.ask("POST", f"/{table}s", columns)
    assert response.status_code == 204, response.text
    return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))


def shown(world: World, resource: str, field: str, value: str) -> dict[str, Any]:
    world.campaign.renew(world.stack.new_campaign_token())
    listed = world.campaign.http.json("GET", f"/profileAndServicesExt/{resource}?_lineCount=500")[
        "content"
    ]
    return next((row for row in listed if row[field] == value), {})


def test_a_dropped_document_is_enough_and_links_are_set(world: World) -> None:
    owner = world.dynamics.create_contact(firstname="Olga", lastname="Owner")
    vehicle = create(
        world,
        "acs_vehicle",
        acs_vehicle_name="Car",
        **{"acs_ownerid@odata.bind": f"/contacts({owner})"},
    )
    visit = create(
        world,
        "acs_visit",
        acs_visit_name="Oil",
        **{"acs_vehicleid_ref@odata.bind": f"/acs_vehicles({vehicle})"},
    )
    row = wait_until(lambda: shown(world, "cusVisit", "visitId", visit), "the visit")
    assert row["vehicle"]["href"] == shown(world, "cusVehicle", "vehicleId", vehicle)["href"]
    assert shown(world, "cusVehicle", "vehicleId", vehicle)["owner"]["title"] == "Olga Owner"


def test_a_child_of_a_refused_parent_waits_visibly_and_goes_on_when_it_is_mended(
    world: World,
) -> None:
    owner = world.dynamics.create_contact(firstname="x" * 31, lastname="Refused")
    vehicle = create(
        world,
        "acs_vehicle",
        acs_vehicle_name="Waits",
        **{"acs_ownerid@odata.bind": f"/contacts({owner})"},
    )
    record = wait_until(
        lambda: (
            (r := world.operator.http.ask("GET", f"/api/records/{VEHICLE}/{vehicle}")).status_code
            == 200
            and r.json()
        ),
        "the wait",
    )
    assert (record["outcome"], record["reason"]) == ("waiting", f"parent contact {owner}")
    assert (
        wait_until(lambda: world.operator.status(VEHICLE)["records"].get("waiting", 0), "the count")
        == 1
    )
    world.dynamics.change_contact(owner, firstname="Mended")
    wait_until(lambda: shown(world, "cusVehicle", "vehicleId", vehicle), "the vehicle")


def test_a_table_that_cannot_be_mapped_pauses_alone_with_a_sentence(world: World) -> None:
    config = ContainerClient.from_connection_string(world.stack.facts["storage"], "config")
    text = vehicles.DOCUMENTS["acs_vehicle"].read_text().replace("acs_vehicle", "acs_nothing")
    config.upload_blob("mappings/acs_nothing.yaml", text, overwrite=True)
    broken = "custom_entities-acs_nothing"
    wait_until(
        lambda: broken in world.operator.http.json("GET", "/api/status")["flows"], "the new flow"
    )
    state = wait_until(
        lambda: (s := world.operator.status(broken))["status"] == "failed" and s, "its pause"
    )
    assert state
    assert "acs_nothing" in state["reason"] + state["mapping_problem"]
    vehicle = create(world, "acs_vehicle", acs_vehicle_name="Goes on")
    wait_until(lambda: world.operator.status(VEHICLE)["status"] == "running", "the other table")
    wait_until(
        lambda: [r for r in world.campaign.records("cusVehicle") if r["vehicleId"] == vehicle],
        "the other table's row",
    )
