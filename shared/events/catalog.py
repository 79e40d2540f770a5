"""The active events document, checked against the tables that it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.dataverse.batch import BatchWriter, WritableTable
from shared.documents.kinds import DocumentId, World
from shared.errors import Misconfigured
from shared.events.activities import missing_table, problems
from shared.events.documents import (
    EMAIL_EVENTS,
    KIND,
    KINDS,
    EventsDocument,
    misnamed,
    read_events_document,
)
from shared.mapping import InvalidDocument

NAME = EMAIL_EVENTS.name


@dataclass(frozen=True, slots=True)
class ActiveEvents:
    version: int
    document: EventsDocument


class EventsCompiler:
    """Asks Dataverse for the tables, by the writer that will write to them: it reads their
    definitions again.
    """

    kind = KIND

    def __init__(self, batch: BatchWriter) -> None:
        self.batch = batch

    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        return ()

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        document = read_events_document(text)
        if unknown := list(misnamed(document)):
            raise InvalidDocument(unknown)
        self.batch.forget()
        self.checked(document, version + 1)
        return []

    def compiled(self, name: str, world: World) -> ActiveEvents:
        active = world[EMAIL_EVENTS]
        self.batch.forget()
        return self.checked(active.document, active.number)

    def checked(self, document: EventsDocument, version: int) -> ActiveEvents:
        tables, missing = self.tables(document)
        if found := missing + problems(document, tables):
            raise Misconfigured(
                "events document", f"The events document does not fit: {' '.join(found)}"
            )
        return ActiveEvents(version, document)

    def tables(self, document: EventsDocument) -> tuple[dict[str, WritableTable], list[str]]:
        """The tables of the kinds that are on, and a sentence for each kind whose table is
        missing.
        """
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
