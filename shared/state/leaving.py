"""Which records say that they leave the target, so that nobody gives them another child meanwhile.

Table `waiting`, one partition for each flow, `leaving|<flow>`: a row for each record, with the time
at which it said so last. Ids and times only.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from itertools import batched
from typing import Any

from azure.core.exceptions import ResourceModifiedError
from azure.data.tables import TableClient

from shared.state.conditions import unchanged
from shared.state.filters import literal
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, LedgerKey, bucket, partition_name
from shared.state.pages import filled

LEAVING = "leaving|"
BEHIND = "}"  # sorts directly behind "|"
BELIEVED_SECONDS = 1200.0
"""Of a record's word. Meanwhile its deletion is written, or carried out late, and every instance
that remembers the record (shared/state/presence.py) has forgotten it.
"""


class Leaving:
    """Saying it again is harmless; what is `outdated` is to be forgotten."""

    def __init__(self, table: TableClient, now: Callable[[], float]) -> None:
        self.table, self.now = table, now

    def add(self, partition: str, ids: Iterable[str]) -> None:
        """Records of one ledger partition say that they leave."""
        key, now = f"{LEAVING}{flow_of(partition)}", self.now()
        rows = [
            {"PartitionKey": key, "RowKey": record_id, "left_at": now}
            for record_id in dict.fromkeys(ids)
        ]
        for part in batched(rows, ROWS_PER_TRANSACTION, strict=False):
            self.table.submit_transaction([("upsert", row) for row in part])

    def of(self, wanted: Collection[LedgerKey]) -> dict[LedgerKey, Any]:
        """Those whose record leaves, with its row here.

        One look for each flow, whatever their number.
        """
        found = (self.between(flow, ids) for flow, ids in by_flow(wanted))
        return {key: row for part in found for key, row in part if key in wanted}

    def between(self, flow: str, ids: Collection[str]) -> Iterator[tuple[LedgerKey, Any]]:
        keys = f"RowKey ge {literal(min(ids))} and RowKey le {literal(max(ids))}"
        since = f"left_at gt {self.now() - BELIEVED_SECONDS:f}"
        condition = f"PartitionKey eq {literal(LEAVING + flow)} and {keys} and {since}"
        for row in self.table.query_entities(condition):
            yield key_of(row), row

    def forget(self, rows: Iterable[Any]) -> None:
        """Ends what was said, unless it has been said again since."""
        for row in rows:
            same = unchanged(row.metadata["etag"])
            with suppress(ResourceModifiedError):
                self.table.delete_entity(row["PartitionKey"], row["RowKey"], **same)

    def outdated(self) -> dict[LedgerKey, Any]:
        """Some of those that are believed no more, with their rows here."""
        end = literal(LEAVING.replace("|", BEHIND))
        keys = f"PartitionKey ge {literal(LEAVING)} and PartitionKey lt {end}"
        before = f"left_at lt {self.now() - BELIEVED_SECONDS:f}"
        found = filled(self.table.query_entities(f"{keys} and {before}").by_page())
        return {key_of(row): row for row in found}


def key_of(row: Any) -> LedgerKey:
    flow, record_id = row["PartitionKey"].removeprefix(LEAVING), row["RowKey"]
    return partition_name(flow, bucket(record_id)), record_id


def flow_of(partition: str) -> str:
    return partition.rpartition("-")[0]


def by_flow(wanted: Iterable[LedgerKey]) -> Iterable[tuple[str, list[str]]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for partition, record_id in wanted:
        groups[flow_of(partition)].append(record_id)
    return groups.items()
