"""The part of the waiting room that is ordered by time: references that rest until their due time.

Table `waiting`, one partition per flow, `due|<flow>`; what waits for the contacts flow is in
`ahead|<flow>`, which that flow's own word releases, and the time only where it is lost. A row
holds references of one ledger partition; its key begins with the due time, so whoever looks for
what is due reads nothing else. The partition's header counts the references by reason. It changes
in the same transaction as the rows, so the counts are exact. A row holds ids, times and counts
only, never a value of a record.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b
from itertools import batched, repeat
from math import ceil, log2
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.core.paging import ItemPaged
from azure.data.tables import TableClient, TableEntity, TableTransactionError, UpdateMode

from shared.errors import Retryable
from shared.records import Change, Kind
from shared.state.conditions import unchanged
from shared.state.envelope import CHANGES
from shared.state.filters import literal
from shared.state.ledger_rows import ROWS_PER_TRANSACTION
from shared.state.pages import filled
from shared.state.references import by_bucket, merged

DUE, AHEAD = "due|", "ahead|"
BEHIND = "}"  # sorts behind "|"
HEADER = "!"  # sorts before every due time
ATTEMPTS = 20
RACE_SECONDS = 0.02
"""Between two attempts, longer each time: all who met must not meet again."""
GRID_SECONDS = 15.0
LONGEST_DELAY_SECONDS = 400 * 86_400.0
RACE_LOST = (404, 409, 412)
"""An empty header goes: where one was read, somebody else has emptied it."""

KEPT = tuple(
    item for item in fields(Change) if item.name not in ("record_id", "kind", "version", "row")
)
"""What a reference keeps of its change, beside its id, where it differs from the default."""


@dataclass(frozen=True, slots=True)
class Parked:
    """References of one flow, parked together.

    `row_key`: in the flow's partition. `queue`, `table`: where they go on. `reason`: the code of
    what they wait for. `etag`: of the row that was read; "" before it is parked.
    """

    row_key: str
    queue: str
    table: str
    reason: str
    changes: tuple[Change, ...]
    etag: str = field(default="", compare=False)

    @property
    def due_at(self) -> float:
        """In seconds since 1970."""
        return int(self.row_key.partition("|")[0]) / 1000


@dataclass(slots=True)
class DueHeader:
    """How many references of a flow wait, by reason; and since when, in seconds since 1970.

    `since` may be earlier than the true value, never later.
    """

    counts: Counter[str] = field(default_factory=Counter)
    since: dict[str, float] = field(default_factory=dict)
    etag: str = ""

    def add(self, reason: str, number: int, since: float) -> None:
        self.counts[reason] += number
        self.since[reason] = min(self.since.get(reason, since), since)

    def take(self, reason: str, number: int) -> None:
        self.counts[reason] -= number
        if self.counts[reason] <= 0:
            del self.counts[reason]
            self.since.pop(reason, None)


class Due:
    """References that rest until a time. Parking or releasing twice is harmless.

    Retryable where others keep changing the flow's partition first.
    """

    def __init__(
        self,
        table: TableClient,
        now: Callable[[], float],
        sleep: Callable[[float], None],
        prefix: str = DUE,
    ) -> None:
        self.table, self.now, self.sleep, self.prefix = table, now, sleep, prefix

    def partition(self, flow: str) -> str:
        return f"{self.prefix}{flow}"

    def park_until(
        self, due_at: float, flow: str, queue: str, table: str, ids: Iterable[str], reason: str
    ) -> None:
        """Parks these records of a flow, by id, until `due_at` (seconds since 1970).

        Then they come back as references: what their source holds by then is what counts.
        """
        now = self.now()
        changes = [Change(record_id, Kind.REFERENCE, first_seen=now) for record_id in ids]
        self.park_changes(due_at, flow, queue, table, changes, reason)

    def park_changes(
        self,
        due_at: float,
        flow: str,
        queue: str,
        table: str,
        changes: Iterable[Change],
        reason: str,
    ) -> None:
        """As `park_until`, for references that have a history: attempts, first_seen, replay."""
        on_grid = rounded(due_at, due_at - self.now())
        rows = [
            Parked(row_key(on_grid, number, reason, part), queue, table, reason, part)
            for number, part in by_bucket(changes)
        ]
        for group in batched(rows, ROWS_PER_TRANSACTION, strict=False):
            self.change_counts(flow, group, self.add)

    def add(self, flow: str, rows: Sequence[Parked], header: DueHeader) -> None:
        """A row that is there takes up what the same records bring now: they wait once."""
        kept = []
        for row in rows:
            stored = self.stored(flow, row.row_key)
            if stored:
                row = replace(row, changes=tuple(merged([*stored.changes, *row.changes])))
            else:
                first = min(change.first_seen for change in row.changes) or self.now()
                header.add(row.reason, len(row.changes), first)
            kept.append(("upsert", entity_of(self.partition(flow), row)))
        self.submit(flow, header, kept)

    def stored(self, flow: str, key: str) -> Parked | None:
        try:
            return read_parked(self.table.get_entity(self.partition(flow), key))
        except ResourceNotFoundError:
            return None

    def due(self, flow: str, moment: float) -> list[Parked]:
        """Up to a transaction's number of rows that are due by `moment`, the oldest first."""
        return self.between(flow, 0.0, moment)

    def between(self, flow: str, first: float, last: float) -> list[Parked]:
        """As `due`, of those that were parked until one of these moments."""
        return [read_parked(entity) for entity in filled(self.found(flow, first, last).by_page())]

    def all_between(self, flow: str, first: float, last: float) -> Iterator[Parked]:
        """All that were parked until one of these moments, read as they are asked for."""
        return (read_parked(entity) for entity in self.found(flow, first, last))

    def found(self, flow: str, first: float, last: float) -> ItemPaged[TableEntity]:
        condition = (
            f"PartitionKey eq {literal(self.partition(flow))}"
            f" and RowKey ge '{int(first * 1000):015d}' and RowKey lt {literal(time_key(last))}"
        )
        return self.table.query_entities(condition, results_per_page=ROWS_PER_TRANSACTION)

    def remove(self, flow: str, rows: Sequence[Parked]) -> None:
        """Ends rows that have been handed off; one that is not there any more is passed over, and
        what was parked again since it was read stays.
        """
        self.change_counts(flow, rows, self.delete, self.as_read)

    def delete(self, flow: str, rows: Sequence[Parked], header: DueHeader) -> None:
        for row in rows:
            header.take(row.reason, len(row.changes))
        keys = [{"PartitionKey": self.partition(flow), "RowKey": row.row_key} for row in rows]
        conditions = [unchanged(row.etag) for row in rows]
        self.submit(flow, header, list(zip(repeat("delete"), keys, conditions)))

    def as_read(self, flow: str, rows: Sequence[Parked]) -> list[Parked]:
        """Those of the rows that nobody has changed or removed since they were read."""
        keys = [row.row_key for row in rows]
        entities = self.table.query_entities(
            f"PartitionKey eq {literal(self.partition(flow))}"
            f" and RowKey ge {literal(min(keys))} and RowKey le {literal(max(keys))}"
        )
        etags = {entity["RowKey"]: entity.metadata["etag"] for entity in entities}
        return [row for row in rows if etags.get(row.row_key) == row.etag]

    def change_counts(
        self,
        flow: str,
        rows: Sequence[Parked],
        change: Callable[[str, Sequence[Parked], DueHeader], None],
        still: Callable[[str, Sequence[Parked]], Sequence[Parked]] = lambda _, rows: rows,
    ) -> None:
        """Changes rows and counts together; again, for those that are `still` meant, where others
        came first.
        """
        for number in range(ATTEMPTS):
            if not rows:
                return
            try:
                change(flow, rows, self.waiting_counts(flow))
                return
            except TableTransactionError as error:
                if error.status_code not in RACE_LOST:
                    raise
            longest = RACE_SECONDS * (number + 1)
            self.sleep(random.uniform(0.0, longest))  # noqa: S311  # jitter, no secret
            rows = still(flow, rows)
        if rows:
            raise Retryable(
                "Too many instances park records of one flow; the records are sent again.", 1.0
            )

    def submit(self, flow: str, header: DueHeader, operations: list[Any]) -> None:
        """The rows and the header, all or nothing."""
        operation = header_operation(self.partition(flow), header)
        self.table.submit_transaction([*operations, operation])

    def waiting_counts(self, flow: str) -> DueHeader:
        """How many of a flow wait for a time, by reason, and since when."""
        try:
            return read_due_header(self.table.get_entity(self.partition(flow), HEADER))
        except ResourceNotFoundError:
            return DueHeader()

    def flows_waiting(self) -> Iterator[str]:
        """The flows of which something waits for a time: one look for each, however many wait."""
        after, end = self.prefix, self.prefix.replace("|", BEHIND)
        while after:
            condition = f"PartitionKey gt {literal(after)} and PartitionKey lt {literal(end)}"
            pages = self.table.query_entities(
                condition, select=["PartitionKey"], results_per_page=1
            ).by_page()
            found = filled(pages)
            after = found[0]["PartitionKey"] if found else ""
            if after:
                yield after.removeprefix(self.prefix)


def time_key(moment: float) -> str:
    """Sorts as the moments do, in milliseconds."""
    return f"{int(moment * 1000):015d}~"


def rounded(due_at: float, delay_seconds: float) -> float:
    """A moment that others share, up to a quarter of the delay later, or GRID_SECONDS.

    Copies of one record, of messages that were delivered twice, then come back together, as one.
    """
    if not 0 < delay_seconds < LONGEST_DELAY_SECONDS:  # at once, or until a person answers
        return due_at
    grid = GRID_SECONDS * 2 ** int(log2(max(1.0, delay_seconds / 4 / GRID_SECONDS)))
    return float(ceil(due_at / grid) * grid)


def row_key(due_at: float, number: int, reason: str, changes: Sequence[Change]) -> str:
    """The same for the same records, reason and time: who parks them twice keeps one row."""
    marks = "|".join([reason, *sorted(change.record_id for change in changes)])
    digest = blake2b(marks.encode(), digest_size=12).hexdigest()
    return f"{int(due_at * 1000):015d}|{number:07d}|{digest}"


def entity_of(partition: str, row: Parked) -> dict[str, Any]:
    return {
        "PartitionKey": partition,
        "RowKey": row.row_key,
        "queue": row.queue,
        "table": row.table,
        "reason": row.reason,
        "references": json.dumps([kept_of(change) for change in row.changes]),
    }


def kept_of(change: Change) -> dict[str, Any]:
    values = {item.name: getattr(change, item.name) for item in KEPT}
    return {
        "record_id": change.record_id,
        **{item.name: values[item.name] for item in KEPT if values[item.name] != item.default},
    }


def read_parked(entity: Any) -> Parked:
    listed = [{"kind": Kind.REFERENCE, **kept} for kept in json.loads(entity["references"])]
    return Parked(
        entity["RowKey"],
        entity["queue"],
        entity["table"],
        entity["reason"],
        CHANGES.validate_python(listed),
        entity.metadata["etag"],
    )


def read_due_header(entity: Any) -> DueHeader:
    return DueHeader(
        counts=Counter(json.loads(entity["counts"])),
        since=json.loads(entity["oldest"]),
        etag=entity.metadata["etag"],
    )


def header_operation(partition: str, header: DueHeader) -> tuple[Any, ...]:
    """Writes the header on the condition that nobody has since; an empty one goes."""
    entity = {"PartitionKey": partition, "RowKey": HEADER}
    counts = {"counts": json.dumps(header.counts), "oldest": json.dumps(header.since)}
    if not header.etag:
        return "create", {**entity, **counts}
    condition = unchanged(header.etag)
    if not header.counts:
        return "delete", entity, condition
    return "update", {**entity, **counts}, {"mode": UpdateMode.REPLACE, **condition}
