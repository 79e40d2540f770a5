"""Records that wait for a parent: under the parent's ledger partition, so that settling it finds them in one query."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from azure.data.tables import TableClient


@dataclass(frozen=True, slots=True)
class Waiter:
    """`parent` and `child` are record ids; `flow`, `queue`, `table` are the child's. Time in seconds since 1970."""

    partition: str
    parent: str
    flow: str
    queue: str
    table: str
    child: str
    since: float


class Waiting:
    """The table `waiting`. Parking twice and releasing what is not there are harmless."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def park(self, waiter: Waiter) -> None:
        entity = {"PartitionKey": waiter.partition, "RowKey": row_key(waiter), "queue": waiter.queue, "table": waiter.table}
        self.table.upsert_entity({**entity, "since": waiter.since})

    def release(self, waiter: Waiter) -> None:
        self.table.delete_entity(waiter.partition, row_key(waiter))

    def of(self, partition: str, parents: Collection[str]) -> list[Waiter]:
        """Who waits for one of these parents of a partition."""
        wanted = set(parents)
        waiters = map(read, self.table.query_entities(f"PartitionKey eq '{partition}'"))
        return [waiter for waiter in waiters if waiter.parent in wanted]

    def since(self, moment: float) -> Iterator[Waiter]:
        """Who has waited since before a moment."""
        return map(read, self.table.query_entities(f"since lt {moment:f}"))


def row_key(waiter: Waiter) -> str:
    return f"{waiter.parent}|{waiter.flow}|{waiter.child}"


def read(entity: Any) -> Waiter:
    parent, flow, child = entity["RowKey"].split("|")
    return Waiter(entity["PartitionKey"], parent, flow, entity["queue"], entity["table"], child, entity["since"])
