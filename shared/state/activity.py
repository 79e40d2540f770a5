"""Who did what: every act, every look at values, and what the bridge did by itself.

Table `activity`, one partition, newest first. Ids, codes and counts only, never a value of a
record. `why` is a person's own words.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any

from azure.data.tables import TableClient

from shared import telemetry
from shared.errors import Retryable
from shared.state.filters import literal
from shared.state.flows import BRIDGE, RUNNING, FlowState
from shared.state.jobs import Job
from shared.state.pages import filled
from shared.state.texts import kept

PARTITION = "activity"
NEWEST_FIRST = 10**13
"""Milliseconds since 1970 stay below it until the year 2286."""
KEPT_SECONDS = 400 * 86_400.0
FORGOTTEN_AT_ONCE = 500
BEGUN, DONE, FAILED = "begun", "done", "failed"


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did."""

    who: str
    """The token's name, `key <name>`, or BRIDGE."""
    role: str
    """The role that allowed it, such as `Bridge.Operator`; `key` for the owner of a key."""
    act: str
    """A code, such as `stop`, `replay`, `look_at_values`, `mapping_in_force`."""
    on: str
    """A flow's key, a table, or an id, such as `contacts/<guid>`."""
    why: str = ""
    """The person's reason, in their words; "" where none was given."""
    result: str = ""
    """A code, such as `done`, `failed`, `begun` (cut off before its end), or a job's id."""
    count: int = 0
    """How many records it was about; 0 where that means nothing."""


@dataclass(frozen=True, slots=True)
class NotedAct:
    """A row of the list."""

    key: str
    """Its place: `page` goes on behind it."""
    at: float
    """In seconds since 1970."""
    act: Act


@dataclass(slots=True)
class Ending:
    """What is noted of an act when it is over."""

    result: str = DONE
    count: int | None = None
    on: str = field(default="")
    """Set where what it was done on is known at the end alone."""


class ActivityLog:
    """The table `activity`."""

    def __init__(
        self,
        table: TableClient,
        now: Callable[[], float],
        token: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self.table, self.now, self.token = table, now, token

    def note(self, act: Act) -> None:
        """A row and a log line. Retryable while the storage does not answer."""
        self.write(act)
        log_line(act)

    def flow_changed(self, flow: str, state: FlowState) -> None:
        """The bridge has failed a flow, or runs it again. `result` is the setting to look at.

        Where it cannot be noted, the flow's own row and the log line say it.
        """
        code = "flow_runs" if state.status == RUNNING else "flow_failed"
        with suppress(Retryable):
            self.note(Act(BRIDGE, "", code, flow, result=state.setting))

    def job_ended(self, job: Job) -> None:
        """Where it cannot be noted, the job's own row and the log line say it."""
        with suppress(Retryable):
            self.note(
                Act(BRIDGE, "", "job_ended", job.id, result=job.state, count=job.counts.total())
            )

    @contextmanager
    def noted(self, act: Act) -> Iterator[Ending]:
        """The row is there before the act begins, as BEGUN; at the end it has the result.

        So an act that is cut off is in the list too. One that raises has the result FAILED. Where
        the end cannot be noted, the row stays BEGUN, the log line says it, and the act is what it
        was: who ordered it is told what became of it.
        """
        key, ending, is_done = self.write(changed(act, Ending(BEGUN))), Ending(), False
        try:
            yield ending
            is_done = True
        finally:
            self.end(key, changed(act, ending if is_done else Ending(FAILED)))

    def write(self, act: Act) -> str:
        key = f"{NEWEST_FIRST - int(self.now() * 1000):013d}-{self.token()}"
        # Repeated after a lost answer, the row is there already: the key is of this act alone.
        self.table.upsert_entity(entity_of(key, self.now(), act))
        return key

    def end(self, key: str, act: Act) -> None:
        values = {"result": act.result, "count": act.count, "on": kept(act.on)}
        log_line(act)
        with suppress(Retryable):
            self.table.update_entity({"PartitionKey": PARTITION, "RowKey": key, **values})

    def page(self, before: str = "", most: int = 50) -> list[NotedAct]:
        """Up to so many, newest first; those that came before the one with this key. One read."""
        condition = f"PartitionKey eq '{PARTITION}' and RowKey gt {literal(before)}"
        return self.read(condition, most)

    def between(self, begin: float, end: float, most: int) -> list[NotedAct]:
        """Up to so many of a span of time, in seconds since 1970, newest first."""
        first, last = (f"{NEWEST_FIRST - int(moment * 1000):013d}" for moment in (end, begin))
        return self.read(
            f"PartitionKey eq '{PARTITION}' and RowKey ge '{first}' and RowKey lt '{last}~'", most
        )

    def read(self, condition: str, most: int) -> list[NotedAct]:
        found: Iterable[Any] = self.table.query_entities(
            condition, results_per_page=min(most, 1000)
        )
        return [read_act(entity) for entity in islice(found, most)]

    def forget_old(self) -> int:
        """Removes some of those that are older than 400 days; returns how many."""
        before = f"{NEWEST_FIRST - int((self.now() - KEPT_SECONDS) * 1000):013d}"
        pages = self.table.query_entities(
            f"PartitionKey eq '{PARTITION}' and RowKey gt '{before}~'",
            select=["RowKey"],
            results_per_page=FORGOTTEN_AT_ONCE,
        ).by_page()
        rows = filled(pages)
        for row in rows:
            self.table.delete_entity(PARTITION, row["RowKey"])
        return len(rows)


def changed(act: Act, ending: Ending) -> Act:
    count = act.count if ending.count is None else ending.count
    return Act(act.who, act.role, act.act, ending.on or act.on, act.why, ending.result, count)


def entity_of(key: str, at: float, act: Act) -> dict[str, Any]:
    values = {
        name: kept(value) if isinstance(value, str) else value
        for name, value in asdict(act).items()
    }
    return {"PartitionKey": PARTITION, "RowKey": key, "at": float(at), **values}


def read_act(entity: Mapping[str, Any]) -> NotedAct:
    names = ("who", "role", "act", "on", "why", "result")
    act = Act(**{name: str(entity[name]) for name in names}, count=int(entity["count"]))
    return NotedAct(str(entity["RowKey"]), float(entity["at"]), act)


def log_line(act: Act) -> None:
    """Without `why`: a log line has no words of a person's own."""
    telemetry.acted(
        by=act.who, role=act.role, act=act.act, on=act.on, result=act.result, count=act.count
    )
