"""The waiting room's door: what is due goes back on its queue, flow by flow in turns."""

from collections import defaultdict
from collections.abc import Sequence

from shared.pipeline.flow import Bridge
from shared.records import Change
from shared.state.due import Parked, merged
from shared.state.flows import RUNNING

RELEASE_SECONDS = 20.0
"""Of one call, unless the caller has less left."""


def release_due(bridge: Bridge, seconds: float = RELEASE_SECONDS) -> int:
    """Hands off the references whose time has come; returns how many.

    Those of a flow that does not run stay. Flows take turns, a page each, until nothing is due or
    the time is up. What is cut off between handing off and removing is handed off twice: harmless.
    """
    started, released = bridge.now(), 0
    flows = [flow for flow in bridge.waiting.flows_waiting() if may_go_on(flow, bridge)]
    while flows:
        for flow in list(flows):
            if bridge.now() - started > seconds:
                return released
            rows = bridge.waiting.due(flow, started)
            released += hand_off_rows(bridge, flow, rows)
            if not rows:
                flows.remove(flow)
    return released


def may_go_on(flow: str, bridge: Bridge) -> bool:
    return bridge.flows.state(flow).status == RUNNING


def hand_off_rows(bridge: Bridge, flow: str, rows: Sequence[Parked]) -> int:
    groups: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for row in rows:
        groups[row.queue, row.table].extend(row.changes)
    for (queue, table), changes in groups.items():
        bridge.handoff.put(queue, flow, table, 0, merged(changes))
    bridge.waiting.remove(flow, rows)
    return sum(len(changes) for changes in groups.values())
