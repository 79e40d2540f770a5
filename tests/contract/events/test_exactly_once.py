"""No event twice, none missing: whatever is killed, repeated, overlapping or out of order.

The seed is in each message.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from tests.contract.battery.kit import Killed, KilledAt, Worker
from tests.contract.events.kit import Source, World

PEOPLE, ROUNDS = 12, 6


class Chaos:
    """Instances that die at random places of a poll or a delivery, and messages that come back."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.chance = world, random.Random(seed)
        self.happened: dict[str, set[str]] = {
            kind: set() for kind in ("send", "open", "click", "bounce")
        }

    def something_happens(self, people: list[str]) -> None:
        """A delivery, reactions to it, bounces that come late; some of it exported, perhaps twice,
        perhaps overlapping.
        """
        world, chance, name = self.world, self.chance, f"DM{self.chance.randrange(10**9)}"
        world.send(name)
        for person in chance.sample(people, 6):
            world.react(person, "open", name)
        for person in chance.sample(people, 4):
            world.react(person, "click", name, url=f"https://www.example.org/{chance.randrange(3)}")
        if chance.random() < 0.5:
            world.export()
        for person in chance.sample(people, 2):
            world.bounce(person, "hard", name)
        world.export(**({"since": "2000-01-01T00:00:00"} if chance.random() < 0.4 else {}))
        if chance.random() < 0.5:
            self.copy_a_file()

    def copy_a_file(self) -> None:
        """The same file comes again under another name."""
        names = self.world.names() + [f"processed/{name}" for name in self.world.names("processed")]
        if names:
            found = self.chance.choice(names)
            kind = found.rpartition("/")[2].partition("_")[0]
            copy = self.world.folder / f"{kind}_copy{self.chance.randrange(10**9)}.txt"
            copy.write_bytes((self.world.folder / found).read_bytes())

    def work(self) -> None:
        """One step of one of two instances, which may die in the middle."""
        worker = Worker(Source(self.chance.randrange(2)), self.world.instance())  # type: ignore[arg-type]
        step = self.chance.choice([self.read, self.read, self.write, self.write, self.write])
        try:
            step(worker)
        except Killed:
            worker.die()

    def read(self, worker: Worker) -> None:
        parts: list[tuple[str, str, bool]] = [
            ("", "", False),
            ("checkpoints", "save", False),
            ("checkpoints", "save", True),
        ]
        poll(worker.flow, self.deadly(worker, *self.chance.choice(parts)))

    def write(self, worker: Worker) -> None:
        parts = [
            ("", "", False),
            ("ledger", "count", False),
            ("ledger", "count", True),
            ("handoff", "put", False),
        ]
        bridge = self.deadly(worker, *self.chance.choice(parts))
        for message in worker.messages():
            deliver(worker.flow, bridge, message.content.encode(), message.dequeue_count or 1)
            worker.complete(message) if self.chance.random() < 0.8 else worker.release(message)

    def deadly(self, worker: Worker, part: str, method: str, after: bool) -> Any:
        return (
            replace(worker.bridge, **{part: KilledAt(getattr(worker.bridge, part), method, after)})
            if part
            else worker.bridge
        )


@pytest.mark.parametrize("seed", [1, 20261124])
def test_every_event_is_there_once_whatever_dies_or_repeats(world: World, seed: int) -> None:
    chaos = Chaos(world, seed)
    people = [world.contact(f"Person{number}") for number in range(PEOPLE)]
    for _ in range(ROUNDS):
        chaos.something_happens(people)
        for _ in range(6):
            chaos.work()
    world.export()
    quiet(world)
    expected = reported(world)
    assert world.counts() == expected, f"seed {seed}"
    for kind in expected:
        ids = [row["acs_eventid"] for row in world.activities(kind)]
        assert len(set(ids)) == len(ids), f"seed {seed}: {kind}"
        assert {row["statecode"] for row in world.activities(kind)} <= {1}
    assert not world.letters()


def quiet(world: World) -> None:
    for _ in range(3):
        world.sync()


def reported(world: World) -> dict[str, int]:
    """How many events of each kind Campaign itself tells of, from a journal read from its
    beginning.
    """
    kinds: dict[str, set[str]] = {"sends": set(), "opens": set(), "clicks": set(), "bounces": set()}
    for event in journal(world):
        for name in kinds:
            if f"xdm:{name}" in event["xdm:directMarketing"]:
                kinds[name].add(event["@id"])
    return {name.removesuffix("s"): len(ids) for name, ids in kinds.items()}


def journal(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    pages: Callable[[str], Any] = world.wiring.journal.ask
    link = f"{world.wiring.journal.url}?limit=1000"
    while (response := pages(link)).status == 200:
        found += [item["event"] for item in response.json()["events"]]
        link = world.wiring.journal.following(response)
    return found
