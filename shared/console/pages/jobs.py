"""One job: how far it is, how fast, how long still, what became of its records."""

from typing import Any

from shared.console.cells import csv_file
from shared.console.jobs import job_json
from shared.console.outgoing import Answer, View
from shared.console.refusals import Refusal
from shared.console.sentences import sentence
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.identifiers import is_row_key
from shared.pipeline.polling import POLL
from shared.pipeline.selecting import DISCARD, DISCARD_CHECKED, LETTERS, SOME
from shared.state.job_results import COLUMNS
from shared.state.jobs import Job

WITH_RESULTS = (LETTERS, SOME, DISCARD, DISCARD_CHECKED)
REPLAYS = (LETTERS, SOME)
ENDED = {
    "up to date": "ended_up_to_date",
    "queue is long": "ended_queue_is_long",
    "is read already": "ended_read_already",
    "stopped": "ended_stopped",
    "failed": "ended_failed",
}
"""How a poll ended. Any other end is a sentence already."""


def found(visit: Visit) -> Job:
    job_id = visit.parts["id"]
    job = visit.services.bridge.jobs.find(job_id) if is_row_key(job_id) else None
    if job is None:
        raise Refusal(404, "no_job")
    return job


def job(visit: Visit) -> View:
    return View("job", shown(found(visit), visit.look.language))


def shown(one: Job, language: str) -> dict[str, Any]:
    """`part`: how much of it is done, in percent; None where nobody knows how many there are."""
    done = one.counts.total()
    return {
        **job_json(one),
        "work": one.work,
        "name": name_of(one.flow),
        "part": min(100, round(done * 100 / one.total)) if one.total else None,
        "per_minute": round(one.rate * 60, 1),
        "ended": sentence(ENDED.get(one.place, one.place), language) if one.work == POLL else "",
        "ordered_seconds": one.number / 1000,
        "updated_seconds": one.updated_at,
        "ended_seconds": one.ended_at,
        "is_over": one.is_over,
        "is_cancelled": one.is_cancelled,
        "has_results": one.work in WITH_RESULTS,
        "is_replay": one.work in REPLAYS,
    }


def download(visit: Visit) -> Answer:
    """What became of each record: ids, codes and names of fields."""
    one = found(visit)
    rows = visit.services.bridge.results.of(one.id)
    return csv_file(f"job-{one.number}.csv", COLUMNS, rows)
