"""What waits goes back as a reference: after each kind of waiting nothing of a marked contact rests
anywhere.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Dynamics
from functions import triggers
from shared.entities.flow import TableFlow
from shared.errors import Misconfigured, Retryable
from shared.pipeline.flow import Results
from shared.pipeline.running import start, stop
from shared.records import Change, Kind
from shared.settings import load_settings
from shared.state.envelope import read_envelope
from shared.state.ledger_rows import bucket
from shared.wiring import Wiring
from tests.contract.at_rest.kit import NAME, Marked, places_of_markers
from tests.contract.battery.kit import KilledAt
from tests.contract.parents.kit import PACE

QUEUES = {"contact": "contacts", "acs_vehicle": "custom-entities"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("at-rest")
    with Stack(
        directory=directory, host=False, settings=PACE, publication=vehicles.PUBLICATION
    ) as stack:
        yield stack


@pytest.fixture
def world(running: Stack, monkeypatch: pytest.MonkeyPatch) -> Marked:
    for name, value in running.environment.items():
        if name.startswith(("IDENTITY_", "AzureWebJobsStorage")):
            monkeypatch.setenv(name, value)
    first = Wiring(load_settings(running.environment))
    for table in first.storage.tables.list_tables():
        first.storage.tables.delete_table(table.name)
    for container in first.storage.blobs.list_containers():
        first.storage.blobs.delete_container(container.name)
    for queue in ("contacts", "custom-entities"):
        if first.handoff.length(queue):
            first.handoff.clients(queue).clear_messages()
    dynamics = Dynamics(running.facts)
    for system in (dynamics.emulator, Marked.emulator_of(running)):
        system.json("POST", "/reset", {})
    vehicles.create_tables(dynamics)
    wiring = Wiring(load_settings(running.environment))
    vehicles.put_documents(wiring.storage.container("config"))
    made = Marked(running, wiring, ("acs_vehicle",))
    made.campaign.renew(running.new_campaign_token())
    return made


def marked(world: Marked, table: str) -> str:
    """A record with the markers, on the queue with its row: there the markers are seen, so they
    would be seen elsewhere.
    """
    record_id = (
        world.contact()
        if table == "contact"
        else world.create("acs_vehicle", acs_vehicle_name=NAME)
    )
    world.workers[table].poll()
    assert f"queue {QUEUES[table]}" in places_of_markers(world.wiring)
    return record_id


def stopped(world: Marked, table: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    flow, bridge = world.workers[table].flow, world.wiring.bridge
    stop(flow.key, bridge, by="a test")
    world.deliver(table, 2)
    return lambda: start(flow.key, bridge, by="a test")


def refused_credential(
    world: Marked, table: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    world.failing(table, {"status": 401})
    world.deliver(table)

    def advice() -> None:
        world.failing(table)
        start(world.workers[table].flow.key, world.wiring.bridge, by="a test")

    return advice


def unavailable(world: Marked, table: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    world.failing(table, {"status": 503})
    world.deliver(table, 2)
    return lambda: world.failing(table)


def storage_refuses(
    world: Marked, table: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """The claim ends before it is settled: the envelope goes back as a whole."""

    class Lost(KilledAt):
        def __getattr__(self, name: str) -> Any:
            if name != "settle":
                return getattr(self.real, name)

            def lost(*arguments: Any) -> None:
                raise Retryable("The claim ended.", 0.0)

            return lost

    worker = world.workers[table]
    (message,) = worker.messages()
    worker.deliver(message, replace(worker.bridge, ledger=Lost(worker.bridge.ledger, "")))
    return lambda: None


def by_webhook(world: Marked, table: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Two references are looked at, the flow fails in between: they do not go back with the rows
    that were found.
    """
    worker = world.workers[table]
    (row,) = worker.messages()
    worker.complete(row)
    for record_id in list(world.ids):
        change = Change(record_id, Kind.REFERENCE, first_seen=worker.bridge.now())
        worker.bridge.handoff.put(QUEUES[table], worker.flow.key, table, 1, [change])
    return refused_credential(world, table, monkeypatch)


def settings_missing(
    world: Marked, table: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    def missing() -> TableFlow:
        raise Misconfigured(
            "settings", "Set these application settings and restart: CAMPAIGN_URL is missing"
        )

    worker = world.workers[table]
    monkeypatch.setattr(triggers, "UNSET_DELAY_SECONDS", 0.0)
    (message,) = worker.messages()
    triggers.on_message(missing, QUEUES[table], Delivered(message.content), Invocation())  # type: ignore[arg-type]
    worker.complete(message)
    return lambda: start(worker.flow.key, world.wiring.bridge, by="a test")


def a_bug(world: Marked, table: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Of two records one meets a bug: it goes on alone, as a reference."""
    real = TableFlow.write

    def buggy(flow: TableFlow, decisions: Any) -> Results:
        if decisions[0].change.record_id == world.ids[0]:
            raise ZeroDivisionError
        return real(flow, decisions)

    worker = world.workers[table]
    (message,) = worker.messages()
    worker.complete(message)
    envelope = read_envelope(message.content.encode())
    beside = next(
        id_
        for number in count()
        if bucket(id_ := f"00000000-0000-0000-0000-{number:012}") == envelope.bucket
    )
    changes = [*envelope.changes, Change(beside, Kind.REFERENCE, first_seen=worker.bridge.now())]
    worker.bridge.handoff.put(QUEUES[table], worker.flow.key, table, 1, changes)
    with monkeypatch.context() as patch:
        patch.setattr(TableFlow, "write", buggy)
        world.deliver(table)
    return lambda: None


class Delivered:
    """A queue message as the trigger gives it."""

    dequeue_count, insertion_time = 1, None

    def __init__(self, content: str) -> None:
        self.content = content

    def get_body(self) -> bytes:
        return self.content.encode()


class Invocation:
    class trace_context:
        trace_parent = ""


KINDS = [
    stopped,
    refused_credential,
    unavailable,
    storage_refuses,
    by_webhook,
    settings_missing,
    a_bug,
]


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        *(("contact", kind) for kind in KINDS),
        *(("acs_vehicle", kind) for kind in (stopped, by_webhook, settings_missing)),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_nothing_of_a_record_rests_while_it_waits_and_it_arrives(
    world: Marked,
    table: str,
    kind: Callable[..., Callable[[], None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.ids = [marked(world, table)]
    advice = kind(world, table, monkeypatch)
    assert places_of_markers(world.wiring) == []
    assert world.waits(table) >= 1, "it waits"
    advice()
    world.drain()
    rows = (
        list(world.campaign.records("cusVehicle"))
        if table == "acs_vehicle"
        else world.shown("profile")
    )
    assert [NAME in str(row) for row in rows] == [True]


def test_a_child_that_waits_for_its_parent_leaves_nothing_but_ids(world: Marked) -> None:
    owner = world.contact()
    vehicle = world.create(
        "acs_vehicle", acs_vehicle_name=NAME, **{"acs_ownerid@odata.bind": f"/contacts({owner})"}
    )
    assert world.poll("acs_vehicle") == ["waiting"]
    assert places_of_markers(world.wiring) == []
    world.drain()
    assert [row["vehicleId"] for row in world.shown("cusVehicle")] == [vehicle]


def test_a_deletion_that_waits_for_children_leaves_nothing_but_ids(world: Marked) -> None:
    owner = world.contact()
    world.drain()
    world.delete("contact", owner)
    world.workers["contact"].poll()
    world.deliver("contact")
    assert places_of_markers(world.wiring) == []


def test_what_waited_is_read_anew_so_the_newest_row_is_written(world: Marked) -> None:
    record_id = marked(world, "contact")
    advice = stopped(world, "contact", pytest.MonkeyPatch())
    world.change("contact", record_id, lastname="Newer")
    advice()
    world.workers["contact"].drain()
    assert [row["lastName"] for row in world.shown("profile")] == ["Newer"]
