"""The waiting room: who waits for a parent, and the children that a parent has in the target.

Both lists lie in one partition for each flow of parents, ordered by parent: parking an envelope of
children is one transaction, and those of one parent are a range of keys. Who waits for a time is in
`Due`, and which parents leave in `Leaving`.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import batched, islice
from typing import Any

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError

from shared.state.conditions import unchanged
from shared.state.due import AHEAD, Due
from shared.state.filters import literal
from shared.state.leaving import Leaving
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, bucket, partition_name
from shared.state.pages import filled

PARKED, LINKED = "parked|", "children|"
BEHIND = "}"  # sorts directly behind "|"
ROWS_PER_PAGE = 1000
CRAWL, POSITION = "crawl", "!"
PARKED_END = PARKED.replace("|", BEHIND)
EARLIER = (
    f"PartitionKey gt '{LINKED.replace('|', BEHIND)}' and PartitionKey lt 'due|' and since ge 0.0"
)
"""Partitions of flows, where an earlier version parked: between those of this one."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """`parent` and `child` are record ids; `flow`, `queue`, `table` are the child's.

    `partition`: the parent's in the ledger. `since`: seconds since 1970. `etag`: of its row, where
    that was read or written here: it is taken away on condition that nobody has put it again.
    """

    partition: str
    parent: str
    flow: str
    queue: str
    table: str
    child: str
    since: float
    etag: str = field(default="", compare=False)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Names its row, of whatever time."""
        return self.partition, self.parent, self.flow, self.child

    @property
    def parent_flow(self) -> str:
        return self.partition.rpartition("-")[0]


class Waiting(Due):
    """The table `waiting`. Parking twice and releasing what is not there are harmless."""

    def __init__(
        self, table: TableClient, now: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        super().__init__(table, now, sleep)
        self.parked, self.linked = Kin(table, PARKED, "since"), Kin(table, LINKED, "linked_at")
        self.ahead = Due(table, now, sleep, AHEAD)
        self.leaving = Leaving(table, now)

    def park(self, waiters: Iterable[Waiter]) -> list[Waiter]:
        """As they rest now; none twice."""
        return self.parked.add(waiters)

    def release(self, waiters: Iterable[Waiter]) -> None:
        self.parked.remove(waiters)

    def of(self, partition: str, parents: Collection[str]) -> list[Waiter]:
        """Who waits for one of these parents of a partition."""
        return self.parked.of(partition, parents)

    def page(self, after: tuple[str, str]) -> tuple[list[Waiter], tuple[str, str]]:
        """Some of those who wait for a parent, from behind a position on; and the position behind
        them, ("", "") at the end.
        """
        partition, row = after if after[0] else (PARKED, "")
        found = self.rows_of(
            f"PartitionKey eq {literal(partition)} and RowKey gt {literal(row)}"
        ) or self.rows_of(
            f"PartitionKey gt {literal(partition)} and PartitionKey lt {literal(PARKED_END)}"
        )
        end = (found[-1]["PartitionKey"], found[-1]["RowKey"]) if found else ("", "")
        return [self.parked.read(entity) for entity in found], end

    def rows_of(self, condition: str) -> list[Any]:
        """A page of a range of keys."""
        return filled(
            self.table.query_entities(condition, results_per_page=ROWS_PER_PAGE).by_page()
        )

    def position(self) -> tuple[str, str]:
        """Where the last look through those who wait has ended."""
        try:
            entity = self.table.get_entity(CRAWL, POSITION)
        except ResourceNotFoundError:
            return "", ""
        return entity["partition"], entity["row"]

    def save_position(self, position: tuple[str, str]) -> None:
        key = {"PartitionKey": CRAWL, "RowKey": POSITION}
        self.table.upsert_entity({**key, "partition": position[0], "row": position[1]})

    def earlier(self) -> list[Waiter]:
        """Some of those whom an earlier version parked, under the parent's ledger partition."""
        found = self.rows_of(EARLIER)
        return [read(entity, entity["PartitionKey"], "since") for entity in found]

    def move(self, waiters: Iterable[Waiter]) -> None:
        """Parks those of an earlier version as this one does."""
        for waiter in waiters:
            self.parked.add([waiter])
            self.table.delete_entity(waiter.partition, row_key(waiter))


class Kin:
    """Children by their parent, in partitions `<prefix><flow of the parents>`."""

    def __init__(self, table: TableClient, prefix: str, time: str) -> None:
        self.table, self.prefix, self.time = table, prefix, time

    def add(self, waiters: Iterable[Waiter]) -> list[Waiter]:
        """As they rest now; none twice."""
        added: list[Waiter] = []
        for group in by_parent_flow(waiters):
            rows = self.table.submit_transaction([("upsert", self.entity(one)) for one in group])
            added += [replace(one, etag=row["etag"]) for one, row in zip(group, rows, strict=True)]
        return added

    def remove(self, waiters: Iterable[Waiter]) -> None:
        """What others have put again since it was read stays: also where this call takes long."""
        for group in by_parent_flow(waiters):
            if len(group) == 1 or not self.removed(group):
                for waiter in group:
                    with suppress(ResourceModifiedError):
                        self.table.delete_entity(
                            self.partition(waiter), row_key(waiter), **condition_of(waiter)
                        )

    def removed(self, group: Sequence[Waiter]) -> bool:
        """All at once; False if one of them is not there or another one, which undoes all."""
        deletions = [("delete", self.entity(one), condition_of(one)) for one in group]
        try:
            self.table.submit_transaction(deletions)
        except TableTransactionError as error:
            if error.status_code not in (404, 412):
                raise
            return False
        return True

    def of(self, partition: str, parents: Collection[str], most: int | None = None) -> list[Waiter]:
        """The children of these parents, which are of one ledger partition; `most` of each at most.

        One look where the table has few children, else one for each page of a parent's.
        """
        if not parents:
            return []
        flow, wanted = partition.rpartition("-")[0], sorted(set(parents))
        found, complete = self.between(flow, wanted[0], wanted[-1])
        if complete:
            return [waiter for waiter in found if waiter.parent in set(wanted)]
        return [one for parent in wanted for one in islice(self.all_of(flow, parent), most)]

    def between(self, flow: str, first: str, last: str) -> tuple[list[Waiter], bool]:
        """One page of the children of all parents between two; and whether these are all."""
        pages: Any = self.table.query_entities(
            self.range(flow, first, last), results_per_page=ROWS_PER_PAGE
        ).by_page()
        found = filled(pages)
        return [self.read(entity) for entity in found], not (found and pages.continuation_token)

    def resting(self, waiter: Waiter) -> Waiter | None:
        """Its row as it is now; None where there is none."""
        try:
            return self.read(self.table.get_entity(self.partition(waiter), row_key(waiter)))
        except ResourceNotFoundError:
            return None

    def all_of(self, flow: str, parent: str) -> Iterator[Waiter]:
        return map(self.read, self.table.query_entities(self.range(flow, parent, parent)))

    def range(self, flow: str, first: str, last: str) -> str:
        partition = literal(f"{self.prefix}{flow}")
        keys = f"RowKey ge {literal(f'{first}|')} and RowKey lt {literal(f'{last}{BEHIND}')}"
        return f"PartitionKey eq {partition} and {keys}"

    def partition(self, waiter: Waiter) -> str:
        return f"{self.prefix}{waiter.parent_flow}"

    def entity(self, waiter: Waiter) -> dict[str, Any]:
        key = {"PartitionKey": self.partition(waiter), "RowKey": row_key(waiter)}
        return {**key, "queue": waiter.queue, "table": waiter.table, self.time: waiter.since}

    def read(self, entity: Any) -> Waiter:
        flow, parent = entity["PartitionKey"].partition("|")[2], entity["RowKey"].partition("|")[0]
        return read(entity, partition_name(flow, bucket(parent)), self.time)


def by_parent_flow(waiters: Iterable[Waiter]) -> Iterator[list[Waiter]]:
    """Groups that fit into a transaction each: of one partition, none twice."""
    groups: defaultdict[str, dict[str, Waiter]] = defaultdict(dict)
    for waiter in waiters:
        groups[waiter.parent_flow][row_key(waiter)] = waiter
    for group in groups.values():
        for part in batched(group.values(), ROWS_PER_TRANSACTION, strict=False):
            yield list(part)


def condition_of(waiter: Waiter) -> dict[str, Any]:
    """The condition that its row is the one that was read; none where it was not."""
    if not waiter.etag:
        return {}
    return unchanged(waiter.etag)


def row_key(waiter: Waiter) -> str:
    return f"{waiter.parent}|{waiter.flow}|{waiter.child}"


def read(entity: Any, partition: str, time: str) -> Waiter:
    parent, flow, child = entity["RowKey"].split("|")
    names = (partition, parent, flow, entity["queue"], entity["table"], child)
    return Waiter(*names, since=entity[time], etag=entity.metadata["etag"])
