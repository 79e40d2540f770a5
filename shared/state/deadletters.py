"""Dead letters: rejected records, each with its reason, for a person to mend and replay.

No value of a record is kept, except where the source cannot be asked for it again: such a record
rests in the container `letters` until it has arrived, and an event for 30 days at most (infra).
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import batched, islice
from typing import Any

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError
from azure.storage.blob import ContainerClient

from shared import exact_json
from shared.file_samples import is_same_file
from shared.state.conditions import unchanged
from shared.state.filters import literal
from shared.state.selected import known
from shared.state.texts import kept

LETTERS_PER_TRANSACTION = 100
UNDER_WAY_SECONDS = 600.0  # then who replays a letter again means it
POISON = "-poison"  # how the origin of a message ends that was kept as a whole
GONE = (ResourceNotFoundError, ResourceModifiedError)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`reason` is a code, `field` the target field or fields concerned, `sentence` says which rule
    was broken and what to do.

    `origin`: the place at the source that it comes from, such as "deliveryLogs_1.txt:3", "" where
    there is none or an earlier version of the bridge did not say. Times in seconds since 1970;
    `first_seen` is when the bridge read the record.
    `metadata`: what refused it, where newer metadata may let it pass; "" elsewhere. `sample`: which
    file of its name it is of. `replayed_at`, `replayed_by`: when it was handed off since it was
    refused, and by which job.
    """

    flow: str
    record_id: str
    reason: str
    field: str
    sentence: str
    mapping_version: int
    attempts: int
    rejected_at: float
    origin: str = ""
    first_seen: float = 0.0
    metadata: str = ""
    sample: str = ""
    replayed_at: float = 0.0
    replayed_by: str = ""

    def is_under_way(self, job: str, now: float) -> bool:
        """Whether another replay than this job has just handed it off."""
        return self.replayed_by not in ("", job) and now - self.replayed_at < UNDER_WAY_SECONDS


@dataclass(slots=True)
class LetterGroup:
    """Letters of a flow with the same reason and field. Times in seconds since 1970."""

    flow: str
    reason: str
    field: str
    sentence: str
    """Of the first letter; it says what to do."""
    count: int = 0
    first: float = 0.0
    latest: float = 0.0

    def add(self, rejected_at: float) -> None:
        self.count += 1
        self.first = min(self.first or rejected_at, rejected_at)
        self.latest = max(self.latest, rejected_at)


class DeadLetters:
    """The table `deadletters`, containers `letters` and `poison`.

    Putting twice and removing what is not there are harmless.
    """

    def __init__(
        self, table: TableClient, bodies: ContainerClient, messages: ContainerClient
    ) -> None:
        self.table, self.bodies, self.messages = table, bodies, messages

    def put(self, letter: DeadLetter, row: Mapping[str, Any] | None = None) -> None:
        """`row` is kept too where it is given."""
        if row is not None:
            self.bodies.upload_blob(
                f"{letter.flow}/{letter.record_id}", exact_json.carried(row), overwrite=True
            )
        columns = {
            name: kept(value) if isinstance(value, str) else value
            for name, value in asdict(letter).items()
        }
        times = {name: float(columns[name]) for name in ("first_seen", "replayed_at")}
        values = {**columns, **times}
        self.table.upsert_entity(
            {"PartitionKey": values.pop("flow"), "RowKey": values.pop("record_id"), **values}
        )

    def put_message(self, letter: DeadLetter, content: str) -> None:
        """The letter of a whole message that could not be read, with the message, which has no
        lifetime.
        """
        self.messages.upload_blob(
            message_name(letter), content.encode("utf-8", "surrogatepass"), overwrite=True
        )
        self.put(letter)

    def message(self, letter: DeadLetter) -> str | None:
        """The message of a letter, None where none is kept."""
        try:
            body: bytes = self.messages.download_blob(message_name(letter)).readall()
        except ResourceNotFoundError:
            return None
        return body.decode("utf-8", "surrogatepass")

    def row(self, flow: str, record_id: str) -> dict[str, Any] | None:
        """The record itself, None where it was not kept or its lifetime has ended."""
        try:
            row: dict[str, Any] = exact_json.read(
                self.bodies.download_blob(f"{flow}/{record_id}").readall()
            )
        except ResourceNotFoundError:
            return None
        return row

    def discard(
        self, flow: str, ids: Iterable[str], is_over: Callable[[str], bool] = lambda _: True
    ) -> int:
        """Gives letters and kept rows up; returns how many letters there were.

        One that is put again meanwhile stays, with its row: also where a deletion takes long.
        `is_over` is asked once a letter is found: the answer then holds for just this one.
        """
        count = 0
        for record_id in ids:
            row = self.row_etag(flow, record_id)
            letter, etag = self.found(flow, record_id)
            if letter is None or not is_over(record_id):
                continue
            count += 1
            if row:
                with contextlib.suppress(*GONE):
                    self.bodies.delete_blob(f"{flow}/{record_id}", **unchanged(row))
            if letter.origin.endswith(POISON):
                with contextlib.suppress(ResourceNotFoundError):
                    self.messages.delete_blob(message_name(letter))
            self.take_away(letter, etag)
        return count

    def row_etag(self, flow: str, record_id: str) -> str:
        """Of the kept row, "" where none is kept."""
        try:
            found = self.bodies.get_blob_client(f"{flow}/{record_id}").get_blob_properties()
        except ResourceNotFoundError:
            return ""
        return str(found.etag)

    def take_away(self, letter: DeadLetter, etag: str) -> None:
        """The row of this letter, and of none that was put since. A mark on it changes nothing.

        Which was put later is not told by their times: two instances' clocks differ.
        """
        same: DeadLetter | None = letter
        while same and same.rejected_at == letter.rejected_at:
            try:
                self.table.delete_entity(letter.flow, letter.record_id, **unchanged(etag))
            except ResourceModifiedError:
                same, etag = self.found(letter.flow, letter.record_id)
            else:
                return

    def remove_from(self, flow: str, origin: str, before: float, sample: str) -> int:
        """Removes the letters of a file and of its lines that were read before a moment; returns
        how many.

        Letters of another
        file of its name stay, and so do those of records, which go when the record itself has
        arrived.
        """
        lines = f"origin ge {literal(origin + ':')} and origin lt {literal(origin + ';')}"
        within = f"origin eq {literal(origin)} or ({lines})"
        condition = f"PartitionKey eq {literal(flow)} and first_seen lt {before:f} and ({within})"
        found = self.table.query_entities(condition, select=["RowKey", "sample"])
        same = (one for one in map(known, found) if is_same_file(one.get("sample", ""), sample))
        return self.discard(flow, [one["RowKey"] for one in same])

    def arrived(self, flow: str, ids: Collection[str]) -> int:
        """Removes the letters of records that have arrived, where there are some; returns how
        many.
        """
        if not ids:
            return 0
        condition = (
            f"PartitionKey eq {literal(flow)} and RowKey ge {literal(min(ids))} and RowKey le"
            f" {literal(max(ids))}"
        )
        found = {
            entity["RowKey"] for entity in self.table.query_entities(condition, select=["RowKey"])
        }
        return self.discard(flow, found & set(ids))

    def page(self, flow: str, after: str = "", limit: int = 1000) -> list[DeadLetter]:
        """Up to `limit` (at most 1,000) dead letters of a flow in the order of record ids, from
        behind `after`. Fewer than `limit` are the last ones, whatever pages the service makes.
        """
        condition = f"PartitionKey eq {literal(flow)} and RowKey gt {literal(after)}"
        found = self.table.query_entities(condition, results_per_page=limit)
        return [read(entity) for entity in islice(found, limit)]

    def refused_before(self, flow: str, metadata: str, limit: int = 1000) -> list[str]:
        """Up to `limit` ids of records that other metadata than this refused a value of."""
        condition = (
            f"PartitionKey eq {literal(flow)} and metadata gt '' and metadata ne"
            f" {literal(metadata)}"
        )
        return [
            entity["RowKey"]
            for entity in islice(self.table.query_entities(condition, select=["RowKey"]), limit)
        ]

    def sent_again(self, flow: str, record_id: str, metadata: str) -> None:
        """Notes with which metadata a record was sent again; nothing where it has arrived
        meanwhile.
        """
        with contextlib.suppress(ResourceNotFoundError):
            self.table.update_entity(
                {"PartitionKey": flow, "RowKey": record_id, "metadata": metadata}
            )

    def replayed(self, flow: str, ids: Iterable[str], job: str, now: float) -> None:
        """Notes which job hands these letters off; nothing where one has gone meanwhile."""
        for part in batched(ids, LETTERS_PER_TRANSACTION, strict=False):
            rows = [
                {"PartitionKey": flow, "RowKey": id_, "replayed_at": now, "replayed_by": job}
                for id_ in part
            ]
            try:
                self.table.submit_transaction([("update", row) for row in rows])
            except TableTransactionError as error:
                if error.status_code != 404:
                    raise
                for row in rows:
                    with contextlib.suppress(ResourceNotFoundError):
                        self.table.update_entity(row)

    def get(self, flow: str, record_id: str) -> DeadLetter | None:
        return self.found(flow, record_id)[0]

    def found(self, flow: str, record_id: str) -> tuple[DeadLetter | None, str]:
        """A letter, and its row's ETag."""
        try:
            entity = self.table.get_entity(flow, record_id)
        except ResourceNotFoundError:
            return None, ""
        return read(entity), str(entity.metadata["etag"])

    def groups(self, flow: str) -> list[LetterGroup]:
        """All letters of a flow by reason and field, the largest group first. A scan."""
        names = ["reason", "field", "sentence", "rejected_at"]
        condition = f"PartitionKey eq {literal(flow)}"
        return grouped(flow, self.table.query_entities(condition, select=names))

    def count(self, flow: str) -> int:
        return self.counts(flow).total()

    def counts(self, flow: str) -> Counter[str]:
        """How many letters a flow has, by their reason."""
        return Counter(
            entity["reason"]
            for entity in self.table.query_entities(
                f"PartitionKey eq {literal(flow)}", select=["reason"]
            )
        )


def grouped(flow: str, letters: Iterable[Any]) -> list[LetterGroup]:
    """`letters`: rows with reason, field, sentence and rejected_at."""
    found: dict[tuple[str, str], LetterGroup] = {}
    for one in letters:
        key = (one["reason"], one["field"])
        group = found.setdefault(key, LetterGroup(flow, *key, one["sentence"]))
        group.add(one["rejected_at"])
    return sorted(found.values(), key=lambda group: -group.count)


def message_name(letter: DeadLetter) -> str:
    return f"{letter.origin}/{letter.record_id}"


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
        entity.get("origin", ""),
        entity.get("first_seen", 0.0),
        entity.get("metadata", ""),
        entity.get("sample", ""),
        entity.get("replayed_at", 0.0),
        entity.get("replayed_by", ""),
    )
