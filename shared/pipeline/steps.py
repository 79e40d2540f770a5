"""The steps that every flow takes: poll, deliver, settle, replay. The only loop, the only broad except.

    poll     read a page of the source, hand it off, and only then save the checkpoint: a crash repeats a page, never loses one
    deliver  take an envelope: look at the ledger, decide, claim, write, settle
    settle   ledger, dead letters and resends of one envelope: each record by itself, its neighbours go on (settle.py)
    replay   read all again, or one record, or the dead letters

The order within deliver: the claim comes before the first write, so that two instances never write one record at once; the
ledger is settled after the writes, so that a crash repeats them (they are harmless twice); what must be tried again is sent
before the message that brought it is completed, so that a crash doubles it rather than loses it.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial

from shared import telemetry
from shared.calls import counting
from shared.deadlines import seconds_left
from shared.errors import BridgeError, Bug, Contended, Misconfigured, Rejected, Retryable, TokenExpired
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Delivery, Flow, Results
from shared.pipeline.letters import Left, give_up, hand_off_again
from shared.pipeline.reconsidering import reconsider
from shared.pipeline.running import fail, held_up, is_running, keys, take_mapping
from shared.pipeline.settle import resend, settle, settle_once
from shared.pipeline.sweep import sweep
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.checkpoints import Checkpoint
from shared.state.flows import RUNNING
from shared.state.handoff import Envelope, read_envelope
from shared.state.ledger import LedgerRow, View, partition_name

URGENT_LOOKS, URGENT_LOOK_SECONDS = 20, 0.1
ROOM_LOOK_SECONDS = 0.5
MOST_DISCARDED = 2000  # by one request, which must end before the gateway's 230 s


def poll(flow: Flow, bridge: Bridge) -> str:
    """Reads on from the checkpoint until the source has no more, the queue is long enough or the time is up; says which."""
    if status := held_up(flow, bridge):
        return status
    started, counts = bridge.now(), Counter[str]()
    try:
        take_mapping(flow, bridge)
        reconsider(flow, bridge)
        ended = read_on(flow, bridge, started, counts)
        caught_up = {"caught_up_at": started} if counts["ends"] else {}
        for key in keys(flow):
            bridge.flows.change(key, polled_at=bridge.now(), **caught_up)
    except Misconfigured as error:
        fail(flow.feed, bridge, error)
        ended = "failed"
    except Retryable:
        ended = "interrupted"
    telemetry.polled(
        flow=flow.key,
        table=flow.table,
        pages=counts["pages"],
        changes=counts["changes"],
        messages=counts["messages"],
        passed_over=counts["passed_over"],
        ended=ended,
        duration_ms=(bridge.now() - started) * 1000,
    )
    return ended


def read_on(flow: Flow, bridge: Bridge, started: float, counts: Counter[str]) -> str:
    checkpoint = bridge.checkpoints.load(flow.key, flow.table)
    deadline = started + min(bridge.settings.poll_budget_seconds, seconds_left())
    while bridge.now() < deadline:
        if not is_running(flow, bridge):
            return "stopped"
        if not room(flow, bridge):
            return "queue is long"
        try:
            if read_page(flow, bridge, checkpoint, counts):
                counts["ends"] += 1
                if not checkpoint.sweep or not flow.policy.detects_missed_deletes:
                    return "up to date"
                return sweep(flow, bridge, checkpoint, deadline)
        except TokenExpired:
            telemetry.noted(flow=flow.key, event="change_token_expired")
            checkpoint.restart(checkpoint.replay)
    return "time is up"


def room(flow: Flow, bridge: Bridge) -> bool:
    """Whether the queue is short enough for one more page. A flow that wants it shorter waits for that a little, not for ever."""
    limit, policy = bridge.settings.queue_limit_messages, flow.policy
    for _ in range(int(policy.max_wait_seconds / ROOM_LOOK_SECONDS) if policy.max_queue_messages else 0):
        if bridge.handoff.length(flow.queue) <= min(policy.max_queue_messages, limit):
            return True
        bridge.sleep(ROOM_LOOK_SECONDS)
    return bridge.handoff.length(flow.queue) <= limit


def read_page(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, counts: Counter[str]) -> bool:
    """One page, handed off before its link is saved. True if it was the last one for now."""
    before, began = checkpoint.link, bridge.now()
    page = flow.read(checkpoint)
    if page.link == before and not page.complete:
        raise Retryable("The source gave the same link twice in a row; the page is read again at the next tick.")
    envelopes = (flow.queue, flow.key, flow.table, checkpoint.mapping_version, page.changes)
    together, pace = flow.policy.batch_size, flow.policy.messages_per_second
    counts["messages"] += bridge.handoff.put(*envelopes, together=together, pace=pace)
    counts["pages"] += 1
    counts["changes"] += len(page.changes)
    counts["passed_over"] += page.passed_over
    if page.finished:  # before the link is saved: what is cut off here is done again
        bridge.deadletters.remove_from(flow.letters, *page.finished)
    checkpoint.link, checkpoint.taken_at = page.link, bridge.now()
    checkpoint.pages, checkpoint.rows = checkpoint.pages + 1, checkpoint.rows + len(page.changes)
    if page.complete and checkpoint.phase == "full":
        checkpoint.phase, checkpoint.replay, checkpoint.full_at = "delta", False, bridge.now()
        checkpoint.sweep = "due" if flow.policy.detects_missed_deletes else ""
    if page.complete:
        checkpoint.caught_up_at = began
    bridge.checkpoints.save(checkpoint)
    return page.complete


def deliver(flow: Flow, bridge: Bridge, body: bytes, deliveries: int) -> list[Settlement]:
    """Carries one envelope out. `deliveries` is the queue's dequeue count: above 1 an earlier attempt may have written.

    Raises only what is our bug (or an envelope that is not ours): the host tries again and then sets the message aside.
    """
    envelope = read_envelope(body)
    changes = [replace(change, uncertain=True) for change in envelope.changes] if deliveries > 1 else list(envelope.changes)
    paused = bridge.settings.paused_delay_seconds
    if bridge.flows.state(flow.key).status != RUNNING:
        resend(flow, bridge, envelope, changes, paused)
        return []
    try:
        if flow.policy.created_once:
            return create_once(flow, bridge, envelope, changes)
        return patiently(flow, bridge, partial(carry_out, flow, bridge, envelope, changes))
    except Misconfigured as error:
        fail(flow.key, bridge, error)
        resend(flow, bridge, envelope, changes, paused)
    except Retryable as error:
        again = [replace(change, uncertain=change.uncertain or error.uncertain) for change in changes]
        delay = error.retry_after_seconds or bridge.settings.retry_delay_seconds
        resend(flow, bridge, envelope, again, delay, whole=isinstance(error, Contended))  # a claim is soon given back
    return []


def create_once(flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]) -> list[Settlement]:
    """No ledger row and no claim: an event that is written by two at once is there once."""
    decided = [attempt(flow, bridge, change, partial(flow.decide, change, None)) for change in changes]
    settlements = [result for result in decided if isinstance(result, Settlement)]
    decisions = [result for result in decided if isinstance(result, Decision)]
    settlements += [final(decision) for decision in decisions if decision.act is Act.NOTHING]
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    if not to_write:
        return settle_once(flow, bridge, envelope, settlements, {})
    with counting() as calls:
        results = flow.write(to_write)
    settlements += [attempt(flow, bridge, one.change, partial(written, one, results)) for one in to_write]
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
    )


def carry_out(flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change]) -> list[Settlement]:
    ids = [change.record_id for change in changes]
    view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
    delivery = Delivery(bridge, view, frozenset(id_ for id_ in ids if never_settled(view.rows.get(id_))))
    decisions, settlements = decide(flow, bridge, view, refreshed(flow, changes))
    to_write = [decision for decision in decisions if decision.act is not Act.NOTHING]
    settlements += [final(decision) for decision in decisions if decision.act is Act.NOTHING]
    waiting = flow.must_wait(delivery, to_write) if to_write else []
    held = {settlement.change.record_id for settlement in waiting}
    if ready := [decision for decision in to_write if decision.change.record_id not in held]:
        delivery.claim()
        settlements += write(flow, bridge, view, ready)
    settlements = settle(flow, bridge, envelope, view, settlements + waiting)
    # After the ledger: whoever waits for a record then finds it settled. What was cut off in between comes again.
    flow.on_settled(delivery, settlements)
    return settlements


def patiently[Result](flow: Flow, bridge: Bridge, work: Callable[[], Result]) -> Result:
    """The result of the work. What is urgent waits in place for others who write in its partition, for a message that is sent
    again takes longer."""
    for _ in range(URGENT_LOOKS if flow.policy.urgent else 0):
        try:
            return work()
        except Contended:
            bridge.sleep(URGENT_LOOK_SECONDS)
    return work()


def never_settled(row: LedgerRow | None) -> bool:
    return row is None or row.outcome == Outcome.WAITING


def refreshed(flow: Flow, changes: list[Change]) -> list[Change]:
    """Replaces references, deletions, and rows that lack a column of the mapping in force by what the source holds now.

    One request. Deletions carry no version, so a late one could take away a record that has been made again with the same id.
    """
    ids = {change.record_id for change in flow.incomplete(changes)}
    ids |= {change.record_id for change in changes if change.kind is not Kind.ROW}
    if not ids:
        return changes
    looked = flow.look([change for change in changes if change.record_id in ids])
    return [change for change in changes if change.record_id not in ids] + looked


def decide(flow: Flow, bridge: Bridge, view: View, changes: Iterable[Change]) -> tuple[list[Decision], list[Settlement]]:
    """A decision for each change that the mapping accepts, a settlement for each that it refuses."""
    decisions: list[Decision] = []
    settlements: list[Settlement] = []
    look: list[Change] = []
    for change in changes:
        result = attempt(flow, bridge, change, partial(flow.decide, change, view.rows.get(change.record_id)))
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
    return Settlement(*told, fingerprint=decision.fingerprint, quiet=quiet, agreed=decision.agreed, altered=decision.altered())


def write(flow: Flow, bridge: Bridge, view: View, decisions: Sequence[Decision]) -> list[Settlement]:
    """Writes side by side, renewing the claim meanwhile; every decision comes back as a settlement."""
    lease = bridge.settings.claim_lease_seconds
    writers = bridge.urgent_writers if flow.policy.urgent else bridge.writers
    futures: list[Future[Settlement]] = [writers.submit(write_one, flow, bridge, view, decision) for decision in decisions]
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
            raise Retryable("The claim was about to end; the record is sent again.")
        return written(decision, flow.write([decision]))

    with counting() as calls:
        settlement = attempt(flow, bridge, decision.change, work)
    return replace(settlement, calls=dict(calls), duration_ms=(time.perf_counter() - started) * 1000)


def attempt[Result](flow: Flow, bridge: Bridge, change: Change, work: Callable[[], Result]) -> Result | Settlement:
    """The result of the work, or what its failure means for this one record. Nothing it raises harms its neighbours."""
    try:
        return work()
    except Rejected as refusal:
        judged_by = refusal.metadata
        return Settlement(change, Outcome.REJECTED, refusal.reason, refusal.field, str(refusal), metadata=judged_by)
    except Retryable as error:
        change = replace(change, uncertain=change.uncertain or error.uncertain)
        return Settlement(change, Outcome.WAITING, "target", "", str(error), retry_after_seconds=error.retry_after_seconds)
    except Misconfigured as error:
        fail(flow.key, bridge, error)
        wait_seconds = bridge.settings.paused_delay_seconds
        return Settlement(change, Outcome.WAITING, "flow_failed", "", str(error), retry_after_seconds=wait_seconds)
    except Exception as error:  # noqa: BLE001  # our bug: this record alone goes the way of the poison queue
        bug = Bug(error)
        return Settlement(change, Outcome.WAITING, "fault", "", str(bug), fault=bug)


def replay(flow: Flow, bridge: Bridge, what: str, record_id: str = "", left: Counter[Left] | None = None) -> int:
    """Writes again although nothing has changed: "all" (read anew by the polls), "record" or "dead_letters" (now).

    Returns how many records were handed off; 0 for "all", whose number is known when they have been read. `left` counts the
    letters that stay, by their cause.
    """
    left = Counter() if left is None else left
    if what == "all":
        checkpoint = bridge.checkpoints.load(flow.key, flow.table)
        checkpoint.restart(replay=True)
        bridge.checkpoints.save(checkpoint)
        return 0
    if what == "record":
        return hand_off_again(flow, bridge, {record_id: bridge.deadletters.get(flow.letters, record_id)}, left)
    bridge.handoff.take_back(flow.queue)
    handed, after = 0, ""
    while letters := bridge.deadletters.page(flow.letters, after):
        after = letters[-1].record_id
        handed += hand_off_again(flow, bridge, {letter.record_id: letter for letter in letters}, left)
    return handed


def discard(
    flow: Flow,
    bridge: Bridge,
    what: str,
    value: str = "",
    most: int = MOST_DISCARDED,
    checked: bool = False,
    left: Counter[Left] | None = None,
) -> int:
    """Gives dead letters up, with the record that was kept: a "record", those of a "reason", or all "dead_letters".

    Returns how many; `most` where there may be more. `left` counts the letters that may not be given up, by their cause.
    """
    left = Counter() if left is None else left
    if what == "record":
        letter = bridge.deadletters.get(flow.letters, value)
        return give_up(flow, bridge, [letter] if letter else [], 1, checked, left)
    after, count = "", 0
    while count < most and (letters := bridge.deadletters.page(flow.letters, after)):
        after = letters[-1].record_id
        wanted = [letter for letter in letters if what == "dead_letters" or letter.reason == value]
        count += give_up(flow, bridge, wanted, most - count, checked, left)
    return count
