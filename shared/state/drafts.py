"""Drafts: mapping documents that people work on in the console. No flow reads one.

config/mappings/drafts/<table>.yaml. A draft becomes a document that counts only when somebody puts
it into force (`Documents.put_draft`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContainerClient

from shared.identifiers import table_name
from shared.state.conditions import unchanged
from shared.state.documents import MOST_DRAFT_BYTES, ChangedMeanwhile, put
from shared.state.signatures import Signature, read_signature

FOLDER = "mappings/drafts"


@dataclass(frozen=True, slots=True)
class Draft:
    """One table's draft; `text` is "" in a list of them."""

    table: str
    text: str
    etag: str
    author: str
    """Who saved it last."""
    at: float
    """When, in seconds since 1970."""
    base: int
    """The version that was active when it was saved; 0 for none."""


class Drafts:
    """One draft for each table, whoever works on it."""

    def __init__(self, container: ContainerClient, now: Callable[[], float]) -> None:
        self.container, self.now = container, now

    def find(self, table: str) -> Draft | None:
        try:
            blob = self.container.download_blob(name(table))
        except ResourceNotFoundError:
            return None
        text = blob.read(MOST_DRAFT_BYTES).decode("utf-8", "surrogateescape")
        return read_draft(table, text, blob.properties)

    def all(self) -> dict[str, Draft]:
        """Every draft by its table, without texts."""
        return {draft.table: draft for draft in self.listed()}

    def listed(self) -> Iterator[Draft]:
        for blob in self.container.list_blobs(name_starts_with=f"{FOLDER}/", include=["metadata"]):
            stem = str(blob.name).removeprefix(f"{FOLDER}/").removesuffix(".yaml")
            if table := table_name(stem):
                yield read_draft(table, "", blob)

    def save(self, table: str, text: str, etag: str, author: str, base: int) -> str:
        """Puts a draft in place of the one with this ETag, "" for none. Returns its new ETag.

        ChangedMeanwhile if somebody else saved or discarded it since.
        """
        metadata = {
            **Signature(author).as_metadata(),
            "at": str(self.now()),
            "base": str(base),
        }
        saved = put(self.container, name(table), text, etag, metadata)
        if not saved:
            raise ChangedMeanwhile("mappings/drafts", table)
        return saved

    def discard(self, table: str, etag: str) -> None:
        """Takes the draft with this ETag away. One that is gone is as good as discarded.

        ChangedMeanwhile if somebody else saved it since.
        """
        same = unchanged(etag)
        try:
            self.container.delete_blob(name(table), **same)
        except (ResourceNotFoundError, ResourceModifiedError):
            if self.find(table):
                raise ChangedMeanwhile("mappings/drafts", table) from None


def name(table: str) -> str:
    return f"{FOLDER}/{table}.yaml"


def read_draft(table: str, text: str, properties: Any) -> Draft:
    metadata = properties.metadata or {}
    at, base = metadata.get("at", ""), metadata.get("base", "")
    return Draft(
        table,
        text,
        str(properties.etag),
        read_signature(metadata).author,
        number(at),
        int(base) if base.isascii() and base.isdigit() else 0,
    )


def number(text: str) -> float:
    """The number in a text that somebody may have written by hand; 0 for none."""
    try:
        found = float(text)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) else 0.0
