"""How a parent that leaves Campaign asks its children to go first, and how often."""

from collections import defaultdict
from collections.abc import Sequence

from shared.pipeline.flow import Bridge
from shared.records import Change, Kind
from shared.state.ledger_rows import LedgerRow
from shared.state.waiting import Waiter
from shared.waits import ChildrenFirst

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 320.0
"""Between two times that a child is asked to go."""

LONGEST_LOOK_SECONDS = 60.0
"""Between two looks of who leaves for its children."""


def is_asked(now: float, began: float, row: LedgerRow | None, child: Waiter) -> bool:
    """Whether a child is asked to go by this look of its parent.

    It is by the first look, by the first one in each pause, and by the one that finds it new.

    A message may be there twice, and its copies look too. If each look asked, copies of children
    would multiply while a system has no time for them.
    """
    if row is None or not isinstance(row.wait, ChildrenFirst):
        return True
    return row.settled_at < max(pause_began(began, now), child.since)


def pause_began(began: float, now: float) -> float:
    """When the pause began that a moment is in. Each is as long as the time before it, at most
    LONGEST_PAUSE_SECONDS.
    """
    passed, end = now - began, FIRST_PAUSE_SECONDS
    if passed < end:
        return began
    while passed >= 2 * end and end < LONGEST_PAUSE_SECONDS:
        end *= 2
    return began + passed // end * end


def ask_to_go(bridge: Bridge, children: Sequence[Waiter]) -> None:
    groups: defaultdict[tuple[str, str, str], list[Change]] = defaultdict(list)
    for child in children:
        change = Change(child.child, Kind.REFERENCE, first_seen=bridge.now(), parent_leaves=True)
        groups[child.queue, child.flow, child.table].append(change)
    for (queue, flow, table), changes in groups.items():
        bridge.handoff.put(queue, flow, table, 0, changes)


def pause_after(shortest: float, look: float, began: float) -> float:
    """How long after a look the next one comes."""
    return max(shortest, min(LONGEST_LOOK_SECONDS, (look - began) // 2))


def looks_already(
    shortest: float, now: float, change: Change, row: LedgerRow | None, began: float
) -> bool:
    """Whether another message of the same record has looked for its children, and comes again.

    A child that was asked to go by its parent several times else comes as often. The message that
    looked last comes again whatever the clocks say: it alone was first seen when the row says.
    """
    if not change.parent_leaves or change.replay or change.uncertain:
        return False
    if row is None or not isinstance(row.wait, ChildrenFirst):
        return False
    if row.first_seen == change.first_seen:
        return False
    return now < row.settled_at + pause_after(shortest, row.settled_at, began) / 2
