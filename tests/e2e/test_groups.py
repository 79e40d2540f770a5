"""One process per function, as on Flex Consumption: all flows at the same time, in one stack.

Workers and hosts that end at random moments lose and double nothing. What one process keeps in
memory is right when another has changed it. Limits hold for each process, and an opt-out passes a
flood of contacts.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from dev.bench.kills import PACE, create_many, rows
from dev.commands.stack import Stack
from dev.seed import mailings, optouts, vehicles
from dev.verbs import wait_until
from dev.world import World, world_of
from shared.mapping import default_document

SEED = 20261126
READERS, CONTACTS, CARS, FLOOD = 40, 120, 30, 240
LIMIT = int(PACE["CAMPAIGN_MAX_CONCURRENCY"])
DELIVERIES = (
    "contacts_deliver",
    "custom_entities_deliver",
    "opt_out_deliver",
    "email_events_deliver",
)
READING = ("contacts_poll", "custom_entities_poll", "opt_out_poll_campaign", "email_events_poll")
PROFILE = "/profileAndServicesExt/profile"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = {**PACE, "EMAIL_EVENTS_SOURCE": "both"}
    options = {"latency_ms": 20, "message_lease_seconds": 5, "publication": vehicles.PUBLICATION}
    with Stack(
        directory=tmp_path_factory.mktemp("groups"), groups=True, settings=settings, **options
    ) as stack:
        running = world_of(stack)
        running.dynamics.seed(READERS)
        wait_until(
            lambda: count(running.campaign.profiles()) == READERS, "the readers' profiles", 120
        )
        mailings.set_up(stack.facts)
        vehicles.create_tables(running.dynamics)
        vehicles.put_documents(
            ContainerClient.from_connection_string(stack.facts["storage"], "config")
        )
        yield running


def count(items: Iterator[Any]) -> int:
    return sum(1 for _ in items)


@dataclass
class Actors:
    """What people do in both systems while processes end, and what must be true of it in the
    end.
    """

    world: World
    chance: random.Random
    readers: list[str]
    contacts: list[str] = field(default_factory=list)
    cars: dict[str, str] = field(default_factory=dict)
    """Owner of each vehicle."""
    visits: dict[str, str] = field(default_factory=dict)
    """Vehicle of each visit."""
    opted_out: list[tuple[str, str, str]] = field(default_factory=list)
    """Contact, its column in Dynamics, its flag in Campaign."""

    def begin(self) -> None:
        world = self.world
        mailings.send(world.dynamics, world.campaign, READERS)
        known = set(world.dynamics.some_contact_ids(10_000))
        world.dynamics.seed(CONTACTS, seed=2)
        self.contacts = [one for one in world.dynamics.some_contact_ids(10_000) if one not in known]
        owners = self.chance.sample(self.contacts, CARS)
        cars = create_many(world, "acs_vehicle", "acs_ownerid", "contacts", owners)
        self.cars = dict(zip(cars, owners, strict=True))
        self.visits = dict(
            zip(
                create_many(world, "acs_visit", "acs_vehicleid_ref", "acs_vehicles", cars),
                cars,
                strict=True,
            )
        )

    def act(self, number: int) -> None:
        """A little of everything: edits, a deletion, two opt-outs on each side."""
        world, chance = self.world, self.chance
        for contact in chance.sample(self.contacts, 6):
            world.dynamics.change_contact(
                contact, chance.random() < 0.5, middlename=f"Edit{number}"
            )
        for car in chance.sample(sorted(self.cars), 4):
            changed = {"acs_vehicle_name": f"edited {number}"}
            world.dynamics.http.json("PATCH", f"/acs_vehicles({car})", changed, If_Match="*")
        for reader in chance.sample(self.readers, 2):
            world.dynamics.change_contact(reader, chance.random() < 0.5, donotphone=True)
            self.opted_out.append((reader, "donotphone", "blackListPhone"))
        for reader in chance.sample(self.readers, 2):
            world.campaign.http.json("PATCH", f"{PROFILE}/{reader}", {"blackListFax": True})
            self.opted_out.append((reader, "donotfax", "blackListFax"))
        gone = chance.choice(sorted(set(self.contacts) - set(self.cars.values())))
        self.contacts.remove(gone)
        world.dynamics.delete_contact(gone, quietly=True)

    def everything_has_arrived(self) -> None:
        world, seed = self.world, f"(seed {SEED})"
        world.wait_for_agreement(SEED, count(world.dynamics.contacts("contactid")))
        wait_until(self.opt_outs_agree, f"opt-outs alike {seed}", 120, every=1)
        wait_until(self.children_agree, f"vehicles and visits {seed}", 120, every=1)
        wait_until(self.events_agree, f"each event once {seed}", 120, every=1)
        wait_until(lambda: world.operator.safe()["safe"], f"safe to send {seed}", 120, every=1)
        for name, flow in world.operator.http.json("GET", "/api/status")["flows"].items():
            assert (name, flow["status"], flow["dead_letters"], flow["poison_messages"]) == (
                name,
                "running",
                0,
                0,
            )

    def opt_outs_agree(self) -> bool:
        people = {
            row["contactid"]: row
            for row in self.world.dynamics.contacts("contactid,donotphone,donotfax")
        }
        profiles = {profile["externalId"]: profile for profile in self.world.campaign.profiles()}
        lost = [
            one
            for one, column, flag in self.opted_out
            if not (people[one][column] and profiles[one][flag])
        ]
        return not lost and optouts.compare_opt_outs(self.world.dynamics, self.world.campaign).agree

    def children_agree(self) -> bool:
        """Each once, with the newest name and the right parent."""
        names = {
            row["acs_vehicleid"]: row["acs_vehicle_name"]
            for row in rows(self.world, "acs_vehicles", "acs_vehicle_name")
        }
        cars = [
            car
            for car in self.world.campaign.records("cusVehicle")
            if car["vehicleId"] in self.cars
        ]
        visits = list(self.world.campaign.records("cusVisit"))
        expected = sorted((car, names[car], owner, True) for car, owner in self.cars.items())
        return (
            sorted(
                (car["vehicleId"], car["name"], car["contactId"], bool(car["owner"]))
                for car in cars
            )
            == expected
            and sorted((visit["visitId"], visit["vehicleId"]) for visit in visits)
            == sorted(self.visits.items())
            and all(visit["vehicle"] for visit in visits)
        )

    def events_agree(self) -> bool:
        comparison, _ = mailings.compare_events(
            self.world.stack.facts, self.world.dynamics, self.world.campaign
        )
        return comparison.agree and comparison.source > 0


def test_nothing_is_lost_or_doubled_when_workers_and_hosts_of_single_functions_end(
    world: World,
) -> None:
    chance = random.Random(SEED)
    actors = Actors(world, chance, world.dynamics.some_contact_ids(READERS))
    faults = [(function, "worker") for function in DELIVERIES + READING]
    faults += [(function, chance.choice(["machine", "stop at once"])) for function in DELIVERIES]
    chance.shuffle(faults)
    world.dynamics.faults(
        {"match": {"method": "POST", "route": "batch"}, "action": {"delay_seconds": 0.2}}
    )
    actors.begin()
    for number, (function, kind) in enumerate(faults):
        actors.act(number)
        end_one(world.stack, function, kind)
        time.sleep(
            chance.uniform(0, 0.3)
        )  # the moment of the next fault is random; nothing waits for it
    world.dynamics.faults()
    actors.everything_has_arrived()


def end_one(stack: Stack, function: str, kind: str) -> None:
    """A crash of a worker, the death of a machine, or a deployment under Recreate; of one
    function's process.
    """
    number = 1 + stack.groups.index(f"function:{function}")
    if kind == "worker":
        stack.kill_worker(number)
    elif kind == "machine":
        stack.kill_instance(number)
        stack.start_instance(number)
    else:
        stack.deploy_now(number)


def test_an_opt_out_passes_a_flood_of_contacts_and_each_process_keeps_to_its_limit(
    world: World,
) -> None:
    """In the time of half the flood; what had to wait behind it would need all of it.

    Campaign is so slow that the flood takes half a minute on any machine.
    """
    people = [
        world.dynamics.create_contact(firstname="Olga", lastname=f"Reader{number}")
        for number in range(8)
    ]
    for person in people:
        world.wait_for_profile(person)
    before = world.campaign.write_calls()["POST"]
    world.campaign.latency(500)
    world.campaign.count_peaks()
    world.dynamics.seed(FLOOD, seed=3)
    wait_until(lambda: world.campaign.write_calls()["POST"] > before + 20, "the flood to begin")
    for person in people:
        world.dynamics.change_contact(person, donotphone=True)
    wait_until(
        lambda: all(has_opted_out(world, person) for person in people), "the opt-outs in Campaign"
    )
    written = world.campaign.write_calls()["POST"] - before
    wait_until(
        lambda: world.campaign.write_calls()["POST"] >= before + FLOOD, "the end of the flood", 240
    )
    peaks = world.campaign.peaks()
    world.campaign.latency(20)
    assert written < FLOOD / 2
    assert peaks[f"POST {PROFILE}"] == LIMIT
    assert 1 <= peaks[f"PATCH {PROFILE}/{{key}}"] <= LIMIT


def has_opted_out(world: World, person: str) -> bool:
    return bool((world.campaign.profile(person) or {}).get("blackListPhone"))


def test_what_one_process_remembers_is_right_when_another_has_changed_it(world: World) -> None:
    """Whether a flow runs, which mapping is in force, which parent is there, which token is
    accepted.
    """
    dynamics, vehicle_flow = world.dynamics, "custom_entities-acs_vehicle"
    world.operator.stop()
    owner = dynamics.create_contact(firstname="Olga", lastname="Owner", jobtitle="Astronaut")
    car = vehicles.create(dynamics, "acs_vehicle", "Waits", "acs_ownerid", f"/contacts({owner})")
    wait_until(
        lambda: outcome(world, car, vehicle_flow) == "waiting", "the vehicle to wait for its owner"
    )
    text = default_document("contact").replace(
        "fields:\n", "fields:\n  - {source: jobtitle, target: thumbnail}\n", 1
    )
    config = ContainerClient.from_connection_string(world.stack.facts["storage"], "config")
    config.upload_blob("mappings/contact.yaml", text, overwrite=True)
    world.campaign.expire_tokens()
    world.operator.start()
    world.wait_for_profile(owner, thumbnail="Astronaut")
    linked = {"vehicleId": car, "contactId": owner}
    wait_until(
        lambda: any(linked.items() <= row.items() for row in world.campaign.records("cusVehicle")),
        "the vehicle",
    )
    dynamics.change_contact(owner, donotphone=True)
    wait_until(
        lambda: has_opted_out(world, owner),
        "the opt-out of a contact that was unknown a moment ago",
    )
    world.stack.facts["campaign_token"] = world.stack.new_campaign_token()
    world.campaign.renew(world.stack.facts["campaign_token"])
    world.wait_for_quiet(120)  # the new mapping writes every profile once more


def outcome(world: World, record_id: str, flow: str) -> str:
    answer = world.operator.http.ask("GET", f"/api/records/{flow}/{record_id}")
    return str(answer.json()["outcome"]) if answer.status_code == 200 else ""
