"""Child before parent, when a parent leaves Campaign: deleted in Dynamics, or kept out by its
filter.

Campaign hides a child whose required parent is gone, or deletes it with its parent. So children go
first, and the ledger says that they are gone. The room remembers which children each parent has in
Campaign. Whoever leaves waits for its own children alone, CHILDREN_WAIT_SECONDS at most. A child
that its source still has is parked under the parent, and comes back with it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from shared.entities.asking import ask_to_go, is_asked, looks_already, pause_after
from shared.entities.families import Family, FlowOf, flow_of, ledger_key
from shared.entities.parents import missing, parents_of, waiter_of
from shared.mapping import Parent
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Delivery
from shared.records import Change, Outcome, Settlement, waiting
from shared.state.ledger_rows import LedgerKey, LedgerRow, View, bucket, partition_name
from shared.state.waiting import Waiter
from shared.waits import ChildrenFirst, NoParent, ParentMissing, read_wait

CHILDREN_WAIT_SECONDS = 3600.0
LOOKED_AT = "another message of it waits for its children"
NO_PARENT = "its parent leaves Campaign, and it has no other"
LINKING_SECONDS = 600.0
"""A child is listed before it is written: for so long it may still be on its way to Campaign."""

GONE = frozenset({Outcome.DELETED.value, Outcome.FILTERED.value})
CHILDREN_AT_ONCE = 500
"""Of one message's parents, that are asked to go at once; the others follow."""


class Parents(Family, Protocol):
    """A flow whose records may have children."""

    def read_documents(self) -> None:
        """Has the next look at the tables of children see the documents as they are now."""

    def children_that_go_first(self) -> Collection[str]:
        """The tables of its children, but those that it waits for itself, in a circle."""

    def links_complete(self, bridge: Bridge, table: str) -> bool:
        """Whether all children of this table are known to the room by their parents."""


def revise(flow: Parents, delivery: Delivery, decisions: Sequence[Decision]) -> list[Decision]:
    """The decisions: a child whose parent leaves goes before it.

    Before anything is written, the room learns which children the parents have.
    """
    bridge, view = delivery.bridge, delivery.view
    listed = []
    for decision in decisions:
        record_id = decision.change.record_id
        new = unlisted(flow, decision, view.rows.get(record_id))
        listed += [
            replace(waiter_of(flow, decision.change, parent, view), since=bridge.now())
            for parent in new
        ]
        before = delivery.parents_before.get(record_id, ())
        delivery.parents_before[record_id] = [*before, *((one.table, one.record_id) for one in new)]
    if listed:
        delivery.told_at = bridge.now()
    for waiter in bridge.waiting.linked.add(listed):
        delivery.listed[waiter.place] = waiter
    delivery.said = said_before(flow, bridge, view, decisions)
    revised = [
        without_parent(flow, bridge, view, decision) if decision.change.parent_leaves else decision
        for decision in decisions
    ]
    for waiter in links_that_end(flow, bridge, view, revised):
        delivery.listed[waiter.place] = waiter
    return revised


def links_that_end(
    flow: Family, bridge: Bridge, view: View, decisions: Iterable[Decision]
) -> list[Waiter]:
    """Of the parents that these writes take a record away from, what the room holds of the link.

    Read before the claim: who lists it again does so after this delivery, which then leaves it.
    """
    ending = [
        waiter_of(flow, decision.change, Parent(table, record_id, ""), view)
        for decision in decisions
        if decision.act is not Act.NOTHING and (row := view.rows.get(decision.change.record_id))
        for table, record_id in row.parents
        if decision.act is Act.DELETE or (table, record_id) not in (decision.parents or ())
    ]
    found = bridge.ledger.pool.map(bridge.waiting.linked.resting, ending)
    return [waiter for waiter in found if waiter]


def kept_order(flow: Family, decision: Decision) -> list[Parent]:
    """The parents that this record may not outlive in Campaign."""
    listed = decision.mapped.parents if decision.mapped else ()
    return [
        parent
        for parent in listed
        if parent.required is not False and not flow.outlives(parent.table)
    ]


def unlisted(flow: Family, decision: Decision, row: LedgerRow | None) -> list[Parent]:
    """Those of them of which the room does not know yet that they have this child."""
    before = row.parents if row else []
    return [
        parent
        for parent in kept_order(flow, decision)
        if [parent.table, parent.record_id] not in before
    ]


def parents_that_leave(
    flow: Family, bridge: Bridge, view: View, decisions: Iterable[Decision]
) -> set[LedgerKey]:
    """Of the parents that these records are newly linked to, those that are leaving Campaign.

    Asked after the link is listed. A parent says that it leaves before it looks for its children:
    one of the two sees the other, whatever the order.
    """
    new = {
        ledger_key(parent)
        for decision in decisions
        if decision.act is Act.SAVE
        for parent in unlisted(flow, decision, view.rows.get(decision.change.record_id))
    }
    return set(bridge.waiting.leaving.of(new))


def said_before(
    flow: Family, bridge: Bridge, view: View, decisions: Iterable[Decision]
) -> dict[LedgerKey, Any]:
    """What those of these records have said of leaving that stay, or are back."""
    if not flow.children():
        return {}
    back = {one.change.record_id for one in decisions if comes_back(one, view)}
    return bridge.waiting.leaving.of({(view.partition, record_id) for record_id in back})


def comes_back(decision: Decision, view: View) -> bool:
    """Whether a record that has left the target, waited to leave it, or may have been cut off while
    it left, does so no more.
    """
    row = view.rows.get(decision.change.record_id)
    if row is None or decision.act is Act.DELETE:
        return False
    if isinstance(row.wait, ChildrenFirst) or row.in_doubt:
        return True
    return (
        decision.act is Act.SAVE and not row.exists and any(one[1] in GONE for one in row.history)
    )


def without_parent(flow: Family, bridge: Bridge, view: View, decision: Decision) -> Decision:
    """The child's own deletion, if a parent of it is about to go or gone; it comes back with the
    parent. One whose required lookup was cleared goes too, and comes back when it has a parent.
    """
    own = view.rows.get(decision.change.record_id)
    there = own is not None and (own.exists or may_be_there(own, bridge.now()))
    act = Act.DELETE if there else Act.NOTHING
    if decision.mapped and decision.mapped.unlinked:
        return Decision(decision.change, act, Outcome.FILTERED, NO_PARENT, known=None)
    for parent in kept_order(flow, decision):
        if not leaves(bridge, parent):
            continue
        bridge.presence.forget([ledger_key(parent)])
        bridge.waiting.park([waiter_of(flow, decision.change, parent, view)])
        reason = f"its parent {parent.table} {parent.record_id} leaves Campaign"
        return Decision(decision.change, act, Outcome.FILTERED, reason, known=None)
    return without_former_parent(flow, bridge, view, decision, own)


def without_former_parent(
    flow: Family, bridge: Bridge, view: View, decision: Decision, own: LedgerRow | None
) -> Decision:
    """The child's own deletion, if it can't be moved yet: the parent that it has in Campaign
    leaves, and another one that it has by now is not there. It comes back with that one.
    """
    former = own.parents if own and own.exists else []
    new = parents_of(decision)
    if not new or not any(leaves(bridge, Parent(table, id_, "")) for table, id_ in former):
        return decision
    there = bridge.presence.there({ledger_key(parent) for parent in new})
    if not (other := missing(flow, bridge, decision, there)):
        return decision
    bridge.waiting.park([waiter_of(flow, decision.change, other, view)])
    reason = f"its parent leaves Campaign, and {other.table} {other.record_id} is not there yet"
    return Decision(decision.change, Act.DELETE, Outcome.FILTERED, reason, known=None)


def leaves(bridge: Bridge, parent: Parent) -> bool:
    row = bridge.ledger.row(*ledger_key(parent))
    return not (row and row.exists) or isinstance(row.wait, ChildrenFirst)


def hold_leaving(
    flow: Parents, delivery: Delivery, decisions: Sequence[Decision]
) -> list[Settlement]:
    """A settlement for each record that leaves and still has children in Campaign.

    They are asked to go first, as references. Nobody makes another child of it from here on.
    """
    bridge, view = delivery.bridge, delivery.view
    leaving = [decision for decision in decisions if decision.act is Act.DELETE]
    if not leaving:
        return []
    flow.read_documents()  # another process may know of a table of children since a moment ago
    if not (tables := flow.children_that_go_first()):
        return []
    ids = [decision.change.record_id for decision in leaving]
    delivery.told_at = delivery.told_at or bridge.now()
    bridge.waiting.leaving.add(view.partition, ids)
    linked, coming = children_of(flow, bridge, view, ids)
    unknown = [flow_of(name) for name in tables if not flow.links_complete(bridge, name)]
    held = []
    for decision in leaving:
        children = linked.get(decision.change.record_id, [])
        row = view.rows.get(decision.change.record_id)
        before = waited_before(row)
        began = before.read_at or bridge.now()
        if has_left(row) or bridge.now() - began >= CHILDREN_WAIT_SECONDS:
            continue
        shortest = bridge.settings.retry_delay_seconds
        if looks_already(shortest, bridge.now(), decision.change, row, began):
            held.append(Settlement(decision.change, Outcome.UNCHANGED, LOOKED_AT, quiet=True))
            continue
        ask_to_go(bridge, [one for one in children if is_asked(bridge.now(), began, row, one)])
        if children or decision.change.record_id in coming:
            held.append(waits(bridge, decision.change, ChildrenFirst(began), began))
        elif unknown and (wait := unsettled(bridge, unknown, decision.change, before)):
            held.append(waits(bridge, decision.change, wait, began))
    return held


def has_left(row: LedgerRow | None) -> bool:
    """Whether it has left before, and only makes sure of it now."""
    return row is not None and not row.exists and row.outcome in GONE


def waited_before(row: LedgerRow | None) -> ChildrenFirst:
    """The wait for its children, which a deletion that failed in between does not begin again."""
    for _, outcome, _, reason, _ in reversed(row.history if row else ()):
        wait = read_wait(reason) if outcome == Outcome.WAITING else None
        if wait is None or isinstance(wait, ChildrenFirst):
            return wait or ChildrenFirst()
    return ChildrenFirst()


def waits(bridge: Bridge, change: Change, wait: ChildrenFirst, began: float) -> Settlement:
    """Looks again soon, and less and less often, but every LONGEST_LOOK_SECONDS."""
    sentence = "It leaves Campaign after its children. They are being deleted first."
    seconds = pause_after(bridge.settings.retry_delay_seconds, bridge.now(), began)
    return waiting(change, wait, sentence, retry_after_seconds=seconds)


def children_of(
    flow: Family, bridge: Bridge, view: View, parents: Collection[str]
) -> tuple[dict[str, list[Waiter]], set[str]]:
    """The children that these records have in Campaign, by their id; and the records that may have
    some soon, for a write of a child may still be carried out. What is out of date is forgotten.
    """
    listed = bridge.waiting.linked.of(view.partition, parents, CHILDREN_AT_ONCE)
    rows = bridge.ledger.pool.map(
        bridge.ledger.row,
        [partition_name(one.flow, bucket(one.child)) for one in listed],
        [one.child for one in listed],
    )
    found: defaultdict[str, list[Waiter]] = defaultdict(list)
    coming, outdated = set[str](), []
    for one, row in zip(listed, rows, strict=True):
        if is_child(flow, one, row, bridge.now()):
            found[one.parent].append(one)
        elif bridge.now() - one.since < LINKING_SECONDS or (row and row.in_doubt):
            coming.add(one.parent)
        else:
            outdated.append(one)
    bridge.waiting.linked.remove(outdated)
    return found, coming


def is_child(flow: Family, child: Waiter, row: LedgerRow | None, now: float) -> bool:
    """False for one that is not in Campaign, or has another parent by now."""
    if row is None:
        return False
    return [flow.table, child.parent] in row.parents if row.exists else may_be_there(row, now)


def may_be_there(row: LedgerRow, now: float) -> bool:
    """Whether a creation had no answer, and the record was not made to go since. It is once more
    when the doubt has ended: only a deletion can settle it, for its parent leaves.

    What came to nothing, for there was no parent, tells nothing of that.
    """
    if row.exists or not row.in_doubt:
        return False
    for _, outcome, _, reason, _ in reversed(row.history):
        parked = isinstance(read_wait(reason), (ParentMissing, NoParent))
        if outcome != Outcome.WAITING or not parked:
            return outcome not in GONE or now >= row.doubt_until
    return now >= row.doubt_until


def forget_links(flow: Family, delivery: Delivery, settlements: Iterable[Settlement]) -> None:
    """What has left Campaign, has another parent now, or was not written after all, is no child of
    its parent any more. A write that failed, or is in doubt, may still be carried out. What others
    have listed since this delivery began stays.
    """
    outdated = []
    for settlement in settlements:
        change, wait = settlement.change, settlement.wait
        row = delivery.view.rows.get(change.record_id)
        if (wait and not wait.called_for) or (row and row.in_doubt):
            continue
        now = row.parents if row else []
        for table, record_id in delivery.parents_before.get(change.record_id, ()):
            if [table, record_id] not in now:
                parent = Parent(table, record_id, "")
                link = waiter_of(flow, change, parent, delivery.view).place
                outdated += [delivery.listed[link]] if link in delivery.listed else []
    delivery.bridge.waiting.linked.remove(outdated)


def unsettled(
    bridge: Bridge, children: Sequence[FlowOf], change: Change, before: ChildrenFirst
) -> ChildrenFirst | None:
    """What a deletion waits for while the room does not know all children, as those that an earlier
    version wrote: their tables are to be read beyond it, and what was read is to be delivered.
    """
    if before.read_at is None:
        states = [bridge.flows.state(child.key) for child in children]
        if any(state.caught_up_at < change.first_seen for state in states):
            return ChildrenFirst()
        return ChildrenFirst(max(state.polled_at for state in states))
    read_at, keys = before.read_at, {child.key for child in children}
    queued = [
        waiting_change.first_seen
        for queue in {child.queue for child in children}
        for envelope in bridge.handoff.head(queue)
        if envelope.flow in keys
        for waiting_change in envelope.changes
    ]
    return before if any(at <= read_at for at in queued) else None
