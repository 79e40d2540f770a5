"""What can be wrong with one rule of a document, by the metadata of its column and its field."""

from collections.abc import Iterable, Iterator

from shared.mapping.conversion import CHOICES, converter
from shared.mapping.documents import FieldRule, MappingDocument, Scalar
from shared.mapping.metadata import (
    LOOKUP_TYPES,
    SourceColumn,
    SourceTable,
    TargetField,
    TargetResource,
)
from shared.mapping.refusal import Refuse
from shared.mapping.replacing import (
    ambiguous_keys,
    form_of,
    key_faults,
    key_form,
    shown,
    table_of_replacements,
)
from shared.mapping.templating import template_faults

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
NOT_READ = frozenset({"Image", "File", "PartyList", "CalendarRules", "ManagedProperty"})
MOST_NAMES = 12  # of an enumeration, in one sentence


def columns_of(rule: FieldRule) -> list[str]:
    return [rule.source] if rule.source else rule.template_columns()


def target_problems(name: str, target: TargetResource) -> Iterator[str]:
    target_field = target.fields.get(name)
    if target_field is None:
        similar = [field for field in target.fields if field.casefold() == name.casefold()]
        hint = (
            f"did you mean {similar[0]}?"
            if similar
            else "publish it with its API, or correct its name."
        )
        yield f"resource {target.name} has no field {name}: {hint}"
    elif target_field.read_only:
        yield f"field {name} of resource {target.name} is read-only: take it out."


def column_problem(name: str, source: SourceTable) -> str:
    """Why a row has no such column, "" if it has."""
    if source.column(name):
        return ""
    if name in source.columns and source.columns[name].type in LOOKUP_TYPES:
        return f"column {name} is a lookup: write _{name}_value."
    return f"table {source.logical_name} has no column {name}: correct its name."


def field_problems(
    rule: FieldRule, document: MappingDocument, source: SourceTable, target: TargetResource
) -> Iterator[str]:
    names = columns_of(rule)
    columns_wrong = [problem for name in names if (problem := column_problem(name, source))]
    target_wrong = list(target_problems(rule.target, target))
    yield from columns_wrong + target_wrong
    if columns_wrong or target_wrong:
        return
    column, target_field = (
        (source.column(rule.source) if rule.source else None),
        target.fields[rule.target],
    )
    for name in names:
        if (one := source.column(name)) and one.type == "Virtual":
            yield f"column {name} is virtual and cannot be read: use the column that it describes."
    if column and column.type != "Virtual" and not fits(column, target_field, rule):
        yield (
            f"column {rule.source} ({column.type}) cannot become {rule.target}"
            f" ({target_field.type}): map it to a string."
        )
    yield from ambiguous_keys(rule.replace, column)
    yield from value_problems(rule, target_field)
    yield from invalid_problems(
        rule, target_field, [found for name in names if (found := source.column(name))]
    )


def value_problems(rule: FieldRule, target_field: TargetField) -> Iterator[str]:
    """Replacements that the target field does not take."""
    for key, value in replacements(rule):
        try:
            converter(
                FieldRule(target=rule.target, source="value", otherwise=value),
                None,
                target_field,
                labels=False,
            )
        except Refuse as refusal:
            if target_field.type == "enumeration" and refusal.rule == "unknown_choice":
                yield (
                    f"{key}: {shown(value)} is none of the names of {rule.target}: use one of"
                    f" {listed(target_field.values)}."
                )
                continue
            yield f"{key}: a replacement for {rule.target} is {refusal.reason}."


def listed(names: Iterable[str]) -> str:
    """The names, or the first of very many."""
    every_name = list(names)
    return ", ".join(every_name[:MOST_NAMES]) + (
        f" and {len(every_name) - MOST_NAMES} more" if len(every_name) > MOST_NAMES else ""
    )


def replacements(rule: FieldRule) -> Iterator[tuple[str, Scalar]]:
    """Each value that stands for others, with what names it."""
    yield from ((f"the key {shown(key)} of replace", value) for key, value in rule.replace.items())
    if rule.otherwise is not None:
        yield "otherwise", rule.otherwise


def invalid_problems(
    rule: FieldRule, target_field: TargetField, columns: list[SourceColumn]
) -> Iterator[str]:
    """Only a text can be cut and still be of use: a part of a number, a date or an id is another
    one.
    """
    if rule.invalid != "cut":
        return
    if target_field.type in FITTING or target_field.type == "enumeration":
        yield (
            f"invalid: {rule.target} is of type {target_field.type}, and only a text can be cut:"
            " use omit or reject."
        )
    elif target_field.policy == "email":
        yield (
            f"invalid: {rule.target} holds an e-mail address, and a cut one is another address: use"
            " omit or reject."
        )
    else:
        for column in (column for column in columns if column.type not in TEXTS):
            yield (
                f"invalid: column {column.name} ({column.type}) is no text, and only a text can be"
                " cut: use omit or reject."
            )


def label_problems(
    rule: FieldRule, source: SourceTable, target_field: TargetField
) -> Iterator[str]:
    """Choices without a label that the field is given by label."""
    if target_field.type in FITTING or rule.otherwise is not None:
        return
    for column in (column for name in columns_of(rule) if (column := source.column(name))):
        given, form = key_form(column)
        replaced = table_of_replacements(dict.fromkeys(rule.replace), given) if rule.source else {}
        for value in (
            value
            for value, label in column.options.items()
            if not label and form_of(value, form) not in replaced
        ):
            advice = (
                "give it a label in Dynamics and publish, list it in `replace`, or set `choices:"
                " value`."
            )
            yield f"option {value} of column {column.name} has no label in any language: {advice}"


def fits(column: SourceColumn, target_field: TargetField, rule: FieldRule) -> bool:
    """Replacements may turn anything into anything; otherwise the two types must have a meaning in
    common.
    """
    return (
        rule.otherwise is not None
        or target_field.type not in FITTING
        or column.type in FITTING[target_field.type]
    )


def pointless_in(rule: FieldRule, source: SourceTable, target_field: TargetField) -> Iterator[str]:
    """What of a rule can have no effect, and what YAML has read as something else than is
    written.
    """
    for name in columns_of(rule):
        if (column := source.column(name)) and column.type in NOT_READ:
            yield f"column {name} ({column.type}) has no text: map another column."
    yield from key_faults(rule.replace, source.column(rule.source) if rule.source else None)
    for key, value in replacements(rule):
        if target_field.type == "string" and not isinstance(value, str | int):
            yield f"{key}: a number with a point may have another text than is written: quote it."
        elif target_field.type in ("string", "enumeration") and isinstance(value, bool):
            yield f"{key}: an unquoted yes, no, on or off is read as true or false: quote the text."
    if rule.template is not None:
        yield from template_faults(rule, target_field)
