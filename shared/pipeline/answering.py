"""A person's answer to what a flow asks: what was parked goes on, confirmed or refused. A job.

All that is parked comes back as references and is decided again. Under the document that was active
when the person answered, what was confirmed is done, and what was refused is left out. An answer
that is cancelled is no answer for the rest: the flow asks again. What was parked when nothing was
asked any more goes on unanswered, and may be asked about.
"""

from collections import Counter
from dataclasses import replace

from shared.errors import Retryable
from shared.pipeline.brake import UNTIL_ANSWERED, ask
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import Work
from shared.records import Change
from shared.state.brakes import BrakeState
from shared.state.due import Parked
from shared.state.jobs import Job
from shared.waits import Braked

HELD = "held"
CONFIRM, REFUSE = "confirm", "refuse"
EARLIER = "An earlier answer of this flow is still carried out. Answer again in a minute."


def answer_parked(flow: Flow, bridge: Bridge, confirm: bool, who: str) -> Job:
    """Orders that what is parked goes on, and ends the question.

    The job comes first: an answer that is cut off in between is given again. Its place names what
    was asked about.
    """
    now = bridge.now()
    job = Job(
        flow.key,
        HELD,
        int(now * 1000),
        who=who,
        place=",".join(bridge.brakes.read(flow.key).asking),
        run=CONFIRM if confirm else REFUSE,
        version=flow.mapping_version(),
        total=bridge.waiting.waiting_counts(flow.key).counts[Braked.code],
        updated_at=now,
    )
    ordered = bridge.jobs.order(job)
    if ordered.id != job.id:
        if ordered.counts:
            raise Retryable(EARLIER)
        place = job.place or ordered.place  # the question may have ended with the first answer
        ordered = bridge.jobs.save(replace(job, place=place, etag=ordered.etag))  # given again
    bridge.brakes.change(flow.key, answered)
    return ordered


def answered(state: BrakeState) -> BrakeState | None:
    return state.without(frozenset(state.asking)) if state.asking else None


def go_on(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """Some of what was parked before the answer; what is parked since is another question."""
    rows = parked_before(bridge, job)
    for row in rows:
        changes = [marked(change, job) for change in row.changes]
        bridge.handoff.put(row.queue, flow.key, row.table, job.version, changes)
    bridge.waiting.remove(flow.key, rows)
    count = sum(len(row.changes) for row in rows)
    return replace(job, counts=job.counts + Counter(handed_off=count)), not rows


def parked_before(bridge: Bridge, job: Job) -> list[Parked]:
    """Some of what was parked before the answer."""
    until = UNTIL_ANSWERED + job.number / 1000 + 0.001
    return bridge.waiting.between(job.flow, UNTIL_ANSWERED, until)


def ask_again(flow: Flow, bridge: Bridge, job: Job) -> None:
    """An answer that was cancelled: what it has not handed off is asked about again."""
    if not job.place or not parked_before(bridge, job):
        return
    kinds, now = tuple(job.place.split(",")), bridge.now()
    state = bridge.brakes.change(
        flow.key,
        lambda found: None if found.asking else replace(found, asking=kinds, asked_at=now),
    )
    ask(flow, bridge, state)


def unasked(flow: str, bridge: Bridge) -> list[Parked]:
    """Some of what is parked while nothing is asked and no answer is carried out.

    A delivery that began before the answer parked it afterwards, or by a clock that is ahead. The
    question is looked at first: its answer orders the job before it ends the question.
    """
    if not bridge.waiting.waiting_counts(flow).counts[Braked.code]:
        return []
    if bridge.brakes.read(flow).asking or bridge.jobs.open_of(flow, HELD):
        return []
    return bridge.waiting.between(flow, UNTIL_ANSWERED, 2 * UNTIL_ANSWERED)


def marked(change: Change, job: Job) -> Change:
    if job.run == CONFIRM:
        return replace(change, confirmed=job.version, spared=0)
    return replace(change, confirmed=0, spared=job.version)


ANSWER = Work(go_on, cancelled=ask_again)
