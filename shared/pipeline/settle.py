"""Settle: what became of each record of an envelope goes into ledger and dead letters; what must be
tried again is sent again.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from shared import telemetry
from shared.pipeline import doubt
from shared.pipeline.delays import record_delay
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.waiting_room import (
    BUSY,
    SHORTEST_SECONDS,
    rest_until_running,
    send_later,
)
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.deadletters import DeadLetter
from shared.state.envelope import Envelope
from shared.state.groups import counted
from shared.state.ledger_rows import (
    Header,
    LedgerRow,
    View,
    partition_name,
    waits_begin,
    waits_end,
)
from shared.waits import FlowFailed, Transient

GIVEN_UP = "retry_hours_used_up"


def settle(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    view: View,
    settlements: list[Settlement],
    claimed_at: float = 0.0,
) -> list[Settlement]:
    """Records the outcomes: ledger and claim in one transaction, then dead letters, then what must
    be sent again.

    `claimed_at`: when the claim was taken, in seconds since 1970; 0 where there is none.
    """
    settlements = [or_exhausted(flow, bridge, settlement) for settlement in settlements]
    noted = [settlement for settlement in settlements if not settlement.quiet]
    replayed = {change.record_id for change in envelope.changes if change.replay}
    # A letter of an earlier version may stand beside a row that says that it waits.
    had_letters = {
        row.record_id
        for row in view.rows.values()
        if row.rejected or (row.outcome == Outcome.WAITING and row.record_id in replayed)
    }
    if noted or claimed_at:
        if view.header.waits is None:
            view.header.waits = bridge.ledger.waits(view.partition)
        if not claimed_at:
            doubt.take_over_first(flow, bridge, view)
        rows = [note(view, settlement, bridge.now()) for settlement in noted]
        doubt.update_all(flow, bridge, zip(rows, noted, strict=True), claimed_at)
        bridge.ledger.settle(view, rows)
    for settlement in noted:
        keep_dead_letter(flow, bridge, envelope, view, settlement, had_letters)
    # The ledger knows of their doubt from here on.
    again = [
        replace(s, change=replace(s.change, uncertain=False))
        for s in settlements
        if s.outcome is Outcome.WAITING
    ]
    send_again(flow, bridge, envelope, again)
    for settlement in settlements:
        report(flow, settlement)
    return settlements


def report(flow: Flow, settlement: Settlement) -> None:
    telemetry.settled(
        flow=flow.key,
        record_id=settlement.change.record_id,
        outcome=settlement.outcome,
        reason=settlement.reason,
        attempt=settlement.change.attempts + 1,
        duration_ms=settlement.duration_ms,
        altered=", ".join(f"{name} {what}: {rule}" for name, what, rule in settlement.altered),
    )


def settle_once(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    settlements: list[Settlement],
    calls: Mapping[str, int],
) -> list[Settlement]:
    """Counts the outcomes; then dead letters, with the record itself, for nobody can be asked for
    it again; then resends.
    """
    settlements = [or_exhausted(flow, bridge, settlement) for settlement in settlements]
    for settlement in settlements:
        if settlement.outcome is Outcome.REJECTED:
            letter = dead_letter(flow, settlement, envelope.mapping_version, bridge.now())
            bridge.deadletters.put(letter, settlement.change.row)
    there = [
        s.change.record_id
        for s in settlements
        if s.outcome not in (Outcome.REJECTED, Outcome.WAITING)
    ]
    bridge.deadletters.arrived(flow.key, there)
    send_again(flow, bridge, envelope, [s for s in settlements if s.outcome is Outcome.WAITING])
    groups = counted(settlements, flow.policy.counted_by)
    bridge.groups.add(flow.key, bridge.now(), envelope.bucket, groups)
    outcomes = Counter(settlement.outcome.value for settlement in settlements)
    bridge.ledger.count(partition_name(flow.key, envelope.bucket), outcomes, calls)
    reasons = Counter(
        settlement.reason for settlement in settlements if settlement.outcome is Outcome.REJECTED
    )
    telemetry.settled_together(flow=flow.key, **outcomes, reasons=reasons)
    return settlements


def dead_letter(flow: Flow, settlement: Settlement, version: int, now: float) -> DeadLetter:
    change = settlement.change
    refusal = (settlement.reason, settlement.fields, settlement.sentence)
    seen = (change.origin, change.first_seen)
    letter = DeadLetter(
        flow.key, change.record_id, *refusal, version, change.attempts + 1, now, *seen
    )
    return replace(letter, metadata=settlement.metadata, sample=change.sample)


def or_exhausted(flow: Flow, bridge: Bridge, settlement: Settlement) -> Settlement:
    """A record whose attempts failed for RETRY_HOURS becomes a dead letter; an opt-out never does.

    Pauses that a system asked for, and a flow that does not run, are not counted.
    """
    change, hours = settlement.change, bridge.settings.retry_hours
    counted = settlement.wait is not None and settlement.wait.counted
    if not counted or not change.failing_since or flow.policy.never_given_up:
        return settlement
    if bridge.now() - change.failing_since < hours * 3600:
        return settlement
    sentence = (
        f"It failed for {hours:g} hours, the last time because: {settlement.sentence} Replay it"
        " when this is fixed."
    )
    return replace(
        settlement, outcome=Outcome.REJECTED, reason=GIVEN_UP, sentence=sentence, wait=None
    )


def unless_given_up(
    flow: Flow, bridge: Bridge, envelope: Envelope, failed: Sequence[Settlement]
) -> list[Change]:
    """The changes of those that go on being tried.

    The others are settled, without a claim: nothing of them is written to the target.
    """
    checked = [or_exhausted(flow, bridge, settlement) for settlement in failed]
    over = [settlement for settlement in checked if settlement.outcome is Outcome.REJECTED]
    if over and flow.policy.created_once:
        settle_once(flow, bridge, envelope, over, {})
    elif over:
        ids = [settlement.change.record_id for settlement in over]
        partition = partition_name(flow.key, envelope.bucket)
        settle(flow, bridge, envelope, bridge.ledger.view(partition, ids, bridge.now()), over)
    return [s.change for s in checked if s.outcome is not Outcome.REJECTED]


def keep_dead_letter(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    view: View,
    settlement: Settlement,
    had_letters: Collection[str],
) -> None:
    """Puts a rejected record's dead letter, and takes it away when the record has arrived after
    all. After the ledger, so that who lost the claim puts nothing; and looked at once more, for the
    record may have arrived since.
    """
    change = settlement.change
    if settlement.outcome is Outcome.REJECTED:
        letter = dead_letter(flow, settlement, envelope.mapping_version, bridge.now())
        kept = flow.policy.kept_rows
        bridge.deadletters.put(
            letter, kept.merge(change, kept_before(flow, bridge, change)) if kept else None
        )
        if has_arrived(bridge, view.partition, change.record_id):
            take_away(flow, bridge, envelope, change.as_reference())
    elif change.record_id in had_letters and settlement.outcome is not Outcome.WAITING:
        take_away(flow, bridge, envelope, change)


def take_away(flow: Flow, bridge: Bridge, envelope: Envelope, arrived: Change) -> None:
    """Ends the letter of a record that has arrived.

    What only the letter tells is sent first: its source tells it once. The claim is free, so the
    next delivery may have refused the record meanwhile: then the letter is of that one, and stays.
    """
    rows, kept = flow.policy.kept_rows, kept_before(flow, bridge, arrived)
    if rows and kept is not None and not rows.includes(arrived, kept):
        change = Change(arrived.record_id, Kind.ROW, row=kept, first_seen=bridge.now())
        resend(flow, bridge, envelope, [change], bridge.settings.retry_delay_seconds)
    partition = partition_name(flow.key, envelope.bucket)
    bridge.deadletters.discard(
        flow.key, [arrived.record_id], partial(has_arrived, bridge, partition)
    )


def has_arrived(bridge: Bridge, partition: str, record_id: str) -> bool:
    row = bridge.ledger.row(partition, record_id)
    return row is not None and not row.rejected


def kept_before(flow: Flow, bridge: Bridge, change: Change) -> Mapping[str, Any] | None:
    """What is kept beside the letter of a record; None where the flow keeps nothing."""
    return bridge.deadletters.row(flow.letters, change.record_id) if flow.policy.kept_rows else None


def note(view: View, settlement: Settlement, now: float) -> LedgerRow:
    """Brings the record's ledger row and the partition's counts up to date."""
    change, outcome, header = settlement.change, settlement.outcome, view.header
    row = view.rows.get(change.record_id)
    if row is None:
        row = view.rows[change.record_id] = LedgerRow(change.record_id)
        header.rows += 1
    else:
        header.counts[row.outcome] -= 1
        if row.wait and header.waits is not None:
            waits_end(header.waits, row.wait.code)
    note_version(header, row, change.version, now)
    row.first_seen = change.first_seen
    row.rejected = outcome is Outcome.REJECTED or (row.rejected and outcome is Outcome.WAITING)
    if outcome in (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED):
        row.exists, row.deleted, row.fingerprint = True, False, settlement.fingerprint
        row.altered = [list(entry) for entry in settlement.altered]
        row.filled = settlement.filled or row.filled
        if settlement.parents is not None:
            row.parents = [list(parent) for parent in settlement.parents]
    elif outcome in (Outcome.DELETED, Outcome.FILTERED):
        row.exists = row.exists and not (outcome is Outcome.DELETED or settlement.calls)
        row.deleted = change.kind is Kind.DELETED
        row.altered = row.altered if row.exists else []
        row.parents = row.parents if row.exists else []
    row.agreed = dict(settlement.agreed) or row.agreed
    row.add_history(now, outcome, change.version, settlement.reason, change.attempts + 1)
    if row.wait and header.waits is not None:
        waits_begin(header.waits, row.wait.code, change.first_seen)
    header.counts[outcome] += 1
    header.totals[outcome] += 1
    if outcome in (Outcome.CREATED, Outcome.UPDATED):
        header.totals.update({what for _, what, _ in settlement.altered})
    header.calls.update(settlement.calls)
    header.waiting_since = waiting_since(
        header.waiting_since, header.counts, change.first_seen, outcome
    )
    return row


def note_version(header: Header, row: LedgerRow, version: int, now: float) -> None:
    """The version that was read is the record's, also where it is lower: then the source was
    restored.

    0 where the source tells none.
    """
    if version and version < row.version:
        header.restored_at = now
    row.version = version or row.version


def waiting_since(known: float, counts: Counter[str], first_seen: float, outcome: Outcome) -> float:
    """When the oldest waiting record of a partition was first seen; 0 when none waits.

    Rather too early than too late.
    """
    if outcome is Outcome.WAITING:
        return min(known or first_seen, first_seen)
    return known if counts[Outcome.WAITING] > 0 else 0.0


def send_again(
    flow: Flow, bridge: Bridge, envelope: Envelope, waiting: Sequence[Settlement]
) -> None:
    """Sends what waits with a delay: what the system asked for, or twice as long with each attempt.

    A record with a fault goes alone, and when it is alone its fault is raised: the host then sets
    just this record aside. What waits for its flow comes back when the flow runs.
    """
    by_delay: defaultdict[tuple[float, str], list[Change]] = defaultdict(list)
    for settlement in waiting:
        wait = settlement.wait
        if wait and wait.called_for:
            continue
        if settlement.fault is None:
            seconds, code = record_delay(settlement, bridge), wait.code if wait else ""
            by_delay[seconds, code].append(next_attempt(settlement, seconds))
        elif len(envelope.changes) > 1:
            resend(flow, bridge, envelope, [settlement.change], 0)
        else:
            raise settlement.fault
    for (seconds, code), changes in by_delay.items():
        if code == FlowFailed.code:
            rest(flow, bridge, envelope, changes)
        else:
            jitter = random.uniform(1.0, 1.2)  # noqa: S311  # no secret
            resend(flow, bridge, envelope, changes, seconds * jitter, reason=code)


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
