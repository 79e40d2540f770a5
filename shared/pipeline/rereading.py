"""Replay of what the source has changed since a moment, as a job: page by page of ids."""

import json
from collections import Counter
from dataclasses import replace

from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import Work
from shared.pipeline.selecting import HANDED_OFF, new_job
from shared.records import Change, Kind
from shared.state.jobs import Job

CHANGED = "changed"
"""Behind it stand a dot and the moment."""


def order_changed(flow: Flow, bridge: Bridge, since: float, total: int, who: str) -> Job:
    """The job that hands off all that was changed at `since` or later, in seconds since 1970; the
    one that does so already. `total`: 0 where nobody has counted them.
    """
    job = new_job(flow.letters, f"{CHANGED}.{int(since)}", bridge, who)
    run = json.dumps({"since": since, "link": ""})
    return bridge.jobs.order(
        replace(job, run=run, total=total, version=flow.mapping_version(), place="0")
    )


def hand_off_changed(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """One page. `place` says how many were read."""
    run, now = json.loads(job.run), bridge.now()
    ids, link = flow.changed(run["since"], run["link"])
    changes = [Change(id_, Kind.REFERENCE, first_seen=now, replay=True) for id_ in ids]
    bridge.handoff.put(flow.queue, flow.key, flow.table, flow.mapping_version(), changes)
    counts = job.counts + Counter({HANDED_OFF: len(ids)})
    place = str(int(job.place or 0) + 1)
    return replace(job, run=json.dumps({**run, "link": link}), place=place, counts=counts), not link


REREADING = Work(hand_off_changed)
