"""How far each flow has read its table, and how far a sweep for missed deletions has come."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.errors import Cause, Retryable
from shared.state.conditions import unchanged


@dataclass(slots=True)
class Checkpoint:
    """`phase` is "full" while every row is read and "delta" afterwards; `link` is where the next
    read begins ("" at the start).

    `replay`: what this full read brings is written although it has not changed.
    `sweep` is "" | "due" | "running" | "asking" | "confirmed": after each full read the ledger's
    ids are compared with the source.
    Times in seconds since 1970; `taken_at` is when `link` was given, which a change token's age is
    counted from; `full_at` when the last full read ended; `caught_up_at` when the last page was
    asked for behind which there was none; `restarted_at` when the source last refused the
    position, 0 once it has taken a new one.
    `confirmed_by`: who allowed what the last sweep found, "" where nobody was asked.
    `handed`: when the last pages were put on the queue and
    in how many messages (shared/pipeline/queue_room.py). `links`: whether reading has told the
    waiting room of all links: "new" from the table's first read on, "reading" once that read ends.
    """

    flow: str
    table: str
    phase: str = "full"
    link: str = field(default="", repr=False)
    taken_at: float = 0.0
    full_at: float = 0.0
    columns: str = ""
    mapping_version: int = 0
    replay: bool = False
    pages: int = 0
    rows: int = 0
    sweep: str = ""
    sweep_bucket: int = 0
    sweep_after: str = ""
    sweep_run: str = ""
    swept: int = 0
    missing: int = 0
    caught_up_at: float = 0.0
    restarted_at: float = 0.0
    confirmed_by: str = ""
    handed: str = ""
    links: str = ""
    etag: str = ""

    def restart(self) -> None:
        """Reads everything again, from the first row. A replay that was under way is one still."""
        self.phase, self.link, self.pages, self.rows, self.sweep = "full", "", 0, 0, ""

    def replay_all(self) -> None:
        """Reads everything again, and writes also what has not changed."""
        self.restart()
        self.replay = True

    def replay_no_more(self) -> None:
        self.replay = False


class Checkpoints:
    """The table `checkpoints`.

    A save that lost a race is Retryable: somebody else went on from the same place.
    """

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def load(self, flow: str, table: str) -> Checkpoint:
        try:
            entity = self.table.get_entity(flow, table)
        except ResourceNotFoundError:
            return Checkpoint(flow, table)
        known = {item.name for item in fields(Checkpoint)}
        return Checkpoint(
            flow,
            table,
            etag=str(entity.metadata["etag"]),
            **{name: entity[name] for name in entity if name in known},
        )

    def save(self, checkpoint: Checkpoint) -> None:
        try:
            checkpoint.etag = self.write(checkpoint)["etag"]
        except (ResourceModifiedError, ResourceExistsError):
            raise Retryable(
                "Another run of this poll went on from here; this one ends.", cause=Cause.PAUSE
            ) from None

    def write(self, checkpoint: Checkpoint) -> Any:
        values = asdict(checkpoint)
        etag, flow, table = values.pop("etag"), values.pop("flow"), values.pop("table")
        entity = {"PartitionKey": flow, "RowKey": table, **values}
        if not etag:
            return self.table.create_entity(entity)
        return self.table.update_entity(entity, UpdateMode.REPLACE, **unchanged(etag))
