"""What the keeper knows of a kind of document, and what it hands to a compiler.

All are values, which ask nobody.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.errors import Misconfigured
from shared.mapping.reading import Document, read_active
from shared.mapping.syntax import InvalidDocument
from shared.state.documents import Listing


@dataclass(frozen=True, slots=True, eq=False)
class DocumentKind[D: Document]:
    """How documents of one kind are stored, read and named. One instance for each kind."""

    folder: str
    """Of the container `config`."""
    model: type[D]
    setting: str
    """What a Misconfigured of such a document names."""
    title: Callable[[str], str]
    """A document in a sentence, by its name: "mapping of contact"."""
    packaged: Callable[[str], str]
    """The text that the bridge brings for a name. InvalidDocument where it brings none."""
    retried_after_seconds: float = 0.0
    """For how long a refused draft is not checked again while it is unchanged."""

    ids: dict[str, "DocumentId[D]"] = field(default_factory=dict, init=False)

    def id(self, name: str) -> "DocumentId[D]":
        """The same object for the same name: it is looked up for every record that is decided."""
        return self.ids.get(name) or self.ids.setdefault(name, DocumentId(self, name))


@dataclass(frozen=True, slots=True, eq=False)
class DocumentId[D: Document]:
    """One document: its kind, and its name in the folder of the kind.

    `DocumentKind.id` makes it.
    """

    kind: DocumentKind[D]
    name: str

    @property
    def path(self) -> str:
        return f"{self.kind.folder}/{self.name}.yaml"

    def read(self, text: str, number: int) -> D:
        """The document in the text of a version.

        Misconfigured where today's rules do not read it.
        """
        kind = self.kind
        return read_active(
            text, kind.model, kind.setting, f"Version {number} of the {kind.title(self.name)}"
        )

    def packaged(self) -> str:
        """Misconfigured where the bridge brings none."""
        try:
            return self.kind.packaged(self.name)
        except InvalidDocument as error:
            raise Misconfigured(self.kind.setting, str(error)) from None

    @property
    def is_packaged(self) -> bool:
        try:
            return bool(self.packaged())
        except Misconfigured:
            return False

    def not_activated(self, problems: Sequence[str], version: int) -> str:
        """What is said of a refused draft; "" where there are no problems.

        `version` is the one that stays active, 0 for none.
        """
        if not problems:
            return ""
        instead = f"Version {version} stays active." if version else "No version is active."
        instead = (
            "The packaged document stays active." if self.is_packaged and not version else instead
        )
        return f"The document {self.path} was not activated: {' '.join(problems)} {instead}"


@dataclass(frozen=True, slots=True)
class Version[D]:
    number: int
    """0: the packaged document, which nobody has used yet."""
    document: D


@dataclass(frozen=True, slots=True)
class World:
    """What one compilation goes by, all from one listing: no answer is made of two moments."""

    listing: Listing
    versions: Mapping[DocumentId[Any], Version[Any]]
    """The document itself, unless it is a draft, and those that it needs."""

    def __getitem__[D: Document](self, wanted: DocumentId[D]) -> Version[D]:
        return self.versions[wanted]

    def says_the_same(self, other: "World", wanted: DocumentId[Any]) -> bool:
        """Whether a compilation of `wanted` would go by the same.

        A packaged document that it needs stays the same when it
        becomes version 1.
        """
        documents, others = (
            {one: version.document for one, version in world.versions.items()}
            for world in (self, other)
        )
        return self[wanted].number == other[wanted].number and documents == others


class Compiler[D: Document, Active](Protocol):
    """Makes of a document what flows use. It may ask both systems, never the keeper."""

    @property
    def kind(self) -> DocumentKind[D]: ...
    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        """Documents of other kinds that the compilation of this one goes by."""

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        """Why a draft cannot follow the active version, 0 for none; [] if it can. Changes nothing.

        Raises InvalidDocument or Misconfigured where the look ends with that.
        """

    def compiled(self, name: str, world: World) -> Active:
        """Misconfigured with every problem where the systems do not support the active version."""


def draft_problems[D: Document](
    compiler: Compiler[D, Any], name: str, text: str, version: int, world: World
) -> list[str]:
    """As `Compiler.problems`, whatever ends the look."""
    try:
        return compiler.problems(name, text, version, world)
    except InvalidDocument as error:
        return error.problems
    except Misconfigured as error:
        return [str(error)]
