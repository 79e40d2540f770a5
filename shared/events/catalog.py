"""The events document in force, checked against the tables that it names."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared.dataverse.batch import BatchWriter, WritableTable
from shared.deadlines import held
from shared.errors import Misconfigured
from shared.events.activities import missing_table, problems
from shared.events.documents import KINDS, EventsDocument, default_events_document, misnamed, read_events_document
from shared.mapping import InvalidDocument
from shared.mapping.reading import read_active
from shared.state.documents import Documents, not_activated

NAME = "email_events"
METADATA_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class ActiveEvents:
    version: int
    document: EventsDocument
    checked_at: float


class EventsCatalog:
    """Gives the document in force; looks for a newer version every `cache_seconds`."""

    def __init__(self, documents: Documents, batch: BatchWriter, cache_seconds: float, now: Callable[[], float]) -> None:
        self.documents, self.batch, self.cache_seconds, self.now = documents, batch, cache_seconds, now
        self.lock = threading.Lock()
        self.known: ActiveEvents | None = None
        self.looked_at = 0.0

    def active(self) -> ActiveEvents:
        """Misconfigured with every problem if the tables do not bear the document."""
        with held(self.lock):
            if self.known and self.now() - self.looked_at < self.cache_seconds:
                return self.known
            version, self.looked_at = self.newest(), self.now()
            if self.known and self.known.version == version and self.now() - self.known.checked_at < METADATA_SECONDS:
                return self.known
            name = f"Version {version} of the events document"
            document = read_active(self.documents.text(NAME, version), EventsDocument, "events document", name)
            self.known = self.checked(document, version)
            return self.known

    def newest(self) -> int:
        version, _ = self.documents.newest(NAME)
        if not version:
            self.documents.add(NAME, 1, default_events_document(), "")
        return version or 1

    def forget(self) -> None:
        """Reads document and metadata anew at the next use."""
        with held(self.lock):
            self.known = None
            self.batch.forget()

    def checked(self, document: EventsDocument, version: int) -> ActiveEvents:
        tables, missing = self.tables(document)
        if found := missing + problems(document, tables):
            raise Misconfigured("events document", f"The events document does not fit: {' '.join(found)}")
        return ActiveEvents(version, document, self.now())

    def tables(self, document: EventsDocument) -> tuple[dict[str, WritableTable], list[str]]:
        """The tables of the kinds that are on, and a sentence for each kind whose table is missing."""
        tables, missing = {}, []
        for kind in (kind for kind in KINDS if document.rule(kind).enabled):
            name = document.rule(kind).table
            try:
                tables[name] = self.batch.table(name)
            except Misconfigured as error:
                if error.setting != "mapping":  # as of any table that Dataverse does not know
                    raise
                missing.append(missing_table(document, kind))
        return tables, missing

    def adopt(self) -> str:
        """Takes a person's changed document into force; what stands in the way as one message, "" if nothing does."""
        etag = self.documents.draft_etag(NAME).strip('"')
        version, taken_from = self.documents.newest(NAME)
        if not etag or etag == taken_from:
            return ""
        text, etag = self.documents.draft(NAME)
        if problem := self.draft_problem(text, version):
            return problem
        self.documents.add(NAME, version + 1, text, etag)
        self.forget()
        return ""

    def draft_problem(self, text: str, version: int) -> str:
        """Why a document cannot be taken into force, "" if it can. Changes nothing."""
        try:
            document = read_events_document(text)
            if unknown := list(misnamed(document)):
                raise InvalidDocument(unknown)
            self.checked(document, version + 1)
        except (InvalidDocument, Misconfigured) as problem:
            return not_activated(f"events/{NAME}.yaml", str(problem), version)
        return ""
