"""Poison messages become dead letters, long before the host's seven days end: a person sees what
happened, and replays it.

The dead letter comes first, then the end of its message: what is cut off in between is done again
and changes nothing. A message that is no envelope of this version is kept whole, outside the queue,
until a person replays or discards its letter.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b

from shared import telemetry
from shared.errors import Rejected, Retryable
from shared.pipeline.dead_letters import keep_dead_letter
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.letters import POISONED, UNREADABLE_MESSAGE
from shared.pipeline.settle import settle, settle_once
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.deadletters import DeadLetter
from shared.state.envelope import Envelope, read_envelope
from shared.state.handoff import Received, poison_of
from shared.state.ledger_rows import LedgerRow, partition_name

# longer than a run: nobody else takes the message meanwhile, and a stubborn one holds up no other
HIDDEN_SECONDS = 900.0
MOST_RECEIPTS = 10  # then the message is kept whole, whatever it holds
UNSETTLED = (Outcome.WAITING, Outcome.REJECTED)
FLAW = (
    "Its delivery met a bug five times, or was cut off again and again. Replay it. If it comes"
    " back, look at the exceptions of its queue's function in Application Insights and report them."
)
UNREADABLE = (
    "A message on this queue is no envelope of this version of the bridge. It is kept whole. If"
    " another version put it there, deploy that version and replay this letter. Else discard the"
    " letter, and the message goes with it."
)


@dataclass(frozen=True, slots=True)
class Sorting:
    """How the messages of a queue are sorted.

    `flow_of` gives an envelope's flow, None where it is of none of this queue;
    `letters` is the flow that shows what cannot be read; `key` hashes it.
    """

    flow_of: Callable[[str, Envelope], Flow | None]
    letters: Mapping[str, str]
    key: bytes = field(repr=False)


def collect(sorting: Sorting, bridge: Bridge, seconds: float) -> None:
    """Empties the poison queue of each queue in `letters`, each by itself and with its share of the
    time.
    """
    share = seconds / len(sorting.letters)
    with ExitStack() as each:
        for queue in reversed(list(sorting.letters)):
            each.callback(collect_queue, queue, sorting, bridge, share)


def collect_queue(queue: str, sorting: Sorting, bridge: Bridge, seconds: float) -> None:
    """What must be tried again stays hidden for a while."""
    deadline, count = bridge.now() + seconds, 0
    while bridge.now() < deadline and (
        message := bridge.handoff.receive(poison_of(queue), HIDDEN_SECONDS)
    ):
        try:
            keep(queue, message, sorting, bridge)
        except Retryable:
            continue
        bridge.handoff.complete(poison_of(queue), message)
        count += 1
    if count:
        telemetry.noted(
            flow=sorting.letters[queue], event="poison_kept", count=count, reason=poison_of(queue)
        )


def keep(queue: str, message: Received, sorting: Sorting, bridge: Bridge) -> None:
    """Makes the dead letters of one message. Twice is harmless."""
    envelope = readable(message)
    flow = sorting.flow_of(queue, envelope) if envelope else None
    if envelope is None or flow is None:
        bridge.deadletters.put_message(
            unreadable_letter(queue, message, sorting, bridge.now()), message.content
        )
    elif flow.policy.created_once:
        settle_once(
            flow, bridge, envelope, [refusal(flow, change) for change in envelope.changes], {}
        )
    else:
        keep_records(flow, bridge, envelope)


def readable(message: Received) -> Envelope | None:
    try:
        return (
            read_envelope(message.content.encode()) if message.receipts <= MOST_RECEIPTS else None
        )
    except (Rejected, UnicodeEncodeError):
        return None


def keep_records(flow: Flow, bridge: Bridge, envelope: Envelope) -> None:
    """Settles the records as rejected: their next success takes the letters away, as it does with
    any other.
    """
    ids = [change.record_id for change in envelope.changes]
    view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
    changes = [
        change
        for change in envelope.changes
        if not overtaken(change, view.rows.get(change.record_id))
    ]
    new = [change for change in changes if not kept_before(view.rows.get(change.record_id))]
    for change in changes:
        if change not in new:
            keep_dead_letter(flow, bridge, envelope, view, refusal(flow, change))
    if new:
        settle(flow, bridge, envelope, view, [refusal(flow, change) for change in new])


def overtaken(change: Change, row: LedgerRow | None) -> bool:
    """Whether this version of the record, or a newer one, has been written meanwhile."""
    written = row is not None and row.outcome not in UNSETTLED
    ordered = change.kind is Kind.ROW and not change.replay  # no version stands against a replay
    return ordered and 0 < change.version <= (row.version if row and written else 0)


def kept_before(row: LedgerRow | None) -> bool:
    """Whether an earlier run settled it, and perhaps died before the letter."""
    return row is not None and row.outcome == Outcome.REJECTED and row.reason == POISONED


def refusal(flow: Flow, change: Change) -> Settlement:
    """What could not be read was never a record: it is refused as it would have been."""
    kept = flow.at_rest(change).row
    try:
        if kept and "fault" in kept:
            flow.decide(change, None)
    except Rejected as fault:
        return Settlement(change, Outcome.REJECTED, fault.reason, fault.field, str(fault))
    return Settlement(change, Outcome.REJECTED, POISONED, "", FLAW)


def unreadable_letter(queue: str, message: Received, sorting: Sorting, now: float) -> DeadLetter:
    """Its id is a keyed hash, so that the same message has one letter and the id gives nothing
    away.
    """
    text = f"{queue}:{message.content}".encode("utf-8", "surrogatepass")
    record_id = str(
        uuid.UUID(bytes=blake2b(text, digest_size=16, key=sorting.key).digest(), version=4)
    )
    flow, origin = sorting.letters[queue], poison_of(queue)
    return DeadLetter(
        flow, record_id, UNREADABLE_MESSAGE, "", UNREADABLE, 0, message.receipts, now, origin, now
    )
