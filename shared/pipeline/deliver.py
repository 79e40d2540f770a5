"""Deliver: take an envelope, look at the ledger, decide, claim, write, settle.

The claim comes before the first write, so that two instances never write one record at once. The
ledger is settled after the writes, so that a crash repeats them: they are harmless twice. What must
be tried again is sent before the message that brought it is completed, so that a crash doubles it
rather than loses it.
"""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import replace
from functools import partial

from shared.calls import counting
from shared.errors import (
    BridgeError,
    Bug,
    Cause,
    Contended,
    Held,
    Misconfigured,
    Rejected,
    Retryable,
)
from shared.pipeline.asking import join_question
from shared.pipeline.brake import Sifted, goes_on, is_asking, park, sift, taken_back
from shared.pipeline.decision import Act, Decision
from shared.pipeline.delays import contended_delay, envelope_delay, failed, until_sent
from shared.pipeline.flow import Bridge, Delivery, Flow, Results
from shared.pipeline.guarded import guarded
from shared.pipeline.running import fail
from shared.pipeline.settle import (
    resend,
    rest,
    settle,
    settle_once,
    unless_given_up,
)
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.state.envelope import Envelope, read_envelope
from shared.state.flows import FlowState
from shared.state.ledger_rows import LedgerRow, View, partition_name
from shared.waits import Braked, BugMet, FlowFailed, Transient

URGENT_LOOKS, URGENT_LOOK_SECONDS = 20, 0.1


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
        if flow.policy.created_once:
            return create_once(flow, bridge, envelope, changes)
        return patiently(flow, bridge, partial(carry_out, flow, bridge, envelope, changes))
    except Misconfigured as error:
        pause(flow, bridge, error)
        until_sent(bridge.sleep, partial(rest, flow, bridge, envelope, changes))
    except Retryable as error:
        until_sent(bridge.sleep, partial(try_later, flow, bridge, envelope, changes, error))
    return []


def pause(flow: Flow, bridge: Bridge, error: Misconfigured) -> None:
    """Fails the flow with the cause; while that cannot be written down, a later delivery does."""
    with suppress(Retryable):
        fail(flow.key, bridge, error)


def try_later(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: Sequence[Change], error: Retryable
) -> None:
    """Sends the changes of an envelope that failed as a whole again, later each time."""
    if isinstance(error, Contended):
        again = [change.again(uncertain=False) for change in changes]
        resend(flow, bridge, envelope, again, contended_delay(error, changes), whole=True)
        return
    seconds = error.retry_after_seconds or envelope_delay(bridge, changes)
    again = [
        failed(change, error.cause, bridge.now(), seconds).again(error.uncertain)
        for change in changes
    ]
    waiting_ = [waiting(change, Transient(), str(error)) for change in again]
    resend(flow, bridge, envelope, unless_given_up(flow, bridge, envelope, waiting_), seconds)


def stand_still(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change], state: FlowState
) -> list[Settlement]:
    """While the flow does not run. If it asks, what is destructive joins the question."""
    asks = is_asking(state) and bool(bridge.brakes.read(flow.key).asking)
    held = join_question(flow, bridge, envelope, changes, decide_all) if asks else []
    parked = {settlement.change.record_id for settlement in held}
    if others := [change for change in changes if change.record_id not in parked]:
        until_sent(bridge.sleep, partial(rest, flow, bridge, envelope, others))
    return held


def decide_all(flow: Flow, bridge: Bridge, view: View, changes: list[Change]) -> list[Decision]:
    return decide(flow, bridge, view, refreshed(flow, changes))[0]


def create_once(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]
) -> list[Settlement]:
    """No ledger row and no claim: an event that is written by two at once is there once."""
    decided = [
        attempt(flow, bridge, change, partial(flow.decide, change, None)) for change in changes
    ]
    settlements = [result for result in decided if isinstance(result, Settlement)]
    decisions = [result for result in decided if isinstance(result, Decision)]
    settlements += [final(decision) for decision in decisions if decision.act is Act.NOTHING]
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    if not to_write:
        return settle_once(flow, bridge, envelope, settlements, {})
    with counting() as calls:
        results = flow.write(to_write)
    settlements += [
        attempt(flow, bridge, one.change, partial(written, one, results)) for one in to_write
    ]
    return settle_once(flow, bridge, envelope, settlements, calls)


def written(decision: Decision, results: Results) -> Settlement:
    """The settlement of a record that was written; raises what befell it."""
    result = results[decision.change.record_id]
    if isinstance(result, BridgeError):
        raise result
    return Settlement(
        decision.change,
        result.outcome,
        result.reason or decision.reason,
        fingerprint=decision.fingerprint,
        agreed=result.agreed,
        answer=result.answer,
        altered=decision.altered(created=result.outcome is Outcome.CREATED),
        filled=decision.filled,
        parents=decision.parents,
    )


def carry_out(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]
) -> list[Settlement]:
    ids = [change.record_id for change in changes]
    view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
    delivery = Delivery(
        bridge,
        view,
        new=frozenset(id_ for id_ in ids if never_settled(view.rows.get(id_))),
        absent=frozenset(id_ for id_ in ids if id_ not in view.rows or not view.rows[id_].exists),
        parents_before={id_: row.parents for id_, row in view.rows.items() if row.parents},
    )
    decided, settlements = decide(flow, bridge, view, refreshed(flow, changes))
    decisions = flow.revise(delivery, decided)
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    settlements += [final(decision) for decision in decisions if decision.act is Act.NOTHING]
    parked = flow.must_wait(delivery, to_write) if to_write else []
    held = {settlement.change.record_id for settlement in parked}
    sifted = Sifted(())
    if ready := [decision for decision in to_write if decision.change.record_id not in held]:
        delivery.claim()
        sifted = sift(flow, bridge, ready)
        settlements += [*sifted.held, *sifted.spared]
    with taken_back(flow, bridge, sifted) as done:
        if sifted.allowed:
            settlements += write(flow, bridge, view, sifted.allowed)
        done += settle(flow, bridge, envelope, view, settlements + parked)
    settlements = list(done)
    park(flow, bridge, envelope.table, settlements)
    # After the ledger: whoever waits for a record then finds it settled. What was cut off in
    # between comes again.
    flow.on_settled(delivery, settlements)
    return settlements


def patiently[Result](flow: Flow, bridge: Bridge, work: Callable[[], Result]) -> Result:
    """The result of the work.

    What is urgent waits in place for others who write in its partition, for a message that is sent
    again takes longer.
    """
    for _ in range(URGENT_LOOKS if flow.policy.urgent else 0):
        try:
            return work()
        except Contended:
            bridge.sleep(URGENT_LOOK_SECONDS)
    return work()


def never_settled(row: LedgerRow | None) -> bool:
    return row is None or row.outcome == Outcome.WAITING


def refreshed(flow: Flow, changes: list[Change]) -> list[Change]:
    """Replaces references, deletions, and rows that lack a column of the mapping in force by what
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
    for change in changes:
        result = attempt(
            flow, bridge, change, partial(flow.decide, change, view.rows.get(change.record_id))
        )
        if isinstance(result, Settlement):
            settlements.append(result)
        elif result.act is Act.LOOK:
            look.append(change)
        else:
            decisions.append(result)
    if look:
        more = decide(flow, bridge, view, flow.look(look))
        return decisions + more[0], settlements + more[1]
    return decisions, settlements


def final(decision: Decision) -> Settlement:
    quiet = not decision.note
    told = (decision.change, decision.outcome, decision.reason)
    return Settlement(
        *told,
        fingerprint=decision.fingerprint,
        quiet=quiet,
        agreed=decision.agreed,
        altered=decision.altered(),
        filled=decision.filled,
        parents=decision.parents,
    )


def write(
    flow: Flow, bridge: Bridge, view: View, decisions: Sequence[Decision]
) -> list[Settlement]:
    """Writes side by side, renewing the claim meanwhile; every decision comes back as a
    settlement.
    """
    lease = bridge.settings.claim_lease_seconds
    writers = bridge.urgent_writers if flow.policy.urgent else bridge.writers
    futures: list[Future[Settlement]] = [
        writers.submit(write_one, flow, bridge, view, decision) for decision in decisions
    ]
    pending: Collection[Future[Settlement]] = futures
    while pending:
        pending = wait(pending, timeout=lease / 3).not_done
        if pending:
            bridge.ledger.renew(view, bridge.now(), lease)
    return [future.result() for future in futures]


def write_one(flow: Flow, bridge: Bridge, view: View, decision: Decision) -> Settlement:
    started = time.perf_counter()
    margin = min(bridge.settings.campaign_timeout_seconds, bridge.settings.claim_lease_seconds / 2)

    def work() -> Settlement:
        if bridge.now() > view.header.until - margin:
            raise Retryable(
                "The claim was about to end; the record is sent again.", cause=Cause.PAUSE
            )
        return written(decision, flow.write([decision]))

    with counting() as calls:
        settlement = attempt(flow, bridge, decision.change, work)
    return replace(
        settlement, calls=dict(calls), duration_ms=(time.perf_counter() - started) * 1000
    )


def attempt[Result](
    flow: Flow, bridge: Bridge, change: Change, work: Callable[[], Result]
) -> Result | Settlement:
    """The result of the work, or what its failure means for this one record.

    Nothing it raises harms its neighbours.
    """
    try:
        return guarded(work)
    except Rejected as refusal:
        judged_by = refusal.metadata
        return Settlement(
            change,
            Outcome.REJECTED,
            refusal.reason,
            refusal.field,
            str(refusal),
            metadata=judged_by,
        )
    except Retryable as error:
        change = replace(change, uncertain=change.uncertain or error.uncertain)
        return waiting(
            failed(change, error.cause, bridge.now()),
            Transient(pause=error.cause is Cause.PAUSE),
            str(error),
            retry_after_seconds=error.retry_after_seconds,
        )
    except Held as error:
        return waiting(change, Braked(), str(error))
    except Misconfigured as error:
        pause(flow, bridge, error)
        wait_seconds = bridge.settings.paused_delay_seconds
        return waiting(change, FlowFailed(), str(error), retry_after_seconds=wait_seconds)
    except Bug as bug:  # this record alone goes the way of the poison queue
        return waiting(change, BugMet(), str(bug), fault=bug)
