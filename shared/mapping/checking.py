"""Does a document fit both systems? Every problem at once, each as a sentence with its place and what to do."""

from collections.abc import Iterator, Mapping

from shared.mapping.conversion import CHOICES, Refuse, converter
from shared.mapping.documents import FieldRule, Key, Link, MappingDocument
from shared.mapping.filtering import faults
from shared.mapping.metadata import LOOKUP_TYPES, SourceColumn, SourceTable, TargetField, TargetResource

TEXTS = frozenset({"String", "Memo", "EntityName"})
NUMBERS = frozenset({"Integer", "BigInt", "Decimal", "Double", "Money"})
FITTING = {
    "boolean": TEXTS | CHOICES | {"Boolean", "Integer"},
    "integer": TEXTS | CHOICES | NUMBERS | {"Boolean"},
    "float": TEXTS | CHOICES | NUMBERS | {"Boolean"},
    "double": TEXTS | CHOICES | NUMBERS | {"Boolean"},
    "date": TEXTS | {"DateTime", "DateOnly"},
    "datetime": TEXTS | {"DateTime", "DateOnly"},
}


def check(document: MappingDocument, source: SourceTable, target: TargetResource) -> list[str]:
    """The problems of a document against the metadata of its table and its resource; [] if there are none."""
    found = list(key_problems(document, source, target))
    for number, rule in enumerate(document.fields, 1):
        found += [f"fields[{number}]: {problem}" for problem in field_problems(rule, document, source, target)]
    for number, link in enumerate(document.links, 1):
        found += [f"links[{number}]: {problem}" for problem in link_problems(link, source, target)]
    return found + faults(document.filters, source)


def key_problems(document: MappingDocument, source: SourceTable, target: TargetResource) -> Iterator[str]:
    if document.table != source.logical_name or document.resource != target.name:
        yield f"table and resource are {document.table} and {document.resource}, the metadata is of another pair."
    if document.key.source != source.primary_id:
        yield f"key.source must be {source.primary_id}, the id of table {source.logical_name}: a deletion carries nothing else."
    yield from (f"key: {problem}" for problem in target_problems(document.key.target, target))
    held = target.fields.get(document.key.target)
    if held and held.type != "string":
        yield f"key.target {document.key.target} is of type {held.type}: a key field must be a string."
    if document.key.lookup == "filter" and target.filters is not None:
        yield from filter_problems(document.key, target.name, target.filters)


def filter_problems(key: Key, resource: str, filters: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The filter that finds a record by its key must be published, with the parameter that the document names."""
    if not key.filter or key.filter not in filters:
        known = f"it has {', '.join(sorted(filters))}" if filters else "it has none"
        yield f"key.filter: resource {resource} has no filter {key.filter}, {known}: publish a filter definition on {key.target}."
    elif key.parameter not in filters[key.filter]:
        known = ", ".join(filters[key.filter]) or "no parameter"
        yield f"key.parameter: filter {key.filter} of resource {resource} takes {known}, not {key.parameter}: correct its name."


def target_problems(name: str, target: TargetResource) -> Iterator[str]:
    held = target.fields.get(name)
    if held is None:
        similar = [known for known in target.fields if known.casefold() == name.casefold()]
        hint = f"did you mean {similar[0]}?" if similar else "publish it with its API, or correct its name."
        yield f"resource {target.name} has no field {name}: {hint}"
    elif held.read_only:
        yield f"field {name} of resource {target.name} is read-only: take it out."


def column_problem(name: str, source: SourceTable) -> str:
    """Why a row has no such column, "" if it has."""
    if source.column(name):
        return ""
    if name in source.columns and source.columns[name].type in LOOKUP_TYPES:
        return f"column {name} is a lookup: write _{name}_value."
    return f"table {source.logical_name} has no column {name}: correct its name."


def field_problems(rule: FieldRule, document: MappingDocument, source: SourceTable, target: TargetResource) -> Iterator[str]:
    names = [rule.source] if rule.source else rule.template_columns()
    columns_wrong = [problem for name in names if (problem := column_problem(name, source))]
    target_wrong = list(target_problems(rule.target, target))
    yield from columns_wrong + target_wrong
    if columns_wrong or target_wrong:
        return
    column, held = (source.column(rule.source) if rule.source else None), target.fields[rule.target]
    if column and column.type == "Virtual":
        yield f"column {rule.source} is virtual and cannot be read: use the column that it describes."
    elif column and not fits(column, held, rule):
        yield f"column {rule.source} ({column.type}) cannot become {rule.target} ({held.type}): map it to a string."
    try:
        converter(rule, column, held, document.choices == "label")
    except Refuse as refusal:
        yield f"a replacement for {rule.target} is {refusal.reason}."


def fits(column: SourceColumn, held: TargetField, rule: FieldRule) -> bool:
    """Replacements may turn anything into anything; otherwise the two types must have a meaning in common."""
    return rule.otherwise is not None or held.type not in FITTING or column.type in FITTING[held.type]


def link_problems(link: Link, source: SourceTable, target: TargetResource) -> Iterator[str]:
    yield from target_problems(link.target, target)
    column = source.column(link.source)
    if column is None or column.type not in LOOKUP_TYPES:
        yield column_problem(link.source, source) or f"column {link.source} is no lookup: name it _<column>_value."
        return
    strangers = [name for name in link.parents if column.targets and name not in column.targets]
    if strangers:
        yield f"lookup {link.source} never leads to {', '.join(strangers)}, only to {', '.join(column.targets)}."
