"""What is asked about jobs: how far each is, and what became of its records. JSON-ready."""

from typing import Any

from shared.console.status import moment
from shared.pipeline.flow import Bridge
from shared.state.jobs import Job


def job_json(job: Job) -> dict[str, Any]:
    """`seconds_left` is null where nobody knows how many records there are."""
    return {
        "id": job.id,
        "kind": job.kind,
        "flow": job.flow,
        "who": job.who,
        "state": job.state,
        "waits_for": job.waits_for,
        "total": job.total or None,
        "counts": dict(sorted(job.counts.items())),
        "place": job.place,
        "rate": round(job.rate, 2),
        "seconds_left": seconds_left(job),
        "ordered_at": moment(job.number / 1000),
        "updated_at": moment(job.updated_at),
        "ended_at": moment(job.ended_at),
    }


def seconds_left(job: Job) -> float | None:
    if job.is_over:
        return 0.0
    if not job.total or not job.rate:
        return None
    return round(max(0, job.total - job.counts.total()) / job.rate, 1)


def jobs_of(flow: str, bridge: Bridge, most: int) -> list[dict[str, Any]]:
    """Those of a flow, "" for those of all that are not over."""
    found = bridge.jobs.of(flow, most) if flow else bridge.jobs.open()[:most]
    return [job_json(job) for job in found]
