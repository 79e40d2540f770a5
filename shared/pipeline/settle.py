"""Settle: what became of each record of an envelope goes into ledger and dead letters; what must be
tried again is sent again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from shared import telemetry
from shared.pipeline import doubt
from shared.pipeline.dead_letters import dead_letter, keep_dead_letters, may_have_letters
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.resending import send_again
from shared.records import Change, Kind, Outcome, Settlement
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

GIVEN_UP = "retry_hours_used_up"
FAILING = (Outcome.WAITING, Outcome.REJECTED)


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
    settlements = [
        or_exhausted(flow, bridge, since_written(view, settlement, bridge.now()))
        for settlement in settlements
    ]
    noted = [settlement for settlement in settlements if not settlement.quiet]
    may_have = may_have_letters(envelope, view, settlements)
    if noted or claimed_at:
        if view.header.waits is None:
            view.header.waits = bridge.ledger.waits(view.partition)
        if not claimed_at:
            doubt.take_over_first(flow, bridge, view)
        rows = [note(view, settlement, bridge.now()) for settlement in noted]
        doubt.update_all(flow, bridge, zip(rows, noted, strict=True), claimed_at)
        bridge.ledger.settle(view, rows)
    keep_dead_letters(flow, bridge, envelope, view, noted, may_have)
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


def since_written(view: View, settlement: Settlement, now: float) -> Settlement:
    """A record that was written meanwhile fails only since then: the failures of before are over,
    whatever reference tells of them.
    """
    change, row = settlement.change, view.rows.get(settlement.change.record_id)
    history = row.history if row else ()
    written_at = max((at for at, outcome, *_ in history if outcome not in FAILING), default=0.0)
    if not 0 < change.failing_since < written_at:
        return settlement
    return replace(settlement, change=replace(change, failing_since=now))


def unless_given_up(
    flow: Flow, bridge: Bridge, envelope: Envelope, failed: Sequence[Settlement]
) -> list[Change]:
    """The changes of those that go on being tried.

    The others are settled, without a claim: nothing of them is written to the target.
    """
    over = exhausted(flow, bridge, failed)
    if over and flow.policy.created_once:
        settle_once(flow, bridge, envelope, over, {})
    elif over:
        ids = [settlement.change.record_id for settlement in over]
        view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
        failed = [since_written(view, settlement, bridge.now()) for settlement in failed]
        over = exhausted(flow, bridge, failed)
        settle(flow, bridge, envelope, view, over)
    ended = {settlement.change.record_id for settlement in over}
    return [one.change for one in failed if one.change.record_id not in ended]


def exhausted(flow: Flow, bridge: Bridge, failed: Sequence[Settlement]) -> list[Settlement]:
    """Dead letters of those whose time is over."""
    checked = (or_exhausted(flow, bridge, settlement) for settlement in failed)
    return [settlement for settlement in checked if settlement.outcome is Outcome.REJECTED]


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
