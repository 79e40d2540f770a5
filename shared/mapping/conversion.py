"""One value, from Dataverse's form to Campaign's: a converter is chosen once for each field and
then only called.

Whatever has no counterpart among Campaign's types goes as its text. Null clears: "" for texts and
dates, 0, false, and the enumeration's unset name. Nothing is rounded or guessed, or cut unasked:
what does not fit is refused, by rule, without its value.
"""

from collections.abc import Callable, Container, Mapping
from decimal import Decimal
from typing import Any

from shared.mapping.comparing import labelled
from shared.mapping.documents import FieldRule, Scalar
from shared.mapping.metadata import SourceColumn, TargetField
from shared.mapping.quantities import decimal, digits, integer, number
from shared.mapping.refusal import Refuse
from shared.mapping.replacing import form_of, key_form, table_of_replacements
from shared.mapping.texts import fitting
from shared.mapping.times import for_day, for_moment, for_text

Convert = Callable[[Any], Any]

UNSET_NAMES = ("unknown", "none")
CHOICES = frozenset({"Picklist", "State", "Status"})
LABELLED = CHOICES | {"MultiSelectPicklist"}
FRACTIONAL = (float, Decimal)
DECIMALS = frozenset({"Decimal", "Money", "Double"})


def converter(
    rule: FieldRule,
    column: SourceColumn | None,
    target: TargetField,
    labels: bool,
    cuts: bool = False,
) -> Convert:
    """The converter for a rule; `column` is None for a template, whose text it is given.

    `cuts`: it shortens a text to fit.
    """
    convert, null = into(column, target, labels, cuts), unset(target)
    if rule.replace or rule.otherwise is not None:
        return replacing(rule, column, target, convert, null)

    def plain(value: Any) -> Any:
        return null if value is None or value == "" else convert(value)

    return plain


def replacing(
    rule: FieldRule, column: SourceColumn | None, target: TargetField, convert: Convert, null: Any
) -> Convert:
    """Looks a value up among the replacements, as its column's type compares.

    `otherwise` stands for all others, null too.
    """
    literal = into(None, target, labels=False)
    given, stored = key_form(column)
    table = table_of_replacements(
        {key: literal(value) for key, value in rule.replace.items()}, given
    )
    otherwise = None if rule.otherwise is None else literal(rule.otherwise)

    def replaced(value: Any) -> Any:
        if value is not None and (form := form_of(value, stored)) in table:
            return table[form]
        if otherwise is not None:
            return otherwise
        return null if value is None or value == "" else convert(value)

    return replaced


def word(value: Scalar | None) -> str:
    """One form for 1, 1.00 and "1", for true and "true"."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain_digits(value) if isinstance(value, FRACTIONAL) else str(value)


def plain_digits(value: float | Decimal) -> str:
    """Also of what is no number, which is then like nothing else."""
    try:
        return digits(value)
    except Refuse:
        return str(value)


def unset(target: TargetField) -> Any:
    """What Campaign writes for "unset"."""
    if target.type == "enumeration":
        return next((name for name in UNSET_NAMES if name in target.values), "")
    return {"boolean": False, "integer": 0, "float": 0, "double": 0}.get(target.type, "")


def into(
    column: SourceColumn | None, target: TargetField, labels: bool, cuts: bool = False
) -> Convert:
    as_text = textual(column, labels)
    as_number = decimal if column and column.type in DECIMALS else number
    simple: dict[str, Convert] = {
        "boolean": boolean,
        "integer": integer,
        "float": as_number,
        "double": as_number,
    }
    if target.type in simple:
        return simple[target.type]
    if target.type in ("date", "datetime"):
        return for_day(column) if target.type == "date" else for_moment(column)
    if target.type == "enumeration":
        names = enumeration(target.values)
        return lambda value: one_of(as_text(value), names, target.values)
    return fitting(as_text, target, cuts)


def enumeration(values: Mapping[str, str]) -> dict[str, str]:
    """The names by themselves and by their labels, without case.

    A name goes before a label; what may be two names is none.
    """
    spelled = labelled({name: name for name in values})
    alone = {
        word: set(names) for word, names in (labelled(values) | spelled).items() if len(names) == 1
    }
    return {word: names.pop() for word, names in alone.items()}


def textual(column: SourceColumn | None, labels: bool) -> Convert:
    """A value's text: labels of choices if the document says so, Campaign's form of times, else its
    plain form.
    """
    kind = column.type if column else ""
    if column and kind == "DateTime":
        return for_text(column)
    if column and labels and (column.options or kind in LABELLED):
        options = {str(value): label for value, label in column.options.items()}
        if kind == "MultiSelectPicklist":
            return lambda value: "; ".join(
                label_of(part.strip(), options) for part in str(value).split(",")
            )
        return lambda value: label_of(
            str(int(value)) if isinstance(value, bool | int) else str(value), options
        )
    return plain_text


def label_of(value: str, options: Mapping[str, str]) -> str:
    if value not in options:
        raise Refuse(
            "unknown_choice",
            "a choice that the column's metadata does not list: publish the table's changes",
        )
    if not options[value]:
        raise Refuse(
            "no_label",
            "a choice without a label in any language: give it one, or list it in `replace`",
        )
    return options[value]


def plain_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return digits(value) if isinstance(value, FRACTIONAL) else word(value)


def one_of(text: str, names: Mapping[str, str], exact: Container[str]) -> str:
    """The name as it is; else the one that `names` knows for it."""
    written = text.strip()
    if written in exact:
        return written
    if (name := names.get(written.casefold())) is None:
        raise Refuse(
            "unknown_choice",
            "a value that the enumeration does not have: add a replacement to the mapping document",
        )
    return name


def boolean(value: Any) -> bool:
    truth = {"true": True, "false": False, "1": True, "0": False}.get(word(value).strip().lower())
    if truth is None:
        raise Refuse(
            "not_a_boolean",
            "a value that is neither true nor false: add replacements to the mapping document",
        )
    return truth
