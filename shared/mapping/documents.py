"""Mapping documents: YAML that a person writes, read strictly; all problems are reported."""

from collections import Counter
from datetime import tzinfo
from decimal import Decimal
from importlib import resources
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from shared.mapping.reading import Document, Misplaced, Part, read
from shared.mapping.syntax import InvalidDocument
from shared.times import TimeZone, zone_of

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Dotted = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$", max_length=100)
]
Scalar = bool | int | float | Decimal | str
Comparison = Literal["eq", "ne", "gt", "ge", "lt", "le", "contains", "starts_with", "in", "is_null"]


def placeholders(text: str) -> list[tuple[str, str]]:
    """Each literal with the name in braces that follows it, "" after the last; a ValueError for any
    other use of braces.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise ValueError(
            "has a brace without its counterpart: write {name}, or {{ and }} for braces that stay"
        ) from None
    if any(
        name is not None and (not name.isidentifier() or form or conversion)
        for _, name, form, conversion in parts
    ):
        raise ValueError("may hold plain names in braces only, such as {firstname}")
    return [(literal, name or "") for literal, name, _, _ in parts]


class Key(Part):
    """How a record is found at Campaign: by key in the URL, or through a published filter and its
    parameter.
    """

    source: Name
    target: Dotted
    lookup: Literal["uri", "filter"] = "uri"
    filter: Name | None = None
    parameter: Name | None = None

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.lookup == "filter" and not (self.filter and self.parameter):
            raise ValueError(
                "lookup: filter needs filter and parameter, as they are named in the publication"
            )
        return self


class FieldRule(Part):
    """One target field, from one source column or from a template of several."""

    target: Dotted
    source: Name | None = None
    template: str | None = None
    replace: dict[Scalar, Scalar] = Field(default_factory=dict)
    otherwise: Scalar | None = None
    apply_updates: bool = True
    invalid: Literal["reject", "omit", "cut"] = "reject"

    @field_validator("target")
    @classmethod
    def wire_name(cls, target: str) -> str:
        """Adobe's newer documentation says denyList; the fields are called blackList."""
        return (
            "blackList" + target.removeprefix("denyList")
            if target.startswith("denyList")
            else target
        )

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        if (self.source is None) == (self.template is None):
            raise ValueError("needs either source or template")
        if self.template is not None:
            self.template_columns()
        return self

    def template_columns(self) -> list[str]:
        """The columns that the template names; a ValueError for anything but plain names in
        braces.
        """
        return [name for _, name in placeholders(self.template or "") if name]


class Link(Part):
    """A lookup whose id goes into a join column.

    `parent` is the parent's table; for a lookup to several tables, their list. `required`: true: a
    record without a parent waits; false: it does not wait for a parent that its filter keeps out;
    None: it waits for the parent that it has, and is written without one.
    """

    source: Name
    target: Dotted
    parent: Name | list[Name]
    required: bool | None = None

    @property
    def parents(self) -> list[str]:
        return self.parent if isinstance(self.parent, list) else [self.parent]


class Condition(Part):
    """`value` is what the column is compared with; a list for `in`; true or false for `is_null`."""

    field: Name
    is_: Comparison = Field(alias="is")
    value: Scalar | list[Scalar] | None = None

    @model_validator(mode="after")
    def fitting(self) -> Self:
        if (self.is_ == "in") != isinstance(self.value, list):
            raise ValueError("`in` needs a list of values, and only `in` takes one")
        if self.is_ == "is_null" and not isinstance(self.value, bool):
            raise ValueError("`is_null` needs true or false as its value")
        if self.value is None:
            raise ValueError("needs a value; for empty columns use is_null")
        return self


class AllOf(Part):
    all: list["Filter"]


class AnyOf(Part):
    any: list["Filter"]


def form_of(value: Any) -> str:
    """Which of the three forms of a filter is meant, so that only its problems are reported."""
    if isinstance(value, dict):
        return "all" if "all" in value else "any" if "any" in value else "condition"
    return "all" if isinstance(value, AllOf) else "any" if isinstance(value, AnyOf) else "condition"


DEEPEST_FILTERS = 20


def depth(part: "Filter") -> int:
    inner = [] if isinstance(part, Condition) else part.all if isinstance(part, AllOf) else part.any
    return 1 + max(map(depth, inner), default=0)


Filter = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Condition, Tag("condition")],
    Discriminator(form_of),
]


class MappingDocument(Document):
    """One Dataverse table into one Campaign resource."""

    table: Name
    resource: Name
    api: Literal["profileAndServices", "profileAndServicesExt", "customResources"] = (
        "profileAndServicesExt"
    )
    key: Key
    fields: list[FieldRule] = Field(min_length=1)
    links: list[Link] = Field(default_factory=list)
    filters: Filter | None = None
    filtered_out: Literal["keep", "delete"] = "keep"
    deletes: Literal["apply", "ignore"] = "apply"
    choices: Literal["label", "value"] = "label"
    time_zone: TimeZone | None = None

    @property
    def zone(self) -> tzinfo | None:
        return zone_of(self.time_zone) if self.time_zone else None

    @model_validator(mode="after")
    def shallow(self) -> Self:
        if self.filters is not None and depth(self.filters) > DEEPEST_FILTERS:
            raise Misplaced(
                f"all and any stand more than {DEEPEST_FILTERS} deep within each other: write"
                " fewer",
                "filters",
            )
        return self

    @model_validator(mode="after")
    def one_source_for_each_target(self) -> Self:
        targets = [
            ("key", 0, self.key.target),
            *(("fields", number, rule.target) for number, rule in enumerate(self.fields)),
        ]
        targets += [("links", number, link.target) for number, link in enumerate(self.links)]
        counted = Counter(name for _, _, name in targets)
        if doubled := [one for one in targets if counted[one[2]] > 1]:
            names = ", ".join(dict.fromkeys(name for _, _, name in doubled))
            raise Misplaced(f"two sources for one target: {names}", *doubled[-1][:2])
        return self


def read_document(text: str) -> MappingDocument:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    return read(text, MappingDocument)


def has_default(table: str) -> bool:
    return resources.files("shared.mapping.defaults").joinpath(f"{table}.yaml").is_file()


def default_document(table: str) -> str:
    """The packaged document of a table; InvalidDocument if there is none."""
    if not has_default(table):
        raise InvalidDocument(
            [
                f"There is no mapping document for table {table}: put mappings/{table}.yaml into"
                " the container config."
            ]
        )
    return resources.files("shared.mapping.defaults").joinpath(f"{table}.yaml").read_text("utf-8")
