"""Instances die at random moments of a load with edits going on; in the end both systems agree.

Nothing is a ratio here: what does not agree in time raises NotYet or AssertionError, with the seed.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient
from rich.console import Console

from dev.commands.settings import LOCAL_PACE
from dev.commands.stack import DIRECTORY, Stack
from dev.seed import vehicles
from dev.verbs import wait_until
from dev.world import World, world_of

INSTANCES = 4
PATIENCE = 300.0
"""Seconds until all is quiet: other work may keep the machine busy meanwhile."""
PACE = {
    **LOCAL_PACE,
    "CLAIM_LEASE_SECONDS": "5",
    "CAMPAIGN_TIMEOUT_SECONDS": "5",
    "CAMPAIGN_MAX_CONCURRENCY": "4",
}
QUIET_SECONDS_A_CONTACT = 0.4
"""How long all may take to come to rest after the last kill, on a machine with other work too."""

KEYS = ("custom_entities-acs_vehicle", "custom_entities-acs_visit")


def run(console: Console, small: bool = False, seed: int = 1) -> dict[str, Any]:
    """The volumes that the tests are too short for; with `small` theirs."""
    contacts, families, kills = (600, 100, 4) if small else (3000, 500, 10)
    console.print("  killing instances while contacts are loaded ...", style="dim")
    began = time.monotonic()
    with contacts_world(DIRECTORY / "bench") as world:
        left = no_contact_is_lost(world, contacts, kills, seed)
    console.print("  killing instances while children wait for parents ...", style="dim")
    with families_world(DIRECTORY / "bench") as world:
        no_child_is_lost(world, families, kills, seed)
    return {
        "contacts that agree at the end (all that are left)": left,
        "families that agree at the end (all)": families,
        "instances killed": 2 * kills,
        "seconds": round(time.monotonic() - began),
    }


@contextmanager
def contacts_world(directory: Path, latency_ms: int = 40, **options: Any) -> Iterator[World]:
    with Stack(
        directory=directory,
        instances=INSTANCES,
        settings=PACE,
        latency_ms=latency_ms,
        message_lease_seconds=5,
        **options,
    ) as stack:
        yield world_of(stack)


@contextmanager
def families_world(directory: Path) -> Iterator[World]:
    with contacts_world(directory, 20, publication=vehicles.PUBLICATION) as world:
        world.wait_for_quiet()
        vehicles.create_tables(world.dynamics)
        yield world


def no_contact_is_lost(world: World, contacts: int, kills: int, seed: int) -> int:
    """Edits, opt-outs and deletions between the kills; how many contacts are left, and agree."""
    chance = random.Random(seed)
    world.dynamics.seed(contacts)
    wait_until(lambda: world.campaign.write_calls()["POST"] > contacts // 30, "the load to begin")
    ids = world.dynamics.some_contact_ids(contacts)
    for number in range(kills):
        instance = chance.randrange(1, INSTANCES + 1)
        for contact_id in chance.sample(ids, 15):
            world.dynamics.change_contact(
                contact_id, True, middlename=f"Edit{number}", donotbulkemail=chance.random() < 0.5
            )
        world.stack.kill_instance(instance)
        for contact_id in chance.sample(ids, 3):
            ids.remove(contact_id)
            world.dynamics.delete_contact(contact_id, True)
        # The moment of the next kill is random; nothing waits for it.
        time.sleep(chance.uniform(0, 0.5))
        world.stack.start_instance(instance)
    world.wait_for_agreement(seed, len(ids), contacts * QUIET_SECONDS_A_CONTACT)
    return len(ids)


def no_child_is_lost(world: World, families: int, kills: int, seed: int) -> None:
    """Children wait for their parents' flow, which starts while instances die."""
    chance = random.Random(seed)
    contacts, cars, visits = waiting_families(world, families, seed)
    world.operator.start()
    for _ in range(kills):
        instance = chance.randrange(1, INSTANCES + 1)
        for car in chance.sample(cars, 10):
            changed = {"acs_vehicle_name": f"edited {chance.random()}"}
            world.dynamics.http.json("PATCH", f"/acs_vehicles({car})", changed, If_Match="*")
        world.stack.kill_instance(instance)
        world.stack.start_instance(instance)
    names = {
        row["acs_vehicleid"]: row["acs_vehicle_name"]
        for row in rows(world, "acs_vehicles", "acs_vehicle_name")
    }
    wait_until(
        lambda: {r["vehicleId"]: r["name"] for r in world.campaign.records("cusVehicle")} == names,
        f"vehicles (seed {seed})",
        PATIENCE,
    )
    wait_until(
        lambda: sum(1 for _ in world.campaign.records("cusVisit")) == families,
        f"visits (seed {seed})",
        PATIENCE,
    )
    all_are_linked(world, contacts, cars, visits)
    assert not [letter for key in KEYS for letter in world.operator.dead_letters(key)]


def waiting_families(
    world: World, families: int, seed: int
) -> tuple[list[str], list[str], list[str]]:
    """Contacts whose flow is stopped, a vehicle of each and a visit of each vehicle; the children
    wait.
    """
    world.operator.stop()
    world.dynamics.seed(families)
    contacts = world.dynamics.some_contact_ids(families)
    cars = create_many(world, "acs_vehicle", "acs_ownerid", "contacts", contacts)
    visits = create_many(world, "acs_visit", "acs_vehicleid_ref", "acs_vehicles", cars)
    vehicles.put_documents(
        ContainerClient.from_connection_string(world.stack.facts["storage"], "config")
    )
    wait_until(
        lambda: all(world.operator.waiting(key) == families for key in KEYS),
        f"all children to wait (seed {seed})",
        PATIENCE,
        every=1,
    )
    assert not list(world.campaign.records("cusVehicle"))
    return contacts, cars, visits


def all_are_linked(world: World, contacts: list[str], cars: list[str], visits: list[str]) -> None:
    found_cars = list(world.campaign.records("cusVehicle"))
    found_visits = list(world.campaign.records("cusVisit"))
    assert all(row["owner"] for row in found_cars)
    assert all(row["vehicle"] for row in found_visits)
    assert {row["vehicleId"]: row["contactId"] for row in found_cars} == dict(
        zip(cars, contacts, strict=True)
    )
    assert {row["visitId"]: row["vehicleId"] for row in found_visits} == dict(
        zip(visits, cars, strict=True)
    )


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


def rows(world: World, entity_set: str, columns: str) -> list[dict[str, str]]:
    return list(world.dynamics.http.json("GET", f"/{entity_set}?$select={columns}")["value"])
