"""Dead letters: rejected records, each with its reason, for a person to mend and replay. No value of a record is kept."""

from dataclasses import asdict, dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`reason` is a code, `field` the target field or fields concerned, `sentence` says which rule was broken and what to do.

    Time in seconds since 1970.
    """

    flow: str
    record_id: str
    reason: str
    field: str
    sentence: str
    mapping_version: int
    attempts: int
    rejected_at: float


class DeadLetters:
    """The table `deadletters`. Putting twice and removing what is not there are harmless."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def put(self, letter: DeadLetter) -> None:
        values = asdict(letter)
        self.table.upsert_entity({"PartitionKey": values.pop("flow"), "RowKey": values.pop("record_id"), **values})

    def remove(self, flow: str, record_id: str) -> None:
        self.table.delete_entity(flow, record_id)

    def page(self, flow: str, after: str = "", limit: int = 1000) -> list[DeadLetter]:
        """Up to `limit` (at most 1,000) dead letters of a flow in the order of record ids, from behind `after`."""
        condition = f"PartitionKey eq '{flow}' and RowKey gt '{after}'"
        pages = self.table.query_entities(condition, results_per_page=limit).by_page()
        return [read(entity) for entity in next(pages, [])]

    def get(self, flow: str, record_id: str) -> DeadLetter | None:
        try:
            return read(self.table.get_entity(flow, record_id))
        except ResourceNotFoundError:
            return None

    def count(self, flow: str) -> int:
        return sum(1 for _ in self.table.query_entities(f"PartitionKey eq '{flow}'", select=["RowKey"]))


def read(entity: Any) -> DeadLetter:
    return DeadLetter(
        entity["PartitionKey"],
        entity["RowKey"],
        entity["reason"],
        entity["field"],
        entity["sentence"],
        entity["mapping_version"],
        entity["attempts"],
        entity["rejected_at"],
    )
