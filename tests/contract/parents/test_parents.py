"""Parent before child on real storage, against a Campaign that hides orphans and loses what is written to them."""

from collections.abc import Iterator
from typing import Any

import pytest

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Campaign, Dynamics
from shared.parents import catch_up, overdue
from shared.settings import load_settings
from shared.steps import replay
from shared.wiring import Wiring
from tests.contract.battery.kit import Worker, outcomes

PACE = {"RETRY_DELAY_SECONDS": "0", "PAUSED_DELAY_SECONDS": "1", "CLAIM_LEASE_SECONDS": "5", "MAPPING_CACHE_SECONDS": "0"}


class World:
    """Three tables, an instance for each, on empty storage."""

    def __init__(self, stack: Stack) -> None:
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        vehicles.create_tables(self.dynamics)
        self.wiring = Wiring(load_settings(stack.environment))
        vehicles.put_documents(self.wiring.storage.container("config"))
        self.workers = {table: Worker(Queue(table), self.wiring) for table in ("contact", "acs_vehicle", "acs_visit")}  # type: ignore[arg-type]
        for worker in self.workers.values():
            worker.flow.adopt()

    def poll(self, table: str) -> list[str]:
        """One table's changes, delivered; what that releases stays on the queue."""
        worker = self.workers[table]
        worker.poll()
        return [outcome for message in worker.messages() for outcome in outcomes(worker.deliver(message))]

    def drain(self) -> None:
        """Whatever is on the queue of the custom entities, whichever table it is of."""
        vehicle = self.workers["acs_vehicle"]
        while messages := vehicle.messages():
            for message in messages:
                table = "acs_visit" if '"table":"acs_visit"' in message.content else "acs_vehicle"
                self.workers[table].deliver(message, complete=False)
                vehicle.complete(message)

    def create(self, table: str, **columns: Any) -> str:
        response = self.dynamics.http.ask("POST", f"/{table}s", columns)
        assert response.status_code == 204, response.text
        return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))

    def vehicle(self, name: str, owner: str | None = None) -> str:
        bind = {"acs_ownerid@odata.bind": f"/contacts({owner})"} if owner else {}
        return self.create("acs_vehicle", acs_vehicle_name=name, **bind)

    def visit(self, name: str, vehicle: str) -> str:
        return self.create("acs_visit", acs_visit_name=name, **{"acs_vehicleid_ref@odata.bind": f"/acs_vehicles({vehicle})"})

    def shown(self, resource: str) -> list[dict[str, Any]]:
        """What Campaign shows, which is not what is hidden."""
        return list(self.campaign.http.told("GET", f"/profileAndServicesExt/{resource}")["content"])


class Queue:
    """As much of a case as a worker asks for."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.queue = "contacts" if table == "contact" else "custom-entities"

    def flow(self, wiring: Wiring) -> Any:
        return wiring.table_flow(self.table)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("parents")
    with Stack(directory=directory, host=False, settings=PACE, publication=vehicles.PUBLICATION) as stack:
        for name, value in stack.environment.items():
            if name.startswith("IDENTITY_"):
                monkeypatch.setenv(name, value)
        yield World(stack)


def test_three_generations_in_the_wrong_order_all_arrive_and_none_is_hidden(world: World) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    visit = world.visit("Oil", vehicle)
    assert world.poll("acs_visit") == ["waiting"]
    assert world.poll("acs_vehicle") == ["waiting"]
    assert list(world.campaign.records("cusVehicle")) == []
    assert world.poll("contact") == ["created"]
    world.drain()
    assert [(row["vehicleId"], row["owner"]["title"]) for row in world.shown("cusVehicle")] == [(vehicle, "Owner")]
    assert [row["visitId"] for row in world.shown("cusVisit")] == [visit]


def test_what_happened_while_a_child_waited_is_what_is_written(world: World) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    kept, gone = world.vehicle("first name", owner), world.vehicle("gone", owner)
    world.poll("acs_vehicle")
    world.dynamics.http.told("PATCH", f"/acs_vehicles({kept})", {"acs_vehicle_name": "last name"}, If_Match="*")
    world.dynamics.http.told("DELETE", f"/acs_vehicles({gone})")
    world.poll("acs_vehicle")
    world.poll("contact")
    world.drain()
    assert [(row["vehicleId"], row["name"]) for row in world.campaign.records("cusVehicle")] == [(kept, "last name")]


def test_what_waits_says_for_whom(world: World) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    worker = world.workers["acs_vehicle"]
    world.vehicle("Car", owner)
    worker.poll()
    (settlement,) = [s for message in worker.messages() for s in worker.deliver(message)]
    assert settlement.reason == f"parent contact {owner}"
    assert "has not reached Campaign" in settlement.sentence


def test_a_lookup_that_changes_moves_the_link_and_an_empty_one_clears_it(world: World) -> None:
    owners = [world.dynamics.create_contact(lastname=name) for name in ("One", "Two")]
    world.poll("contact")
    vehicle = world.vehicle("Car", owners[0])
    assert world.poll("acs_vehicle") == ["created"]
    bind = {"acs_ownerid@odata.bind": f"/contacts({owners[1]})"}
    world.dynamics.http.told("PATCH", f"/acs_vehicles({vehicle})", bind, If_Match="*")
    assert world.poll("acs_vehicle") == ["updated"]
    assert [row["owner"]["title"] for row in world.shown("cusVehicle")] == ["Two"]
    world.dynamics.http.told("PATCH", f"/acs_vehicles({vehicle})", {"acs_ownerid@odata.bind": None}, If_Match="*")
    assert world.poll("acs_vehicle") == ["updated"]
    assert [row["contactId"] for row in world.campaign.records("cusVehicle")] == [""]


def test_a_wait_has_an_end_and_names_the_missing_parent(world: World) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    world.poll("acs_vehicle")
    assert overdue(world.wiring.bridge) == 0
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 8 * 86400)
    assert overdue(later.bridge) == 1
    (letter,) = world.wiring.bridge.deadletters.page("custom_entities-acs_vehicle")
    assert (letter.record_id, letter.reason, owner in letter.sentence) == (vehicle, "parent_missing", True)
    world.poll("contact")
    worker = world.workers["acs_vehicle"]
    replay(worker.flow, worker.bridge, "dead_letters")
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]


def test_a_child_that_nobody_released_is_found_in_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    assert world.poll("acs_vehicle") == ["waiting"]
    monkeypatch.setattr("shared.steps.release", lambda flow, bridge, view, settlements: 0)
    assert world.poll("contact") == ["created"]
    assert catch_up(world.wiring.bridge) == 0
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 120)
    assert catch_up(later.bridge) == 1
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]


def test_without_parking_the_same_order_loses_the_update(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.steps.hold", lambda flow, bridge, decisions: (decisions, []))
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("first name", owner)
    assert world.poll("acs_vehicle") == ["created"]
    world.dynamics.http.told("PATCH", f"/acs_vehicles({vehicle})", {"acs_vehicle_name": "last name"}, If_Match="*")
    assert world.poll("acs_vehicle") == ["rejected"]
    assert [row["name"] for row in world.campaign.records("cusVehicle")] == ["first name"]
