"""Mapping documents as a person works on them: what is active, drafts beside it, versions behind.

A draft is put into force by way of the one place where documents are put by people, so that there
is one way in, with one check (shared/documents/keeper.py).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.exceptions import ResourceNotFoundError

from shared.documents.keeper import Keeper
from shared.documents.kinds import Version
from shared.editing.previewing import Compared, RowPreview, preview
from shared.editing.systems import ACT_SECONDS, Given, Glance, Systems
from shared.entities.claims import Claims
from shared.entities.compiling import MappingCompiler
from shared.entities.mappings import MAPPINGS, address
from shared.entities.reserved import Reserved
from shared.errors import Misconfigured, Retryable
from shared.mapping import (
    CompiledMapping,
    InvalidDocument,
    MappingDocument,
    check,
    default_document,
    has_default,
    read_document,
)
from shared.mapping.identity import moved
from shared.state.documents import ChangedMeanwhile, Documents, Listing, VersionLine
from shared.state.drafts import Draft, Drafts
from shared.state.signatures import Signature

LINE = re.compile(r"^Line (\d{1,6})\b")
FOLDER = MAPPINGS.folder


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a document; `line` is 0 for the whole."""

    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Checked:
    """`missing`: why a system was not asked, by its name; "" where it was too slow."""

    problems: Sequence[Problem]
    missing: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table's document as it stands."""

    table: str
    version: int
    """The active one, 0 before the first."""
    active: str
    """Its text; the packaged document's before the first version, "" where there is none."""
    draft: Draft | None

    @property
    def text(self) -> str:
        """What a person goes on with."""
        return self.draft.text if self.draft else self.active

    @property
    def etag(self) -> str:
        return self.draft.etag if self.draft else ""


class Desk:
    """One for a process. It writes drafts, and puts documents where people put them."""

    def __init__(
        self,
        documents: Documents,
        drafts: Drafts,
        keeper: Keeper,
        compiler: MappingCompiler,
        reserved: Reserved,
        systems: Systems,
    ) -> None:
        self.documents, self.drafts, self.keeper = documents, drafts, keeper
        self.compiler, self.reserved, self.systems = compiler, reserved, systems
        self.claims = Claims(documents)

    def tables(self) -> list[str]:
        """Those with a document of a person, and contact, which has a packaged one."""
        return sorted({"contact", *self.documents.tables()})

    def resource(self, table: str, version: int) -> str:
        """Where the active version puts the table's records; "" where it cannot be read."""
        if version:
            known = self.claims.active(table, version)
            return known.resource if known else ""
        return read_document(default_document(table)).resource if has_default(table) else ""

    def sheet(self, table: str) -> Sheet | None:
        """None for a table that has neither a document nor a draft."""
        version = self.documents.newest(table)[0]
        draft = self.drafts.find(table)
        active = self.text(table, version)
        return Sheet(table, version, active, draft) if active or draft else None

    def text(self, table: str, version: int) -> str:
        """ "" for a version that there is not."""
        if not version:
            return default_document(table) if has_default(table) else ""
        try:
            return self.documents.text(table, version)
        except ResourceNotFoundError:
            return ""

    def newest(self) -> dict[str, VersionLine]:
        """The active version of every table that has one."""
        return self.documents.newest_lines()

    def versions(self, table: str) -> list[VersionLine]:
        return self.documents.versions(table)

    def glance(self, text: str) -> Glance:
        """What both systems say of the pair that a document names; nothing for what is none."""
        try:
            document = read_document(text)
        except InvalidDocument:
            return Glance(None, None, {})
        return self.systems.glance(document.table, document.api, document.resource)

    def check(self, table: str, text: str, seconds: float = ACT_SECONDS) -> Checked:
        """Every problem that is found now, by systems that answer in time. Changes nothing."""
        try:
            document = read_document(text)
        except InvalidDocument as error:
            return Checked(placed(error.problems), {})
        version = self.documents.newest(table)[0]
        pair = document.table, document.api, document.resource
        glance = self.systems.glance(*pair, seconds)
        if not glance.source or not glance.target:
            found = self.form_problems(table, document, version)
            return Checked(placed(found), dict(glance.missing))
        compiler = self.compiler_of(Given(glance.source, glance.target))
        return Checked(placed(self.keeper.draft_problems(compiler, table, text, version)), {})

    def compiler_of(self, given: Given) -> MappingCompiler:
        return MappingCompiler(self.documents, given, given, self.reserved)

    def form_problems(self, table: str, document: MappingDocument, version: int) -> list[str]:
        """Those that can be seen without either system."""
        active = self.claims.active(table, version)
        named = document.table == table
        return [
            *([] if named else [f"{document.place('table')}: it must be {table}."]),
            *(moved(document, active, version) if active else []),
            *self.claims.problems(document, self.keeper.newest_listing()),
            *self.reserved.problems(document),
        ]

    def save(self, table: str, text: str, etag: str, author: str, base: int) -> str:
        """Saves the draft in place of the one with this ETag, "" for none; returns the new ETag.

        `base` is the version that the person has seen as active. ChangedMeanwhile if another
        draft is there, or another version is active.
        """
        self.check_version(table, base)
        return self.drafts.save(table, text, etag, author, base)

    def check_version(self, table: str, base: int) -> None:
        if self.documents.newest(table)[0] != base:
            raise ChangedMeanwhile(FOLDER, table)

    def put_in_force(
        self, table: str, text: str, put_etag: str, base: int, signature: Signature
    ) -> int:
        """Puts the document where people put theirs, and activates it. Returns its version.

        `put_etag`: of what lies there, as it was seen. ChangedMeanwhile if that, or the active
        version, is another one now. Misconfigured with the problems if it is not sound.
        """
        self.check_version(table, base)
        self.check_sound(table, text, base)
        self.documents.put_draft(table, text, put_etag, signature)
        if problem := self.keeper.activate(self.compiler, table):
            raise Misconfigured("mapping", problem)
        return self.documents.newest(table)[0]

    def check_sound(self, table: str, text: str, version: int) -> None:
        """Misconfigured with the problems of a document; Retryable where a system is silent."""
        checked = self.check(table, text)
        for system, why in checked.missing.items():
            raise Retryable(why or f"{system} did not answer in time. Try again in a minute.")
        problems = [problem.sentence for problem in checked.problems]
        if problem := MAPPINGS.id(table).not_activated(problems, version):
            raise Misconfigured("mapping", problem)

    def preview(self, table: str, text: str, ids: Sequence[str]) -> list[RowPreview]:
        """What the document would make of some rows. Raises what `compared` raises."""
        pair = self.compared(table, text)
        return preview(self.systems.dataverse(), self.systems.campaign(), pair, ids)

    def compared(self, table: str, text: str) -> Compared:
        """The draft beside the active version, as both would run now.

        InvalidDocument or Misconfigured where the draft would not run, Retryable where a system is
        silent.
        """
        version = self.documents.newest(table)[0]
        self.check_sound(table, text, version)
        document, glance = read_document(text), self.glance(text)
        if not glance.source or not glance.target:
            raise Retryable("A system did not answer in time. Try again in a minute.")
        compiler, listing = (
            self.compiler_of(Given(glance.source, glance.target)),
            self.keeper.newest_listing(),
        )
        world = self.keeper.world(compiler.needs(table), listing)
        draft = compiler.fitted(Version(version + 1, document), world, check)
        active = self.active_mapping(compiler, table, listing)
        return Compared(draft.source, address(document), draft.mapping, active)

    def active_mapping(
        self, compiler: MappingCompiler, table: str, listing: Listing
    ) -> CompiledMapping | None:
        """None where no version is active, or the systems do not support it any more."""
        if not self.text(table, listing.version(FOLDER, table)):
            return None
        try:
            wanted = [MAPPINGS.id(table), *compiler.needs(table)]
            return compiler.compiled(table, self.keeper.world(wanted, listing)).mapping
        except Misconfigured:
            return None


def placed(problems: Sequence[str]) -> list[Problem]:
    return [Problem(int(found[1]) if (found := LINE.match(text)) else 0, text) for text in problems]
