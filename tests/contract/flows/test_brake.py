"""The brake, jobs and questions from a person's side: real Azurite, both emulators, the commands of
the console.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import shared.wiring
from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from functions import console, console_commands
from shared.console.questions import question
from shared.mapping import default_document
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.pipeline.sweep import ASKING
from shared.settings import load_settings
from shared.state.flows import FAILED, RUNNING
from shared.wiring import Wiring
from tests.contract.fresh import empty_storage, empty_systems, take_identity

CONTACTS, LIMIT = 24, 4
SETTINGS = {
    "DELETE_BRAKE_RECORDS": str(LIMIT),
    "DELETE_BRAKE_PERCENT": "5",
    "PAUSED_DELAY_SECONDS": "1",
    "MAPPING_CACHE_SECONDS": "0",
    "OPT_OUT_MODE": "both",
    "OPT_OUT_SOURCE": "filter",
    "EMAIL_EVENTS_SOURCE": "both",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(
        directory=tmp_path_factory.mktemp("brake"), host=False, settings=SETTINGS
    ) as running:
        yield running


class World:
    def __init__(self, stack: Stack) -> None:
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.wiring = Wiring(load_settings(stack.environment))
        self.bridge, self.flow = self.wiring.bridge, self.wiring.table_flow("contact")
        self.contacts = [
            self.dynamics.create_contact(lastname=f"Sample {number}") for number in range(CONTACTS)
        ]
        self.sync()

    def sync(self) -> None:
        poll(self.flow, self.bridge)
        self.deliver()

    def deliver(self, seconds: float = 30.0) -> None:
        """Until the queue is empty, delayed messages included."""
        client, ends = self.wiring.handoff.clients("contacts"), time.monotonic() + seconds
        while self.wiring.handoff.length("contacts") and time.monotonic() < ends:
            for message in client.receive_messages(messages_per_page=32, visibility_timeout=60):
                deliver(
                    self.flow, self.bridge, message.content.encode(), message.dequeue_count or 1
                )
                client.delete_message(message)
            if self.status() == FAILED:
                return  # what rests goes on when the flow does

    def profiles(self) -> set[str]:
        return {profile["externalId"] for profile in self.campaign.profiles()}

    def status(self) -> str:
        return self.bridge.flows.read("contacts").status

    def command(self, name: str, flow: str = "contacts", **body: Any) -> tuple[int, dict[str, Any]]:
        answer = console_commands.commanded(flow, name, json.dumps(body).encode(), "key anna")
        return answer.status_code, json.loads(answer.get_body())


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    take_identity(stack, monkeypatch)
    empty_storage(stack, "contacts", "opt-out", "email-events")
    empty_systems(stack)
    made = World(stack)
    monkeypatch.setattr(shared.wiring, "_wiring", [made.wiring])
    assert made.profiles() == set(made.contacts)
    return made


def delete_half(world: World) -> set[str]:
    gone = set(world.contacts[: CONTACTS // 2])
    for contact in gone:
        world.dynamics.delete_contact(contact)
    world.sync()
    return gone


def test_a_bulk_delete_asks_and_is_done_when_a_person_confirms(world: World) -> None:
    gone = delete_half(world)
    assert world.status() == FAILED
    assert CONTACTS - len(world.profiles()) <= LIMIT
    asked = question(world.flow, world.bridge)
    assert asked and set(asked["ids"]) <= gone and asked["count"] >= 1
    status, body = world.command("start")
    assert (status, body["question"]["count"]) == (400, asked["count"])
    assert world.command("start", deletes="confirm")[0] == 200
    console.carry_on_all(console.flows(), world.bridge, 60, console.WORKS)
    world.deliver()
    assert (world.status(), world.profiles()) == (RUNNING, set(world.contacts) - gone)
    (job,) = world.bridge.jobs.of("contacts", 9)
    assert (job.kind, job.state, job.who) == ("held", "done", "key anna")


def test_a_bulk_delete_that_a_person_refuses_leaves_the_profiles(world: World) -> None:
    delete_half(world)
    left = world.profiles()
    assert world.command("start", deletes="discard")[0] == 200
    console.carry_on_all(console.flows(), world.bridge, 60, console.WORKS)
    world.deliver()
    assert (world.status(), world.profiles()) == (RUNNING, left)
    person = world.dynamics.create_contact(lastname="Later")
    world.sync()
    assert person in world.profiles()


def test_an_answer_is_to_the_question_that_was_shown_and_to_no_other(world: World) -> None:
    """A sweep came to its end while deliveries asked: nobody was shown the second question."""
    delete_half(world)
    left, checkpoint = world.profiles(), world.bridge.checkpoints.load("contacts", "contact")
    checkpoint.sweep, checkpoint.sweep_run, checkpoint.missing = ASKING, "contacts-contact-1", 9
    world.bridge.checkpoints.save(checkpoint)
    status, body = world.command("start", deletes="discard")
    assert (status, body["question"]["found_by"], world.status()) == (409, "brake", FAILED)
    console.carry_on_all(console.flows(), world.bridge, 60, console.WORKS)
    assert world.profiles() == left
    assert world.command("start", deletes="discard")[0] == 200
    assert question(world.flow, world.bridge) is None


def test_a_filter_with_one_wrong_word_deletes_a_few_and_asks(world: World) -> None:
    """The person mends the document and refuses: the others stay, and what was deleted comes
    back with a replay of all.
    """
    right = yaml.safe_load(default_document("contact")) | {"filtered_out": "delete"}
    condition = {"field": "lastname", "is": "contains", "value": "Sampel"}
    put_document(world, right | {"filters": {"all": [condition]}})
    world.command("replay", what="all")
    world.sync()
    assert world.status() == FAILED
    assert CONTACTS - len(world.profiles()) <= LIMIT
    asked = question(world.flow, world.bridge)
    assert asked and asked["about"] == ["deleted", "filtered"]
    put_document(world, right)
    world.flow.activate()
    assert world.command("start", deletes="discard")[0] == 200
    world.command("replay", what="all")
    console.carry_on_all(console.flows(), world.bridge, 60, console.WORKS)
    world.sync()
    assert world.profiles() == set(world.contacts)


def put_document(world: World, document: dict[str, Any]) -> None:
    config = world.wiring.storage.container("config")
    config.upload_blob("mappings/contact.yaml", yaml.safe_dump(document), overwrite=True)


@pytest.mark.parametrize(
    ("flow", "sources"),
    [
        ("contacts", [["contacts", "contact"]]),
        ("opt_out", [["opt_out-from-dynamics", "contact"], ["opt_out-from-campaign", "profile"]]),
        ("opt_out-from-campaign", [["opt_out-from-campaign", "profile"]]),
        ("email_events", [["email_events", "journal"]]),
        ("email_events-from-journal", [["email_events", "journal"]]),
    ],
)
def test_a_replay_of_all_has_what_can_be_read_again_read_again(
    world: World, flow: str, sources: list[list[str]]
) -> None:
    status, body = world.command("replay", flow, what="all")
    assert (status, body["job"]["waits_for"]) == (202, "polls")
    job = world.bridge.jobs.find(body["job"]["id"])
    assert job and json.loads(job.run) == sources
    for key, table in sources:
        checkpoint = world.bridge.checkpoints.load(key, table)
        assert (checkpoint.phase, checkpoint.replay) == ("full", True)
    assert world.command("replay", flow, what="all")[1]["job"]["id"] == job.id
    assert ("why" in body) == (flow == "email_events")
    status, cancelled = world.command("cancel", flow, job=job.id)
    assert (status, cancelled["state"]) == (200, "cancelled")


def test_a_replay_of_all_of_exported_files_is_refused(world: World) -> None:
    status, body = world.command("replay", "email_events-from-files", what="all")
    assert status == 409
    assert "An exported file is read once." in body["error"]


def test_columns_that_change_in_the_middle_forget_no_replay(world: World) -> None:
    world.command("replay", what="all")
    checkpoint = world.bridge.checkpoints.load("contacts", "contact")
    checkpoint.link, checkpoint.columns = "https://example.org/in-the-middle", "firstname"
    world.flow.read(checkpoint)
    assert checkpoint.replay
    before = world.campaign.calls().get("PATCH /profileAndServicesExt/profile", 0)
    world.sync()
    writes = sum(
        count for name, count in world.campaign.calls().items() if name.startswith("PATCH")
    )
    assert writes - before >= CONTACTS
