"""Mapping documents: YAML that a person writes, read strictly; every fault is told at once."""

from collections import Counter
from importlib import resources
from string import Formatter
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, field_validator, model_validator

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Dotted = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$", max_length=100)]
Scalar = bool | int | float | str
Comparison = Literal["eq", "ne", "gt", "ge", "lt", "le", "contains", "starts_with", "in", "is_null"]


class InvalidDocument(Exception):
    """The text is no mapping document; `problems` are sentences, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Part(BaseModel):
    """Strict: an unknown key is a fault, not a silent nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Key(Part):
    """How a record is found at Campaign: by key in the URL, or through a published filter and its parameter."""

    source: Name
    target: Dotted
    lookup: Literal["uri", "filter"] = "uri"
    filter: Name | None = None
    parameter: Name | None = None

    @model_validator(mode="after")
    def complete(self) -> Self:
        if self.lookup == "filter" and not (self.filter and self.parameter):
            raise ValueError("lookup: filter needs filter and parameter, as they are named in the publication")
        return self


class FieldRule(Part):
    """One target field, from one source column or from a template of several."""

    target: Dotted
    source: Name | None = None
    template: str | None = None
    replace: dict[Scalar, Scalar] = Field(default_factory=dict)
    otherwise: Scalar | None = None
    apply_updates: bool = True

    @field_validator("target")
    @classmethod
    def wire_name(cls, target: str) -> str:
        """Adobe's newer documentation says denyList; the fields are called blackList."""
        return "blackList" + target.removeprefix("denyList") if target.startswith("denyList") else target

    @model_validator(mode="after")
    def one_origin(self) -> Self:
        if (self.source is None) == (self.template is None):
            raise ValueError("needs either source or template")
        if self.template is not None:
            self.template_columns()
        return self

    def template_columns(self) -> list[str]:
        """The columns that the template names; a ValueError for anything but plain names in braces."""
        names = []
        for _, name, form, conversion in Formatter().parse(self.template or ""):
            if name is None:
                continue
            if not name.isidentifier() or form or conversion:
                raise ValueError("a template holds plain column names in braces, such as {firstname}")
            names.append(name)
        return names


class Link(Part):
    """A lookup whose id goes into a join column. `parent` is the parent's table; for a lookup to several tables, their list."""

    source: Name
    target: Dotted
    parent: Name | list[Name]

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
    """Which of the three forms of a filter is meant, so that only that one's faults are told."""
    if isinstance(value, dict):
        return "all" if "all" in value else "any" if "any" in value else "condition"
    return "all" if isinstance(value, AllOf) else "any" if isinstance(value, AnyOf) else "condition"


Filter = Annotated[
    Annotated[AllOf, Tag("all")] | Annotated[AnyOf, Tag("any")] | Annotated[Condition, Tag("condition")], Discriminator(form_of)
]


class MappingDocument(Part):
    """One Dataverse table into one Campaign resource."""

    table: Name
    resource: Name
    api: Literal["profileAndServices", "profileAndServicesExt", "customResources"] = "profileAndServicesExt"
    key: Key
    fields: list[FieldRule] = Field(min_length=1)
    links: list[Link] = Field(default_factory=list)
    filters: Filter | None = None
    filtered_out: Literal["keep", "delete"] = "keep"
    deletes: Literal["apply", "ignore"] = "apply"
    choices: Literal["label", "value"] = "label"

    @model_validator(mode="after")
    def one_source_for_each_target(self) -> Self:
        targets = Counter([self.key.target, *(rule.target for rule in self.fields), *(link.target for link in self.links)])
        doubled = [name for name, count in targets.items() if count > 1]
        if doubled:
            raise ValueError(f"two sources for one target: {', '.join(doubled)}")
        return self


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice and leaves dates as text."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        doubled = [str(key) for key, count in Counter(map(repr, keys)).items() if count > 1]
        if doubled:
            raise yaml.constructor.ConstructorError(None, None, f"the key {', '.join(doubled)} stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


StrictLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_document(text: str) -> MappingDocument:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    try:
        return MappingDocument.model_validate(parsed(text))
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(map(problem, error.errors(include_url=False))))) from None


def parsed(text: str) -> dict[Any, Any]:
    """What the YAML says; InvalidDocument where it is none."""
    try:
        content = yaml.load(text, StrictLoader)  # noqa: S506  # a SafeLoader
    except (yaml.YAMLError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"Line {mark.line + 1}: " if mark else ""
        raise InvalidDocument([f"{place}this is not YAML: {getattr(error, 'problem', None) or 'it cannot be read'}."]) from None
    if not isinstance(content, dict):
        raise InvalidDocument(["The document must be a list of `key: value` lines."])
    return content


def problem(error: Any) -> str:
    """One fault as a sentence: where in the document, and what."""
    parts = [
        part for before, part in zip(("", *error["loc"]), error["loc"], strict=False) if part not in UNION_TAGS and part != before
    ]
    place = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in parts)
    what = {"missing": "is missing", "extra_forbidden": "is no key that is known here"}.get(error["type"])
    return f"{place.lstrip('.') or 'The document'} {what or ': ' + error['msg'].removeprefix('Value error, ')}.".replace(
        " : ", ": "
    )


UNION_TAGS = frozenset({"condition", "bool", "int", "float", "str", "list[constrained-str]", "constrained-str"})


def default_document(table: str) -> str:
    """The packaged document of a table; InvalidDocument if there is none."""
    file = resources.files("shared.mapping.defaults").joinpath(f"{table}.yaml")
    if not file.is_file():
        raise InvalidDocument(
            [f"There is no mapping document for table {table}: put mappings/{table}.yaml into the container config."]
        )
    return file.read_text("utf-8")
