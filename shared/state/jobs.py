"""Jobs: long work that a person or the bridge has ordered, with the place that it has come to.

Table `jobs`, a partition for each flow. The row of a job that is not over is `!<kind>`: there is
one of a kind, so what is ordered twice is one job. A step is saved on condition of the ETag that
was read, so of two who carry a job on at the same time one ends. A job that is over has a row of
its own, newest first, in the same transaction.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode

from shared.errors import Retryable
from shared.state.conditions import unchanged
from shared.state.filters import literal
from shared.state.pages import filled

OPEN, BEHIND_OPEN = "!", '"'  # "!" sorts before the digits of those that are over
NEWEST_FIRST = 10**13  # milliseconds since 1970 stay below it until the year 2286
RUNNING, WAITING, DONE, CANCELLED = "running", "waiting", "done", "cancelled"
ATTEMPTS = 50
KEPT_SECONDS = 30 * 24 * 3600.0
FORGOTTEN_AT_ONCE = 1000
LOST = (ResourceModifiedError, ResourceNotFoundError, ResourceExistsError)


@dataclass(frozen=True, slots=True)
class Job:
    """`kind` and `flow` name the work; `who` ordered it. Times in seconds since 1970.

    `number`: when it was ordered, in milliseconds. `place`: up to where it is done, in the words
    of its kind. `run`: what it works on, where that rests by a name. `total`: how many records it
    is about, 0 where that is not known. `counts`: what became of them so far, by code.
    `waits_for`: a code, while it cannot go on. `until`: nobody else carries it on before.
    `version`: of the document that was active when it was ordered.
    """

    flow: str
    kind: str
    number: int
    who: str = ""
    state: str = RUNNING
    place: str = ""
    run: str = ""
    total: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    waits_for: str = ""
    is_cancelled: bool = False
    version: int = 0
    updated_at: float = 0.0
    ended_at: float = 0.0
    until: float = 0.0
    etag: str = ""

    @property
    def id(self) -> str:
        return f"{self.flow}-{self.kind}-{self.number}"

    @property
    def work(self) -> str:
        """Which kind of work it is: a kind may go on behind a dot, so that two differ."""
        return self.kind.partition(".")[0]

    @property
    def is_over(self) -> bool:
        return self.state in (DONE, CANCELLED)

    @property
    def rate(self) -> float:
        """Records a second since it was ordered."""
        seconds = (self.ended_at or self.updated_at) - self.number / 1000
        return self.counts.total() / seconds if seconds > 0 else 0.0


class Jobs:
    """The table `jobs`. A step that lost its race is Retryable: others carry the job on."""

    def __init__(
        self,
        table: TableClient,
        now: Callable[[], float],
        on_ended: Callable[[Job], None] = lambda job: None,
    ) -> None:
        """`on_ended` is told once of each job that is over."""
        self.table, self.now, self.on_ended = table, now, on_ended

    def order(self, job: Job) -> Job:
        """The job; or the one of its flow and kind that is not over yet."""
        for _ in range(ATTEMPTS):
            try:
                saved = self.table.create_entity(open_entity(job))
                return replace(job, etag=saved["etag"])
            except ResourceExistsError:
                if found := self.open_of(job.flow, job.kind):
                    return found
        raise Retryable("Others keep ordering the same; give the command again.")

    def open_of(self, flow: str, kind: str) -> Job | None:
        try:
            return read_job(self.table.get_entity(flow, f"{OPEN}{kind}"))
        except ResourceNotFoundError:
            return None

    def save(self, job: Job) -> Job:
        """A step of a job that is not over."""
        condition = unchanged(job.etag)
        try:
            saved = self.table.update_entity(open_entity(job), UpdateMode.REPLACE, **condition)
        except LOST:
            raise Retryable("Somebody else carries this job on, or has cancelled it.") from None
        return replace(job, etag=saved["etag"])

    def end(self, job: Job, state: str) -> Job:
        """Takes it from those that are not over to those that are."""
        ended = replace(job, state=state, ended_at=self.now(), until=0.0, waits_for="", etag="")
        condition = unchanged(job.etag)
        taken = {"PartitionKey": job.flow, "RowKey": f"{OPEN}{job.kind}"}
        try:
            self.table.submit_transaction(
                [("delete", taken, condition), ("upsert", ended_entity(ended))]
            )
        except TableTransactionError as error:
            if error.status_code not in (404, 412):
                raise
            raise Retryable("Somebody else carries this job on, or has cancelled it.") from None
        self.on_ended(ended)
        return ended

    def cancel(self, job_id: str) -> Job | None:
        """Tells whoever carries it on that it ends; None where there is no such job.

        One that is over stays as it is.
        """
        for _ in range(ATTEMPTS):
            job = self.find(job_id)
            if job is None or job.is_over or job.is_cancelled:
                return job
            try:
                return self.save(replace(job, is_cancelled=True))
            except Retryable:
                continue
        raise Retryable("Others keep changing this job; give the command again.")

    def find(self, job_id: str) -> Job | None:
        flow, kind, number = ["", "", *job_id.rsplit("-", 2)][-3:]
        if not (flow and number.isascii() and number.isdigit() and len(number) <= 13):
            return None
        found = self.open_of(flow, kind)
        if found and found.id == job_id:
            return found
        try:
            return read_job(self.table.get_entity(flow, ended_key(int(number), kind)))
        except ResourceNotFoundError:
            return None

    def open(self) -> list[Job]:
        """Those of all flows that are not over."""
        condition = f"RowKey ge '{OPEN}' and RowKey lt '{BEHIND_OPEN}'"
        return [read_job(entity) for entity in self.table.query_entities(condition)]

    def of(self, flow: str, most: int) -> list[Job]:
        """Up to so many of a flow: those that are not over, then the others, newest first."""
        condition = f"PartitionKey eq {literal(flow)}"
        entities = self.table.query_entities(condition, results_per_page=most)
        return [read_job(entity) for entity in islice(entities, most)]

    def forget_old(self) -> list[str]:
        """Removes some of those that have been over for 30 days; returns their ids."""
        before = f"{(NEWEST_FIRST - int((self.now() - KEPT_SECONDS) * 1000)):013d}"
        condition = f"RowKey gt '{before}' and RowKey lt ':'"
        pages = self.table.query_entities(
            condition, select=["PartitionKey", "RowKey"], results_per_page=FORGOTTEN_AT_ONCE
        ).by_page()
        rows = filled(pages)
        for row in rows:
            self.table.delete_entity(row["PartitionKey"], row["RowKey"])
        return [id_of_ended(row["PartitionKey"], row["RowKey"]) for row in rows]


def id_of_ended(flow: str, key: str) -> str:
    number, _, kind = key.partition("-")
    return f"{flow}-{kind}-{NEWEST_FIRST - int(number)}"


def ended_key(number: int, kind: str) -> str:
    return f"{NEWEST_FIRST - number:013d}-{kind}"


def open_entity(job: Job) -> dict[str, Any]:
    return {"PartitionKey": job.flow, "RowKey": f"{OPEN}{job.kind}", **values(job)}


def ended_entity(job: Job) -> dict[str, Any]:
    return {"PartitionKey": job.flow, "RowKey": ended_key(job.number, job.kind), **values(job)}


def values(job: Job) -> dict[str, Any]:
    kept = {item.name: getattr(job, item.name) for item in fields(Job)}
    for name in ("flow", "etag"):
        del kept[name]
    times = {name: float(kept[name]) for name in ("updated_at", "ended_at", "until")}
    return {**kept, **times, "number": str(job.number), "counts": json.dumps(job.counts)}


def read_job(entity: Any) -> Job:
    names = {item.name for item in fields(Job)} - {"flow", "etag", "number", "counts"}
    return Job(
        flow=entity["PartitionKey"],
        number=int(entity["number"]),
        counts=Counter(json.loads(entity["counts"])),
        etag=str(entity.metadata["etag"]),
        **{name: entity[name] for name in names if name in entity},
    )
