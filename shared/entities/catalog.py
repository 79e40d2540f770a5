"""The active mappings, ready to use: each table's newest document, checked against both systems
and compiled.

A person's new document is activated only if it is sound; else all its problems are told at
once and the old version stays.
"""

from collections.abc import Collection

from shared.documents.keeper import Keeper
from shared.entities.claims import CONTACT, mapped_tables
from shared.entities.compiling import Active, MappingCompiler
from shared.entities.mappings import MAPPINGS
from shared.errors import Misconfigured
from shared.mapping import MappingDocument
from shared.state.documents import Listing

SETTLED_SECONDS = 60.0
REREAD_SECONDS = (
    10.0  # between two reads because a value was refused: doubled while nothing has changed
)
REREAD_SECONDS_MAX = 60.0
REPLAY_REREAD_SECONDS = 2.0  # the same for a record that a person replays

ANY, HARD, FIRM = (True, False, None), (True, None), (True,)
"""Links by their `required`: all; those whose children go before their parent; those that no circle
leaves out.
"""


class Catalog:
    """What the flows of tables ask the keeper for."""

    def __init__(self, keeper: Keeper, compiler: MappingCompiler) -> None:
        self.keeper = keeper
        self.compiler = compiler
        self.now = keeper.now
        self.rereads: dict[str, tuple[float, float]] = {}
        self.parents: dict[tuple[str, int], frozenset[tuple[str, bool | None]]] = {}

    def mapping(self, table: str) -> Active:
        """The active mapping; Misconfigured with every problem if neither system's metadata bears
        it.
        """
        return self.keeper.active(self.compiler, table)

    def reread(self, table: str, checked_with: Active, replay: bool = False) -> Active | None:
        """The mapping with metadata that is newer than what a value was judged by; None if nothing
        in it has changed.

        Reads the metadata, unless that was done a moment ago: a stream of bad values must not
        become a stream of calls.
        """
        known = self.keeper.active_since(
            self.compiler, table, checked_with, lambda: self.may_reread(table, replay)
        )
        if known.metadata == checked_with.metadata:
            return None
        if table in self.rereads:
            self.rereads[table] = (self.rereads[table][0], REREAD_SECONDS)
        return known

    def may_reread(self, table: str, replay: bool) -> bool:
        """Whether the pause since the last time is over.

        Then the next one begins, twice as long.
        """
        at, pause = self.rereads.get(table, (0.0, 0.0))
        if self.now() - at < (min(pause, REPLAY_REREAD_SECONDS) if replay else pause):
            return False
        self.rereads[table] = (self.now(), min(2 * pause or REREAD_SECONDS, REREAD_SECONDS_MAX))
        return True

    def tables(self) -> list[str]:
        """The tables with a document, contact among them."""
        return sorted({CONTACT, *mapped_tables(self.keeper.listing())})

    def children(self, table: str) -> list[str]:
        """The tables whose active document links to this one."""
        listing = self.keeper.listing()
        tables = [CONTACT, *mapped_tables(listing)]
        return sorted({name for name in tables if table in self.linked_to(name, listing)})

    def reaches(self, table: str, other: str, strengths: Collection[bool | None] = ANY) -> bool:
        """Whether a table is another, or linked to it, directly or through others, by links whose
        `required` is one of these.
        """
        listing, found, left = self.keeper.listing(), set[str](), {table}
        while left and other not in left:
            found |= left
            left = {up for name in left for up in self.linked_to(name, listing, strengths)} - found
        return other in left

    def linked_to(
        self, table: str, listing: Listing, strengths: Collection[bool | None] = ANY
    ) -> set[str]:
        """The parents of a table, by its active document; looked for once, for a version never
        changes.
        """
        version = listing.version(MAPPINGS.folder, table)
        if version and (table, version) not in self.parents:
            self.parents[table, version] = self.parents_in(table, listing)
        listed = self.parents.get((table, version), frozenset())
        return {parent for parent, required in listed if required in strengths}

    def parents_in(self, table: str, listing: Listing) -> frozenset[tuple[str, bool | None]]:
        """Each with `required` of its link. None where the version cannot be read: that is its own
        flow's failure.
        """
        try:
            document = self.keeper.version_in(listing, MAPPINGS.id(table)).document
        except Misconfigured:
            return frozenset()
        return frozenset(
            (parent, link.required) for link in document.links for parent in link.parents
        )

    def unknown_seconds(self) -> float:
        """How long a child may have waited: until each instance knew of its document.

        Longer when none is new.
        """
        newest = self.keeper.last_compiled_at(MAPPINGS)
        return (
            SETTLED_SECONDS
            if self.now() - newest > SETTLED_SECONDS
            else 2 * self.keeper.cache_seconds
        )

    def in_force(self, table: str) -> MappingDocument | None:
        """The active document as a person wrote it; None before it is first used."""
        used = self.keeper.in_use(MAPPINGS.id(table))
        return used.document if used else None

    def forget(self, table: str) -> None:
        """Reads document and metadata again at the next use: they no longer fit."""
        self.keeper.forget(MAPPINGS.id(table))

    def activate(self, table: str) -> str:
        """Takes a person's changed document into force.

        Returns its problems as one message, "" if there are none.
        """
        return self.keeper.activate(self.compiler, table)

    def draft_problems(self, table: str, text: str, version: int) -> list[str]:
        """Why a document cannot be activated, [] if it can. Changes nothing."""
        return self.keeper.draft_problems(self.compiler, table, text, version)
