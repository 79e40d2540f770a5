"""Suspects: records whose deliveries were cut off several times in a row. Perhaps what is written
of one of them ends the process.

Their messages do not tell: who comes again meets the claim of the one that was cut off, and sends
another message. The ledger does: a claim that ends unsettled names the records that were to be
written under it (shared/state/cut_offs.py). It may also be the claim of a run that could not
settle, because the storage account had no answer. So no number ends the attempts, but time:

    twice in a row    it is written by itself, after those that came with it
    from then on      it waits before each attempt, twice as long each time, an hour at most
    for RETRY_HOURS   a dead letter, as after any other failure, if it was tried eight times at
                      least; an opt-out never

A deletion, and whatever else is to be written instead, has a time of its own, and is tried after
that. A replay is tried at once. Where three hours pass without an attempt all begins again: of a
flow that is stopped no more is counted.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from shared.deadlines import seconds_left
from shared.errors import Cause, Retryable
from shared.pipeline.decision import Act, Decision
from shared.pipeline.delays import cut_off_delay
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.settle import GIVEN_UP, or_exhausted
from shared.records import Change, Outcome, Settlement, waiting
from shared.state.ledger_rows import View
from shared.waits import CutOff

ALONE, LATER, FEWEST = 2, 3, 8
"""From how many cut-offs on a record is written alone, waits, and may be exhausted."""

ENDED = (
    "Each time the process ended while it wrote the record, or could not note what became of it."
)
STILL = f"{ENDED} Its time is over, and it has not changed since. Replay it when this is fixed."


def parts(view: View, changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in the order in which they are delivered one after the other, the most suspect
    last; [] where all are delivered together.
    """
    suspects = {
        change.record_id: number
        for change in changes
        if (number := cut_off_so_far(view, change.record_id)) >= ALONE
    }
    if not suspects or len(changes) == 1:
        return []
    others = [change for change in changes if change.record_id not in suspects]
    alone = [change for change in changes if change.record_id in suspects]
    alone.sort(key=lambda change: suspects[change.record_id])
    return [part for part in (others, *([change] for change in alone)) if part]


def cut_off_so_far(view: View, record_id: str) -> int:
    """How often, with a claim that has ended and is not taken over yet."""
    row = view.rows.get(record_id)
    return (row.cut_offs.number if row else 0) + (record_id in view.header.writing)


def one_by_one(
    parts: Iterable[list[Change]], deliver: Callable[[list[Change]], list[Settlement]]
) -> list[Settlement]:
    """Each part is settled before the next one begins. Retryable where the run's time is up."""
    settlements: list[Settlement] = []
    for part in parts:
        if seconds_left() <= 0:
            raise Retryable(
                "The run's time was up before all of these records were written; they are sent"
                " again.",
                cause=Cause.PAUSE,
            )
        settlements += deliver(part)
    return settlements


def held_back(
    flow: Flow, bridge: Bridge, view: View, decisions: Sequence[Decision]
) -> tuple[list[Decision], list[Settlement]]:
    """The decisions to be carried out now, and the settlements of suspects that wait for their next
    attempt, or become dead letters.
    """
    now, settled = list[Decision](), list[Settlement]()
    for decision in decisions:
        settlement = postponed(flow, bridge, view, decision)
        if settlement:
            settled.append(settlement)
        else:
            now.append(decision)
    return now, settled


def postponed(flow: Flow, bridge: Bridge, view: View, decision: Decision) -> Settlement | None:
    """The settlement of a record that is not written now; None for one that is."""
    row, change = view.rows.get(decision.change.record_id), decision.change
    if row is None or row.cut_offs.number < LATER or decision.act is Act.NOTHING:
        return None
    if change.replay and change.first_seen > row.cut_offs.last:
        return None  # a person has asked for it since
    known = row.cut_offs.about(decision.fingerprint, decision.act.value, change.replay)
    if row.cut_offs.exhausted:
        return still_exhausted(flow, bridge, change) if known == row.cut_offs else None
    seconds = known.last + cut_off_delay(flow, bridge, known.number - LATER) - bridge.now()
    if seconds <= 0:
        return None
    since = known.since if known.number >= FEWEST else 0.0
    failing = replace(change, failing_since=since, replay=False)  # it was tried for that
    settlement = or_exhausted(
        flow, bridge, waiting(failing, CutOff(), ENDED, retry_after_seconds=seconds)
    )
    row.cut_offs = replace(known, exhausted=settlement.outcome is Outcome.REJECTED)
    return settlement


def still_exhausted(flow: Flow, bridge: Bridge, change: Change) -> Settlement:
    """Its letter says it already; where the run ended before that was put, this one does."""
    letter = bridge.deadletters.get(flow.letters, change.record_id)
    has_one = letter is not None and letter.reason == GIVEN_UP
    return Settlement(change, Outcome.REJECTED, GIVEN_UP, sentence=STILL, quiet=has_one)
