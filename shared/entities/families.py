"""Who may be parent and child of whom, and records that wait for each other in a circle."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from shared.mapping import Parent
from shared.pipeline.flow import Bridge
from shared.records import Settlement
from shared.state.ledger_rows import LedgerKey, LedgerRow, bucket, partition_name
from shared.state.waiting import Waiter
from shared.waits import ParentMissing

LONGEST_CYCLE = 10


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

    def may_circle(self, parent: str) -> bool:
        """Whether records of this parent's table may wait, in the end, for this table's."""

    def outlives(self, parent: str) -> bool:
        """Whether the same holds by links that are not optional: then no order is held when a
        parent leaves.
        """

    def is_firm(self, parent: str) -> bool:
        """Whether the same holds by required links alone: no link of such a circle is left out."""


def flow_of(table: str) -> FlowOf:
    """Contacts have a flow of their own; every other table is one of the custom entities."""
    return (
        FlowOf("contacts", "contacts")
        if table == "contact"
        else FlowOf(f"custom_entities-{table}", "custom-entities")
    )


def ledger_key(parent: Parent) -> LedgerKey:
    return partition_name(flow_of(parent.table).key, bucket(parent.record_id)), parent.record_id


def circular(bridge: Bridge, row: LedgerRow | None, child: str) -> bool:
    """Whether the parent of this row waits, directly or through others, for the child."""
    for _ in range(LONGEST_CYCLE):
        wait = row.wait if row else None
        if not isinstance(wait, ParentMissing):
            return False
        if wait.record_id == child:
            return True
        row = bridge.ledger.row(*ledger_key(Parent(wait.table, wait.record_id, "")))
    return False


def in_circles(flow: Family, bridge: Bridge, settlements: Iterable[Settlement]) -> list[Waiter]:
    """Those of circles that may go on: a link of theirs may be left out.

    Looks once more after the ledger says that these wait. Of two records that wait for each other,
    the one that is settled last sees the other.
    """
    found = []
    for settlement in settlements:
        wait, change = settlement.wait, settlement.change
        if not isinstance(wait, ParentMissing) or not flow.may_circle(wait.table):
            continue
        parent = Parent(wait.table, wait.record_id, "")
        row = bridge.ledger.row(*ledger_key(parent))
        if flow.is_firm(wait.table) or not circular(bridge, row, change.record_id):
            continue
        if not wait.firm:
            address = (flow.key, flow.queue, flow.table, change.record_id)
            found.append(Waiter(*ledger_key(parent), *address, change.first_seen))
        elif row and isinstance(row.wait, ParentMissing):
            found.append(waiter_in(row, wait.table, row.wait))
    return found


def waiter_in(row: LedgerRow, table: str, wait: ParentMissing) -> Waiter:
    """Who waits, as its ledger row says: a record of a table."""
    flow = flow_of(table)
    above = Parent(wait.table, wait.record_id, "")
    return Waiter(*ledger_key(above), flow.key, flow.queue, table, row.record_id, row.first_seen)


def in_circle(bridge: Bridge, waiter: Waiter) -> bool:
    return circular(bridge, bridge.ledger.row(waiter.partition, waiter.parent), waiter.child)
