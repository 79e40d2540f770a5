"""Resending: what must be tried again comes back, later each time."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from shared.pipeline.delays import record_delay
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.waiting_room import (
    BUSY,
    SHORTEST_SECONDS,
    comes_back_in,
    rest_until_running,
    send_later,
)
from shared.records import Change, Kind, Settlement
from shared.state.envelope import Envelope
from shared.waits import FlowFailed, Transient


def send_again(
    flow: Flow, bridge: Bridge, envelope: Envelope, waiting: Sequence[Settlement]
) -> None:
    """Sends what waits with a delay: what the system asked for, or twice as long with each attempt.

    A record with a fault goes alone, and when it is alone its fault is raised: the host then sets
    just this record aside. What waits for its flow comes back when the flow runs.
    """
    by_delay: defaultdict[tuple[float, str], list[Settlement]] = defaultdict(list)
    for settlement in waiting:
        wait = settlement.wait
        if wait and wait.called_for:
            continue
        if settlement.fault is None:
            seconds, code = record_delay(settlement, bridge), wait.code if wait else ""
            by_delay[seconds, code].append(settlement)
        elif len(envelope.changes) > 1:
            resend(flow, bridge, envelope, [settlement.change], 0)
        else:
            raise settlement.fault
    for (seconds, code), group in by_delay.items():
        delay = seconds * random.uniform(1.0, 1.2)  # noqa: S311  # no secret
        changes = [next_attempt(one, comes_back_in(bridge, delay)) for one in group]
        if code == FlowFailed.code:
            rest(flow, bridge, envelope, changes)
        else:
            resend(flow, bridge, envelope, changes, delay, reason=code)


def next_attempt(settlement: Settlement, seconds: float) -> Change:
    """The change as it is sent again after so many seconds."""
    wait, change = settlement.wait, settlement.change
    if isinstance(wait, FlowFailed):
        return replace(change, failing_since=0.0)
    if isinstance(wait, Transient) and wait.pause:
        change = change.paused(seconds)
    return change.again(change.uncertain) if wait and wait.counted else change


def resend(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    changes: Iterable[Change],
    delay_seconds: float,
    whole: bool = False,
    reason: str = BUSY,
) -> None:
    """The changes come back after the delay: as they may rest, or `whole` for a moment, with the
    rows that they brought. What was read for a reference is never sent with it.
    """
    whole = whole and delay_seconds < SHORTEST_SECONDS
    changes = [
        change if whole and change.kind is Kind.ROW else flow.at_rest(change) for change in changes
    ]
    address = (envelope.table, envelope.mapping_version)
    send_later(flow, bridge, *address, changes, delay_seconds, reason)


def rest(flow: Flow, bridge: Bridge, envelope: Envelope, changes: Iterable[Change]) -> None:
    """The changes come back when their flow runs; meanwhile none of them fails."""
    changes = [replace(flow.at_rest(change), failing_since=0.0) for change in changes]
    rest_until_running(flow, bridge, envelope.table, envelope.mapping_version, changes)
