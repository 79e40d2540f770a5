"""Fields that a mapping may not write: another flow owns them once a record is there.

Whose they are is wiring's to say.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from shared.documents.kinds import DocumentId, World
from shared.mapping import CreateOnly, MappingDocument, SourceTable, TargetResource


class Reserved(Protocol):
    """What a mapping is compiled with besides its own rules."""

    def needs(self, table: str) -> Sequence[DocumentId[Any]]:
        """The documents that say which values a record of the table is created with."""

    def problems(self, document: MappingDocument) -> list[str]:
        """Why a new document is not activated, with where to go; [] if it names no such field."""

    def without(self, document: MappingDocument) -> MappingDocument:
        """The document without what it says of such fields."""

    def created_with(
        self, world: World, source: SourceTable, target: TargetResource
    ) -> tuple[CreateOnly, ...]:
        """The values that a record is created with in such fields."""
