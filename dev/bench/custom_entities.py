"""Custom entities: families in a shuffled order with kills, with and without parking; a record's
cost with 1, 5, 21 tables.
"""

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueMessage
from rich.console import Console

from dev.bench.storage_calls import counted_storage
from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import DIRECTORY, Stack
from dev.seed.tables import Table, create_many, put_documents, update_many, write_publication
from dev.verbs import Campaign, Dynamics, Operator, wait_until
from shared.entities import flow as entities_flow
from shared.entities import parents
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.settings import load_settings
from shared.wiring import Wiring

INSTANCES, KILLS, SEED = 4, 12, 20261124
PACE = {
    **LOCAL_PACE,
    "CLAIM_LEASE_SECONDS": "5",
    "CAMPAIGN_TIMEOUT_SECONDS": "5",
    "CAMPAIGN_MAX_CONCURRENCY": "8",
}
CAR = Table("acs_car", {"acs_owner": ("contact", "externalId")})
SERVICE = Table("acs_service", {"acs_carref": ("acs_car", "recordId")})
KEYS = ("contacts", "custom_entities-acs_car", "custom_entities-acs_service")


def run(console: Console, small: bool = False) -> dict[str, Any]:
    """All figures, each with its target in its name."""
    scale = 10 if small else 1
    figures: dict[str, Any] = {}
    for part in (families, without_parking, tables):
        console.print(f"  measuring {part.__name__} ...", style="dim")
        figures.update(part(scale))
    return figures


@dataclass
class Made:
    """Ids of the three generations, each in the order of its parents."""

    contacts: list[str]
    cars: list[str]
    services: list[str]


def make(dynamics: Dynamics, number: int) -> Made:
    """Children are made in another order than their parents, so that no page fits another."""
    chance = random.Random(SEED)
    dynamics.seed(number)
    contacts = dynamics.some_contact_ids(number)
    chance.shuffle(contacts)
    cars = create_many(dynamics, "acs_car", children("acs_car", "acs_owner", "contacts", contacts))
    shuffled = chance.sample(cars, len(cars))
    services = create_many(
        dynamics, "acs_service", children("acs_service", "acs_carref", "acs_cars", shuffled)
    )
    by_car = dict(zip(shuffled, services, strict=True))
    return Made(contacts, cars, [by_car[car] for car in cars])


def children(table: str, lookup: str, parents: str, ids: list[str]) -> list[dict[str, Any]]:
    return [
        {f"{table}_name": f"child {n}", f"{lookup}@odata.bind": f"/{parents}({parent})"}
        for n, parent in enumerate(ids)
    ]


def families(scale: int) -> dict[str, Any]:
    """All children are read before any parent, four instances deliver, and die; edits go on
    meanwhile.
    """
    number, chance = 20_000 // 3 // scale, random.Random(SEED)
    directory = DIRECTORY / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    publication = write_publication(directory / "publication.yaml", [CAR, SERVICE])
    options: dict[str, Any] = {
        "settings": PACE,
        "message_lease_seconds": 5,
        "latency_ms": 10,
        "publication": publication,
    }
    with Stack(directory, instances=INSTANCES, **options) as stack:
        dynamics = Dynamics(stack.facts)
        campaign = Campaign(stack.facts)
        operator = Operator(stack.facts)
        wait_until(operator.settled, "a quiet start", 60)
        operator.stop()
        for table in (CAR, SERVICE):
            table.create(dynamics)
        made = make(dynamics, number)
        put_documents(
            ContainerClient.from_connection_string(stack.facts["storage"], "config"), [CAR, SERVICE]
        )
        wait_until(
            lambda: all(operator.waiting(key) == number for key in KEYS[1:]),
            "all children to wait",
            900,
            1,
        )
        early = sum(1 for _ in campaign.records(CAR.resource))
        operator.start()
        began = time.perf_counter()
        for _ in range(KILLS):
            instance = chance.randrange(1, INSTANCES + 1)
            for car in chance.sample(made.cars, 20):
                body = {"acs_car_name": f"edited {chance.random()}"}
                dynamics.http.json("PATCH", f"/acs_cars({car})", body, If_Match="*")
            stack.kill_instance(instance)
            stack.start_instance(instance)
        wait_until(
            lambda: all(operator.settled(key) for key in KEYS), f"quiet (seed {SEED})", 1200, 2
        )
        seconds = time.perf_counter() - began
        wrong = faults(dynamics, campaign, made)
        letters = sum(len(operator.dead_letters(key)) for key in KEYS)
    return {
        f"families: {3 * number} rows, children first, {INSTANCES} instances, {KILLS} kills: "
        f"children written early (0)": (early),
        "families: hidden, lost update, wrong link, missing (0, 0, 0, 0)": ", ".join(
            str(wrong[name]) for name in wrong
        ),
        "families: dead letters (0)": letters,
        "families: seconds from the first parent to quiet": round(seconds),
    }


def faults(dynamics: Dynamics, campaign: Campaign, made: Made) -> dict[str, int]:
    """What Campaign holds against what Dataverse holds."""
    names = {
        row["acs_carid"]: row["acs_car_name"]
        for row in dynamics.rows("acs_cars", "acs_carid,acs_car_name")
    }
    cars = {row["recordId"]: row for row in campaign.records(CAR.resource)}
    services = {row["recordId"]: row for row in campaign.records(SERVICE.resource)}
    owners = dict(zip(made.cars, made.contacts, strict=True)) | dict(
        zip(made.services, made.cars, strict=True)
    )
    links = {key: row["acs_owner_id"] for key, row in cars.items()} | {
        key: row["acs_carref_id"] for key, row in services.items()
    }
    hidden = [row for row in cars.values() if not row["acs_owner_link"]]
    hidden += [row for row in services.values() if not row["acs_carref_link"]]
    return {
        "hidden": len(hidden),
        "lost": sum(row["name"] != names.get(key) for key, row in cars.items()),
        "wrong": sum(owners.get(key) != parent for key, parent in links.items()),
        "missing": len(owners.keys() - links.keys()),
    }


def without_parking(scale: int) -> dict[str, Any]:
    """The same order with parking switched off, in this process: what it is there for."""
    number = max(20, 300 // scale)
    with one_process([CAR, SERVICE]) as world:
        made = make(world.dynamics, number)
        world.settle(("acs_service", "acs_car"))
        for car in made.cars:
            world.dynamics.http.json(
                "PATCH", f"/acs_cars({car})", {"acs_car_name": "edited"}, If_Match="*"
            )
        world.settle(("acs_service", "acs_car"))
        hidden_then = faults(world.dynamics, world.campaign, made)
        world.settle(("contact",))
        wrong = faults(world.dynamics, world.campaign, made)
    figure = ", ".join(str(hidden_then[name]) for name in ("hidden", "lost")) + f", {wrong['lost']}"
    return {
        f"without parking, {2 * number} children: hidden meanwhile, lost meanwhile, lost for "
        f"good (must not be 0)": (figure)
    }


class OneProcess:
    """Polls and delivers here, where the parts can be measured and switched off."""

    def __init__(self, stack: Stack, tables: list[Table]) -> None:
        self.stack, self.tables = stack, tables
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        os.environ.update(
            {
                name: value
                for name, value in stack.environment.items()
                if name.startswith("IDENTITY_")
            }
        )
        self.wiring = Wiring(load_settings({**stack.environment, "QUEUE_LIMIT_MESSAGES": "5000"}))
        put_documents(self.wiring.storage.container("config"), tables)
        for table in tables:
            table.create(self.dynamics)
            self.wiring.table_flow(table.name).activate()

    def settle(self, names: tuple[str, ...]) -> int:
        """Reads these tables and delivers until nothing is visible on their queues; returns how
        many were settled.
        """
        for name in names:
            poll(self.wiring.table_flow(name), self.wiring.bridge)
        return sum(
            self.deliver_visible(queue)
            for queue in {self.wiring.table_flow(name).queue for name in names}
        )

    def deliver_visible(self, queue: str) -> int:
        client, done = self.wiring.handoff.clients(queue), 0
        while messages := list(
            client.receive_messages(messages_per_page=32, max_messages=320, visibility_timeout=600)
        ):
            for message in messages:
                done += self.deliver_one(message)
                client.delete_message(message.id, message.pop_receipt)
        return done

    def deliver_one(self, message: QueueMessage) -> int:
        flow = self.wiring.table_flow(str(json.loads(message.content)["table"]))
        return len(deliver(flow, self.wiring.bridge, message.content.encode(), 1))


class one_process:  # noqa: N801  # reads as a word at its use
    """A stack without a host and parking switched off where that is asked for."""

    def __init__(self, tables: list[Table], parking: bool = False) -> None:
        self.tables, self.parking, self.real = tables, parking, parents.hold
        directory = DIRECTORY / "bench"
        directory.mkdir(parents=True, exist_ok=True)
        self.stack = Stack(
            directory,
            host=False,
            publication=write_publication(directory / "publication.yaml", tables),
        )

    def __enter__(self) -> OneProcess:
        self.stack.start()
        if not self.parking:
            entities_flow.hold = off  # type: ignore[attr-defined, assignment]
        return OneProcess(self.stack, self.tables)

    def __exit__(self, *_: object) -> None:
        entities_flow.hold = self.real  # type: ignore[attr-defined]
        self.stack.stop()


def off(_flow: Any, _bridge: Any, _view: Any, _decisions: Any) -> Any:
    return []


def tables(scale: int) -> dict[str, Any]:
    """1, 5 and 21 tables of 51 columns, few and many records in each: calls, storage operations and
    CPU of each record.
    """
    figures: dict[str, Any] = {}
    for count, records in (
        (1, 2500 // scale),
        (1, 10_000 // scale),
        (5, 2500 // scale),
        (21, 2500 // scale),
    ):
        columns = {f"acs_c{number}": {"MaxLength": 100} for number in range(51)}
        listed = [
            Table(f"acs_t{n:02d}", {"acs_owner": ("contact", "externalId")}, columns)
            for n in range(count)
        ]
        with one_process(listed, parking=True) as world:
            figures.update(cost(world, count, records))
    return figures


def cost(world: OneProcess, count: int, each: int) -> dict[str, Any]:
    world.dynamics.seed(each)
    owners = world.dynamics.some_contact_ids(each)
    world.settle(("contact",))
    made = {table.name: fill(world.dynamics, table, owners) for table in world.tables}
    title, names = f"{count} tables of 51 columns, {each} rows each", tuple(made)
    loaded = measured(world, lambda: world.settle(names), count * each)
    for name, ids in made.items():
        update_many(
            world.dynamics,
            name,
            [{f"{name}id": record_id, "acs_c0": "changed"} for record_id in ids],
        )
    edited = measured(world, lambda: world.settle(names), count * each)
    rows = (
        ("calls per insert, per update (1, 1)", ".2f"),
        ("storage operations per 100 inserts, updates (10, 10)", ".1f"),
        ("of these, once in so many seconds", ".1f"),
        ("CPU, ms per insert, update, all in", ".2f"),
    )
    return {
        f"{title}: {name}": f"{loaded[number]:{form}}, {edited[number]:{form}}"
        for number, (name, form) in enumerate(rows)
    }


def fill(dynamics: Dynamics, table: Table, owners: list[str]) -> list[str]:
    """A record for each owner, every column filled; their ids."""
    values = {name: f"value of {name}" for name in table.columns}
    listed = children(table.name, "acs_owner", "contacts", owners)
    return create_many(dynamics, table.name, [{**row, **values} for row in listed])


def measured(
    world: OneProcess, work: Callable[[], int], records: int
) -> tuple[float, float, float, float]:
    """Calls to Campaign per record, storage operations per 100, those of them that time makes, CPU
    milliseconds per record.
    """
    before, cpu = sum(written(world)), time.process_time()
    with counted_storage() as operations:
        done = work()
    if done < records:
        raise AssertionError(f"{done} of {records} records were settled")
    return (
        (sum(written(world)) - before) / records,
        len(operations) / records * 100,
        sum(one.by_time for one in operations) / records * 100,
        (time.process_time() - cpu) / records * 1000,
    )


def written(world: OneProcess) -> list[int]:
    return [sum(world.campaign.write_calls(table.resource).values()) for table in world.tables]
