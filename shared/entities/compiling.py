"""A mapping document, checked against both systems and compiled, with what other flows have a
record created with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Protocol

from shared.campaign.client import Address
from shared.documents.kinds import DocumentId, Version, World
from shared.entities.claims import Claims
from shared.entities.mappings import MAPPINGS, address
from shared.entities.reserved import Reserved
from shared.errors import Misconfigured
from shared.mapping import (
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
from shared.state.documents import Documents


@dataclass(frozen=True, slots=True)
class Active:
    """A active mapping with what it was compiled against; `metadata` names that, as far as the
    mapping depends on it.
    """

    version: int
    mapping: CompiledMapping
    source: SourceTable
    address: Address
    metadata: str

    @property
    def document(self) -> MappingDocument:
        return self.mapping.document


class DoesNotFit(Misconfigured):
    """A document names what the systems do not have; `problems` are sentences with their place."""

    def __init__(self, table: str, problems: list[str]) -> None:
        super().__init__("mapping", f"The mapping of {table} does not fit: " + " ".join(problems))
        self.problems = problems


class Tables(Protocol):
    """Who knows what Dataverse says of a table."""

    def table(self, logical_name: str) -> SourceTable: ...


class Resources(Protocol):
    """Who knows what Campaign says of a resource."""

    def resource(self, api: str, name: str) -> TargetResource: ...


class MappingCompiler:
    """`documents` are the mappings', whose active versions say which table a resource belongs
    to.
    """

    kind = MAPPINGS

    def __init__(
        self,
        documents: Documents,
        dataverse: Tables,
        campaign: Resources,
        reserved: Reserved,
    ) -> None:
        self.dataverse = dataverse
        self.campaign = campaign
        self.reserved = reserved
        self.claims = Claims(documents)

    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        return self.reserved.needs(name)

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        """What a new document changes that cannot change while its table is mapped, and what does
        not fit.
        """
        document = read_document(text)
        if document.table != name:
            what = (
                f"it maps table {document.table}, and its name says {name}: rename it, or correct"
                " `table`."
            )
            raise InvalidDocument([f"{document.place('table')}: {what}"])
        active = self.claims.active(name, version)
        found = list(moved(document, active, version)) if active else []
        found += [*self.claims.problems(document, world.listing), *self.reserved.problems(document)]
        try:
            self.fitted(Version(version + 1, document), world, check)
        except DoesNotFit as error:
            found += error.problems
        except Misconfigured as error:
            found.append(str(error))
        return found

    def compiled(self, name: str, world: World) -> Active:
        """Misconfigured too where the resource belongs to another table."""
        version = world[MAPPINGS.id(name)]
        if taken := self.claims.problems(version.document, world.listing):
            raise Misconfigured("mapping", f"The mapping of {name} cannot run: {' '.join(taken)}")
        return self.fitted(version, world, misfits)

    def fitted(
        self, version: Version[MappingDocument], world: World, checked: Callable[..., list[str]]
    ) -> Active:
        """`checked`: a active version goes on with what has no effect in it, and without its
        rules for reserved fields. A new one must be free of both.
        """
        document = version.document
        source = self.dataverse.table(document.table)
        target = self.campaign.resource(document.api, document.resource)
        own = self.reserved.without(document)
        problems = checked(own, source, target)
        if not source.change_tracking:
            problems.append(
                f"Change tracking is off for table {document.table}: switch on 'Track changes' in"
                " its properties."
            )
        if problems:
            raise DoesNotFit(document.table, problems)
        mapping = compile_mapping(
            own, source, target, self.reserved.created_with(world, source, target)
        )
        return Active(
            version.number, mapping, source, address(document), metadata_of(mapping, source, target)
        )


def metadata_of(mapping: CompiledMapping, source: SourceTable, target: TargetResource) -> str:
    """A name for the document and what both systems say of the columns and fields in it: another
    one, another mapping.
    """
    columns = [source.column(name) for name in mapping.columns]
    fields = [target.fields[step.target] for step in mapping.steps]
    text = (
        f"{mapping.document.model_dump_json()} {columns} {fields}"
        f" {target.fields[mapping.document.key.target]}"
    )
    return blake2b(text.encode(), digest_size=8).hexdigest()
