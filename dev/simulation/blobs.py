"""Azure's blob service in memory: conditions by ETag, listings, metadata, append blobs.

Sources: Microsoft Learn, "Put Blob", "Append Block", "List Blobs", "Specifying conditional headers
for Blob service operations".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from dev.simulation.errors import Answer

Perform = Callable[[str, Callable[[], Any]], Any]
KINDS: dict[int, type[HttpResponseError]] = {
    404: ResourceNotFoundError,
    409: ResourceExistsError,
    412: ResourceModifiedError,
}


@dataclass(slots=True)
class Blob:
    """BlobProperties, with what the blob holds."""

    name: str
    etag: str
    creation_time: datetime
    metadata: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.body)


class BlobService:
    """All containers of an account."""

    def __init__(self, perform: Perform, now: Callable[[], float]) -> None:
        self.perform, self.now = perform, now
        self.containers: dict[str, dict[str, Blob]] = {}
        self.number = 0

    def get_container_client(self, container: str) -> "Container":
        return Container(self, container)

    def next_etag(self) -> str:
        self.number += 1
        return f'"0x{self.number:015X}"'

    def blob(self, name: str, body: bytes, metadata: dict[str, str], before: Blob | None) -> Blob:
        created = before.creation_time if before else datetime.fromtimestamp(self.now(), UTC)
        return Blob(name, self.next_etag(), created, metadata, body)


class Container:
    """ContainerClient, as far as shared/state uses it."""

    def __init__(self, service: BlobService, name: str) -> None:
        self.service, self.name = service, name

    def create_container(self) -> None:
        def work() -> Any:
            if self.name in self.service.containers:
                return refusal(409, "ContainerAlreadyExists")
            self.service.containers[self.name] = {}
            return None

        self.ask("create", work)

    def upload_blob(
        self,
        name: str,
        data: bytes | str,
        *,
        overwrite: bool = False,
        etag: str = "",
        match_condition: MatchConditions | None = None,
        metadata: dict[str, str] | None = None,
    ) -> "BlobClient":
        body = data.encode() if isinstance(data, str) else data

        def work() -> Any:
            blobs = self.blobs()
            before = blobs.get(name)
            if before and not overwrite:
                return refusal(409, "BlobAlreadyExists")
            if match_condition == MatchConditions.IfNotModified and (
                before is None or before.etag != etag
            ):
                return refusal(412, "ConditionNotMet")
            made = blobs[name] = self.service.blob(name, body, dict(metadata or {}), before)
            return made.etag

        return BlobClient(self, name, str(self.ask(f"upload {name}", work)))

    def download_blob(self, blob: str, offset: int = 0, length: int | None = None) -> "Download":
        found: Blob = self.ask(
            f"download {blob}", lambda: self.blobs().get(blob) or refusal(404, "BlobNotFound")
        )
        end = None if length is None else offset + length
        return Download(replace(found, body=found.body[offset:end]))

    def delete_blob(
        self, blob: str, *, etag: str = "", match_condition: MatchConditions | None = None
    ) -> None:
        def work() -> Any:
            found = self.blobs().get(blob)
            seen = found.etag if found else ""
            if match_condition == MatchConditions.IfNotModified and seen != etag:
                return refusal(412, "ConditionNotMet")
            if found is None:
                return refusal(404, "BlobNotFound")
            del self.blobs()[blob]
            return None

        self.ask(f"delete {blob}", work)

    def get_blob_client(self, blob: str) -> "BlobClient":
        return BlobClient(self, blob)

    def list_blobs(self, name_starts_with: str = "", **_: object) -> Iterator[Blob]:
        listed: list[Blob] = self.ask(
            f"list {name_starts_with}", lambda: self.listed(name_starts_with)
        )
        return iter(listed)

    def walk_blobs(self, name_starts_with: str = "", delimiter: str = "/") -> Iterator[Blob]:
        """Those directly below the prefix, and one entry for each folder there."""
        found: dict[str, Blob] = {}
        for blob in self.list_blobs(name_starts_with):
            below, mark, _ = blob.name.removeprefix(name_starts_with).partition(delimiter)
            name = f"{name_starts_with}{below}{mark}"
            found.setdefault(
                name, Blob(name, blob.etag, blob.creation_time, {}, b"") if mark else blob
            )
        return iter(found.values())

    def listed(self, prefix: str) -> list[Blob]:
        return [blob for name, blob in sorted(self.blobs().items()) if name.startswith(prefix)]

    def blobs(self) -> dict[str, Blob]:
        return self.service.containers[self.name]

    def ask(self, what: str, work: Callable[[], Any]) -> Any:
        def answered() -> Any:
            if what != "create" and self.name not in self.service.containers:
                return refusal(404, "ContainerNotFound")
            return work()

        found = self.service.perform(f"{self.name} {what}", answered)
        if isinstance(found, HttpResponseError):
            raise found
        return found


class Download:
    """StorageStreamDownloader."""

    def __init__(self, properties: Blob) -> None:
        self.properties = properties

    def readall(self) -> bytes:
        return self.properties.body

    def read(self, size: int = -1) -> bytes:
        return self.properties.body if size < 0 else self.properties.body[:size]


class BlobClient:
    """BlobClient, as far as shared/state uses it."""

    def __init__(self, container: Container, blob_name: str, etag: str = "") -> None:
        self.container, self.blob_name = container, blob_name
        self.etag = etag
        """That of the upload which gave this client."""

    def upload_blob(self, data: bytes | str, **options: Any) -> dict[str, str]:
        """What the service answers, as far as it is used."""
        return {"etag": self.container.upload_blob(self.blob_name, data, **options).etag}

    def get_blob_properties(self) -> Blob:
        return self.container.download_blob(self.blob_name).properties

    def exists(self) -> bool:
        found: bool = self.container.ask(
            f"exists {self.blob_name}", lambda: self.blob_name in self.container.blobs()
        )
        return found

    def create_append_blob(self) -> None:
        def work() -> None:
            blobs = self.container.blobs()
            blobs[self.blob_name] = self.container.service.blob(
                self.blob_name, b"", {}, blobs.get(self.blob_name)
            )

        self.container.ask(f"create append {self.blob_name}", work)

    def append_block(self, data: bytes) -> None:
        def work() -> Any:
            blobs = self.container.blobs()
            if not (before := blobs.get(self.blob_name)):
                return refusal(404, "BlobNotFound")
            body = before.body + data
            blobs[self.blob_name] = self.container.service.blob(
                self.blob_name, body, before.metadata, before
            )
            return None

        self.container.ask(f"append {self.blob_name}", work)


def refusal(status: int, code: str) -> HttpResponseError:
    answer: Any = Answer(status)
    error = KINDS[status](message=code, response=answer)
    error.error_code = code  # type: ignore[attr-defined]
    return error
