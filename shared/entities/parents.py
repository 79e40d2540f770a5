"""Parent before child: a record whose parent has not reached Campaign waits for it, and goes on at
once when it has.

A child that is written first may be hidden by Campaign, and what is then written to it is lost. So
it is parked under its parent, and looked at anew at the source when the parent is settled: whatever
has happened to it meanwhile is then what is written.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.mapping import Parent
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.state.deadletters import DeadLetter
from shared.state.ledger_rows import View, bucket, partition_name
from shared.state.presence import Place
from shared.state.waiting import Waiter
from shared.waits import ChildrenFirst, ParentMissing

LONGEST_CYCLE = 10
CHILDREN_WAIT_SECONDS = 3600.0
CATCH_UP_RECORDS = 500


@dataclass(frozen=True, slots=True)
class FlowOf:
    """The flow that a table's records take, and its queue."""

    key: str
    queue: str


class Family(Protocol):
    """A flow whose records may be parents and children of others."""

    @property
    def key(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def table(self) -> str: ...
    def children(self) -> Collection[str]:
        """The tables whose records are linked to this one's, and wait for them."""


REFETCHED = frozenset(
    {"contacts", "custom-entities"}
)  # queues whose records the source can be asked for again


def flow_of(table: str) -> FlowOf:
    """Contacts have a flow of their own; every other table is one of the custom entities."""
    return (
        FlowOf("contacts", "contacts")
        if table == "contact"
        else FlowOf(f"custom_entities-{table}", "custom-entities")
    )


def hold(
    flow: Family, bridge: Bridge, view: View, decisions: Sequence[Decision]
) -> list[Settlement]:
    """A settlement for each that waits for a parent or, if it is a deletion, for children."""
    parents = {place(parent) for decision in decisions for parent in parents_of(decision)}
    there = bridge.presence.there(parents) if parents else set()
    orphans = [
        decision
        for decision in decisions
        if any(place(parent) not in there for parent in parents_of(decision))
    ]
    held = park(flow, bridge, orphans, there) if orphans else []
    return held + hold_deletions(
        flow, bridge, view, [one for one in decisions if one.outcome is Outcome.DELETED]
    )


def parents_of(decision: Decision) -> list[Parent]:
    """What must be in the target before this is saved; a record is not its own parent."""
    listed = decision.mapped.parents if decision.act is Act.SAVE and decision.mapped else ()
    return [parent for parent in listed if parent.record_id != decision.change.record_id]


def place(parent: Parent) -> Place:
    return partition_name(flow_of(parent.table).key, bucket(parent.record_id)), parent.record_id


def park(
    flow: Family, bridge: Bridge, orphans: Iterable[Decision], there: Collection[Place]
) -> list[Settlement]:
    """Parks each under its first missing parent; a circle is not waited for."""
    found = ((decision, missing(bridge, decision, there)) for decision in orphans)
    waiters = [
        (decision, waiter_of(flow, decision.change, parent), parent)
        for decision, parent in found
        if parent
    ]
    bridge.waiting.park(waiter for _, waiter, _ in waiters)
    # A parent may have been settled between the look and the parking, and then nobody would release
    # its child.
    late = bridge.presence.look({place(parent) for _, _, parent in waiters})
    bridge.waiting.release(waiter for _, waiter, parent in waiters if place(parent) in late)
    held = [
        waits(bridge, decision.change, parent)
        for decision, _, parent in waiters
        if place(parent) not in late
    ]
    again = [decision for decision, _, parent in waiters if place(parent) in late]
    return held + (park(flow, bridge, again, {*there, *late}) if again else [])


def missing(bridge: Bridge, decision: Decision, there: Collection[Place]) -> Parent | None:
    absent = (parent for parent in parents_of(decision) if place(parent) not in there)
    return next(
        (parent for parent in absent if not circular(bridge, parent, decision.change.record_id)),
        None,
    )


def circular(bridge: Bridge, parent: Parent, child: str) -> bool:
    """Whether the parent waits, directly or through others, for the child."""
    for _ in range(LONGEST_CYCLE):
        row = bridge.ledger.row(*place(parent))
        wait = row.wait if row else None
        if not isinstance(wait, ParentMissing):
            return False
        if wait.record_id == child:
            return True
        parent = Parent(wait.table, wait.record_id, "")
    return False


def waiter_of(flow: Family, change: Change, parent: Parent) -> Waiter:
    partition, record_id = place(parent)
    return Waiter(
        partition, record_id, flow.key, flow.queue, flow.table, change.record_id, change.first_seen
    )


def waits(bridge: Bridge, change: Change, parent: Parent) -> Settlement:
    row = bridge.ledger.row(*place(parent))
    why = (
        "is filtered out by its mapping"
        if row and row.outcome == Outcome.FILTERED
        else "has not reached Campaign"
    )
    sentence = f"Waits for its parent {parent.table} {parent.record_id}, which {why}."
    return waiting(
        change, ParentMissing(parent.table, parent.record_id), sentence, fields=parent.target
    )


def hold_deletions(
    flow: Family, bridge: Bridge, view: View, decisions: Sequence[Decision]
) -> list[Settlement]:
    """Child first: a deletion waits until the tables of its children have been read and delivered
    beyond it.

    Campaign hides a
    child whose parent is gone, and it could then be neither deleted nor changed. It waits
    CHILDREN_WAIT_SECONDS at most.
    """
    children = (
        [flow_of(table) for table in flow.children() if table != flow.table] if decisions else []
    )
    held = []
    for decision in decisions if children else ():
        change, row = decision.change, view.rows.get(decision.change.record_id)
        before = row.wait if row and isinstance(row.wait, ChildrenFirst) else ChildrenFirst()
        if bridge.now() - change.first_seen < CHILDREN_WAIT_SECONDS and (
            wait := unsettled(bridge, children, change, before)
        ):
            sentence = "Its deletion waits until its children have been read and delivered."
            held.append(
                waiting(
                    change, wait, sentence, retry_after_seconds=bridge.settings.retry_delay_seconds
                )
            )
    return held


def unsettled(
    bridge: Bridge, children: Sequence[FlowOf], change: Change, before: ChildrenFirst
) -> ChildrenFirst | None:
    """What a deletion waits for, if for anything: its children's tables are to be read, or what was
    read is to be delivered.
    """
    if before.read_at is None:
        states = [bridge.flows.state(child.key) for child in children]
        if any(state.caught_up_at < change.first_seen for state in states):
            return ChildrenFirst()
        return ChildrenFirst(max(state.polled_at for state in states))
    read_at, keys = before.read_at, {child.key for child in children}
    heads = [
        envelope
        for queue in {child.queue for child in children}
        for envelope in bridge.handoff.head(queue)
    ]
    queued = [
        change.first_seen
        for envelope in heads
        if envelope.flow in keys
        for change in envelope.changes
    ]
    # What was tried and must be tried again is not seen on the queue; what is parked there for days
    # says nothing of deletions.
    tried = [
        at
        for key in keys
        for at in bridge.presence.waiting(key, bridge.settings.retry_delay_seconds)
    ]
    recent = [at for at in tried if at > change.first_seen - CHILDREN_WAIT_SECONDS]
    return before if any(at <= read_at for at in queued + recent) else None


def release(flow: Family, bridge: Bridge, view: View, settlements: Iterable[Settlement]) -> int:
    """Hands off, as references, the children of what has just reached the target.

    Returns how many.
    """
    if not flow.children():
        return 0
    here = {s.change.record_id: view.rows.get(s.change.record_id) for s in settlements}
    bridge.presence.forget(
        (view.partition, record_id) for record_id, row in here.items() if row and not row.exists
    )
    bridge.presence.remember(
        (view.partition, record_id) for record_id, row in here.items() if row and row.exists
    )
    arrived = {
        s.change.record_id
        for s in settlements
        if s.outcome is Outcome.CREATED or s.change.uncertain
    }
    arrived = {record_id for record_id in arrived if (row := here[record_id]) and row.exists}
    waiters = bridge.waiting.of(view.partition, arrived) if arrived else []
    hand_off(bridge, waiters)
    return len(waiters)


def hand_off(bridge: Bridge, waiters: Iterable[Waiter]) -> None:
    """As references: whatever has happened to them meanwhile is what is written."""
    groups: defaultdict[tuple[str, str, str], list[Waiter]] = defaultdict(list)
    for waiter in waiters:
        groups[waiter.queue, waiter.flow, waiter.table].append(waiter)
    for (queue, flow, table), group in groups.items():
        changes = [
            Change(waiter.child, Kind.REFERENCE, first_seen=waiter.since) for waiter in group
        ]
        bridge.handoff.put(queue, flow, table, 0, changes)
        bridge.waiting.release(group)


def catch_up(bridge: Bridge, age_seconds: float) -> int:
    """Hands off those whose parent is there although nobody has released them: an instance died in
    between, or a document was
    new to it. A number of the waiting each time, so that many that wait cost little. Returns how
    many.
    """
    ready, _ = parted(
        bridge, bridge.waiting.some_since(bridge.now() - age_seconds, CATCH_UP_RECORDS)
    )
    hand_off(bridge, ready)
    return len(ready)


def parted(bridge: Bridge, waiters: Sequence[Waiter]) -> tuple[list[Waiter], list[Waiter]]:
    """Those whose parent is there, and the others."""
    there = bridge.presence.look({(waiter.partition, waiter.parent) for waiter in waiters})
    ready = [waiter for waiter in waiters if (waiter.partition, waiter.parent) in there]
    return ready, [waiter for waiter in waiters if (waiter.partition, waiter.parent) not in there]


def overdue(bridge: Bridge) -> int:
    """Those that have waited longer than PARENT_WAIT_DAYS become dead letters that name the missing
    parent.
    """
    late = list(bridge.waiting.since(bridge.now() - bridge.settings.parent_wait_days * 86400))
    ready, orphans = parted(bridge, late) if late else ([], [])
    hand_off(bridge, ready)
    for waiter in orphans:
        flow_of_parent = waiter.partition.rpartition("-")[0]
        sentence = (
            f"Its parent {waiter.parent} of {flow_of_parent} did not reach Campaign within"
            f" {bridge.settings.parent_wait_days:g} days: look at the parent's record, then replay"
            " this one."
        )
        letter = DeadLetter(
            waiter.flow, waiter.child, "parent_missing", "", sentence, 0, 1, bridge.now()
        )
        bridge.deadletters.put(letter)
        bridge.waiting.release([waiter])
    return len(orphans)
