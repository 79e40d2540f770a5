"""Instances die at random moments of a load with edits going on; in the end both systems agree.

The seed is in each message.
"""

import random
import time
from collections.abc import Iterator

import pytest
from azure.storage.blob import ContainerClient

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import wait_until
from tests.e2e.conftest import World, world_of

INSTANCES, CONTACTS, KILLS, SEED = 4, 3000, 10, 20261123
PATIENCE = 300.0
"""Seconds until all is quiet: other tests may keep the machine busy meanwhile."""
PACE = {
    **LOCAL_PACE,
    "CLAIM_LEASE_SECONDS": "5",
    "CAMPAIGN_TIMEOUT_SECONDS": "5",
    "CAMPAIGN_MAX_CONCURRENCY": "4",
}


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("kills")
    with Stack(
        directory=directory,
        instances=INSTANCES,
        settings=PACE,
        latency_ms=40,
        message_lease_seconds=5,
    ) as stack:
        yield world_of(stack)


def test_nothing_is_lost_doubled_or_stale_when_instances_are_killed(world: World) -> None:
    chance = random.Random(SEED)
    world.dynamics.seed(CONTACTS)
    wait_until(lambda: world.campaign.write_calls()["POST"] > 100, "the load to begin")
    ids = world.dynamics.some_contact_ids(CONTACTS)
    for number in range(KILLS):
        instance = chance.randrange(1, INSTANCES + 1)
        for contact_id in chance.sample(ids, 15):
            world.dynamics.change_contact(
                contact_id, True, middlename=f"Edit{number}", donotbulkemail=chance.random() < 0.5
            )
        world.stack.kill_instance(instance)
        for contact_id in chance.sample(ids, 3):
            ids.remove(contact_id)
            world.dynamics.delete_contact(contact_id, True)
        time.sleep(
            chance.uniform(0, 0.5)
        )  # the moment of the next kill is random; nothing waits for it
        world.stack.start_instance(instance)
    world.wait_for_agreement(SEED, len(ids))


FAMILIES = 500


@pytest.fixture
def families(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("families")
    options = {
        "settings": PACE,
        "latency_ms": 20,
        "message_lease_seconds": 5,
        "publication": vehicles.PUBLICATION,
    }
    with Stack(directory=directory, instances=INSTANCES, **options) as stack:
        running = world_of(stack)
        running.wait_for_quiet()
        vehicles.create_tables(running.dynamics)
        yield running


def create_many(world: World, table: str, lookup: str, parents: str, ids: list[str]) -> list[str]:
    """A child for each parent, created in bulk."""
    targets = [
        {
            "@odata.type": f"Microsoft.Dynamics.CRM.{table}",
            f"{table}_name": f"of {parent}",
            f"{lookup}@odata.bind": f"/{parents}({parent})",
        }
        for parent in ids
    ]
    return list(
        world.dynamics.http.json(
            "POST", f"/{table}s/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": targets}
        )["Ids"]
    )


def test_no_child_is_hidden_lost_or_wrongly_linked_when_instances_are_killed(
    families: World,
) -> None:
    world, chance = families, random.Random(SEED)
    world.operator.stop()
    world.dynamics.seed(FAMILIES)
    contacts = world.dynamics.some_contact_ids(FAMILIES)
    cars = create_many(world, "acs_vehicle", "acs_ownerid", "contacts", contacts)
    visits = create_many(world, "acs_visit", "acs_vehicleid_ref", "acs_vehicles", cars)
    vehicles.put_documents(
        ContainerClient.from_connection_string(world.stack.facts["storage"], "config")
    )
    keys = ("custom_entities-acs_vehicle", "custom_entities-acs_visit")
    wait_until(
        lambda: all(waiting(world, key) == FAMILIES for key in keys),
        f"all children to wait (seed {SEED})",
        PATIENCE,
    )
    assert not list(world.campaign.records("cusVehicle"))
    world.operator.start()
    for _ in range(6):
        instance = chance.randrange(1, INSTANCES + 1)
        for car in chance.sample(cars, 10):
            world.dynamics.http.json(
                "PATCH",
                f"/acs_vehicles({car})",
                {"acs_vehicle_name": f"edited {chance.random()}"},
                If_Match="*",
            )
        world.stack.kill_instance(instance)
        world.stack.start_instance(instance)
    names = {
        row["acs_vehicleid"]: row["acs_vehicle_name"]
        for row in rows(world, "acs_vehicles", "acs_vehicle_name")
    }
    wait_until(
        lambda: {r["vehicleId"]: r["name"] for r in world.campaign.records("cusVehicle")} == names,
        f"vehicles (seed {SEED})",
        PATIENCE,
    )
    wait_until(
        lambda: sum(1 for _ in world.campaign.records("cusVisit")) == FAMILIES,
        f"visits (seed {SEED})",
        PATIENCE,
    )
    assert all(row["owner"] for row in world.campaign.records("cusVehicle"))
    assert all(row["vehicle"] for row in world.campaign.records("cusVisit"))
    linked = {row["vehicleId"]: row["contactId"] for row in world.campaign.records("cusVehicle")}
    assert linked == dict(zip(cars, contacts, strict=True))
    assert {row["visitId"]: row["vehicleId"] for row in world.campaign.records("cusVisit")} == dict(
        zip(visits, cars, strict=True)
    )
    assert not [letter for key in keys for letter in world.operator.dead_letters(key)]


def waiting(world: World, key: str) -> int:
    flows = world.operator.http.json("GET", "/api/status")["flows"]
    return int(flows.get(key, {}).get("records", {}).get("waiting", 0))


def rows(world: World, entity_set: str, columns: str) -> list[dict[str, str]]:
    return list(world.dynamics.http.json("GET", f"/{entity_set}?$select={columns}")["value"])
