"""A poll that a person asks for, as a job: the source is read now, not when its timer comes."""

from collections import Counter
from dataclasses import replace

from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import Work
from shared.pipeline.poll import TIME_IS_UP, poll
from shared.pipeline.selecting import new_job
from shared.state.jobs import Job

POLL = "poll"
TURN_SECONDS = 5.0
"""Of one step: no page is begun after it, so that who waits for the answer has one."""


def order_poll(reader: Flow, bridge: Bridge, who: str) -> Job:
    """The job that reads a source now; the one that does so already."""
    return bridge.jobs.order(new_job(reader.feed, POLL, bridge, who))


def read_now(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """`place` says how the poll ended."""
    ended = poll(flow, bridge, TURN_SECONDS)
    counts = job.counts + Counter(polls=1)
    return replace(job, place=ended, counts=counts), ended != TIME_IS_UP


POLLING = Work(read_now, why_not=lambda *_: "")
