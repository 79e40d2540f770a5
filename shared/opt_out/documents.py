"""The opt-out document: which column of contact goes with which flag of the profile, and how
Campaign's changes are read.

YAML for people, as the mapping documents are; `defaults/opt_out.yaml` is the first version.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.documents.kinds import DocumentKind
from shared.labels import folded
from shared.mapping import SourceTable, TargetResource
from shared.mapping.reading import Document, Misplaced, Part, read
from shared.sftp.exports.forms import Encoding, Separator, StableSeconds
from shared.times import TimeZone

Column = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=100)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
FLAGS = (
    "blackList",
    "blackListEmail",
    "blackListFax",
    "blackListMobile",
    "blackListPhone",
    "blackListPostalMail",
    "blackListPushnotification",
    "ccpaOptOut",
)


class Pair(Part):
    """A boolean column of contact and a flag of the profile.

    `inverted`: the column's yes is no opt-out but its contrary.

    `also`: columns whose yes is a no to this flag too; nobody but a user of Dynamics writes them.
    """

    column: Column
    flag: Name
    inverted: bool = False
    also: list[Column] = Field(default_factory=list)

    @field_validator("flag")
    @classmethod
    def wire_name(cls, flag: str) -> str:
        """Adobe's newer documentation says denyList; the fields are called blackList."""
        name = "blackList" + flag.removeprefix("denyList") if flag.startswith("denyList") else flag
        if name not in FLAGS:
            raise ValueError(f"must be one of Campaign's flags: {', '.join(FLAGS)}")
        return name

    @property
    def columns(self) -> list[str]:
        return [self.column, *self.also]

    def opted_out(self, row: Mapping[str, Any]) -> bool:
        """Whether the contact says no, by the column or by one of the others.

        An empty column says nothing: no opt-out.
        """
        own = row.get(self.column)
        return (own is not None and bool(own) != self.inverted) or self.held(row)

    def is_empty(self, row: Mapping[str, Any]) -> bool:
        """Whether the contact says neither yes nor no: a column that is secured is read as empty
        too.
        """
        return row.get(self.column) is None and not self.held(row)

    def held(self, row: Mapping[str, Any]) -> bool:
        """Whether one of the other columns says no, which is not ours to change."""
        return bool(self.also) and any(bool(row.get(name)) for name in self.also)

    def column_value(self, opted_out: bool) -> bool:
        return opted_out != self.inverted


class PublishedFilter(Part):
    name: Name
    parameter: Name


class ExportFiles(Part):
    """How the exported file is written; `contact` and `changed` are the header's names of contact
    id and last change.

    `time_zone`: whose clocks the times show. `values`: labels of another language that say yes
    (opted out) or no.
    """

    pattern: str = Field("optOuts_*", min_length=1)
    separator: Separator = "\t"
    encoding: Encoding = "utf-8"
    stable_seconds: StableSeconds = 60
    afterwards: Literal["move", "delete"] = "move"
    contact: str = Field("externalId", min_length=1)
    changed: str = Field("lastModified", min_length=1)
    promise_hours: float = Field(26, gt=0, le=24 * 14)
    time_zone: TimeZone = "UTC"
    values: dict[str, bool] = Field(default_factory=dict)

    @field_validator("values")
    @classmethod
    def one_meaning(cls, values: dict[str, bool]) -> dict[str, bool]:
        """The labels as they are compared."""
        if len({(folded(label), yes) for label, yes in values.items()}) > len(
            {folded(label) for label in values}
        ):
            raise ValueError("has a label that says both yes and no: keep one")
        return {folded(label): yes for label, yes in values.items()}


class OptOutDocument(Document):
    pairs: list[Pair] = Field(min_length=1, max_length=len(FLAGS))
    opt_in_from_dynamics: Literal["allow", "ignore"] = "allow"
    promise_minutes: float = Field(15, gt=0, le=60 * 48)
    filter: PublishedFilter = PublishedFilter(
        name="byLastmodified", parameter="lastModified_parameter"
    )
    page_lines: int = Field(1000, ge=1, le=10_000)
    overlap_seconds: float = Field(60, ge=0, le=86400)
    files: ExportFiles = Field(default_factory=lambda: ExportFiles.model_validate({}))

    @model_validator(mode="after")
    def one_to_one(self) -> Self:
        names = Counter([pair.column for pair in self.pairs] + [pair.flag for pair in self.pairs])
        if doubled := [name for name, count in names.items() if count > 1]:
            last = max(
                number
                for number, pair in enumerate(self.pairs)
                if {pair.column, pair.flag} & set(doubled)
            )
            what = (
                f"{', '.join(doubled)} stands in two pairs, and each column and each flag may stand"
                " in one only"
            )
            raise Misplaced(what, "pairs", last)
        return self

    @property
    def columns(self) -> list[str]:
        """All columns of contact that the pairs read, each once, sorted."""
        return sorted({name for pair in self.pairs for name in pair.columns})


def read_opt_out_document(text: str) -> OptOutDocument:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    return read(text, OptOutDocument)


def default_opt_out_document() -> str:
    return resources.files("shared.opt_out.defaults").joinpath("opt_out.yaml").read_text("utf-8")


KIND = DocumentKind(
    folder="opt-out",
    model=OptOutDocument,
    setting="opt-out document",
    title=lambda name: "opt-out document",
    packaged=lambda name: default_opt_out_document(),
)
OPT_OUT = KIND.id("opt_out")


def problems(document: OptOutDocument, contact: SourceTable, profile: TargetResource) -> list[str]:
    """Why the pairs do not fit both systems, each with what to do; [] if they do."""
    found = []
    for number, pair in enumerate(document.pairs, 1):
        place = document.place(f"pairs[{number}]", pair.flag)
        found += [f"{place}: {problem}" for problem in pair_problems(pair, contact, profile)]
    return found


def pair_problems(pair: Pair, contact: SourceTable, profile: TargetResource) -> Iterator[str]:
    for name in pair.columns:
        column = contact.columns.get(name)
        if column is None:
            yield f"table contact has no column {name}: correct its name, or take the pair out."
        elif column.type != "Boolean":
            yield (
                f"column {name} is of type {column.type}, and a pair needs a Yes/No column: name"
                " another column."
            )
    held = profile.fields.get(pair.flag)
    if held is None:
        yield (
            f"the profile has no flag {pair.flag}: take the pair out, or ask Adobe for the release"
            " that has it."
        )
    elif held.read_only:
        yield f"flag {pair.flag} is read-only: take the pair out."
