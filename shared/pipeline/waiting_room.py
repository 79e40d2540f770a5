"""The waiting room's door: what cannot be done now goes in as references, and what is due comes
back on its queue, flow by flow in turns.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared.pipeline.answering import unasked
from shared.pipeline.brake import goes_on
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind, Outcome
from shared.state.due import Parked, rounded
from shared.state.ledger_rows import Header
from shared.state.references import merged
from shared.waits import CODES

RELEASE_SECONDS = 20.0
"""Of one call, unless the caller has less left."""

SHORTEST_SECONDS = 60.0
"""What waits for less is an invisible message on its queue."""

AT_ONCE = 0.0
"""Due whenever the flow runs. One time for all, so what is parked twice is parked once."""

FLOW, BUSY = "flow", "busy"
"""Reasons of what has not come to the ledger: its flow does not run; a system or the storage had no
time for the whole message.
"""


def send_later(
    flow: Flow,
    bridge: Bridge,
    table: str,
    mapping_version: int,
    changes: Iterable[Change],
    delay_seconds: float,
    reason: str,
) -> None:
    """Changes come back after the delay: from the waiting room, or from the queue where the delay
    is short.

    A change that no source can be asked for again stays on its queue, whole.
    """
    listed = list(changes)
    parked = [change for change in listed if delay_seconds >= SHORTEST_SECONDS and can_rest(change)]
    queued = [change for change in listed if change not in parked] if parked else listed
    if parked:
        due_at = bridge.now() + delay_seconds
        bridge.waiting.park_changes(due_at, flow.key, flow.queue, table, parked, reason)
    if queued:
        batch_size = flow.policy.batch_size
        bridge.handoff.put(
            flow.queue, flow.key, table, mapping_version, queued, delay_seconds, batch_size
        )


def comes_back_in(bridge: Bridge, delay_seconds: float) -> float:
    """Seconds until what waits for so long comes back. What rests comes at a moment that others
    share, which is later.
    """
    if delay_seconds < SHORTEST_SECONDS:
        return delay_seconds
    return rounded(bridge.now() + delay_seconds, delay_seconds) - bridge.now()


def rest_until_running(
    flow: Flow, bridge: Bridge, table: str, mapping_version: int, changes: Iterable[Change]
) -> None:
    """Changes of a flow that does not run: they come back when it does, and are on no queue
    meanwhile.
    """
    listed = list(changes)
    parked = [change for change in listed if can_rest(change)]
    if parked:
        bridge.waiting.park_changes(AT_ONCE, flow.key, flow.queue, table, parked, FLOW)
    queued = [change for change in listed if not can_rest(change)]
    if queued:
        delay, batch_size = bridge.settings.paused_delay_seconds, flow.policy.batch_size
        bridge.handoff.put(flow.queue, flow.key, table, mapping_version, queued, delay, batch_size)


def waiting_by_reason(
    bridge: Bridge, flow: str, headers: Iterable[Header]
) -> list[tuple[str, int, float]]:
    """Reason, number and age in seconds of the oldest, of all that waits for something: as the
    ledger says, and what rests in the room without having come to the ledger.
    """
    found: dict[str, list[float]] = {}
    for header in headers:
        unknown = {"": [header.counts[Outcome.WAITING], header.waiting_since]}
        for code, (number, since) in (unknown if header.waits is None else header.waits).items():
            before, oldest = found.get(code, (0, since))
            found[code] = [before + number, min(oldest, since)]
    resting = bridge.waiting.waiting_counts(flow)
    for code in resting.counts.keys() - CODES:
        found[code] = [resting.counts[code], resting.since[code]]
    now = bridge.now()
    return [
        (code, int(number), round(max(0.0, now - since), 1))
        for code, (number, since) in sorted(found.items())
    ]


def can_rest(change: Change) -> bool:
    """Whether this is a reference, whose source can be asked again."""
    return change.kind is Kind.REFERENCE and change.row is None


def release_due(
    bridge: Bridge, flows: Iterable[str] | None = None, seconds: float = RELEASE_SECONDS
) -> int:
    """Hands off the references whose time has come, of these flows or of all; returns how many.

    Those of a flow that does not run stay, and what it asks a person about. Flows take turns, a
    page each, until nothing is due or the time is up. What is cut off between handing off and
    removing is handed off twice: harmless.
    """
    started, released = bridge.now(), 0
    listed = bridge.waiting.flows_waiting() if flows is None else flows
    left = [flow for flow in listed if may_go_on(flow, bridge)]
    while left:
        for flow in list(left):
            if bridge.now() - started > seconds:
                return released
            rows = bridge.waiting.due(flow, started) or unasked(flow, bridge)
            released += hand_off_rows(bridge, flow, rows)
            if not rows:
                left.remove(flow)
    return released


def may_go_on(flow: str, bridge: Bridge) -> bool:
    return goes_on(bridge.flows.state(flow))


def hand_off_rows(bridge: Bridge, flow: str, rows: Sequence[Parked]) -> int:
    groups: defaultdict[tuple[str, str], list[Change]] = defaultdict(list)
    for row in rows:
        groups[row.queue, row.table].extend(rested(row, bridge.now()))
    for (queue, table), changes in groups.items():
        bridge.handoff.put(queue, flow, table, 0, merged(changes))
    bridge.waiting.remove(flow, rows)
    return sum(len(changes) for changes in groups.values())


def rested(row: Parked, now: float) -> list[Change]:
    """The references, whose time to fail stood still since they were due: nobody has tried them."""
    return [
        change.paused(max(0.0, now - max(row.due_at, change.failing_since)))
        for change in row.changes
    ]
