"""A mapping document, checked against both systems and compiled, with the opt-outs that a profile is created with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.documents.kinds import DocumentId, Version, World
from shared.entities.claims import CONTACT, Claims
from shared.entities.mappings import MAPPINGS, address
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
    misfits,
    read_document,
)
from shared.mapping.identity import moved
from shared.opt_out.documents import OPT_OUT, Pair
from shared.opt_out.owned import flag_problems, without_flags
from shared.state.documents import Documents


@dataclass(frozen=True, slots=True)
class Active:
    """A mapping in force with what it was compiled against; `metadata` names that, as far as the mapping depends on it."""

    version: int
    mapping: CompiledMapping
    source: SourceTable
    address: Address
    metadata: str

    @property
    def document(self) -> MappingDocument:
        return self.mapping.document


class MappingCompiler:
    """`documents` are the mappings', whose active versions say which table a resource belongs to."""

    kind = MAPPINGS

    def __init__(self, documents: Documents, dataverse: DataverseClient, campaign: CampaignClient) -> None:
        self.dataverse = dataverse
        self.campaign = campaign
        self.claims = Claims(documents)

    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        """The pairs by which a profile is created with its contact's opt-outs, in every mode."""
        return (OPT_OUT,) if name == CONTACT else ()

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        """What a new document changes that cannot change while its table is mapped, and what does not fit."""
        document = read_document(text)
        if document.table != name:
            what = f"it maps table {document.table}, and its name says {name}: rename it, or correct `table`."
            raise InvalidDocument([f"{document.place('table')}: {what}"])
        active = self.claims.active(name, version)
        found = list(moved(document, active, version)) if active else []
        found += [*self.claims.problems(document, world.listing), *flag_problems(document)]
        try:
            self.fitted(Version(version + 1, document), pairs_in(world), check)
        except Misconfigured as error:
            found.append(str(error))
        return found

    def compiled(self, name: str, world: World) -> Active:
        """Misconfigured too where the resource belongs to another table."""
        version = world[MAPPINGS.id(name)]
        if taken := self.claims.problems(version.document, world.listing):
            raise Misconfigured("mapping", f"The mapping of {name} cannot run: {' '.join(taken)}")
        return self.fitted(version, pairs_in(world), misfits)

    def fitted(self, version: Version[MappingDocument], pairs: Iterable[Pair], checked: Callable[..., list[str]]) -> Active:
        """`checked`: a version in force goes on with what has no effect in it, and without its rules for opt-out flags. A new one
        must be free of both."""
        document = version.document
        source = self.dataverse.table(document.table)
        target = self.campaign.resource(document.api, document.resource)
        own = without_flags(document)
        problems = checked(own, source, target)
        if not source.change_tracking:
            problems.append(f"Change tracking is off for table {document.table}: switch on 'Track changes' in its properties.")
        if problems:
            raise Misconfigured("mapping", f"The mapping of {document.table} does not fit: " + " ".join(problems))
        mapping = compile_mapping(own, source, target, born_with(pairs, source, target))
        return Active(version.number, mapping, source, address(document), metadata_of(mapping, source, target))


def pairs_in(world: World) -> Sequence[Pair]:
    """None for a table whose records have no opt-out flags."""
    return world[OPT_OUT].document.pairs if OPT_OUT in world.versions else ()


def metadata_of(mapping: CompiledMapping, source: SourceTable, target: TargetResource) -> str:
    """A name for the document and what both systems say of the columns and fields in it: another one, another mapping."""
    columns = [source.column(name) for name in mapping.columns]
    fields = [target.fields[step.target] for step in mapping.steps]
    text = f"{mapping.document.model_dump_json()} {columns} {fields} {target.fields[mapping.document.key.target]}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def born_with(pairs: Iterable[Pair], contact: SourceTable, profile: TargetResource) -> tuple[BornWith, ...]:
    """The opt-outs that a profile is created with. A pair that does not fit is the opt-out flow's to complain of."""
    fitting = [pair for pair in pairs if pair.flag in profile.fields]
    there = [pair for pair in fitting if all(name in contact.columns for name in pair.columns)]
    return tuple(BornWith(pair.flag, tuple(pair.columns), pair.opted_out) for pair in there)
