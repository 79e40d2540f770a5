"""The one keeper of versioned documents: mappings, the opt-out document, the events document.

An answer is made in three steps:

1. A listing says which version of every document was active at one moment. It is renewed every
   `cache_seconds`.
2. The document and those that it needs are read, each in the version that this one listing names.
   A version never changes.
3. They are compiled, with what both systems say now. Done again after `METADATA_SECONDS`.

Locks: the listing has one, and each document has one for step 2 and one for step 3. Nothing that
runs under one of them asks for another. So no two threads wait for each other, and a slow table
holds up no other table. No answer mixes the versions of two moments, because of step 2.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from shared.deadlines import held
from shared.documents.kinds import (
    Compiler,
    DocumentId,
    DocumentKind,
    Version,
    World,
    draft_problems,
)
from shared.documents.looking import is_looking
from shared.errors import Misconfigured
from shared.mapping.reading import Document
from shared.state.documents import Library, Listing
from shared.state.signatures import Signature

METADATA_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Compiled[A]:
    """What a document was compiled to."""

    active: A
    world: World
    """From what."""
    at: float
    """When that began."""
    tried_at: float = float("-inf")
    """When the systems were last asked again for the same versions."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A draft that was not activated: by its ETag, with what is said of it."""

    etag: str
    problem: str
    at: float


OnActivated = Callable[[DocumentId[Any], int, Signature], None]
"""Called once for a version that a person's document became, with its number and signature."""


class Keeper:
    """One for a process. Every method may be called by many threads at once."""

    def __init__(
        self,
        library: Library,
        cache_seconds: float,
        now: Callable[[], float],
        on_activated: OnActivated | None = None,
    ) -> None:
        self.library = library
        self.cache_seconds = cache_seconds
        self.now = now
        self.on_activated = on_activated
        self.listing_lock = threading.Lock()
        self.locks: dict[tuple[str, DocumentId[Any]], threading.Lock] = {}
        self.listed: tuple[Listing, float] | None = None
        self.read: dict[tuple[DocumentId[Any], int], Version[Any]] = {}
        self.compiled: dict[DocumentId[Any], Compiled[Any]] = {}
        self.refused: dict[DocumentId[Any], Refused] = {}

    def listing(self) -> Listing:
        """What was active a moment ago.

        Who needs a newer one waits for the thread that reads it.
        """
        if found := self.recent_listing():
            return found
        with held(self.listing_lock):
            return self.recent_listing() or self.list_again()

    def recent_listing(self) -> Listing | None:
        listed = self.listed
        return listed[0] if listed and self.now() - listed[1] < self.cache_seconds else None

    def list_again(self) -> Listing:
        """Under its lock.

        A listing that says the same stays the same object, as `active` expects.
        """
        at, found = self.now(), self.library.listing()
        listed = self.listed
        found = listed[0] if listed and listed[0] == found else found
        self.listed = (found, at)
        return found

    def newest_listing(self) -> Listing:
        with held(self.listing_lock):
            return self.list_again()

    def active[D: Document, A](self, compiler: Compiler[D, A], name: str) -> A:
        """What the active version was compiled to.

        Misconfigured where the systems do not support it.
        """
        wanted, listing = compiler.kind.id(name), self.drafted_first(compiler, name)
        found: Compiled[A] | None = self.compiled.get(wanted)
        if (
            found
            and found.world.listing is listing
            and self.is_recent(found)
            and (found.world[wanted].number or is_looking())
        ):
            return found.active
        world = self.world(
            [wanted, *compiler.needs(name)], self.with_first_version(wanted, listing)
        )
        with held(self.lock("compile", wanted)):
            found = self.still_good(wanted, world) or self.compile(compiler, name, world)
        return found.active

    def active_since[D: Document, A](
        self, compiler: Compiler[D, A], name: str, than: A, permit: Callable[[], bool]
    ) -> A:
        """What was compiled after `than`.

        If nothing was, it is compiled now where `permit` allows.

        Else `than`. Of many threads that ask at once one compiles, and the others get the same.
        `permit` runs under the lock: it only counts.
        """
        wanted = compiler.kind.id(name)
        world = self.world([wanted, *compiler.needs(name)], self.listing())
        with held(self.lock("compile", wanted)):
            found: Compiled[A] | None = self.compiled.get(wanted)
            if found and found.active is not than:
                return found.active
            return self.compile(compiler, name, world).active if permit() else than

    def lock(self, step: str, wanted: DocumentId[Any]) -> threading.Lock:
        """Held by whoever does this step for this document: no other document waits for that."""
        return self.locks.setdefault((step, wanted), threading.Lock())

    def is_recent(self, found: Compiled[Any]) -> bool:
        """Also of one that could not be compiled again just now: else all would wait for a system
        that is away.
        """
        now = self.now()
        return now - found.at < METADATA_SECONDS or now - found.tried_at < self.cache_seconds

    def still_good(self, wanted: DocumentId[Any], world: World) -> Compiled[Any] | None:
        """What is known, if it was compiled from the same versions, and not long ago."""
        found = self.compiled.get(wanted)
        if not found or not self.is_recent(found) or not found.world.says_the_same(world, wanted):
            return None
        self.compiled[wanted] = replace(found, world=world)
        return found

    def compile[D: Document, A](
        self, compiler: Compiler[D, A], name: str, world: World
    ) -> Compiled[A]:
        wanted, at = compiler.kind.id(name), self.now()
        before = self.compiled.get(wanted)
        if before and before.world.says_the_same(world, wanted):
            self.compiled[wanted] = replace(before, world=world, tried_at=at)
        found = self.compiled[wanted] = Compiled(compiler.compiled(name, world), world, at)
        return found

    def world(self, wanted: Iterable[DocumentId[Any]], listing: Listing) -> World:
        return World(listing, {one: self.version_in(listing, one) for one in wanted})

    def version_in[D: Document](self, listing: Listing, wanted: DocumentId[D]) -> Version[D]:
        """The version that a listing names; the packaged document where it names none."""
        number = listing.version(wanted.kind.folder, wanted.name)
        if found := self.read.get((wanted, number)):
            return found
        with held(self.lock("read", wanted)):
            return self.read.get((wanted, number)) or self.read_text(wanted, number, listing)

    def read_text[D: Document](
        self, wanted: DocumentId[D], number: int, listing: Listing
    ) -> Version[D]:
        folder = self.library.folder(wanted.kind.folder)
        text = folder.text(wanted.name, number) if number else self.packaged(wanted, listing)
        found = self.read[wanted, number] = Version(number, wanted.read(text, number))
        return found

    def packaged(self, wanted: DocumentId[Any], listing: Listing) -> str:
        """The packaged text. Misconfigured where there is none, with why no version is active."""
        try:
            return wanted.packaged()
        except Misconfigured:
            if not listing.is_drafted(wanted.kind.folder, wanted.name):
                raise
        if refused := self.refused.get(wanted):
            raise Misconfigured(wanted.kind.setting, refused.problem)
        raise Misconfigured(
            wanted.kind.setting,
            f"The document {wanted.path} is not activated yet, and no version is active. "
            "See mapping_problem in GET /api/status for the reason.",
        )

    def with_first_version(self, wanted: DocumentId[Any], listing: Listing) -> Listing:
        """A listing with a version of the document.

        The packaged one becomes the first when used, but for who only looks.
        """
        if listing.version(wanted.kind.folder, wanted.name) or is_looking():
            return listing
        self.library.folder(wanted.kind.folder).add(
            wanted.name, 1, self.packaged(wanted, listing), ""
        )
        return self.newest_listing()

    def drafted_first[D: Document](self, compiler: Compiler[D, Any], name: str) -> Listing:
        """A listing in which a person's document that waits is the first version.

        The packaged one would write records that the person's keeps out, until a poll took that
        into force.
        """
        listing, place = self.listing(), (compiler.kind.folder, name)
        if listing.version(*place) or not listing.is_drafted(*place) or is_looking():
            return listing
        return listing if self.activate(compiler, name) else self.newest_listing()

    def version[D: Document](self, wanted: DocumentId[D]) -> Version[D]:
        """The active version, whether or not the systems support it."""
        return self.version_in(self.with_first_version(wanted, self.listing()), wanted)

    def number(self, wanted: DocumentId[Any]) -> int:
        """The number of the active version, also of one that cannot be read any more."""
        return self.with_first_version(wanted, self.listing()).version(
            wanted.kind.folder, wanted.name
        )

    def in_use[D: Document](self, wanted: DocumentId[D]) -> Version[D] | None:
        """The version that was compiled last; None before the first use."""
        found = self.compiled.get(wanted)
        return found.world[wanted] if found else None

    def last_compiled_at(self, kind: DocumentKind[Any]) -> float:
        """When a document of this kind was last compiled; 0 before the first."""
        return max(
            (found.at for one, found in list(self.compiled.items()) if one.kind is kind),
            default=0.0,
        )

    def forget(self, wanted: DocumentId[Any]) -> None:
        """Lists, reads and compiles again at the next use. What is under way is not kept either."""
        with held(self.lock("compile", wanted)):
            self.compiled.pop(wanted, None)
        with held(self.lock("read", wanted)):
            for key in [key for key in list(self.read) if key[0] == wanted]:
                self.read.pop(key, None)
        with held(self.listing_lock):
            self.listed = None

    def activate[D: Document](self, compiler: Compiler[D, Any], name: str) -> str:
        """Activates a person's changed document. Returns its problems as one message, "" for none.

        A refused one is checked again when it changes, and now and then, for the systems may have
        changed.
        """
        wanted, folder = compiler.kind.id(name), self.library.folder(compiler.kind.folder)
        etag = folder.draft_etag(name).strip('"')
        version, taken_from = folder.newest(name)
        if not etag or etag == taken_from:
            return ""
        if refused := self.refused_lately(wanted, etag):
            return refused.problem
        left = folder.left(name)
        if problems := self.draft_problems(compiler, name, left.text, version):
            problem = wanted.not_activated(problems, version)
            self.refused[wanted] = Refused(left.etag.strip('"'), problem, self.now())
            return problem
        is_ours = folder.add(name, version + 1, left.text, left.etag, left.signature)
        self.refused.pop(wanted, None)
        self.forget(wanted)
        if is_ours and self.on_activated:
            self.on_activated(wanted, version + 1, left.signature)
        return ""

    def refused_lately(self, wanted: DocumentId[Any], etag: str) -> Refused | None:
        refused = self.refused.get(wanted)
        if (
            not refused
            or refused.etag != etag
            or self.now() - refused.at >= wanted.kind.retried_after_seconds
        ):
            return None
        return refused

    def draft_problems[D: Document](
        self, compiler: Compiler[D, Any], name: str, text: str, version: int
    ) -> list[str]:
        """Why a draft cannot follow the active version, [] if it can. Changes nothing."""
        try:
            world = self.world(compiler.needs(name), self.newest_listing())
        except Misconfigured as error:
            return [str(error)]
        return draft_problems(compiler, name, text, version, world)


class Kept[D: Document, A]:
    """The document of a kind that has only one, for the flow that goes by it."""

    def __init__(self, keeper: Keeper, compiler: Compiler[D, A], name: str) -> None:
        self.keeper = keeper
        self.compiler = compiler
        self.id = compiler.kind.id(name)

    def active(self) -> A:
        """Misconfigured with every problem where the systems do not support the document."""
        return self.keeper.active(self.compiler, self.id.name)

    def version(self) -> Version[D]:
        """The active version, whether or not the systems support it."""
        return self.keeper.version(self.id)

    def number(self) -> int:
        return self.keeper.number(self.id)

    def activate(self) -> str:
        """Activates a person's changed document.

        Returns its problems as one message, "" for none.
        """
        return self.keeper.activate(self.compiler, self.id.name)

    def forget(self) -> None:
        """Reads document and metadata again at the next use."""
        self.keeper.forget(self.id)
