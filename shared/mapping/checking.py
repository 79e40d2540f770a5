"""Does a document fit both systems?

Every problem at once, each as a sentence with its place and what to do.

`misfits` are what a mapping cannot run with. `pointless` is what has no effect and so hints at a
mistake. `unlabelled` are the choices whose records are refused. A new document must be free of all
three. One that is active goes on with the last two.
"""

from collections.abc import Callable, Iterator, Mapping

from shared.mapping.contradicting import always, lets_nothing_pass, never
from shared.mapping.documents import FieldRule, Key, Link, MappingDocument
from shared.mapping.filtering import faults
from shared.mapping.metadata import LOOKUP_TYPES, SourceTable, TargetField, TargetResource
from shared.mapping.reading import Part
from shared.mapping.rule_checks import (
    column_problem,
    columns_of,
    field_problems,
    label_problems,
    pointless_in,
    target_problems,
)

RuleCheck = Callable[[FieldRule, SourceTable, TargetField], Iterator[str]]


def check(document: MappingDocument, source: SourceTable, target: TargetResource) -> list[str]:
    """All problems of a document against the metadata of its table and its resource; [] if there
    are none.
    """
    source = source.in_zone(document.zone)
    return [
        part
        for found in (misfits, pointless, unlabelled)
        for part in found(document, source, target)
    ]


def misfits(document: MappingDocument, source: SourceTable, target: TargetResource) -> list[str]:
    """What keeps the mapping from running, or would give its filters another meaning than they
    have.
    """
    source = source.in_zone(document.zone)
    found = [
        f"{document.place(part)}: {problem}"
        for part, problem in key_problems(document, source, target)
    ]
    for number, rule in enumerate(document.fields, 1):
        place = document.place(f"fields[{number}]", rule.target)
        found += [
            f"{place}: {problem}" for problem in field_problems(rule, document, source, target)
        ]
    for number, link in enumerate(document.links, 1):
        place = document.place(f"links[{number}]", link.target)
        found += [f"{place}: {problem}" for problem in link_problems(link, source, target)]
    return found + placed(
        document, faults(document.filters, source) or deletes_all(document, source)
    )


def deletes_all(document: MappingDocument, source: SourceTable) -> list[tuple[str, str]]:
    """Filters that certainly let no row pass only send nothing, unless the records of such rows are
    deleted.
    """
    if document.filtered_out == "delete" and lets_nothing_pass(document.filters, source):
        return [
            (
                "filters",
                (
                    "no row can pass, and filtered_out: delete would delete every record: correct"
                    " the conditions."
                ),
            )
        ]
    return []


def pointless(document: MappingDocument, source: SourceTable, target: TargetResource) -> list[str]:
    """What can never have an effect, of the parts that fit."""
    found = in_rules(pointless_in, document, source, target) + left_empty(document)
    if faults(document.filters, source):
        return found
    return found + placed(
        document, [*never(document.filters, source), *always(document.filters, source)]
    )


def left_empty(document: MappingDocument) -> list[str]:
    """Keys with nothing behind them, which are read as if they were not there."""
    parts: list[tuple[str, Part]] = [("", document)]
    parts += [(f"fields[{number}].", rule) for number, rule in enumerate(document.fields, 1)]
    empty = [
        f"{path}{name}"
        for path, part in parts
        for name in sorted(part.model_fields_set)
        if getattr(part, name) is None
    ]
    return [f"{document.place(path)}: is empty: write a value, or take it out." for path in empty]


def unlabelled(document: MappingDocument, source: SourceTable, target: TargetResource) -> list[str]:
    """Choices that the document writes by label and that have none in any language."""
    return in_rules(label_problems, document, source, target) if document.choices == "label" else []


def in_rules(
    problems: RuleCheck, document: MappingDocument, source: SourceTable, target: TargetResource
) -> list[str]:
    """What a check finds in the rules whose columns and field are there, each with its place."""
    found = []
    for number, rule in enumerate(document.fields, 1):
        place = document.place(f"fields[{number}]", rule.target)
        if rule.target in target.fields and all(map(source.column, columns_of(rule))):
            found += [
                f"{place}: {problem}"
                for problem in problems(rule, source, target.fields[rule.target])
            ]
    return found


def placed(
    document: MappingDocument, found: Iterator[tuple[str, str]] | list[tuple[str, str]]
) -> list[str]:
    return [f"{document.place(path)}: {problem}" for path, problem in found]


def key_problems(
    document: MappingDocument, source: SourceTable, target: TargetResource
) -> Iterator[tuple[str, str]]:
    """The part of the document with each of its problems."""
    if document.table != source.logical_name or document.resource != target.name:
        yield (
            "table",
            (
                f"table and resource are {document.table} and {document.resource}, the metadata is"
                " of another pair."
            ),
        )
    if document.key.source != source.primary_id:
        yield (
            "key",
            (
                f"key.source must be {source.primary_id}, the id of table {source.logical_name}: a"
                " deletion carries nothing else."
            ),
        )
    yield from (("key", problem) for problem in target_problems(document.key.target, target))
    target_field = target.fields.get(document.key.target)
    if target_field and target_field.type != "string":
        yield (
            "key",
            (
                f"key.target {document.key.target} is of type {target_field.type}: a key field must"
                " be a string."
            ),
        )
    if document.key.lookup == "filter" and target.filters is not None:
        yield from (
            ("key", problem)
            for problem in filter_problems(document.key, target.name, target.filters)
        )


def filter_problems(
    key: Key, resource: str, filters: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    """The filter that finds a record by its key must be published, with the parameter that the
    document names.
    """
    if not key.filter or key.filter not in filters:
        offered = f"it has {', '.join(sorted(filters))}" if filters else "it has none"
        yield (
            f"key.filter: resource {resource} has no filter {key.filter}, {offered}: publish a"
            f" filter definition on {key.target}."
        )
    elif key.parameter not in filters[key.filter]:
        offered = ", ".join(filters[key.filter]) or "no parameter"
        yield (
            f"key.parameter: filter {key.filter} of resource {resource} takes {offered}, not"
            f" {key.parameter}: correct its name."
        )


def link_problems(link: Link, source: SourceTable, target: TargetResource) -> Iterator[str]:
    yield from target_problems(link.target, target)
    column = source.column(link.source)
    if column is None or column.type not in LOOKUP_TYPES:
        yield (
            column_problem(link.source, source)
            or f"column {link.source} is no lookup: name it _<column>_value."
        )
        return
    strangers = [name for name in link.parents if column.targets and name not in column.targets]
    if strangers:
        yield (
            f"lookup {link.source} never leads to {', '.join(strangers)}, only to"
            f" {', '.join(column.targets)}."
        )
