"""Contacts, vehicles and visits in memory: the product on simulated storage and systems, without
faults. One task plays a test, time is virtual, so a test waits for no clock.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

from dev.emulators.campaign.app import Gateway
from dev.emulators.campaign.model import load_model
from dev.seed import vehicles
from dev.seed.tables import Table, add_lookup, write_publication
from dev.simulation import systems as simulated
from dev.simulation.files import Server
from dev.simulation.patches import patched, replacements
from dev.simulation.runs import first_database
from dev.simulation.scenarios import SETTINGS
from dev.simulation.storage import Account
from dev.simulation.systems import Systems
from dev.simulation.world import World
from shared.mapping import default_document
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.pipeline.waiting_room import release_due
from shared.records import Settlement
from shared.settings import load_settings
from shared.state.envelope import read_envelope
from shared.state.ledger_rows import bucket, partition_name
from shared.wiring import Wiring

QUEUES = ("contacts", "custom-entities")
TABLES = ("contact", "acs_vehicle", "acs_visit")
RESOURCES = {"contact": "profile", "acs_vehicle": "cusVehicle", "acs_visit": "cusVisit"}
Row = dict[str, Any]
NUMBERS = count(1_000_000)


class Memory:
    """One instance of the product, both systems, and hands and eyes for each."""

    def __init__(self, world: World, account: Account, systems: Systems) -> None:
        self.world, self.account, self.systems = world, account, systems
        self.settings: dict[str, str] = {**SETTINGS, "MAPPING_CACHE_SECONDS": "0"}
        self.started: list[Wiring] = []
        self.tables, self.resources = list(TABLES), dict(RESOURCES)

    @property
    def wiring(self) -> Wiring:
        if not self.started:
            self.started.append(Wiring(load_settings(self.settings)))
        return self.started[0]

    def another_instance(self) -> None:
        """The next calls are of an instance that remembers nothing."""
        self.started.clear()

    @property
    def now(self) -> float:
        return self.world.scheduler.now

    def later(self, seconds: float) -> None:
        self.world.sleep(seconds)

    def document(self, table: str, text: str) -> None:
        container = self.account.blob.get_container_client("config")
        container.upload_blob(f"mappings/{table}.yaml", text, overwrite=True)

    # What people do in Dynamics.

    def create(self, table: str, **columns: Any) -> str:
        answer = self.systems.by_person("POST", f"/{table}s", columns)
        return str(answer.headers["odata-entityid"].rsplit("(", 1)[1].rstrip(")"))

    def contact(self, **columns: Any) -> str:
        return self.create("contact", **{"lastname": "Owner", **columns})

    def vehicle(self, name: str, owner: str | None = None) -> str:
        bind = {"acs_ownerid@odata.bind": f"/contacts({owner})"} if owner else {}
        return self.create("acs_vehicle", acs_vehicle_name=name, **bind)

    def visit(self, name: str, vehicle: str) -> str:
        bind = {"acs_vehicleid_ref@odata.bind": f"/acs_vehicles({vehicle})"}
        return self.create("acs_visit", acs_visit_name=name, **bind)

    def change(self, table: str, record_id: str, **columns: Any) -> None:
        self.systems.by_person("PATCH", f"/{table}s({record_id})", columns)

    def delete(self, table: str, record_id: str) -> None:
        self.systems.by_person("DELETE", f"/{table}s({record_id})")

    # What Campaign holds.

    def held(self, table: str) -> list[Row]:
        """Hidden rows too."""
        engine = self.systems.gateway.engine
        return list(engine.tables[self.resources[table]].rows.values())

    def shown(self, table: str) -> list[Row]:
        engine = self.systems.gateway.engine
        resource = engine.resources[self.resources[table]]
        return [row for row in self.held(table) if not engine.hidden(resource, row)]

    # What the product does.

    def flow(self, table: str) -> Any:
        return self.wiring.table_flow(table)

    def poll(self, table: str) -> str:
        """A tick of the timer."""
        flow, bridge = self.flow(table), self.wiring.bridge
        release_due(bridge, [flow.letters])
        return poll(flow, bridge)

    def deliver(self, queue: str) -> list[Settlement]:
        """What is visible on a queue."""
        bridge, settled = self.wiring.bridge, list[Settlement]()
        while message := bridge.handoff.receive(queue, 600.0):
            body = message.content.encode()
            flow = self.flow(read_envelope(body).table)
            settled += deliver(flow, bridge, body, message.receipts)
            bridge.handoff.complete(queue, message)
        return settled

    def deliver_opt_outs(self) -> None:
        """What is visible on the queue of opt-outs."""
        bridge, flow = self.wiring.bridge, self.wiring.opt_out.deliver()
        while message := bridge.handoff.receive("opt-out", 600.0):
            deliver(flow, bridge, message.content.encode(), message.receipts)
            bridge.handoff.complete("opt-out", message)

    def sync(self, table: str) -> list[str]:
        """Polls one table and delivers what is on its queue; the outcomes."""
        self.poll(table)
        return [s.outcome.value for s in self.deliver(self.flow(table).queue)]

    def run(self, seconds: float = 60.0) -> None:
        """All timers and queues for so long."""
        end = self.now + seconds
        while self.now < end:
            for table in self.tables:
                self.poll(table)
            for queue in QUEUES:
                self.deliver(queue)
            self.later(5.0)

    def row(self, table: str, record_id: str) -> Any:
        partition = partition_name(self.flow(table).key, bucket(record_id))
        return self.wiring.bridge.ledger.row(partition, record_id)

    def rows_of(self, name: str) -> list[Row]:
        """A table of the storage account."""
        return [row.values for row in self.account.table.tables.get(name, {}).values()]

    def letters(self, table: str) -> list[str]:
        page = self.wiring.bridge.deadletters.page(self.flow(table).key)
        return [letter.reason for letter in page]

    def shapes(self, tables: Sequence[Table], directory: Path) -> None:
        """Other tables, their resources and documents, besides contacts."""
        dynamics, path = told_to(self.systems), write_publication(directory / "p.yaml", [*tables])
        names = (simulated.ORGANIZATION, simulated.API_KEY, simulated.SECRET)
        self.systems.gateway = Gateway(load_model(path, "standard"), *names, "standard")
        for table in tables:
            Table(table.name).create(dynamics)
        for table in tables:
            for lookup, (parent, _) in table.parents.items():
                add_lookup(dynamics, table.name, lookup, parent)
            self.document(table.name, yaml.safe_dump(table.document(), sort_keys=False))
        self.tables = ["contact", *(table.name for table in tables)]
        self.resources |= {table.name: table.resource for table in tables}


def told_to(systems: Systems) -> Any:
    """Dynamics as `dev.seed.tables` speaks to it."""

    def told(method: str, path: str, body: Any = None, **_: str) -> Any:
        answer = systems.by_person(method, path, body)
        return json.loads(answer.body) if answer.body else {}

    return SimpleNamespace(http=SimpleNamespace(told=told, json=told))


@contextmanager
def memory(documents: Mapping[str, str] | None = None) -> Iterator[Memory]:
    world = World(1, kinds=())
    account = Account(world)
    made: list[Memory] = []
    found = replacements(
        world,
        account,
        Server(world),
        lambda *given: made[0].systems.pooled(*given),
        lambda: made[0].wiring,
    )
    with patched(found):
        systems = Systems(world, first_database())
        systems.metadata = next(NUMBERS)  # no world's definitions are another's
        publication = load_model(vehicles.PUBLICATION, "standard")
        names = (simulated.ORGANIZATION, simulated.API_KEY, simulated.SECRET)
        systems.gateway = Gateway(publication, *names, "standard")
        vehicles.create_tables(told_to(systems))
        made.append(Memory(world, account, systems))
        account.blob.get_container_client("config").create_container()
        texts = {"contact": default_document("contact")}
        texts |= {table: path.read_text() for table, path in vehicles.DOCUMENTS.items()}
        for table, text in {**texts, **(documents or {})}.items():
            made[0].document(table, text)
        try:
            yield made[0]
        finally:
            systems.close()


def played(test: Callable[[Memory], None], documents: Mapping[str, str] | None = None) -> None:
    """Plays a test as a task of the simulation: what it raises is raised here."""
    with memory(documents) as made:
        task = made.world.scheduler.spawn("test", None, lambda: test(made))
        made.world.scheduler.run(inf, lambda: task.done)
