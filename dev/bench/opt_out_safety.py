"""safe-to-send while one opt-out has not been heard everywhere: it must say no, wherever on its way
that opt-out is, and give
that place as the reason; and yes as soon as all is settled.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from random import Random
from threading import Event, Thread
from typing import Any

from azure.storage.queue import QueueMessage

from dev.bench.opt_out_process import FLAG, SIDES, Process
from dev.commands.stack import DIRECTORY, Stack
from shared.console.opt_out import safe_to_send
from shared.errors import Misconfigured
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, KEY, QUEUE
from shared.pipeline.deliver import deliver
from shared.pipeline.replay import replay
from shared.pipeline.running import fail, start, stop

SEED, STATES, PEOPLE = 20261124, 1000, 30
DELAY_SECONDS, LATE_SECONDS, STEP_SECONDS = 3600, 3600, 60
State = AbstractContextManager[None]


def run(scale: int) -> dict[str, Any]:
    chance, states = Random(SEED), STATES // scale
    opt_outs, missed, settled = Counter[str](), list[str](), 0
    with Stack(DIRECTORY / "bench-safety", host=False) as stack:
        process = Process(stack)
        people = [process.person(chance.random() < 0.5) for _ in range(PEOPLE)]
        process.settle()
        for number in range(states):
            kind = list(KINDS)[number % len(KINDS)]
            warned, after = one(process, kind, people, chance)
            opt_outs[kind] += warned
            settled += after
            missed += [] if warned and after else [f"state {number}: {kind}"]
    if missed:
        raise AssertionError(
            f"safe-to-send was wrong in {len(missed)} states with seed {SEED}: {missed[:10]}"
        )
    return {
        "safe-to-send says no with an opt-out under way"
        f" (target {states} of {states}; seed {SEED})": sum(opt_outs.values()),
        "safe-to-send says yes when that is settled (as many)": settled,
        **{f"  {kind}": count for kind, count in opt_outs.items()},
    }


def one(process: Process, kind: str, people: list[str], chance: Random) -> tuple[bool, bool]:
    """Whether it says no for that reason in one state, and yes afterwards."""
    make, reason = KINDS[kind]
    for _ in range(chance.randrange(4)):
        process.edit(chance.choice(people), chance.choice(SIDES), chance)
    person, side = process.person(), chance.choice(SIDES)
    with make(process, person, side, chance):
        answer = safe_to_send(process.wiring.opt_out, process.bridge)
    process.settle()
    warned = not answer["safe"] and any(reason in sentence for sentence in answer["reasons"])
    after = safe_to_send(process.wiring.opt_out, process.bridge)
    return warned, bool(after["safe"]) and process.says(person) == (True, True)


@contextmanager
def unread_in_dynamics(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    process.say(person, True, FROM_DYNAMICS)
    yield


@contextmanager
def unread_in_campaign(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    process.say(person, True, FROM_CAMPAIGN)
    yield


@contextmanager
def queued(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    process.say(person, True, side)
    process.poll(side)
    yield


def taken(process: Process, person: str, side: str) -> QueueMessage:
    """The message with the person's opt-out, hidden on the queue; edits that were read with it have
    been delivered.
    """
    process.settle()
    process.say(person, True, side)
    process.poll(side)
    (message,) = process.messages()
    return message


def complete(process: Process, message: QueueMessage) -> None:
    process.queue.delete_message(message.id, message.pop_receipt)


@contextmanager
def delayed(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    message = taken(process, person, side)
    process.bridge.handoff.send(QUEUE, message.content, DELAY_SECONDS)
    complete(process, message)
    yield
    process.queue.clear_messages()
    process.bridge.handoff.send(QUEUE, message.content)


class Held:
    """The table of decisions, before which a delivery stops until it may go on."""

    def __init__(self, real: Any) -> None:
        self.real, self.reached, self.go_on = real, Event(), Event()

    def put(self, decisions: Any) -> None:
        self.reached.set()
        self.go_on.wait(STEP_SECONDS)
        self.real.put(decisions)


@contextmanager
def in_work(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    """In half of the states its message is gone already, so that the claim alone tells of it."""
    message = taken(process, person, side)
    reconciler = process.flow.reconciler
    held = Held(reconciler.decisions)
    flow = replace(process.flow, reconciler=replace(reconciler, decisions=held))  # type: ignore[arg-type]
    work = Thread(target=deliver, args=(flow, process.bridge, message.content.encode(), 1))
    work.start()
    held.reached.wait(STEP_SECONDS)
    early = chance.random() < 0.5
    if early:
        complete(process, message)
    yield
    held.go_on.set()
    work.join()
    if not early:
        complete(process, message)


@contextmanager
def poisoned(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    message = taken(process, person, side)
    process.bridge.handoff.send(f"{QUEUE}-poison", message.content)
    complete(process, message)
    yield
    process.bridge.handoff.take_back(QUEUE, 320)


def deliver_to(process: Process, person: str, side: str, status: int, body: Any) -> None:
    """Delivers the person's opt-out while the other side answers writes like this."""
    message = taken(process, person, side)
    system = process.campaign if side == FROM_DYNAMICS else process.dynamics
    system.faults({"match": {"method": "PATCH"}, "action": {"status": status, "body": body}})
    deliver(process.flow, process.bridge, message.content.encode(), 1)
    complete(process, message)
    system.faults()


@contextmanager
def dead_letter(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    body = (
        f"{REFUSED} '{FLAG}'."
        if side == FROM_DYNAMICS
        else {"error": {"code": "0x80040203", "message": "Refused."}}
    )
    deliver_to(process, person, side, 500 if side == FROM_DYNAMICS else 400, body)
    yield
    replay(process.flow, process.bridge, "dead_letters")


@contextmanager
def waiting(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    """In half of the states its message is lost, so that the ledger alone tells of it."""
    deliver_to(process, person, side, 503, "")
    if chance.random() < 0.5:
        process.queue.clear_messages()
    yield
    replay(process.flow, process.bridge, "record", person)


@contextmanager
def late(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    process.say(person, True, side)
    feed = process.feeds[chance.choice(SIDES)]
    checkpoint = process.bridge.checkpoints.load(feed.key, feed.table)
    checkpoint.caught_up_at -= LATE_SECONDS
    process.bridge.checkpoints.save(checkpoint)
    yield


@contextmanager
def halted(process: Process, person: str, side: str, chance: Random) -> Iterator[None]:
    process.say(person, True, side)
    key = chance.choice([KEY, *SIDES])
    if chance.random() < 0.5:
        stop(key, process.bridge, "bench")
    else:
        fail(key, process.bridge, Misconfigured("CAMPAIGN_CLIENT_SECRET", "It has expired."))
    yield
    start(key, process.bridge, "bench")


REFUSED = (
    "RST-360011 An error has occurred - please contact your administrator. XSV-350023 Invalid"
    " value for"
)
UNDER_WAY = "are on their way"
KINDS: dict[str, tuple[Callable[[Process, str, str, Random], State], str]] = {
    "not read yet in Dynamics": (unread_in_dynamics, "Dynamics has 1 changes"),
    "not read yet in Campaign": (unread_in_campaign, "Campaign has 1 changes"),
    "on the queue": (queued, UNDER_WAY),
    "on the queue with a delay": (delayed, UNDER_WAY),
    "in work": (in_work, "being written right now"),
    "on the poison queue": (poisoned, "-poison"),
    "a dead letter": (dead_letter, "were refused"),
    "waiting in the ledger": (waiting, "wait to be written"),
    "a poller late": (late, "was last read to the end"),
    "the flow stopped or failed": (halted, "Flow opt_out"),
}
