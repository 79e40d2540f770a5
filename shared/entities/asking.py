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
