"""From a document and both systems' metadata to one function: a row in, a Campaign record out.

The hot path.

Every choice is made here, once; the function that comes out only walks a list of converters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.errors import Refusal, Rejected
from shared.mapping.conversion import Convert, converter, textual
from shared.mapping.documents import FieldRule, Link, MappingDocument, placeholders
from shared.mapping.filtering import RowFilter, conditions, row_filter
from shared.mapping.keys import key_fault
from shared.mapping.links import Parent, leads, parent_table
from shared.mapping.metadata import SourceTable, TargetField, TargetResource
from shared.mapping.refusal import Refuse

Row = Mapping[str, Any]


class Altered(NamedTuple):
    """A target field that was left out or cut, as its rule in the document asks.

    `what`: "omitted" or "cut"; `rule` is a code.
    """

    field: str
    what: str
    rule: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What is sent of a row: `record` and `create_only` by a creation, `update` by an update or a
    replay, without key and `apply_updates: false` fields.

    `altered`: the fields that were left out or cut, each with its rule; no values.
    `unlinked`: fields of required links whose lookup leads to no parent.
    """

    key: str = field(repr=False)
    record: dict[str, Any] = field(repr=False)
    update: dict[str, Any] = field(repr=False)
    parents: tuple[Parent, ...] = ()
    create_only: Mapping[str, Any] = field(default_factory=dict, repr=False)
    altered: tuple[Altered, ...] = ()
    unlinked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateOnly:
    """A flag that another flow keeps. A creation sets it, so no record is ever without it."""

    target: str
    columns: tuple[str, ...]
    said: Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Filtered:
    """The document's filters keep this row out; `reason` names the condition, never a value."""

    key: str = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One target field: read, convert, put at `inner` of `outer` ("" where it is not nested).

    `omits`: a value that is refused is left out. `cut` shortens a text, None where none may.
    """

    read: Callable[[Row], Any]
    convert: Convert
    outer: str
    inner: str
    updates: bool
    origin: str
    omits: bool = False
    cut: Convert | None = None

    @property
    def target(self) -> str:
        return f"{self.outer}.{self.inner}" if self.outer else self.inner


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """`columns` are all that must be read of a row, sorted.

    `polymorphic_lookups`: those among them that lead to one of several tables, so that a row must
    say to which (see `table_of`).
    """

    document: MappingDocument
    columns: tuple[str, ...]
    polymorphic_lookups: tuple[str, ...]
    steps: tuple[Step, ...]
    passes: RowFilter | None
    key: Convert
    create_only: tuple[CreateOnly, ...] = ()
    needed: frozenset[str] = field(init=False)
    """`columns`, for a quick look at a row."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "needed", frozenset(self.columns))

    @property
    def table(self) -> str:
        return self.document.table

    def map(self, row: Row) -> Mapped | Filtered:
        """The record of a row with all `columns`; Rejected with every refusal at once."""
        refusals: list[Refusal] = []
        key_rule = self.document.key
        try:
            key = self.key(row[key_rule.source])
        except Refuse as refusal:
            raise Rejected(refused(key_rule.target, key_rule.source, refusal)) from None
        if self.passes and (reason := self.passes(row)):
            return Filtered(key, reason)
        record: dict[str, Any] = {}
        update: dict[str, Any] = {}
        altered: list[Altered] = []
        for step in self.steps:
            try:
                value = step.convert(step.read(row))
            except Refuse as refusal:
                value = salvaged(step, row, refusal, refusals, altered)
                if value is NOTHING:
                    continue
            if step.outer:
                record.setdefault(step.outer, {})[step.inner] = value
                if step.updates:
                    update.setdefault(step.outer, {})[step.inner] = value
            else:
                record[step.inner] = value
                if step.updates:
                    update[step.inner] = value
        if refusals:
            raise Rejected(*refusals)
        record[key_rule.target] = key
        create_only = {flag.target: True for flag in self.create_only if flag.said(row)}
        parents, unlinked = self.parents(row), self.unlinked(row)
        return Mapped(key, record, update, parents, create_only, tuple(altered), unlinked)

    def parents(self, row: Row) -> tuple[Parent, ...]:
        links = [link for link in self.document.links if leads(link, self.polymorphic_lookups)(row)]
        return tuple(
            Parent(
                parent_table(link, self.polymorphic_lookups, row),
                str(row[link.source]).lower(),
                link.target,
                link.required,
            )
            for link in links
        )

    def unlinked(self, row: Row) -> tuple[str, ...]:
        """The fields of required links without a parent; one that leads to another link's table has
        its parent there.
        """
        links = self.document.links
        given = {link.source for link in links if leads(link, self.polymorphic_lookups)(row)}
        return tuple(link.target for link in links if link.required and link.source not in given)


NOTHING = object()  # stands for a value that is not sent


def salvaged(
    step: Step, row: Row, refusal: Refuse, refusals: list[Refusal], altered: list[Altered]
) -> Any:
    """What is sent in place of a value that was refused: the cut text, or NOTHING; puts on one of
    the lists what was done.
    """
    if step.omits:
        altered.append(Altered(step.target, "omitted", refusal.rule))
        return NOTHING
    try:
        if step.cut is None or refusal.rule != "too_long":
            raise refusal
        value = step.cut(step.read(row))
    except Refuse as final:
        refusals.append(refused(step.target, step.origin, final))
        return NOTHING
    altered.append(Altered(step.target, "cut", refusal.rule))
    return value


def refused(target: str, origin: str, refusal: Refuse) -> Refusal:
    return Refusal(target, refusal.rule, f"{target} (from {origin}) was given {refusal.reason}.")


def compile_mapping(
    document: MappingDocument,
    source: SourceTable,
    target: TargetResource,
    create_only: tuple[CreateOnly, ...] = (),
) -> CompiledMapping:
    """The mapping as a function. The document must have passed `check`."""
    source = source.in_zone(document.zone)
    flags = {name for flag in create_only for name in flag.columns}
    steps = [field_step(rule, document, source, target) for rule in document.fields]
    lookups = {link.source: source.column(link.source) for link in document.links}
    polymorphic_lookups = tuple(
        sorted(name for name, column in lookups.items() if column and len(column.targets) > 1)
    )
    steps += [
        link_step(link, leads(link, polymorphic_lookups), source, target) for link in document.links
    ]
    return CompiledMapping(
        document=document,
        columns=tuple(sorted(columns(document) | flags)),
        polymorphic_lookups=polymorphic_lookups,
        steps=tuple(steps),
        passes=row_filter(document.filters, source) if document.filters else None,
        key=key_converter(target.fields[document.key.target]),
        create_only=create_only,
    )


def columns(document: MappingDocument) -> set[str]:
    names = {document.key.source, *(link.source for link in document.links)}
    names |= {condition.field for condition in conditions(document.filters)}
    for rule in document.fields:
        names |= {rule.source} if rule.source else set(rule.template_columns())
    return names


def key_converter(target: TargetField) -> Convert:
    """A key is never empty, nor one that a URL would shorten: the record could not be found
    again.
    """
    convert = converter(FieldRule(target=target.name, source="key"), None, target, labels=False)

    def key(value: Any) -> str:
        found = "" if value is None or value == "" else str(convert(value))
        if fault := key_fault(found):
            raise Refuse("bad_key", fault)
        return found

    return key


def field_step(
    rule: FieldRule, document: MappingDocument, source: SourceTable, target: TargetResource
) -> Step:
    labels = document.choices == "label"
    column, target_field = (
        source.column(rule.source) if rule.source else None,
        target.fields[rule.target],
    )
    outer, _, inner = rule.target.rpartition(".")
    return Step(
        read=reading(rule.source) if rule.source else template(rule, source, labels),
        convert=converter(rule, column, target_field, labels),
        outer=outer,
        inner=inner,
        updates=rule.apply_updates,
        origin=rule.source or "a template",
        omits=rule.invalid == "omit",
        cut=converter(rule, column, target_field, labels, cuts=True)
        if rule.invalid == "cut"
        else None,
    )


def link_step(
    link: Link, to_parent: Callable[[Row], bool], source: SourceTable, target: TargetResource
) -> Step:
    """The id of the parent; nothing where the lookup leads to a table that the link does not
    name.
    """
    rule = FieldRule(target=link.target, source=link.source)
    convert = converter(rule, source.column(link.source), target.fields[link.target], labels=False)
    outer, _, inner = link.target.rpartition(".")

    def read(row: Row) -> Any:
        return row[link.source] if to_parent(row) else None

    return Step(read, convert, outer, inner, updates=True, origin=link.source)


def reading(name: str) -> Callable[[Row], Any]:
    return lambda row: row[name]


def template(rule: FieldRule, source: SourceTable, labels: bool) -> Callable[[Row], str]:
    """The text of a template.

    A column that is empty leaves no blanks behind; what the others hold stays as it is.
    """
    texts = {name: textual(source.column(name), labels) for name in rule.template_columns()}
    parts = placeholders(" ".join((rule.template or "").split()))

    def filled(row: Row) -> str:
        found: list[tuple[str, bool]] = []  # each piece, and whether a column gave it
        after_empty = True
        for literal, name in parts:
            if after_empty and (not found or found[-1][0].endswith(" ")):
                literal = literal.lstrip(" ")
            value = "" if not name or row[name] is None else texts[name](row[name])
            found += [(literal, False)] if literal else []
            found += [(value, True)] if (kept := bool(value.strip(" "))) else []
            after_empty = bool(name) and not kept
        if found and after_empty and not found[-1][1]:
            found[-1] = (found[-1][0].rstrip(" "), False)
        return "".join(piece for piece, _ in found)

    return filled
