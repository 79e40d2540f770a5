"""Documents in the container `config`: what a person edits, and the numbered versions that have
been active.

config/mappings/<table>.yaml                   put here by a person; activated if it is sound
config/mappings/versions/<table>/000001.yaml   never changed; the highest is active
config/mappings/drafts/<table>.yaml            what people work on; no flow reads it (drafts.py)
config/events/...                              also, the events document
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import BlobProperties, ContainerClient

from shared.identifiers import table_name
from shared.state.signatures import NOBODY, Signature, read_signature

VERSION = re.compile(r"(?P<folder>[^/]+)/versions/(?P<table>[^/]+)/(?P<number>[0-9]{6})\.yaml")
DRAFT = re.compile(r"(?P<folder>[^/]+)/(?P<name>[^/]+)\.yaml")
MOST_DRAFT_BYTES = 4 << 20
"""Of what a person left.

More than a document may have (shared/mapping/reading.py), so that the rest need not be read.
"""


@dataclass(frozen=True, slots=True)
class Activated:
    """`version` is the active one; `since` when the first version was activated."""

    version: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Left:
    """A document as a person put it there; empty if there is none."""

    text: str = ""
    etag: str = ""
    signature: Signature = NOBODY


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One version of a document, without its text."""

    number: int
    at: datetime
    """When it was activated."""
    signature: Signature


@dataclass(frozen=True, slots=True)
class Listing:
    """What the whole container held at one moment, by folder and name."""

    activated: Mapping[tuple[str, str], Activated]
    drafted: frozenset[tuple[str, str]]
    """What people have put there, whatever its name."""

    def version(self, folder: str, name: str) -> int:
        """The number of the active version, 0 before the first."""
        found = self.activated.get((folder, name))
        return found.version if found else 0

    def is_drafted(self, folder: str, name: str) -> bool:
        return (folder, name) in self.drafted


class ChangedMeanwhile(Exception):
    """Somebody else put or deleted the document since it was read."""

    def __init__(self, folder: str, table: str) -> None:
        what = f"Somebody changed {folder}/{table}.yaml in this very moment."
        super().__init__(f"{what} Run this again, and look at what changes.")


class Documents:
    """Texts only; what they mean is the mapping module's."""

    def __init__(self, container: ContainerClient, folder: str = "mappings") -> None:
        self.container, self.folder = container, folder

    def left(self, table: str) -> Left:
        """The document as a person left it.

        A byte that is not UTF-8 stays as half of a character, so that whoever reads the document
        refuses it with its line.
        """
        try:
            blob = self.container.download_blob(f"{self.folder}/{table}.yaml")
        except ResourceNotFoundError:
            return Left()
        text = blob.read(MOST_DRAFT_BYTES).decode("utf-8", "surrogateescape")
        properties = blob.properties
        return Left(text, str(properties.etag), read_signature(properties.metadata))

    def draft(self, table: str) -> tuple[str, str]:
        """The document as a person left it and its ETag; ("", "") if there is none."""
        left = self.left(table)
        return left.text, left.etag

    def draft_etag(self, table: str) -> str:
        try:
            return str(
                self.container.get_blob_client(f"{self.folder}/{table}.yaml")
                .get_blob_properties()
                .etag
            )
        except ResourceNotFoundError:
            return ""

    def put_draft(self, table: str, text: str, etag: str, signature: Signature = NOBODY) -> None:
        """Puts a person's document in place of the one with this ETag, "" for none.

        ChangedMeanwhile if another one is there. Its version will carry the signature.
        """
        name = f"{self.folder}/{table}.yaml"
        if not put(self.container, name, text, etag, signature.as_metadata()):
            raise ChangedMeanwhile(self.folder, table)

    def tables(self) -> list[str]:
        """The tables that a person has put a document for.

        A file whose name is no table's is none; `check` names it.
        """
        listed = self.container.walk_blobs(name_starts_with=f"{self.folder}/", delimiter="/")
        names = [str(blob.name).removeprefix(f"{self.folder}/") for blob in listed]
        found = (table_name(name.removesuffix(".yaml")) for name in names if name.endswith(".yaml"))
        return [table for table in found if table]

    def newest(self, table: str) -> tuple[int, str]:
        """The number of the active version and the draft's ETag that it was taken from; (0, "")
        before the first.
        """
        listed = self.container.list_blobs(
            name_starts_with=f"{self.folder}/versions/{table}/", include=["metadata"]
        )
        known = [
            (VERSION.fullmatch(str(blob.name)), (blob.metadata or {}).get("draft", ""))
            for blob in listed
        ]
        return max(((int(name["number"]), draft) for name, draft in known if name), default=(0, ""))

    def text(self, table: str, version: int) -> str:
        return self.container.download_blob(self.name(table, version)).readall().decode()

    def newest_lines(self) -> dict[str, VersionLine]:
        """The newest version of every document of the folder, by its name."""
        listed = self.container.list_blobs(
            name_starts_with=f"{self.folder}/versions/", include=["metadata"]
        )
        found: dict[str, VersionLine] = {}
        for blob in listed:
            if name := VERSION.fullmatch(str(blob.name)):
                line = line_of(int(name["number"]), blob)
                known = found.setdefault(name["table"], line)
                found[name["table"]] = max(known, line, key=lambda one: one.number)
        return found

    def versions(self, table: str) -> list[VersionLine]:
        """Every version of a document, the newest first."""
        listed = self.container.list_blobs(
            name_starts_with=f"{self.folder}/versions/{table}/", include=["metadata"]
        )
        found = [
            line_of(int(name["number"]), blob)
            for blob in listed
            if (name := VERSION.fullmatch(str(blob.name)))
        ]
        return sorted(found, key=lambda line: line.number, reverse=True)

    def add(
        self,
        table: str,
        version: int,
        document: str,
        draft_etag: str,
        signature: Signature = NOBODY,
    ) -> bool:
        """Puts a version into force. False if another instance was first.

        It has done the same, so its version stands.
        """
        metadata = {"draft": draft_etag.strip('"'), **signature.as_metadata()}
        try:
            self.container.upload_blob(
                self.name(table, version), document.encode(), metadata=metadata
            )
        except ResourceExistsError:
            return False
        return True

    def name(self, table: str, version: int) -> str:
        return f"{self.folder}/versions/{table}/{version:06d}.yaml"

    def fingerprint_key(self) -> bytes:
        """The key of all fingerprints: random, made once, kept beside what it protects from being
        looked up by guessing.
        """
        try:
            self.container.upload_blob("fingerprint.key", secrets.token_bytes(32))
        except ResourceExistsError:
            pass
        return self.container.download_blob("fingerprint.key").readall()


class Library:
    """All folders of the container."""

    def __init__(self, container: ContainerClient) -> None:
        self.container = container

    def folder(self, name: str) -> Documents:
        return Documents(self.container, name)

    def listing(self) -> Listing:
        """Every document in one pass, which is one request below 5,000 blobs."""
        activated: dict[tuple[str, str], Activated] = {}
        drafted = set()
        for blob in self.container.list_blobs():
            if name := VERSION.fullmatch(str(blob.name)):
                document, number = (name["folder"], name["table"]), int(name["number"])
                activated[document] = later(activated.get(document), number, blob.creation_time)
            elif name := DRAFT.fullmatch(str(blob.name)):
                drafted.add((name["folder"], name["name"]))
        return Listing(activated, frozenset(drafted))


def line_of(number: int, blob: BlobProperties) -> VersionLine:
    return VersionLine(number, blob.creation_time, read_signature(blob.metadata))


def put(
    container: ContainerClient, name: str, text: str, etag: str, metadata: Mapping[str, str]
) -> str:
    """Puts a text in place of the blob with this ETag, "" for none. Returns the new ETag.

    "" if another one is there.
    """
    body, conditions = text.encode("utf-8", "surrogateescape"), unchanged(etag)
    blob = container.get_blob_client(name)
    try:
        written = blob.upload_blob(body, metadata=dict(metadata), **conditions)
    except (ResourceExistsError, ResourceModifiedError):
        return ""
    return str(written["etag"])


def unchanged(etag: str) -> dict[str, Any]:
    """Conditions of a write: the blob has this ETag; with "" there is none."""
    if not etag:
        return {}
    return {"overwrite": True, "etag": etag, "match_condition": MatchConditions.IfNotModified}


def later(known: Activated | None, number: int, at: datetime) -> Activated:
    return (
        Activated(max(number, known.version), min(at, known.since))
        if known
        else Activated(number, at)
    )
