"""Parent before child: a record whose parent has not reached Campaign waits for it, and goes on at once when it has.

A child that is written first may be hidden by Campaign, and what is then written to it is lost. So it is parked under its parent,
and looked at anew at the source when the parent is settled: whatever has happened to it meanwhile is then what is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from shared.deciding import PARENT as REASON
from shared.deciding import Act, Decision
from shared.flow import Bridge, Flow
from shared.mapping import Parent
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.deadletters import DeadLetter
from shared.state.ledger import LedgerRow, View, bucket, partition_name
from shared.state.waiting import Waiter

LONGEST_CYCLE = 10
CATCH_UP_SECONDS, CATCH_UP_RECORDS = 60.0, 500


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's records are kept: its flow's key and its queue."""

    flow: str
    queue: str


def place_of(table: str) -> Place:
    """Contacts have a flow of their own; every other table is one of the custom entities."""
    return Place("contacts", "contacts") if table == "contact" else Place(f"custom_entities-{table}", "custom-entities")


def hold(flow: Flow, bridge: Bridge, decisions: Sequence[Decision]) -> tuple[list[Decision], list[Settlement]]:
    """Those that may be written now, and a settlement for each that waits."""
    ready: list[Decision] = []
    held: list[Settlement] = []
    for decision in decisions:
        missing = missing_parent(flow, bridge, decision) if decision.act is Act.SAVE and decision.mapped else None
        if missing is None:
            ready.append(decision)
        else:
            held.append(park(flow, bridge, decision.change, missing))
    return ready, held


def missing_parent(flow: Flow, bridge: Bridge, decision: Decision) -> Parent | None:
    """The first parent that is not in the target; a record is not its own parent, and a circle is not waited for."""
    for parent in decision.mapped.parents if decision.mapped else ():
        if parent.record_id == decision.change.record_id or present(bridge, parent):
            continue
        waiter = waiter_of(flow, bridge, decision.change, parent)
        if circular(bridge, parent, decision.change.record_id):
            continue
        bridge.waiting.park(waiter)
        # The parent may have been settled between the look and the parking, and then nobody would release the child.
        if present(bridge, parent):
            bridge.waiting.release(waiter)
            continue
        return parent
    return None


def present(bridge: Bridge, parent: Parent) -> bool:
    return any(row is not None and row.exists for row in rows_of(bridge, parent))


def rows_of(bridge: Bridge, parent: Parent) -> list[LedgerRow | None]:
    flows = [place_of(table).flow for table in parent.tables]
    return [bridge.ledger.row(partition_name(flow, bucket(parent.record_id)), parent.record_id) for flow in flows]


def circular(bridge: Bridge, parent: Parent, child: str) -> bool:
    """Whether the parent waits, directly or through others, for the child."""
    for _ in range(LONGEST_CYCLE):
        row = next((row for row in rows_of(bridge, parent) if row is not None), None)
        if row is None or not row.reason.startswith(f"{REASON} "):
            return False
        table, _, record_id = row.reason.removeprefix(f"{REASON} ").partition(" ")
        if record_id == child:
            return True
        parent = Parent((table,), record_id, "")
    return False


def waiter_of(flow: Flow, bridge: Bridge, change: Change, parent: Parent) -> Waiter:
    partition = partition_name(place_of(parent.tables[0]).flow, bucket(parent.record_id))
    return Waiter(partition, parent.record_id, flow.key, flow.queue, flow.table, change.record_id, change.first_seen)


def park(flow: Flow, bridge: Bridge, change: Change, parent: Parent) -> Settlement:
    filtered = any(row is not None and row.outcome == Outcome.FILTERED for row in rows_of(bridge, parent))
    why = "is filtered out by its mapping" if filtered else "has not reached Campaign"
    sentence = f"Waits for its parent {parent.tables[0]} {parent.record_id}, which {why}."
    return Settlement(change, Outcome.WAITING, f"{REASON} {parent.tables[0]} {parent.record_id}", parent.target, sentence)


def release(flow: Flow, bridge: Bridge, view: View, settlements: Iterable[Settlement]) -> int:
    """Hands off, as references, the children of what has just reached the target. Returns how many."""
    if not flow.may_have_children():
        return 0
    arrived = {s.change.record_id for s in settlements if s.outcome is Outcome.CREATED or s.change.uncertain}
    arrived = {record_id for record_id in arrived if (row := view.rows.get(record_id)) and row.exists}
    waiters = bridge.waiting.of(view.partition, arrived) if arrived else []
    for waiter in waiters:
        hand_off(bridge, waiter)
    return len(waiters)


def hand_off(bridge: Bridge, waiter: Waiter) -> None:
    change = Change(waiter.child, Kind.REFERENCE, first_seen=waiter.since)
    bridge.handoff.put(waiter.queue, waiter.flow, waiter.table, 0, [change])
    bridge.waiting.release(waiter)


def catch_up(bridge: Bridge) -> int:
    """Hands off those whose parent is there although nobody has released them: an instance died in between, or a document was
    new to it. A number of the waiting each time, so that many that wait cost little. Returns how many."""
    count = 0
    for waiter in islice(bridge.waiting.since(bridge.now() - CATCH_UP_SECONDS), CATCH_UP_RECORDS):
        row = bridge.ledger.row(waiter.partition, waiter.parent)
        if row is not None and row.exists:
            hand_off(bridge, waiter)
            count += 1
    return count


def overdue(bridge: Bridge) -> int:
    """Those that have waited longer than PARENT_WAIT_DAYS become dead letters that name the missing parent."""
    count = 0
    for waiter in bridge.waiting.since(bridge.now() - bridge.settings.parent_wait_days * 86400):
        flow_of_parent = waiter.partition.rpartition("-")[0]
        sentence = (
            f"Its parent {waiter.parent} of {flow_of_parent} did not reach Campaign within "
            f"{bridge.settings.parent_wait_days:g} days: look at the parent's record, then replay this one."
        )
        letter = DeadLetter(waiter.flow, waiter.child, "parent_missing", "", sentence, 0, 1, bridge.now())
        bridge.deadletters.put(letter)
        bridge.waiting.release(waiter)
        count += 1
    return count
