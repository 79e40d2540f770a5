"""Deliver: take an envelope, look at the ledger, decide, claim, write, settle.

The claim comes before the first write, so that two instances never write one record at once. The
ledger is settled after the writes, so that a crash repeats them: they are harmless twice. What must
be tried again is sent before the message that brought it is completed, so that a crash doubles it
rather than loses it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from shared.calls import counting
from shared.errors import (
    BridgeError,
    ClaimLost,
    Contended,
    Misconfigured,
    Retryable,
    Unfinished,
)
from shared.pipeline import doubt, suspects
from shared.pipeline.asking import join_question
from shared.pipeline.attempts import attempt, pause
from shared.pipeline.brake import Screened, goes_on, is_asking, park, screen, taken_back
from shared.pipeline.decision import Act, Decision
from shared.pipeline.delays import contended_delay, envelope_delay, failed, until_sent
from shared.pipeline.flow import Bridge, Delivery, Flow
from shared.pipeline.resending import resend, rest
from shared.pipeline.settle import settle, settle_once, unless_given_up
from shared.pipeline.waiting_room import comes_back_in
from shared.pipeline.writing import write, written
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.state.envelope import Envelope, read_envelope
from shared.state.flows import FlowState
from shared.state.ledger_rows import LedgerRow, View, partition_name
from shared.waits import Transient

URGENT_LOOKS, URGENT_LOOK_SECONDS = 20, 0.1
DELAYED_SECONDS = 5.0
"""Between the look into the ledger and the first write; it takes less than a second."""


def deliver(flow: Flow, bridge: Bridge, body: bytes, deliveries: int) -> list[Settlement]:
    """Carries one envelope out.

    `deliveries` is the queue's dequeue count: above 1 an earlier attempt may have written.

    Raises what is our bug (or an envelope that is not ours), and Retryable where the queue could
    not be reached until the run's time was up: the host shows the message again
    (shared/pipeline/receipts.py).
    """
    envelope = read_envelope(body)
    changes = (
        [replace(change, uncertain=True) for change in envelope.changes]
        if deliveries > 1
        else list(envelope.changes)
    )
    try:
        state = bridge.flows.state(flow.key)
        if not goes_on(state):
            return stand_still(flow, bridge, envelope, changes, state)
        know_documents(flow, bridge, envelope, state)
        if flow.policy.created_once:
            return create_once(flow, bridge, envelope, changes)
        changes = [unless_outlived(flow, change, state.reread_at) for change in changes]
        work = partial(deliver_records, flow, bridge, envelope, changes)
        return retry_contended(flow, bridge, work, min(change.attempts for change in changes))
    except Misconfigured as error:
        pause(flow, bridge, error)
        until_sent(bridge.sleep, partial(rest, flow, bridge, envelope, changes))
    except Retryable as error:
        until_sent(bridge.sleep, partial(try_later, flow, bridge, envelope, changes, error))
    return []


def know_documents(flow: Flow, bridge: Bridge, envelope: Envelope, state: FlowState) -> None:
    """Sees to it that no row is mapped by an older version than it was read for; one that rested
    knows none, so the flow does.
    """
    if max(envelope.mapping_version, state.mapping_version) <= flow.mapping_version():
        return
    flow.read_documents()
    newest = flow.mapping_version()
    if newest < state.mapping_version:  # people have deleted its versions, and they begin again
        bridge.flows.observe(flow.key, mapping_version=newest)


def try_later(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: Sequence[Change], error: Retryable
) -> None:
    """Sends the changes of an envelope that failed as a whole again, later each time."""
    if isinstance(error, Contended):
        seconds = contended_delay(error, changes)
        pause_seconds = comes_back_in(bridge, seconds)
        again = [change.paused(pause_seconds).again(uncertain=False) for change in changes]
        resend(flow, bridge, envelope, again, seconds, whole=True)
        return
    seconds = envelope_delay(bridge, changes, error.retry_after_seconds)
    # What was written under a claim is known by it (shared/pipeline/doubt.py). Who lost the claim
    # may have written after others took it over; of events nothing is known.
    unknown = isinstance(error, ClaimLost | Unfinished) or flow.policy.created_once
    doubtful = error.uncertain and unknown
    pause_seconds = comes_back_in(bridge, seconds)
    again = [
        failed(change, error.cause, bridge.now(), pause_seconds).again(doubtful)
        for change in changes
    ]
    waiting_ = [waiting(change, Transient(), str(error)) for change in again]
    resend(flow, bridge, envelope, unless_given_up(flow, bridge, envelope, waiting_), seconds)


def stand_still(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change], state: FlowState
) -> list[Settlement]:
    """While the flow does not run. If it asks, what is destructive joins the question."""
    asks = is_asking(state) and bool(bridge.brakes.read(flow.key).asking)
    parked = join_question(flow, bridge, envelope, changes, decide_all) if asks else []
    parked_ids = {settlement.change.record_id for settlement in parked}
    if others := [change for change in changes if change.record_id not in parked_ids]:
        until_sent(bridge.sleep, partial(rest, flow, bridge, envelope, others))
    return parked


def decide_all(flow: Flow, bridge: Bridge, view: View, changes: list[Change]) -> list[Decision]:
    return decide(flow, bridge, view, refresh(flow, changes))[0]


def create_once(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]
) -> list[Settlement]:
    """No ledger row and no claim: an event that is written by two at once is there once."""
    decided = [
        attempt(flow, bridge, change, partial(flow.decide, change, None)) for change in changes
    ]
    settlements = [result for result in decided if isinstance(result, Settlement)]
    decisions = [result for result in decided if isinstance(result, Decision)]
    settlements += [
        settle_without_write(decision) for decision in decisions if decision.act is Act.NOTHING
    ]
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    if not to_write:
        return settle_once(flow, bridge, envelope, settlements, {})
    with counting() as calls:
        results = flow.write(to_write)
    settlements += [
        attempt(flow, bridge, one.change, partial(written, one, results)) for one in to_write
    ]
    return settle_once(flow, bridge, envelope, settlements, calls)


def deliver_records(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]
) -> list[Settlement]:
    ids, began = [change.record_id for change in changes], bridge.now()
    view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
    if parts := suspects.parts(view, changes):
        return suspects.one_by_one(parts, partial(deliver_records, flow, bridge, envelope))
    delivery = opened(flow, bridge, view, ids)
    decided, settlements = decide(flow, bridge, view, refresh(flow, changes))
    decisions, held_back = suspects.held_back(flow, bridge, view, flow.revise(delivery, decided))
    settlements += held_back
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    settlements += [
        settle_without_write(decision) for decision in decisions if decision.act is Act.NOTHING
    ]
    delivery.writing = tuple(decision.change.record_id for decision in to_write)
    screened = Screened(())
    with given_back(delivery):
        parked = flow.must_wait(delivery, to_write) if to_write else []
        parked_ids = {settlement.change.record_id for settlement in parked}
        ready = [decision for decision in to_write if decision.change.record_id not in parked_ids]
        if ready or delivery.left_behind:
            check_still_true(flow, bridge, began)
            delivery.claim()
        if ready:
            screened = screen(flow, bridge, view, ready)
            settlements += [*screened.parked, *screened.spared]
    with taken_back(flow, bridge, screened) as done:
        if screened.allowed:
            settlements += write(flow, bridge, view, screened.allowed)
        done += settle(flow, bridge, envelope, view, settlements + parked, delivery.claimed_at)
    settlements = list(done)
    park(flow, bridge, envelope.table, settlements)
    # After the ledger: whoever waits for a record then finds it settled. What was cut off in
    # between comes again.
    flow.on_settled(delivery, settlements)
    return settlements


def unless_outlived(flow: Flow, change: Change, reread_at: float) -> Change:
    """The change; without its row where all of the table was read again since.

    The source may have been restored then. The new read tells only of what is there, so the source
    is asked.
    """
    outlived = change.kind is Kind.ROW and change.first_seen < reread_at
    return flow.at_rest(change) if outlived else change


def check_still_true(flow: Flow, bridge: Bridge, began: float) -> None:
    """Contended if the run stood still while all of the table was read again."""
    delayed = bridge.now() - began > DELAYED_SECONDS
    if delayed and bridge.flows.state(flow.key).reread_at > began:
        raise Contended(
            "These records were read again before they were written; they are sent again.", 1.0
        )


@contextmanager
def given_back(delivery: Delivery) -> Iterator[None]:
    """Gives the claim back where the delivery ends before its first write: whoever comes again
    would wait for the claim's end, and hold the records to be in doubt.
    """
    try:
        yield
    except BridgeError:
        if delivery.claimed_at:
            with suppress(Retryable):
                delivery.bridge.ledger.settle(delivery.view, ())
        raise


def opened(flow: Flow, bridge: Bridge, view: View, ids: Collection[str]) -> Delivery:
    """The delivery of a partition's records.

    What was being written under a claim that has ended is in doubt from now on.
    """
    new = frozenset(id_ for id_ in ids if is_new(view.rows.get(id_)))
    left_behind = doubt.take_over_all(flow, bridge, view)
    return Delivery(
        bridge,
        view,
        new=new,
        absent=frozenset(id_ for id_ in ids if id_ not in view.rows or not view.rows[id_].exists),
        parents_before={id_: row.parents for id_, row in view.rows.items() if row.parents},
        doubted=doubt.in_doubt(view.rows.values()),
        left_behind=left_behind,
    )


def retry_contended[Result](
    flow: Flow, bridge: Bridge, work: Callable[[], Result], attempts: int = 0
) -> Result:
    """The result of the work.

    What is urgent waits in place for others who write in its partition, for a message that is sent
    again takes longer. It looks half as often with each attempt: a claim that stands for long is
    perhaps that of an instance that has ended. Two seconds at most, for whoever meets others at its
    settlement has read everything by then.
    """
    ends_at = bridge.now() + URGENT_LOOKS * URGENT_LOOK_SECONDS
    for _ in range(URGENT_LOOKS >> attempts if flow.policy.urgent else 0):
        try:
            return work()
        except Contended:
            bridge.sleep(URGENT_LOOK_SECONDS)
        if bridge.now() >= ends_at:
            break
    return work()


def is_new(row: LedgerRow | None) -> bool:
    return row is None or row.outcome == Outcome.WAITING


def refresh(flow: Flow, changes: list[Change]) -> list[Change]:
    """Replaces references, deletions, and rows that lack a column of the active mapping by what
    the source holds now.

    One request. Deletions carry no version, so a late one could take away a record that has been
    made again with the same id.
    """
    ids = {change.record_id for change in flow.incomplete(changes)}
    ids |= {change.record_id for change in changes if change.kind is not Kind.ROW}
    if not ids:
        return changes
    looked = flow.look([change for change in changes if change.record_id in ids])
    return [change for change in changes if change.record_id not in ids] + looked


def decide(
    flow: Flow, bridge: Bridge, view: View, changes: Iterable[Change]
) -> tuple[list[Decision], list[Settlement]]:
    """A decision for each change that the mapping accepts, a settlement for each that it
    refuses.
    """
    decisions: list[Decision] = []
    settlements: list[Settlement] = []
    look: list[Change] = []
    outdated: set[str] = set()
    for change in changes:
        result = attempt(
            flow, bridge, change, partial(flow.decide, change, view.rows.get(change.record_id))
        )
        if isinstance(result, Settlement):
            settlements.append(result)
        elif result.act is Act.LOOK:
            look.append(change)
            if is_outdated(change, view.rows.get(change.record_id)):
                outdated.add(change.record_id)
        else:
            decisions.append(result)
    if look:
        more = decide(flow, bridge, view, flow.look(look))
        decisions += [
            was_stale(one) if one.change.record_id in outdated else one for one in more[0]
        ]
        return decisions, settlements + more[1]
    return decisions, settlements


def is_outdated(change: Change, row: LedgerRow | None) -> bool:
    """Whether a newer version of a queued row has been settled.

    That orders what was queued. What the source holds now decides: a restored environment counts
    its versions from before.
    """
    return row is not None and change.kind is Kind.ROW and 0 < change.version < row.version


def was_stale(decision: Decision) -> Decision:
    """The decision on a queued row that was outdated: stale if the source holds what is settled."""
    if decision.act is not Act.NOTHING or decision.outcome is not Outcome.UNCHANGED:
        return decision
    if decision.note:
        return decision
    return replace(decision, outcome=Outcome.STALE, reason="a newer version has been settled")


def settle_without_write(decision: Decision) -> Settlement:
    quiet = not decision.note
    settled_as = (decision.change, decision.outcome, decision.reason)
    return Settlement(
        *settled_as,
        fingerprint=decision.fingerprint,
        quiet=quiet,
        agreed=decision.agreed,
        altered=decision.altered(),
        filled=decision.filled,
        parents=decision.parents,
    )
