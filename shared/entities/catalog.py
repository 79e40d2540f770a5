"""The mappings in force, ready to use: each table's newest document, checked against both systems and compiled.

A person's new document is taken into force only if it is sound; else all its problems are told at once and the old version stays.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b

from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.deadlines import held
from shared.entities.claims import Claims
from shared.errors import Misconfigured
from shared.mapping import (
    BornWith,
    CompiledMapping,
    InvalidDocument,
    MappingDocument,
    SourceTable,
    TargetResource,
    check,
    compile_mapping,
    default_document,
    has_default,
    misfits,
    read_document,
)
from shared.mapping.identity import moved
from shared.mapping.reading import read_active
from shared.opt_out.documents import Pair
from shared.opt_out.owned import flag_problems, without_flags
from shared.state.documents import Documents, not_activated

METADATA_SECONDS = 600.0
REFUSED_SECONDS = 60.0
SETTLED_SECONDS = 60.0
REREAD_SECONDS = 10.0  # between two reads because a value was refused: doubled while nothing has changed
REREAD_SECONDS_MAX = 60.0
REPLAY_REREAD_SECONDS = 2.0  # the same for a record that a person replays


@dataclass(frozen=True, slots=True)
class Active:
    """A mapping in force with what it was compiled against; `metadata` names that, as far as the mapping depends on it."""

    version: int
    mapping: CompiledMapping
    source: SourceTable
    address: Address
    compiled_at: float
    pairs: tuple[Pair, ...] = ()
    written: MappingDocument | None = None  # as a person wrote it, rules for opt-out flags included
    metadata: str = ""

    @property
    def document(self) -> MappingDocument:
        return self.mapping.document


class Catalog:
    """Gives the mapping in force of a table; looks for a newer version every `cache_seconds`."""

    def __init__(
        self,
        documents: Documents,
        dataverse: DataverseClient,
        campaign: CampaignClient,
        cache_seconds: float,
        now: Callable[[], float] = time.time,
        pairs: Callable[[], tuple[Pair, ...]] = tuple,
    ) -> None:
        self.documents, self.dataverse, self.campaign = documents, dataverse, campaign
        self.cache_seconds, self.now, self.pairs = cache_seconds, now, pairs
        self.claims = Claims(documents)
        self.lock = threading.Lock()
        self.table_locks: dict[str, threading.Lock] = {}
        self.rereads: dict[str, tuple[float, float]] = {}
        self.active: dict[str, Active] = {}
        self.looked_at: dict[str, float] = {}
        self.refused: dict[str, tuple[str, str, float]] = {}
        self.listed: list[str] = []
        self.listed_at = 0.0
        self.parents: dict[tuple[str, int], frozenset[str]] = {}
        self.linked: dict[str, frozenset[str]] = {}
        self.linked_at = 0.0

    def mapping(self, table: str) -> Active:
        """The mapping in force; Misconfigured with every problem if neither system's metadata bears it."""
        if known := self.fresh(table):
            return known
        # The opt-out catalog holds its own lock while it asks here for the profiles' address: ours must be free when it is asked.
        pairs = self.pairs_of(table)
        with held(self.table_lock(table)):
            return self.fresh(table) or self.renewed(table, pairs)

    def table_lock(self, table: str) -> threading.Lock:
        """Held while documents and metadata of one table are read: no other table waits for them."""
        return self.table_locks.setdefault(table, threading.Lock())

    def reread(self, table: str, judged: Active, replay: bool = False) -> Active | None:
        """The mapping with metadata that is newer than what a value was judged by; None if nothing in it has changed.

        Reads the metadata, unless that was done a moment ago: a stream of bad values must not become a stream of calls.
        """
        pairs = self.pairs_of(table)
        with held(self.table_lock(table)):
            known = self.active.get(table, judged)
            if known is judged and self.may_reread(table, replay):
                known = self.read_anew(table, judged, pairs)
        return known if known.metadata != judged.metadata else None

    def may_reread(self, table: str, replay: bool) -> bool:
        at, pause = self.rereads.get(table, (0.0, 0.0))
        return self.now() - at >= (min(pause, REPLAY_REREAD_SECONDS) if replay else pause)

    def read_anew(self, table: str, judged: Active, pairs: tuple[Pair, ...]) -> Active:
        pause = min(2 * self.rereads.get(table, (0.0, 0.0))[1] or REREAD_SECONDS, REREAD_SECONDS_MAX)
        self.rereads[table] = (self.now(), pause)
        found = self.active[table] = self.newly_compiled(table, self.newest(table), pairs)
        self.looked_at[table] = self.now()
        if found.metadata != judged.metadata:
            self.rereads[table] = (self.now(), REREAD_SECONDS)
        return found

    def fresh(self, table: str) -> Active | None:
        """What is known, if it was looked at a moment ago."""
        known = self.active.get(table)
        return known if known and self.now() - self.looked_at[table] < self.cache_seconds else None

    def renewed(self, table: str, pairs: tuple[Pair, ...]) -> Active:
        known, version = self.active.get(table), self.newest(table)
        self.looked_at[table] = self.now()
        same = known is not None and (known.version, known.pairs) == (version, pairs)
        if known and same and self.now() - known.compiled_at < METADATA_SECONDS:
            return known
        self.active[table] = self.newly_compiled(table, version, pairs)
        return self.active[table]

    def newly_compiled(self, table: str, version: int, pairs: tuple[Pair, ...]) -> Active:
        document = self.document(table, version)
        if taken := self.claims.problems(document):
            raise Misconfigured("mapping", f"The mapping of {table} cannot run: {' '.join(taken)}")
        return self.compiled(document, version, pairs)

    def document(self, table: str, version: int) -> MappingDocument:
        """A version in force."""
        name = f"Version {version} of the mapping of {table}"
        return read_active(self.documents.text(table, version), MappingDocument, "mapping", name)

    def newest(self, table: str) -> int:
        """The number of the version in force; the packaged default becomes the first."""
        version, _ = self.documents.newest(table)
        if version:
            return version
        try:
            self.documents.add(table, 1, default_document(table), "")
        except InvalidDocument as error:
            raise Misconfigured("mapping", self.without_version(table, error)) from None
        return 1

    def without_version(self, table: str, error: InvalidDocument) -> str:
        """Why a table has no version: its first document was refused, or there is none."""
        if not self.documents.draft_etag(table):
            return f"No sound mapping document of {table} is active: {error}"
        _, problem, _ = self.refused.get(table, ("", "", 0.0))
        return problem or (
            f"The document mappings/{table}.yaml is not activated yet, and no version is active. "
            "See mapping_problem in GET /api/status for the reason."
        )

    def pairs_of(self, table: str) -> tuple[Pair, ...]:
        """The pairs by which a profile of this table is created with its contact's opt-outs, in every mode."""
        return self.pairs() if table == "contact" else ()

    def address(self, table: str) -> Address:
        """Where the table's records are in Campaign, by its document in force and whether or not that fits the systems.

        Takes no lock: the opt-out catalog asks for it under its own.
        """
        version, _ = self.documents.newest(table)
        return address(self.document(table, version) if version else read_document(default_document(table)))

    def tables(self) -> list[str]:
        """The tables with a document, contact among them."""
        with held(self.lock):
            if self.now() - self.listed_at >= self.cache_seconds:
                self.listed, self.listed_at = sorted({"contact", *self.documents.tables()}), self.now()
            return self.listed

    def children(self, table: str) -> list[str]:
        """The tables whose document in force links to this one."""
        listed = self.tables()
        with held(self.lock):
            if self.now() - self.linked_at >= self.cache_seconds:
                self.linked, self.linked_at = {name: self.linked_to(name) for name in listed}, self.now()
            return [name for name, parents in self.linked.items() if table in parents]

    def linked_to(self, table: str) -> frozenset[str]:
        """The parents of a table, by its document in force; a document is read once, for its versions never change."""
        version, _ = self.documents.newest(table)
        if version and (table, version) not in self.parents:
            self.parents[table, version] = self.parents_in(table, version)
        return self.parents.get((table, version), frozenset())

    def parents_in(self, table: str, version: int) -> frozenset[str]:
        """None where the version cannot be read: that is its own flow's failure."""
        try:
            return frozenset(parent for link in self.document(table, version).links for parent in link.parents)
        except Misconfigured:
            return frozenset()

    def unknown_seconds(self) -> float:
        """How long a child may have waited in vain: until each instance knew of its document. Longer when none is new."""
        newest = max((active.compiled_at for active in list(self.active.values())), default=0.0)
        return SETTLED_SECONDS if self.now() - newest > SETTLED_SECONDS else 2 * self.cache_seconds

    def in_force(self, table: str) -> MappingDocument | None:
        """The document in force as a person wrote it; None before it is first used."""
        known = self.active.get(table)
        return known.written if known else None

    def forget(self, table: str) -> None:
        """Reads document and metadata anew at the next use: something has shown that they no longer fit."""
        self.active.pop(table, None)

    def adopt(self, table: str) -> str:
        """Takes a person's changed document into force. Returns its problems as one message, "" if there are none.

        A refused document is looked at again when it changes, and now and then, for the systems may have changed instead.
        """
        etag = self.documents.draft_etag(table).strip('"')
        version, taken_from = self.documents.newest(table)
        if not etag or etag == taken_from:
            return ""
        known, problem, at = self.refused.get(table, ("", "", 0.0))
        if known == etag and self.now() - at < REFUSED_SECONDS:
            return problem
        text, etag = self.documents.draft(table)
        found = self.draft_problems(table, text, version)
        problem = problem_message(table, found, version) if found else ""
        self.refused[table] = (etag.strip('"'), problem, self.now())
        if not problem:
            self.documents.add(table, version + 1, text, etag)
            self.forget(table)
        return problem

    def draft_problems(self, table: str, text: str, version: int) -> list[str]:
        """Why a document cannot be taken into force, [] if it can. Changes nothing."""
        try:
            document = read_document(text)
            if document.table != table:
                what = f"it maps table {document.table}, and its name says {table}: rename it, or correct `table`."
                raise InvalidDocument([f"{document.place('table')}: {what}"])
            return self.new_problems(document, version)
        except InvalidDocument as error:
            return error.problems

    def new_problems(self, document: MappingDocument, version: int) -> list[str]:
        """What a new document changes that cannot change while its table is mapped, and what does not fit."""
        active = self.claims.active(document.table, version)
        found = list(moved(document, active, version)) if active else []
        found += [*self.claims.problems(document), *flag_problems(document)]
        try:
            self.compiled(document, version + 1, self.pairs_of(document.table), check)
        except Misconfigured as error:
            found.append(str(error))
        return found

    def compiled(
        self, document: MappingDocument, version: int, pairs: tuple[Pair, ...], checked: Callable[..., list[str]] = misfits
    ) -> Active:
        """`checked`: a version in force goes on with what has no effect in it, and without its rules for opt-out flags. A new one
        must be free of both."""
        source = self.dataverse.table(document.table)
        target = self.campaign.resource(document.api, document.resource)
        own = without_flags(document)
        problems = checked(own, source, target)
        if not source.change_tracking:
            problems.append(f"Change tracking is off for table {document.table}: switch on 'Track changes' in its properties.")
        if problems:
            raise Misconfigured("mapping", f"The mapping of {document.table} does not fit: " + " ".join(problems))
        mapping = compile_mapping(own, source, target, born_with(pairs, source, target))
        named = metadata_of(mapping, source, target)
        return Active(version, mapping, source, address(document), self.now(), pairs, document, named)


def metadata_of(mapping: CompiledMapping, source: SourceTable, target: TargetResource) -> str:
    """A name for the document and what both systems say of the columns and fields in it: another one, another mapping."""
    columns = [source.column(name) for name in mapping.columns]
    fields = [target.fields[step.target] for step in mapping.steps]
    text = f"{mapping.document.model_dump_json()} {columns} {fields} {target.fields[mapping.document.key.target]}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def address(document: MappingDocument) -> Address:
    key = document.key
    return Address(document.api, document.resource, key.target, key.lookup, key.filter or "", key.parameter or "")


def born_with(pairs: Iterable[Pair], contact: SourceTable, profile: TargetResource) -> tuple[BornWith, ...]:
    """The opt-outs that a profile is created with. A pair that does not fit is the opt-out flow's to complain of."""
    fitting = [pair for pair in pairs if pair.flag in profile.fields]
    there = [pair for pair in fitting if all(name in contact.columns for name in pair.columns)]
    return tuple(BornWith(pair.flag, tuple(pair.columns), pair.opted_out) for pair in there)


def problem_message(table: str, problems: list[str], version: int) -> str:
    return not_activated(f"mappings/{table}.yaml", " ".join(problems), version, packaged=has_default(table))
