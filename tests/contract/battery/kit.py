"""What the battery needs of a flow, and a worker that takes messages as the host does, one at a
time and in any order.

A new flow passes the battery by adding its case to CASES in `cases.py`, and to KEPT if its records
change.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from azure.storage.queue import QueueMessage

from dev.verbs import Dynamics
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.poll import poll
from shared.pipeline.waiting_room import release_due
from shared.records import Settlement
from shared.wiring import Wiring

VISIBILITY_SECONDS = 30
LOOK_SECONDS = 0.1


class Case(Protocol):
    """One flow, with hands at its source and eyes on its target. Ids are the source's.

    `settings`: in place of the stack's; `written`: what becomes of a new record; `refusal`: the
    reason of what `refuse` refuses, and whether a field is named; `credential`: the setting that a
    broken one is blamed on; `replayed`: what becomes of a record when all is replayed; `deaths`:
    the methods of the ledger that a delivery may die at, before (False) or after (True) it.
    """

    name: str
    queue: str
    settings: Mapping[str, str]
    written: str
    refusal: tuple[str, bool]
    credential: str
    replayed: str
    deaths: tuple[tuple[str, bool], ...]

    def flow(self, wiring: Wiring) -> Flow: ...
    def create(self, text: str) -> str: ...
    def held(self, record_id: str) -> list[str]:
        """The texts that the target holds for this record: none, one, or (wrong) several."""

    def target_writes(self) -> int:
        """Calls that wrote to the target since the last reset; rows, where many go in a call."""

    def target_fault(self, *faults: dict[str, Any]) -> None: ...
    def refuse(self, text: str) -> None:
        """Makes the target refuse records with this text, as it refuses a bad value."""

    def advice(self) -> None:
        """Makes the target take what it refused."""

    def reset(self) -> None: ...
    def prepare(self, wiring: Wiring) -> None:
        """Puts what the flow needs into empty storage."""

    def break_credential(self) -> None: ...
    def mend_credential(self) -> None: ...


class KeptCase(Case, Protocol):
    """A flow whose records change: the ledger keeps them.

    `dynamics` is its source, or one of its two sides.
    """

    dynamics: Dynamics

    def change(self, record_id: str, text: str) -> None: ...
    def delete(self, record_id: str) -> None: ...


class Killed(BaseException):
    """Stands for the end of an instance at this place."""


class KilledAt:
    """Passes everything on to `real`, but one method ends the instance: before its work, or after
    it.
    """

    def __init__(self, real: Any, method: str, after: bool = False) -> None:
        self.real, self.method, self.after = real, method, after

    def __getattr__(self, name: str) -> Any:
        if name != self.method:
            return getattr(self.real, name)

        def killed(*arguments: Any, **named: Any) -> Any:
            if self.after:
                getattr(self.real, name)(*arguments, **named)
            raise Killed(name)

        return killed


class Worker:
    """One instance: its own wiring on the common storage and the common systems."""

    def __init__(self, case: Case, wiring: Wiring) -> None:
        self.case, self.wiring = case, wiring
        self.flow, self.bridge = case.flow(wiring), wiring.bridge
        self.client = wiring.handoff.clients(case.queue)
        self.held: dict[str, QueueMessage] = {}

    def poll(self, bridge: Bridge | None = None) -> str:
        return poll(self.flow, bridge or self.bridge)

    def messages(self) -> list[QueueMessage]:
        """Takes what is visible off the queue; what is not completed comes back when made
        visible.
        """
        if not self.wiring.handoff.length(self.case.queue):
            return []
        taken = list(
            self.client.receive_messages(
                messages_per_page=32, visibility_timeout=VISIBILITY_SECONDS
            )
        )
        self.held |= {message.id: message for message in taken}
        return taken

    def deliver(
        self, message: QueueMessage, bridge: Bridge | None = None, complete: bool = True
    ) -> list[Settlement]:
        settlements = deliver(
            self.flow, bridge or self.bridge, message.content.encode(), message.dequeue_count or 1
        )
        if complete:
            self.complete(message)
        return settlements

    def complete(self, message: QueueMessage) -> None:
        self.client.delete_message(message.id, message.pop_receipt)
        self.held.pop(message.id, None)

    def kill_while_delivering(
        self, message: QueueMessage, part: str, method: str, after: bool = False
    ) -> None:
        """Delivers until the named method of a part of the bridge, and dies there; the message
        becomes visible again.
        """
        bridge = replace(self.bridge, **{part: KilledAt(getattr(self.bridge, part), method, after)})
        try:
            deliver(self.flow, bridge, message.content.encode(), message.dequeue_count or 1)
        except Killed:
            self.release(message)
            return
        raise AssertionError(f"the delivery never reached {part}.{method}")

    def release(self, message: QueueMessage) -> None:
        self.client.update_message(message.id, message.pop_receipt, visibility_timeout=0)
        self.held.pop(message.id, None)

    def waits(self) -> int:
        """Messages on the queue, and references that rest in the waiting room."""
        counts = self.bridge.waiting.waiting_counts(self.flow.key).counts
        return int(self.wiring.handoff.length(self.case.queue) + counts.total())

    def die(self) -> None:
        """Ends the instance: all that it holds is visible again, as when the leases end that the
        host took.
        """
        for message in list(self.held.values()):
            self.release(message)

    def drain(self, seconds: float = 60) -> list[Settlement]:
        """Delivers until the queue holds nothing but what a test holds back; delayed messages are
        waited for.
        """
        settlements: list[Settlement] = []
        deadline = time.monotonic() + seconds
        release_due(self.bridge)
        while self.wiring.handoff.length(self.case.queue) > len(self.held):
            if not (messages := self.messages()):
                time.sleep(LOOK_SECONDS)  # what is on the queue is hidden for a time
            for message in messages:
                settlements += self.deliver(message)
            release_due(self.bridge)
            if time.monotonic() > deadline:
                raise AssertionError("the queue does not become empty")
        return settlements

    def sync(self) -> list[Settlement]:
        self.poll()
        return self.drain()


def outcomes(settlements: list[Settlement]) -> list[str]:
    return [settlement.outcome.value for settlement in settlements]


def bodies(messages: list[QueueMessage]) -> Iterator[dict[str, Any]]:
    for message in messages:
        yield json.loads(message.content)
