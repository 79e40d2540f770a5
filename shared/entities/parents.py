"""Parent before child: a record whose parent has not reached Campaign waits for it, and goes on at
once when it has.

A child that is written first may be hidden by Campaign, and what is then written to it is lost. So
it is parked under its parent, and read again at the source when the parent is settled: whatever has
happened to it meanwhile is then what is written. How parents leave: shared/entities/leaving.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from shared.entities.families import Family, circular, in_circle, in_circles, ledger_key
from shared.mapping import Parent
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Delivery
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.state.ledger_rows import LedgerKey, LedgerRow, View
from shared.state.waiting import Waiter
from shared.waits import ChildrenFirst, NoParent, ParentMissing

CATCH_UP_SECONDS = 20.0
CIRCLES_LOOKED_FOR = 50
TOLD_WHY = 8
"""How many of one message are told why their parent is not there: it is a look for each."""


REFETCHED = frozenset(
    {"contacts", "custom-entities"}
)  # queues whose records the source can be asked for again


def hold(
    flow: Family,
    bridge: Bridge,
    view: View,
    decisions: Sequence[Decision],
    leaving: Collection[LedgerKey] = (),
) -> list[Settlement]:
    """A settlement for each record that waits for a parent, which is not there or leaves."""
    given, held = without_parent(decisions)
    parents = {ledger_key(parent) for decision in given for parent in parents_of(decision)}
    there = bridge.presence.there(parents).difference(leaving) if parents else set()
    orphans = [
        decision
        for decision in given
        if any(ledger_key(parent) not in there for parent in parents_of(decision))
    ]
    return held + (park(flow, bridge, view, orphans, there, leaving) if orphans else [])


def without_parent(decisions: Sequence[Decision]) -> tuple[list[Decision], list[Settlement]]:
    """Those whose required links are all set, and a settlement for each of the others.

    Campaign hides a record without its required parent, and can't be told of it again.
    """
    held = [
        waiting(
            decision.change,
            NoParent(),
            f"Waits for its parent: the lookup of its required link {names} is empty. Set it in"
            " Dynamics.",
            fields=names,
        )
        for decision in decisions
        if (names := unlinked(decision))
    ]
    return [decision for decision in decisions if not unlinked(decision)], held


def unlinked(decision: Decision) -> str:
    """The required links whose lookup is empty."""
    saved = decision.mapped if decision.act is Act.SAVE else None
    return ", ".join(saved.unlinked) if saved else ""


def parents_of(decision: Decision) -> list[Parent]:
    """What must be in the target before this is saved; a record is not its own parent."""
    listed = decision.mapped.parents if decision.act is Act.SAVE and decision.mapped else ()
    return [parent for parent in listed if parent.record_id != decision.change.record_id]


def park(
    flow: Family,
    bridge: Bridge,
    view: View,
    orphans: Iterable[Decision],
    there: Collection[LedgerKey],
    leaving: Collection[LedgerKey],
) -> list[Settlement]:
    """Parks each under its first missing parent; a circle is not waited for."""
    found = ((decision, missing(flow, bridge, decision, there)) for decision in orphans)
    waiters = [
        (decision, waiter_of(flow, decision.change, parent, view), parent)
        for decision, parent in found
        if parent
    ]
    parked = {one.place: one for one in bridge.waiting.park(waiter for _, waiter, _ in waiters)}
    waiters = [(decision, parked[waiter.place], parent) for decision, waiter, parent in waiters]
    # A parent may have been settled between the look and the parking, and then nobody would release
    # its child.
    looked = bridge.presence.look({ledger_key(parent) for _, _, parent in waiters})
    late = looked.difference(leaving)
    bridge.waiting.release(waiter for _, waiter, parent in waiters if ledger_key(parent) in late)
    waiting_now = [one for one in waiters if ledger_key(one[2]) not in late]
    explain = len(waiting_now) <= TOLD_WHY
    held = [
        waits(bridge, view, decision.change, waiter, parent, explain)
        for decision, waiter, parent in waiting_now
    ]
    bridge.waiting.release(
        waiter
        for (_, waiter, _), settlement in zip(waiting_now, held, strict=True)
        if settlement.outcome is Outcome.REJECTED
    )
    again = [decision for decision, _, parent in waiters if ledger_key(parent) in late]
    return held + (park(flow, bridge, view, again, {*there, *late}, leaving) if again else [])


def missing(
    flow: Family, bridge: Bridge, decision: Decision, there: Collection[LedgerKey]
) -> Parent | None:
    """The first parent to wait for: not one of a circle, nor one whose link is optional and which
    its own filter keeps out.
    """
    child = decision.change.record_id
    for parent in parents_of(decision):
        if ledger_key(parent) in there:
            continue
        row = bridge.ledger.row(*ledger_key(parent)) if looked_into(flow, parent) else None
        if parent.required is False and row and kept_out(row):
            continue
        if row and parent.required is not True and circular(bridge, row, child):
            continue
        return parent
    return None


def looked_into(flow: Family, parent: Parent) -> bool:
    """Whether it matters what the ledger says of a missing parent."""
    return parent.required is False or (parent.required is None and flow.may_circle(parent.table))


def kept_out(row: LedgerRow) -> bool:
    """Whether a parent is known not to come: filtered out, or deleted."""
    return row.outcome == Outcome.FILTERED or row.deleted


def waiter_of(flow: Family, change: Change, parent: Parent, view: View) -> Waiter:
    partition, record_id = ledger_key(parent)
    since = waiting_since(change, view.rows.get(change.record_id))
    return Waiter(partition, record_id, flow.key, flow.queue, flow.table, change.record_id, since)


def waiting_since(change: Change, row: LedgerRow | None) -> float:
    """Since when the record waits for a parent: its newer changes do not begin that again, a
    person's replay does.
    """
    before = row.first_seen if row and isinstance(row.wait, ParentMissing) else 0.0
    return min(before, change.first_seen) if before and not change.replay else change.first_seen


def waits(
    bridge: Bridge, view: View, change: Change, waiter: Waiter, parent: Parent, explain: bool
) -> Settlement:
    """It waits; or it has waited for PARENT_WAIT_DAYS, and then it is a dead letter."""
    change = replace(change, first_seen=waiter.since)
    if overdue(bridge, view.rows.get(change.record_id), change):
        return exhausted(bridge, change, parent)
    row = bridge.ledger.row(*ledger_key(parent)) if explain else None
    why = (
        "is filtered out by its mapping"
        if row and row.outcome == Outcome.FILTERED
        else "has not reached Campaign"
    )
    sentence = f"Waits for its parent {parent.table} {parent.record_id}, which {why}."
    return waiting(
        change,
        ParentMissing(parent.table, parent.record_id, firm=parent.required is True),
        sentence,
        fields=parent.target,
    )


def overdue(bridge: Bridge, row: LedgerRow | None, change: Change) -> bool:
    waits_already = row is not None and isinstance(row.wait, ParentMissing)
    return waits_already and not change.replay and too_long(bridge, change.first_seen)


def too_long(bridge: Bridge, since: float) -> bool:
    return since < bridge.now() - bridge.settings.parent_wait_days * 86400


def exhausted(bridge: Bridge, change: Change, parent: Parent) -> Settlement:
    days = f"{bridge.settings.parent_wait_days:g}"
    sentence = (
        f"Its parent {parent.table} {parent.record_id} did not reach Campaign within {days} days."
        " Look at the parent's record, then replay this one."
    )
    return Settlement(change, Outcome.REJECTED, "parent_missing", parent.target, sentence)


def release(flow: Family, delivery: Delivery, settlements: Sequence[Settlement]) -> int:
    """Hands off, as references, the children of what has just reached the target, or stays in it.

    Whether it has is told by what the write did. Returns how many.
    """
    bridge, view = delivery.bridge, delivery.view
    hand_off(bridge, in_circles(flow, bridge, settlements))
    if not flow.children():
        return 0
    here = {s.change.record_id: view.rows.get(s.change.record_id) for s in settlements}
    bridge.presence.forget(
        (view.partition, record_id) for record_id, row in here.items() if row and not row.exists
    )
    bridge.presence.remember(
        (view.partition, record_id) for record_id, row in here.items() if row and row.exists
    )
    leaves = {id_ for id_, row in here.items() if row and isinstance(row.wait, ChildrenFirst)}
    arrived = {s.change.record_id for s in delivery.arrived(settlements)} - leaves
    stay = {id_ for _, id_ in delivery.said if (row := here.get(id_)) and stays(row)}
    bridge.waiting.leaving.forget(
        row for (_, record_id), row in delivery.said.items() if record_id in stay
    )
    arrived |= stay
    waiters = bridge.waiting.of(view.partition, arrived)
    hand_off(bridge, waiters)
    return len(waiters)


def stays(row: LedgerRow) -> bool:
    """Whether a record is in the target, and nothing under way takes it away."""
    return row.exists and not row.wait and not row.in_doubt


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


def catch_up(bridge: Bridge, age_seconds: float, seconds: float = CATCH_UP_SECONDS) -> int:
    """Hands off those whose parent is there although nobody has released them (an instance died in
    between, or a document was new to it), those of a circle, and those who have waited too long.

    Goes on where the last call ended, page by page, until its time is up or all were looked at.
    Returns how many were handed off.
    """
    started, released = bridge.now(), 0
    released += stayed(bridge)
    if earlier := bridge.waiting.earlier():
        bridge.waiting.move(earlier)
    position = bridge.waiting.position()
    while True:
        waiters, behind = bridge.waiting.page(position)
        released += look_through(bridge, waiters, age_seconds)
        if behind != position:
            bridge.waiting.save_position(behind)
        position = behind
        if not position[0] or bridge.now() - started > seconds:
            break
    return released


def stayed(bridge: Bridge) -> int:
    """Hands off the children of those that said that they leave, and did not: whoever said so has
    died. Returns how many.
    """
    said = bridge.waiting.leaving.outdated()
    waiters = [
        waiter
        for partition, record_id in bridge.presence.look(said)
        for waiter in bridge.waiting.of(partition, [record_id])
    ]
    hand_off(bridge, waiters)
    bridge.waiting.leaving.forget(said.values())
    return len(waiters)


def look_through(bridge: Bridge, waiters: Sequence[Waiter], age_seconds: float) -> int:
    moment = bridge.now() - age_seconds
    ready, orphans = parted(bridge, [waiter for waiter in waiters if waiter.since < moment])
    ready += [waiter for waiter in orphans if too_long(bridge, waiter.since)]
    ready += [waiter for waiter in orphans[:CIRCLES_LOOKED_FOR] if in_circle(bridge, waiter)]
    hand_off(bridge, dict.fromkeys(ready))
    return len(dict.fromkeys(ready))


def parted(bridge: Bridge, waiters: Sequence[Waiter]) -> tuple[list[Waiter], list[Waiter]]:
    """Those whose parent is there, and the others."""
    there = bridge.presence.look({(waiter.partition, waiter.parent) for waiter in waiters})
    ready = [waiter for waiter in waiters if (waiter.partition, waiter.parent) in there]
    return ready, [waiter for waiter in waiters if (waiter.partition, waiter.parent) not in there]
