"""Figures that the watch writes for the console, so that its pages scan nothing.

One row, `latest`, holds what the start page shows. Behind it stand rows of five minutes, kept for
35 days, and rows of hours, kept for 400 days: counts and ages only.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.state.filters import literal
from shared.state.pieces import in_pieces, together

LATEST, FINDINGS = "latest", "findings"
"""Rows that hold what a page shows: the watch's summary, and what the checks have found."""

Made = tuple[float, dict[str, Any]]
TICKS, HOURS = "5min", "hour"
KEPT_SECONDS: Mapping[str, float] = {TICKS: 35 * 86_400.0, HOURS: 400 * 86_400.0}
MOST_REMOVED = 500
"""In one run: the next one goes on."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What a flow did in one span of time, and how it stood at its end."""

    flow: str
    at: float
    """The end of the span, in seconds since 1970."""
    seconds: float
    """How long the span was."""
    waiting: int = 0
    """Records on the queue and in the waiting room at its end."""
    oldest_seconds: float = 0.0
    """Age of the oldest change that is not written."""
    dead_letters: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """Records by outcome, in the span alone."""
    calls: Mapping[str, int] = field(default_factory=dict)
    """Calls by verb, in the span alone."""


class Figures:
    """The table `figures`."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def save_latest(self, at: float, summary: Mapping[str, Any]) -> None:
        """Replaces what the start page shows. `at`: when it was made, in seconds since 1970."""
        self.save(LATEST, at, summary)

    def latest(self) -> Made | None:
        """When it was made, and the summary; None before the first watch. One read."""
        return self.saved(LATEST)

    def save(self, name: str, at: float, content: Mapping[str, Any]) -> None:
        """Keeps what a page shows as one row; replaces the one before."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        entity = {"PartitionKey": LATEST, "RowKey": name, "at": at, **in_pieces(text)}
        self.table.upsert_entity(entity, UpdateMode.REPLACE)

    def saved(self, name: str) -> Made | None:
        """When it was kept, and what; None where nothing was. One read."""
        try:
            entity = self.table.get_entity(LATEST, name)
        except ResourceNotFoundError:
            return None
        return float(entity["at"]), json.loads(together(entity))

    def add(self, kind: str, figures: Iterable[Figure]) -> None:
        """Rows of one kind, TICKS or HOURS. A row that is there is replaced."""
        for figure in figures:
            self.table.upsert_entity(entity_of(kind, figure), UpdateMode.REPLACE)

    def since(self, kind: str, flow: str, moment: float) -> Iterator[Figure]:
        """A flow's rows that ended at `moment` or later, oldest first."""
        condition = (
            f"PartitionKey eq {literal(partition(kind, flow))}"
            f" and RowKey ge {literal(row_key(moment))}"
        )
        return map(read, self.table.query_entities(condition))

    def remove_old(self, flow: str, now: float) -> int:
        """Takes away what is older than its kind is kept. Returns how many rows."""
        removed = 0
        for kind, seconds in KEPT_SECONDS.items():
            condition = (
                f"PartitionKey eq {literal(partition(kind, flow))}"
                f" and RowKey lt {literal(row_key(now - seconds))}"
            )
            old = self.table.query_entities(condition, select=["PartitionKey", "RowKey"])
            for entity in islice(old, MOST_REMOVED):
                self.table.delete_entity(entity["PartitionKey"], entity["RowKey"])
                removed += 1
        return removed


def partition(kind: str, flow: str) -> str:
    return f"{kind}|{flow}"


def row_key(moment: float) -> str:
    """In the order of time."""
    return f"{max(0, int(moment)):012d}"


def entity_of(kind: str, figure: Figure) -> dict[str, Any]:
    return {
        "PartitionKey": partition(kind, figure.flow),
        "RowKey": row_key(figure.at),
        "at": figure.at,
        "seconds": figure.seconds,
        "waiting": figure.waiting,
        "oldest_seconds": figure.oldest_seconds,
        "dead_letters": figure.dead_letters,
        "outcomes": json.dumps(dict(figure.outcomes)),
        "calls": json.dumps(dict(figure.calls)),
    }


def read(entity: Mapping[str, Any]) -> Figure:
    return Figure(
        flow=str(entity["PartitionKey"]).partition("|")[2],
        at=float(entity["at"]),
        seconds=float(entity["seconds"]),
        waiting=int(entity["waiting"]),
        oldest_seconds=float(entity["oldest_seconds"]),
        dead_letters=int(entity["dead_letters"]),
        outcomes=json.loads(entity["outcomes"]),
        calls=json.loads(entity["calls"]),
    )
