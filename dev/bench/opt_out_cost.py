"""What an opt-out costs each way: calls to both systems, storage operations, CPU; and what a
profile that only came by costs.
"""

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from dev.bench.opt_out_process import Process
from dev.bench.storage_calls import counted_storage, timed_storage
from dev.commands.stack import DIRECTORY, Stack
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS

PEOPLE = 1000
LISTS = {"Campaign GET /profileAndServicesExt/profile/{filter}", "Dynamics GET /contacts"}


def run(scale: int) -> dict[str, Any]:
    people = PEOPLE // scale
    figures: dict[str, Any] = {}
    with Stack(DIRECTORY / "bench", host=False) as stack:
        process, chance = Process(stack), Random(1)
        figures |= by_feed(process, people, FROM_DYNAMICS, "Dynamics to Campaign, by feed")
        figures |= by_webhook(process, people)
        figures |= by_feed(process, people, FROM_CAMPAIGN, "Campaign to Dynamics")
        figures |= came_by(process, people, chance)
    return figures


def by_feed(process: Process, people: int, side: str, title: str) -> dict[str, Any]:
    ids = settled_people(process, people)
    for person in ids:
        process.say(person, True, side)
    figures = cost(process, title, people, lambda: settled(process, side))
    return figures | cost(process, f"{title}, coming back", people, lambda: settled(process))


def by_webhook(process: Process, people: int) -> dict[str, Any]:
    """A message for each; the feed then brings them once more."""
    ids = settled_people(process, people)
    for person in ids:
        process.say(person, True, FROM_DYNAMICS)

    def woken() -> None:
        process.wake(ids)
        process.deliver()

    title = "Dynamics to Campaign, by webhook"
    figures = cost(process, title, people, woken)
    return figures | cost(process, f"{title}, then by both feeds", people, lambda: settled(process))


def came_by(process: Process, people: int, chance: Random) -> dict[str, Any]:
    """Profiles and contacts that are edited and say what they said: those who never said no, and
    those who did.
    """
    figures: dict[str, Any] = {}
    for title, no in (("who never said no", False), ("who has said no", True)):
        ids = settled_people(process, people, no)
        process.settle()
        for person in ids:
            process.edit(person, FROM_DYNAMICS, chance)
            process.edit(person, FROM_CAMPAIGN, chance)
        figures |= cost(
            process, f"a person {title}, edited on both sides", people, lambda: settled(process)
        )
    return figures


def settled_people(process: Process, people: int, no: bool = False) -> list[str]:
    ids = [process.person(no) for _ in range(people)]
    process.settle()
    process.settle()
    return ids


def settled(process: Process, *sides: str) -> None:
    process.poll(*sides)
    process.deliver()


def calls(process: Process) -> Counter[str]:
    found = Counter[str]()
    for system, client in (("Dynamics", process.dynamics), ("Campaign", process.campaign)):
        counted = client.emulator.json("GET", "/calls")
        found.update({f"{system} {call}": count for call, count in counted.items()})
    return found


def cost(process: Process, title: str, people: int, work: Callable[[], None]) -> dict[str, Any]:
    """Per person: calls, storage operations, CPU; and the lists that were asked for in all."""
    before = calls(process)
    with counted_storage() as operations, timed_storage() as in_storage:
        cpu = time.process_time()
        work()
        cpu = time.process_time() - cpu
    made = calls(process) - before
    named = (
        ", ".join(
            f"{call} {count / people:.2f}"
            for call, count in sorted(made.items())
            if call not in LISTS
        )
        or "none"
    )
    lists = ", ".join(f"{call} {made[call]}" for call in sorted(LISTS))
    storage = sum(in_storage)
    milliseconds = f"{cpu / people * 1000:.2f}, {(cpu - storage) / people * 1000:.2f}"
    return {
        f"{title}: calls for one record": named,
        f"{title}: calls for many at once, of {people}": lists,
        f"{title}: storage operations": round(len(operations) / people, 2),
        f"{title}: CPU, ms all in, ms without the storage clients": milliseconds,
    }
