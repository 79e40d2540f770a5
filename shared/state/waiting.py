"""Records that wait for a parent: under the parent's ledger partition, so that settling it finds
them in one query.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched, islice
from typing import Any

from azure.data.tables import TableClient, TableTransactionError

from shared.state.due import Due
from shared.state.filters import literal
from shared.state.ledger_rows import ROWS_PER_TRANSACTION


@dataclass(frozen=True, slots=True)
class Waiter:
    """`parent` and `child` are record ids; `flow`, `queue`, `table` are the child's.

    Time in seconds since 1970.
    """

    partition: str
    parent: str
    flow: str
    queue: str
    table: str
    child: str
    since: float


class Waiting(Due):
    """The table `waiting`: who waits for a parent here, who waits for a time in `Due`.

    Parking twice and releasing what is not there are harmless.
    """

    def __init__(self, table: TableClient, now: Callable[[], float]) -> None:
        super().__init__(table, now)
        self.looked_at = ("", "")

    def park(self, waiters: Iterable[Waiter]) -> None:
        for group in by_partition(waiters):
            self.table.submit_transaction([("upsert", entity_of(waiter)) for waiter in group])

    def release(self, waiters: Iterable[Waiter]) -> None:
        for group in by_partition(waiters):
            if len(group) == 1 or not self.released(group):
                for waiter in group:
                    self.table.delete_entity(waiter.partition, row_key(waiter))

    def released(self, group: Sequence[Waiter]) -> bool:
        """All at once; False if one of them is not there, which undoes all."""
        try:
            self.table.submit_transaction([("delete", entity_of(waiter)) for waiter in group])
        except TableTransactionError as error:
            if error.status_code != 404:
                raise
            return False
        return True

    def of(self, partition: str, parents: Collection[str]) -> list[Waiter]:
        """Who waits for one of these parents of a partition."""
        wanted = set(parents)
        waiters = map(read, self.table.query_entities(f"PartitionKey eq {literal(partition)}"))
        return [waiter for waiter in waiters if waiter.parent in wanted]

    def some_since(self, moment: float, most: int) -> list[Waiter]:
        """Up to so many who have waited since before a moment: those behind the last time's, and
        then from the first again.
        """
        partition, row = self.looked_at
        behind = (
            f"(PartitionKey gt {literal(partition)} or (PartitionKey eq {literal(partition)} and"
            f" RowKey gt {literal(row)}))"
        )
        found = [
            read(entity)
            for entity in islice(
                self.table.query_entities(f"since lt {moment:f} and {behind}"), most
            )
        ]
        self.looked_at = (
            (found[-1].partition, row_key(found[-1])) if len(found) == most else ("", "")
        )
        return found

    def since(self, moment: float) -> Iterator[Waiter]:
        """Who has waited since before a moment."""
        return map(read, self.table.query_entities(f"since lt {moment:f}"))


def by_partition(waiters: Iterable[Waiter]) -> Iterator[list[Waiter]]:
    """Groups that fit into a transaction each: of one partition, none twice."""
    groups: defaultdict[str, dict[str, Waiter]] = defaultdict(dict)
    for waiter in waiters:
        groups[waiter.partition][row_key(waiter)] = waiter
    for group in groups.values():
        for part in batched(group.values(), ROWS_PER_TRANSACTION, strict=False):
            yield list(part)


def entity_of(waiter: Waiter) -> dict[str, Any]:
    key = {"PartitionKey": waiter.partition, "RowKey": row_key(waiter)}
    return {**key, "queue": waiter.queue, "table": waiter.table, "since": waiter.since}


def row_key(waiter: Waiter) -> str:
    return f"{waiter.parent}|{waiter.flow}|{waiter.child}"


def read(entity: Any) -> Waiter:
    parent, flow, child = entity["RowKey"].split("|")
    return Waiter(
        entity["PartitionKey"],
        parent,
        flow,
        entity["queue"],
        entity["table"],
        child,
        entity["since"],
    )
