"""One value, from Dataverse's form to Campaign's: a converter is chosen once for each field and then only called.

Whatever has no counterpart among Campaign's types goes as its text. Null clears: "" for texts and dates, 0, false, and the
enumeration's unset name. Nothing is cut, rounded or guessed: what does not fit is refused, by rule, without its value.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from shared.mapping.documents import FieldRule, Scalar
from shared.mapping.metadata import SourceColumn, TargetField
from shared.mapping.refusal import Refuse
from shared.mapping.replacing import form_of, key_form, table_of_replacements
from shared.mapping.times import instant

Convert = Callable[[Any], Any]

UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # what XML 1.0, which Campaign stores, cannot carry
EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+")
WHOLE = re.compile(r"[+-]?\d{1,18}")
UNSET_NAMES = ("unknown", "none")
INTEGER_RANGE = range(-(2**31), 2**31)
CHOICES = frozenset({"Picklist", "State", "Status"})


def converter(rule: FieldRule, column: SourceColumn | None, target: TargetField, labels: bool) -> Convert:
    """The converter for a rule; `column` is None for a template, whose text it is given."""
    convert, null = into(column, target, labels), unset(target)
    if rule.replace or rule.otherwise is not None:
        return replacing(rule, column, target, convert, null)

    def plain(value: Any) -> Any:
        return null if value is None or value == "" else convert(value)

    return plain


def replacing(rule: FieldRule, column: SourceColumn | None, target: TargetField, convert: Convert, null: Any) -> Convert:
    """Looks a value up among the replacements, as its column's type compares. `otherwise` stands for all others, null too."""
    literal = into(None, target, labels=False)
    given, held = key_form(column)
    table = table_of_replacements({key: literal(value) for key, value in rule.replace.items()}, given)
    otherwise = None if rule.otherwise is None else literal(rule.otherwise)

    def replaced(value: Any) -> Any:
        if value is not None and (form := form_of(value, held)) in table:
            return table[form]
        if otherwise is not None:
            return otherwise
        return null if value is None or value == "" else convert(value)

    return replaced


def word(value: Scalar | None) -> str:
    """One form for 1 and "1", for true and "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def unset(target: TargetField) -> Any:
    """What Campaign writes for "unset"."""
    if target.type == "enumeration":
        return next((name for name in UNSET_NAMES if name in target.values), "")
    return {"boolean": False, "integer": 0, "float": 0, "double": 0}.get(target.type, "")


def into(column: SourceColumn | None, target: TargetField, labels: bool) -> Convert:
    as_text = textual(column, labels)
    simple: dict[str, Convert] = {"boolean": boolean, "integer": integer, "float": number, "double": number}
    if target.type in simple:
        return simple[target.type]
    if target.type in ("date", "datetime"):
        return day if target.type == "date" else moment
    if target.type == "enumeration":
        names = {known.casefold(): name for name, label in target.values.items() for known in (label, name)}
        return lambda value: one_of(as_text(value), names)
    return bounded(as_text, target)


def bounded(as_text: Convert, target: TargetField) -> Convert:
    """A text that fits the field: its length in characters, its policy, nothing that Campaign cannot store."""
    longest, email = target.length or 0, target.policy == "email"

    def text(value: Any) -> str:
        result: str = as_text(value)
        if longest and len(result) > longest:
            raise Refuse("too_long", f"a text longer than the {longest} characters of the field: shorten it")
        if UNSAFE.search(result):
            raise Refuse("unsafe_characters", "a text with control characters that Campaign cannot store: remove them")
        if email and not EMAIL.fullmatch(result):
            raise Refuse("not_an_email", "a text that is no e-mail address: correct it")
        return result

    return text


def textual(column: SourceColumn | None, labels: bool) -> Convert:
    """A value's text: labels of choices if the document says so, Campaign's form of times, else its plain form."""
    kind = column.type if column else ""
    if kind == "DateTime":
        return moment
    if column and labels and column.options:
        options = {str(value): label for value, label in column.options.items()}
        if kind == "MultiSelectPicklist":
            return lambda value: "; ".join(label_of(part.strip(), options) for part in str(value).split(","))
        return lambda value: label_of(str(int(value)) if isinstance(value, bool | int) else str(value), options)
    return plain_text


def label_of(value: str, options: Mapping[str, str]) -> str:
    if value not in options:
        raise Refuse("unknown_choice", "a choice that the column's metadata does not list: publish the table's changes")
    return options[value]


def plain_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refuse("not_a_number", "a number that is none")
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return word(value)


def one_of(text: str, names: Mapping[str, str]) -> str:
    if (name := names.get(text.casefold())) is None:
        raise Refuse("unknown_choice", "a value that the enumeration does not have: add a replacement to the mapping document")
    return name


def boolean(value: Any) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}.get(word(value).strip().lower())
    if known is None:
        raise Refuse("not_a_boolean", "a value that is neither true nor false: add replacements to the mapping document")
    return known


def integer(value: Any) -> int:
    if (isinstance(value, float) and value.is_integer()) or (isinstance(value, str) and WHOLE.fullmatch(value.strip())):
        value = int(value)
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, int):
        raise Refuse("not_a_number", "a value that is no whole number")
    if value not in INTEGER_RANGE:
        raise Refuse("out_of_range", "a number outside the 32 bits of the field")
    return value


def number(value: Any) -> float | int:
    if isinstance(value, str):
        try:
            value = float(value.strip())
        except ValueError:
            raise Refuse("not_a_number", "a text that is no number") from None
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise Refuse("not_a_number", "a value that is no number")
    if isinstance(value, int) and abs(value) > 2**53:
        raise Refuse("out_of_range", "a number too large to be exact")
    return value


def day(value: Any) -> str:
    """YYYY-MM-DD, of a date or of a time in UTC."""
    return instant(value).date().isoformat()


def moment(value: Any) -> str:
    """Campaign's form of a time: YYYY-MM-DD HH:MM:SS.mmmZ, in UTC."""
    return instant(value).strftime("%Y-%m-%d %H:%M:%S.") + f"{instant(value).microsecond // 1000:03d}Z"
