"""Jobs are carried on: a step, its place saved, the next step, until the time is up. Whoever comes
next goes on from there.

A step that is cut off before its place is saved is done again, which is harmless: it hands off
references.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from shared import telemetry
from shared.errors import Retryable
from shared.pipeline.brake import goes_on
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind
from shared.state.jobs import CANCELLED, DONE, RUNNING, WAITING, Job

DELETIONS, BRIDGE = "deletions", "bridge"
LEASE_SECONDS = 60.0
"""After a step: of an instance that died meanwhile the job is taken over then."""


def handing_off(flow: Flow, bridge: Bridge) -> str:
    """Why nothing is handed off to the flow now, "" if it is: a code."""
    state = bridge.flows.state(flow.letters)
    if not goes_on(state):
        return f"flow_{state.status}"
    is_long = bridge.handoff.length(flow.queue) > bridge.settings.queue_limit_messages
    return "queue_is_long" if is_long else ""


def nothing(flow: Flow, bridge: Bridge, job: Job) -> None:
    """Nothing is to be cleared away."""


@dataclass(frozen=True, slots=True)
class Work:
    """How jobs of a kind are done.

    `step` does one part: it gives the job with its next place, and whether that was the last part.
    `why_not` is the code of what stands in the way now, "" where nothing does. `cancelled` and
    `over` clear away, before the job ends; twice is harmless.
    """

    step: Callable[[Flow, Bridge, Job], tuple[Job, bool]]
    why_not: Callable[[Flow, Bridge], str] = handing_off
    cancelled: Callable[[Flow, Bridge, Job], None] = nothing
    over: Callable[[Flow, Bridge, Job], None] = nothing


def carry_on(flow: Flow, bridge: Bridge, job: Job, deadline: float, work: Work) -> Job:
    """Goes on until it is over, must wait, or the time is up. Returns it as it then is.

    Nothing while somebody else carries it on. Retryable where a step or its saving failed.
    """
    if job.is_over or (job.until > bridge.now() and not job.is_cancelled):
        return job
    job = hold(bridge, job)
    while not job.is_cancelled:
        waits_for = work.why_not(flow, bridge)
        if waits_for or bridge.now() > deadline:
            return put_down(bridge, job, waits_for)
        job, is_last = work.step(flow, bridge, replace(job, waits_for=""))
        if is_last:
            return ended(flow, bridge, job, DONE, work)
        if job.waits_for:
            return put_down(bridge, job, job.waits_for)
        job = hold(bridge, job)
    work.cancelled(flow, bridge, job)
    return ended(flow, bridge, job, CANCELLED, work)


def hold(bridge: Bridge, job: Job) -> Job:
    now = bridge.now()
    return bridge.jobs.save(replace(job, state=RUNNING, updated_at=now, until=now + LEASE_SECONDS))


def put_down(bridge: Bridge, job: Job, waits_for: str) -> Job:
    state, now = WAITING if waits_for else RUNNING, bridge.now()
    return bridge.jobs.save(
        replace(job, state=state, waits_for=waits_for, updated_at=now, until=0.0)
    )


def ended(flow: Flow, bridge: Bridge, job: Job, state: str, work: Work) -> Job:
    work.over(flow, bridge, job)
    job = bridge.jobs.end(replace(job, updated_at=bridge.now()), state)
    telemetry.noted(
        flow=job.flow,
        event="job_ended",
        count=job.counts["handed_off"],
        reason=job.kind,
        by=job.who,
    )
    return job


def carry_on_all(
    flows: Mapping[str, Flow], bridge: Bridge, seconds: float, works: Mapping[str, Work]
) -> None:
    """Every job that is not over, each with its share of the time; those of a flow that is switched
    off wait.
    """
    end = bridge.now() + seconds
    jobs = [job for job in bridge.jobs.open() if job.flow in flows]
    for position, job in enumerate(jobs):
        share = (end - bridge.now()) / (len(jobs) - position)
        with suppress(Retryable):  # it goes on at the next tick, from the place that was saved
            carry_on(flows[job.flow], bridge, job, bridge.now() + share, works[job.work])
    for job_id in bridge.jobs.forget_old():
        bridge.results.remove(job_id)


def hand_off_missing(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """Hands the records that a sweep missed off as references: each is looked at once more before
    it is deleted. What a person has confirmed is not asked about once more.
    """
    ids, place = bridge.sweeps.page(job.run, int(job.place or 0))
    now, confirmed = bridge.now(), 0 if job.who == BRIDGE else flow.mapping_version()
    changes = [
        Change(record_id, Kind.REFERENCE, first_seen=now, confirmed=confirmed) for record_id in ids
    ]
    bridge.handoff.put(flow.queue, flow.key, flow.table, job.version, changes)
    counts = job.counts + Counter(handed_off=len(ids))
    return replace(job, place=str(place), counts=counts), not ids


def forget_missing(flow: Flow, bridge: Bridge, job: Job) -> None:
    bridge.sweeps.remove(job.run)


MISSING = Work(hand_off_missing, over=forget_missing)
