"""Doubt: the target may still carry out a write that had no answer, or lose what was written.

A record in doubt is never settled as it is believed to be: its newest state is written, whatever
the ledger says. When the doubt ends it is read again at the source and written once more, for what
came late has then been carried out. So a doubt costs one call more, and only where a fault was.
"""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import replace
from math import ceil

from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.cut_offs import NONE
from shared.state.ledger_rows import LedgerRow, View, waits_begin
from shared.waits import CutOff

DOUBT = "doubt"  # what references wait for in the waiting room

CLOCKS_DIFFER_SECONDS = 30.0
"""Of two instances: who confirms must find the doubt ended by its own clock. Never more than the
doubt itself.
"""

FROZEN_SECONDS = 300.0
"""An instance may stand still between its look at the claim and its request. Never more than the
doubt itself.
"""


def take_over_all(flow: Flow, bridge: Bridge, view: View) -> list[LedgerRow]:
    """As `take_over`, and sees to the end of their doubt."""
    ends_at = left_until(bridge)
    rows = take_over(view, ends_at, bridge.now())
    references = [Change(row.record_id, Kind.REFERENCE, first_seen=bridge.now()) for row in rows]
    confirm_later(flow, bridge, references, ends_at)
    return rows


def take_over_first(flow: Flow, bridge: Bridge, view: View) -> None:
    """Before a settlement for which nothing was claimed: it would forget what a claim that has
    ended was writing. Both together may be more than one transaction takes.

    Contended where others came first. The settlement gives the claim back.
    """
    if not view.header.writing:
        return
    left_behind, lease = take_over_all(flow, bridge, view), bridge.settings.claim_lease_seconds
    view.header.writing = ()
    bridge.ledger.claim(view, uuid.uuid4().hex, bridge.now(), lease, left_behind)


def take_over(view: View, ends_at: float, now: float) -> list[LedgerRow]:
    """The rows that were being written under a claim that has ended, in doubt from now on.

    Nobody has settled them, so some may have been written and some not.
    """
    return [left_behind(view, record_id, ends_at, now) for record_id in view.header.writing]


def left_behind(view: View, record_id: str, ends_at: float, now: float) -> LedgerRow:
    """The row in doubt; one that was to be created waits until it is known what became of it."""
    row = view.rows.get(record_id)
    if row is None:
        row = view.rows[record_id] = LedgerRow(record_id, first_seen=now)
        row.add_history(now, Outcome.WAITING, 0, CutOff().text, 0)
        view.header.rows += 1
        view.header.counts[Outcome.WAITING] += 1
        view.header.waiting_since = view.header.waiting_since or now
        if view.header.waits is not None:
            waits_begin(view.header.waits, CutOff.code, now)
    row.doubt_until = max(row.doubt_until, ends_at)
    row.cut_offs = row.cut_offs.one_more(now)
    return row


def update_all(
    flow: Flow, bridge: Bridge, pairs: Iterable[tuple[LedgerRow, Settlement]], claimed_at: float
) -> None:
    """Notes in each row what its settlement means for its doubt, and sees to the end of each.

    `claimed_at`: no write began before.
    """
    ends_at, doubted = until(bridge), list[Settlement]()
    for row, result in pairs:
        if came_to_an_end(result):
            row.cut_offs = NONE
        if prolonged(row, result, ends_at, claimed_at):
            doubted.append(result)
    references = [confirmation(result, bridge.now()) for result in doubted]
    confirm_later(flow, bridge, references, ends_at)


def confirmation(settlement: Settlement, now: float) -> Change:
    """The reference that comes back when the doubt ends. A record that keeps failing goes on with
    its time and its attempts: each doubt would begin them again.
    """
    change = settlement.change
    fresh = Change(change.record_id, Kind.REFERENCE, first_seen=now)
    if settlement.outcome not in (Outcome.WAITING, Outcome.REJECTED):
        return fresh
    return replace(fresh, attempts=change.attempts, failing_since=change.failing_since)


def came_to_an_end(settlement: Settlement) -> bool:
    """Whether it is the result of a call, or none was needed."""
    was_held = settlement.outcome in (Outcome.WAITING, Outcome.REJECTED)
    return bool(settlement.calls or settlement.unanswered) or not was_held


def prolonged(row: LedgerRow, settlement: Settlement, ends_at: float, claimed_at: float) -> bool:
    """Notes in the row what the settlement means for its doubt; whether it is longer in doubt now.

    `ends_at`: the end of a doubt that begins now. `claimed_at`: no write began before.
    """
    cut_off = settlement.change.uncertain and (
        settlement.written or settlement.outcome is Outcome.WAITING
    )
    if settlement.unanswered or cut_off:
        longer = ends_at > row.doubt_until
        row.doubt_until = max(row.doubt_until, ends_at)
        return longer
    if settlement.written and claimed_at >= row.doubt_until:
        row.doubt_until = 0.0
    return False


def confirm_later(flow: Flow, bridge: Bridge, references: Collection[Change], until: float) -> None:
    """Has the records written once more when their doubt has ended.

    To be called before the ledger is told of the doubt, so that each doubt has an end.
    """
    if references:
        due_at = until + min(CLOCKS_DIFFER_SECONDS, bridge.settings.campaign_doubt_seconds)
        bridge.waiting.park_changes(due_at, flow.key, flow.queue, flow.table, references, DOUBT)


def until(bridge: Bridge) -> float:
    """The end of a doubt that begins now, in seconds since 1970.

    Up to half as long again: doubts of one record that begin soon after each other end as one.
    """
    seconds = bridge.settings.campaign_doubt_seconds
    return ceil((bridge.now() + seconds) / (seconds / 2)) * (seconds / 2)


def left_until(bridge: Bridge) -> float:
    """The end of a doubt about what a claim that has ended left behind."""
    return until(bridge) + min(FROZEN_SECONDS, bridge.settings.campaign_doubt_seconds)


def in_doubt(rows: Iterable[LedgerRow]) -> frozenset[str]:
    return frozenset(row.record_id for row in rows if row.in_doubt)
