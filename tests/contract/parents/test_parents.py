"""Parent before child on real storage, against a Campaign that hides orphans and loses what is
written to them.
"""

from collections.abc import Iterator

import pytest

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Dynamics
from shared.entities.parents import catch_up
from shared.mapping import default_document
from shared.pipeline.deliver import deliver
from shared.pipeline.replay import replay
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.fresh import empty_storage, empty_systems, take_identity
from tests.contract.parents.kit import PACE, World


class Vehicles(World):
    """Contacts, their vehicles, their visits."""

    def __init__(self, stack: Stack) -> None:
        vehicles.create_tables(Dynamics(stack.facts))
        wiring = Wiring(load_settings(stack.environment))
        vehicles.put_documents(wiring.storage.container("config"))
        super().__init__(stack, wiring, ("acs_vehicle", "acs_visit"))

    def vehicle(self, name: str, owner: str | None = None) -> str:
        bind = {"acs_ownerid@odata.bind": f"/contacts({owner})"} if owner else {}
        return self.create("acs_vehicle", acs_vehicle_name=name, **bind)

    def visit(self, name: str, vehicle: str) -> str:
        return self.create(
            "acs_visit",
            acs_visit_name=name,
            **{"acs_vehicleid_ref@odata.bind": f"/acs_vehicles({vehicle})"},
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("parents")
    with Stack(
        directory=directory, host=False, settings=PACE, publication=vehicles.PUBLICATION
    ) as running:
        yield running


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Vehicles:
    take_identity(stack, monkeypatch)
    empty_storage(stack, "contacts", "custom-entities")
    empty_systems(stack)
    return Vehicles(stack)


def test_three_generations_in_the_wrong_order_all_arrive_and_none_is_hidden(
    world: Vehicles,
) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    visit = world.visit("Oil", vehicle)
    assert world.poll("acs_visit") == ["waiting"]
    assert world.poll("acs_vehicle") == ["waiting"]
    assert list(world.campaign.records("cusVehicle")) == []
    assert world.poll("contact") == ["created"]
    world.drain()
    assert [(row["vehicleId"], row["owner"]["title"]) for row in world.shown("cusVehicle")] == [
        (vehicle, "Owner")
    ]
    assert [row["visitId"] for row in world.shown("cusVisit")] == [visit]


def test_what_happened_while_a_child_waited_is_what_is_written(world: Vehicles) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    kept, gone = world.vehicle("first name", owner), world.vehicle("gone", owner)
    world.poll("acs_vehicle")
    world.dynamics.http.json(
        "PATCH", f"/acs_vehicles({kept})", {"acs_vehicle_name": "last name"}, If_Match="*"
    )
    world.dynamics.http.json("DELETE", f"/acs_vehicles({gone})")
    world.poll("acs_vehicle")
    world.poll("contact")
    world.drain()
    assert [(row["vehicleId"], row["name"]) for row in world.campaign.records("cusVehicle")] == [
        (kept, "last name")
    ]


def test_what_waits_says_for_whom(world: Vehicles) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    worker = world.workers["acs_vehicle"]
    world.vehicle("Car", owner)
    worker.poll()
    (settlement,) = [s for message in worker.messages() for s in worker.deliver(message)]
    assert settlement.reason == f"parent contact {owner}"
    assert "has not reached Campaign" in settlement.sentence


def test_a_lookup_that_changes_moves_the_link_and_an_empty_one_clears_it(world: Vehicles) -> None:
    owners = [world.dynamics.create_contact(lastname=name) for name in ("One", "Two")]
    world.poll("contact")
    vehicle = world.vehicle("Car", owners[0])
    assert world.poll("acs_vehicle") == ["created"]
    bind = {"acs_ownerid@odata.bind": f"/contacts({owners[1]})"}
    world.dynamics.http.json("PATCH", f"/acs_vehicles({vehicle})", bind, If_Match="*")
    assert world.poll("acs_vehicle") == ["updated"]
    assert [row["owner"]["title"] for row in world.shown("cusVehicle")] == ["Two"]
    world.dynamics.http.json(
        "PATCH", f"/acs_vehicles({vehicle})", {"acs_ownerid@odata.bind": None}, If_Match="*"
    )
    assert world.poll("acs_vehicle") == ["updated"]
    assert [row["contactId"] for row in world.campaign.records("cusVehicle")] == [""]


def test_a_wait_has_an_end_and_names_the_missing_parent(world: Vehicles) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    world.poll("acs_vehicle")
    assert catch_up(world.wiring.bridge, 60) == 0
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 8 * 86400)
    assert catch_up(later.bridge, 60) == 1
    worker = world.workers["acs_vehicle"]
    for message in worker.messages():
        deliver(worker.flow, later.bridge, message.content.encode(), 1)
        worker.complete(message)
    (letter,) = world.wiring.bridge.deadletters.page("custom_entities-acs_vehicle")
    assert (letter.record_id, letter.reason, owner in letter.sentence) == (
        vehicle,
        "parent_missing",
        True,
    )
    world.poll("contact")
    replay(worker.flow, worker.bridge, "dead_letters")
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]
    assert list(world.wiring.bridge.deadletters.page("custom_entities-acs_vehicle")) == []


def test_a_child_that_nobody_released_is_found_in_the_end(
    world: Vehicles, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    assert world.poll("acs_vehicle") == ["waiting"]
    monkeypatch.setattr("shared.entities.flow.release", lambda flow, delivery, settlements: 0)
    assert world.poll("contact") == ["created"]
    assert catch_up(world.wiring.bridge, 60) == 0
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 120)
    assert catch_up(later.bridge, 60) == 1
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]


def test_a_document_may_be_new_to_an_instance_only_for_a_moment(world: Vehicles) -> None:
    """Who settles a parent without knowing of its children releases none: they are looked for
    sooner while a document is new.
    """
    catalog = world.wiring.catalog
    catalog.mapping("acs_vehicle")
    assert catalog.unknown_seconds() == 2 * world.wiring.settings.mapping_cache_seconds
    catalog.now = lambda: world.wiring.now() + 120
    assert catalog.unknown_seconds() == 60


def test_a_child_that_nobody_released_is_no_dead_letter_if_its_parent_is_there(
    world: Vehicles, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle = world.vehicle("Car", world.dynamics.create_contact(lastname="Owner"))
    assert world.poll("acs_vehicle") == ["waiting"]
    monkeypatch.setattr("shared.entities.flow.release", lambda flow, delivery, settlements: 0)
    world.poll("contact")
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 8 * 86400)
    assert catch_up(later.bridge, 60) == 1
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]


def test_without_parking_the_same_order_loses_the_update(
    world: Vehicles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.entities.flow.hold", lambda *_: [])
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("first name", owner)
    assert world.poll("acs_vehicle") == ["created"]
    world.dynamics.http.json(
        "PATCH", f"/acs_vehicles({vehicle})", {"acs_vehicle_name": "last name"}, If_Match="*"
    )
    assert world.poll("acs_vehicle") == ["rejected"]
    assert [row["name"] for row in world.campaign.records("cusVehicle")] == ["first name"]


def test_children_are_deleted_before_their_parent(world: Vehicles) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    vehicle = world.vehicle("Car", owner)
    visit = world.visit("Oil", vehicle)
    world.drain()
    assert [row["visitId"] for row in world.shown("cusVisit")] == [visit]
    for table, record_id in (("contact", owner), ("acs_vehicle", vehicle), ("acs_visit", visit)):
        world.delete(table, record_id)
    assert world.poll("contact") == ["waiting"]
    assert world.campaign.profile(owner)
    world.drain()
    deleted = [call.split("/")[-2] for call in world.campaign.calls() if call.startswith("DELETE")]
    assert sorted(deleted) == ["cusVehicle", "cusVisit", "profile"]
    assert [
        list(world.campaign.records(name)) for name in ("profile", "cusVehicle", "cusVisit")
    ] == [[], [], []]


def test_a_deletion_does_not_wait_for_ever(world: Vehicles) -> None:
    owner = world.dynamics.create_contact(lastname="Owner")
    world.vehicle("Car", owner)
    world.poll("contact")
    world.poll("acs_vehicle")
    world.dynamics.delete_contact(owner)
    assert world.poll("contact") == ["waiting"]
    later = Wiring(world.wiring.settings, now=lambda: world.wiring.now() + 3700)
    worker = world.workers["contact"]
    (message,) = worker.client.receive_messages(visibility_timeout=30, max_messages=1)
    settled = deliver(worker.flow, later.bridge, message.content.encode(), 1)
    worker.complete(message)
    assert [settlement.outcome for settlement in settled] == ["deleted"]


def test_a_parent_that_is_filtered_out_is_said_so(world: Vehicles) -> None:
    document = (
        default_document("contact") + "\nfilters: {all: [{field: statecode, is: eq, value: 0}]}\n"
    )
    world.wiring.storage.container("config").upload_blob("mappings/contact.yaml", document)
    owner = world.dynamics.create_contact(lastname="Owner")
    world.dynamics.deactivate_contact(owner)
    world.vehicle("Car", owner)
    assert world.poll("contact") == ["filtered"]
    worker = world.workers["acs_vehicle"]
    worker.poll()
    (settlement,) = [s for message in worker.messages() for s in worker.deliver(message)]
    assert (
        settlement.sentence
        == f"Waits for its parent contact {owner}, which is filtered out by its mapping."
    )
    world.dynamics.change_contact(owner, statecode=0, statuscode=1)
    world.drain()
    assert [row["contactId"] for row in world.shown("cusVehicle")] == [owner]
