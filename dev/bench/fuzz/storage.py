"""A storage account that holds nothing and refuses what Azure Storage refuses: a key, a filter or a
text that it cannot keep.

Source: Microsoft Learn, "Understanding the Table service data model", "Querying tables and
entities".
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

KEY = re.compile(r"[^\x00-\x1f\x7f-\x9f/\\#?\ud800-\udfff]{0,512}")
FILTER = re.compile(r"(?:[^']|'(?:[^'\x00-\x1f]|'')*')*")
LONGEST_TEXT, LONGEST_MESSAGE = 32 * 1024, 49_152
MOST_DELAY_SECONDS = 7 * 86400
QUIET: Mapping[str, Any] = {"etag": 'W/"1"'}


class Refused(HttpResponseError):
    """What the service would answer with 400."""


def keyed(*keys: str) -> None:
    if any(not isinstance(key, str) or not KEY.fullmatch(key) for key in keys):
        raise Refused(f"a key that no table takes: {keys!r:.200}")


class Table:
    """Every write is checked and forgotten."""

    def get_entity(self, partition: str, row: str, **_: Any) -> Any:
        keyed(partition, row)
        raise ResourceNotFoundError("nothing is kept")

    def query_entities(self, condition: str = "", **_: Any) -> "Nothing":
        if not FILTER.fullmatch(condition) or len(condition) > LONGEST_TEXT:
            raise Refused("a filter that no table takes")
        condition.encode()
        return Nothing()

    def keep(self, entity: Mapping[str, Any], *_: Any, **__: Any) -> Mapping[str, Any]:
        keyed(entity["PartitionKey"], entity["RowKey"])
        for value in entity.values():
            fitting(value)
        return QUIET

    create_entity = update_entity = upsert_entity = keep

    def delete_entity(self, partition: str, row: str, **_: Any) -> None:
        keyed(partition, row)

    def submit_transaction(self, operations: Any) -> None:
        seen = [operation[1]["RowKey"] for operation in operations]
        if len(seen) != len(set(seen)) or len(seen) > 100:
            raise Refused("a transaction that no table takes")
        for operation in operations:
            self.keep(operation[1])


def fitting(value: Any) -> None:
    if isinstance(value, str):
        value.encode()
        if len(value) > LONGEST_TEXT:
            raise Refused("a text that no table takes")
    elif isinstance(value, int) and not isinstance(value, bool) and not -(2**31) <= value < 2**31:
        raise Refused("a number that is no Int32")


class Nothing:
    """The result of a query."""

    continuation_token = None

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def by_page(self, *_: Any) -> Any:
        return self


class Queue:
    def send_message(self, content: str, visibility_timeout: int = 0, **_: Any) -> None:
        if not 0 <= visibility_timeout <= MOST_DELAY_SECONDS:
            raise Refused("a delay that no queue takes")
        if len(content.encode()) > LONGEST_MESSAGE:
            raise Refused("a message that no queue takes")

    def get_queue_properties(self) -> Any:
        raise ResourceNotFoundError("nothing is kept")

    def peek_messages(self, *_: Any) -> list[Any]:
        return []

    def receive_messages(self, **_: Any) -> list[Any]:
        return []


class Container:
    """Documents may be put here: `texts` by name."""

    def __init__(self, texts: Mapping[str, bytes] | None = None) -> None:
        self.texts = dict(texts or {})

    def download_blob(self, name: str, **_: Any) -> "Blob":
        named(name)
        if name not in self.texts:
            raise ResourceNotFoundError("nothing is kept")
        return Blob(name, self.texts[name])

    def upload_blob(self, name: str, data: bytes, **_: Any) -> None:
        named(name)
        self.texts.setdefault(name, bytes(data))

    def delete_blob(self, name: str) -> None:
        named(name)
        raise ResourceNotFoundError("nothing is kept")

    def get_blob_client(self, name: str) -> "Blob":
        named(name)
        return Blob(name, self.texts.get(name))

    def list_blobs(self, name_starts_with: str = "", **_: Any) -> list["Blob"]:
        return [
            Blob(name, text)
            for name, text in self.texts.items()
            if name.startswith(name_starts_with)
        ]

    def walk_blobs(self, name_starts_with: str = "", **_: Any) -> list["Blob"]:
        return [
            blob
            for blob in self.list_blobs(name_starts_with)
            if "/" not in blob.name.removeprefix(name_starts_with)
        ]


class Blob:
    def __init__(self, name: str, data: bytes | None) -> None:
        self.name, self.data, self.metadata = name, data, dict[str, str]()
        self.etag, self.properties, self.creation_time = (
            '"1"',
            self,
            datetime(2026, 1, 1, tzinfo=UTC),
        )

    def get_blob_properties(self) -> "Blob":
        if self.data is None:
            raise ResourceNotFoundError("nothing is kept")
        return self

    def readall(self) -> bytes:
        return self.data or b""

    def read(self, size: int) -> bytes:
        return (self.data or b"")[:size]


def named(name: str) -> None:
    name.encode()
    if not 1 <= len(name) <= 1024 or any(part in ("", ".", "..") for part in name.split("/")):
        raise Refused("a name that no container takes")


class Account:
    """As shared.state.storage.Storage.

    What is uploaded stays: the active documents. Letters are forgotten.
    """

    def __init__(self) -> None:
        self.config = Container()

    def table(self, name: str) -> Table:
        return Table()

    def container(self, name: str) -> Container:
        return self.config if name == "config" else Forgetful()


class Forgetful(Container):
    def upload_blob(self, name: str, data: bytes, **_: Any) -> None:
        named(name)
