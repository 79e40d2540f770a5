"""Dead letters as records are settled: one is put for a record that is refused, and goes when the
record has arrived.

The ledger comes first, so a run that is cut off in between leaves a letter that it does not tell
of. What comes again therefore looks for a letter too: a message that was delivered before, a record
in doubt, a replay.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from shared.errors import Retryable, Unfinished
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.resending import resend
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.deadletters import DeadLetter
from shared.state.envelope import Envelope
from shared.state.ledger_rows import View, partition_name


def may_have_letters(
    envelope: Envelope, view: View, settlements: Sequence[Settlement]
) -> frozenset[str]:
    """The ids of those that may have a letter; to be asked before they are settled."""
    replays = [change for change in envelope.changes if change.replay]
    # A letter of an earlier version may stand beside a row that says that it waits.
    named = {one.record_id for one in replays if is_of_one(one) or is_waiting(view, one)}
    doubtful = {one.change.record_id for one in settlements if one.change.uncertain}
    refused = {row.record_id for row in view.rows.values() if row.rejected or row.in_doubt}
    return frozenset(named | doubtful | refused)


def is_of_one(replay: Change) -> bool:
    """Whether this record was meant. Where all are read again, each comes with its row."""
    return replay.kind is Kind.REFERENCE or replay.attempts > 0


def is_waiting(view: View, change: Change) -> bool:
    row = view.rows.get(change.record_id)
    return row is not None and row.outcome == Outcome.WAITING


def keep_dead_letters(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    view: View,
    settlements: Sequence[Settlement],
    may_have: Collection[str],
) -> None:
    """Puts and takes away the letters of what was settled. Where the storage account fails, their
    records come again, uncertain, so that their letters are looked for. Unfinished where they could
    not be sent either.
    """
    concerned = [one for one in settlements if concerns_letter(one, may_have)]
    for number, settlement in enumerate(concerned):
        try:
            keep_dead_letter(flow, bridge, envelope, view, settlement)
        except Retryable:
            again = [one.change.again(uncertain=True) for one in concerned[number:]]
            send_unfinished(flow, bridge, envelope, again)
            return


def send_unfinished(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: Sequence[Change]
) -> None:
    try:
        resend(flow, bridge, envelope, changes, bridge.settings.retry_delay_seconds)
    except Retryable as error:
        raise Unfinished(str(error)) from None


def concerns_letter(settlement: Settlement, may_have: Collection[str]) -> bool:
    if settlement.outcome is Outcome.REJECTED:
        return True
    return settlement.change.record_id in may_have and settlement.outcome is not Outcome.WAITING


def dead_letter(flow: Flow, settlement: Settlement, version: int, now: float) -> DeadLetter:
    change = settlement.change
    refusal = (settlement.reason, settlement.fields, settlement.sentence)
    seen = (change.origin, change.first_seen)
    letter = DeadLetter(
        flow.key, change.record_id, *refusal, version, change.attempts + 1, now, *seen
    )
    return replace(letter, metadata=settlement.metadata, sample=change.sample)


def keep_dead_letter(
    flow: Flow,
    bridge: Bridge,
    envelope: Envelope,
    view: View,
    settlement: Settlement,
) -> None:
    """Puts a rejected record's dead letter, and takes away that of a record that has arrived after
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
    else:
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
