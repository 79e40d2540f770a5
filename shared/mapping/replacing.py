"""Replacements: a column's value by the value that stands for it.

Keys compare as the column's type does; texts exactly.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.mapping.comparing import AMBIGUOUS, DAY, LARGEST, WHOLE, comparable, written
from shared.mapping.documents import Scalar
from shared.mapping.metadata import SourceColumn
from shared.mapping.operators import TEXTUAL
from shared.mapping.refusal import Refuse

Form = Callable[[Any], Any]


def key_form(column: SourceColumn | None) -> tuple[Form, Form]:
    """How a key of the document and how a row's value take one form; both raise Refuse.

    `column` is None for a template.
    """
    kind = comparable(column) if column else None
    if kind is None or kind.operators is TEXTUAL:
        return text_key(column), plain
    return kind.given, kind.stored


def text_key(column: SourceColumn | None) -> Form:
    longest = (column.max_length if column else None) or 0

    def given(value: Scalar) -> str:
        text = written(value)
        if column and not text:
            raise Refuse("cannot_match", "an empty text, which is no value: use otherwise")
        if longest and len(text) > longest:
            raise Refuse(
                "cannot_match", f"a text longer than the {longest} characters of the column"
            )
        return text

    return given


def plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def table_of_replacements(replace: Mapping[Scalar, Any], given: Form) -> dict[Any, Any]:
    """The replacements by the form of their key.

    A key that no value has stands as its text, which nothing but a text equals.
    """
    table: dict[Any, Any] = {}
    for key, value in replace.items():
        try:
            table[given(key)] = value
        except Refuse:
            table[plain(key)] = value
    return table


def form_of(value: Any, stored: Form) -> Any:
    """A row's value in the form of the keys; None, which is no key, for one that is not of its
    column's type.
    """
    try:
        return stored(value)
    except Refuse:
        return None


def key_faults(replace: Mapping[Scalar, Scalar], column: SourceColumn | None) -> list[str]:
    """What is wrong with the keys of a rule, each as a sentence: those that no value has, and two
    for one value.
    """
    given, _ = key_form(column)
    seen: dict[Any, tuple[Scalar, Scalar]] = {}
    found = []
    for key, value in replace.items():
        try:
            form = given(key)
            some_value_has(key, form, column)
        except Refuse as refusal:
            if refusal.rule != AMBIGUOUS:
                found.append(f"the key {shown(key)} of replace is {refusal.reason}.")
            continue
        if form in seen and seen[form][1] != value:
            found.append(
                f"the keys {shown(seen[form][0])} and {shown(key)} of replace are the same value:"
                " take one out."
            )
        seen.setdefault(form, (key, value))
    return found


def some_value_has(key: Scalar, form: Any, column: SourceColumn | None) -> None:
    """Refuse for a key that compares with the column's values, and equals none of them."""
    kind = column.type if column else ""
    if kind in WHOLE and (form != form.to_integral_value() or form == LARGEST[kind]):
        raise Refuse("cannot_match", "a number that the column cannot hold")
    if column and kind == "DateTime" and not column.local_days and DAY.fullmatch(str(key)):
        raise Refuse("cannot_match", "a day, and the column holds times: write the time")


def ambiguous_keys(replace: Mapping[Scalar, Scalar], column: SourceColumn | None) -> list[str]:
    """Keys that are the label of several choices: one of them would go without its replacement."""
    given, _ = key_form(column)
    found = []
    for key in replace:
        try:
            given(key)
        except Refuse as refusal:
            if refusal.rule == AMBIGUOUS:
                found.append(f"the key {shown(key)} of replace is {refusal.reason}.")
    return found


def shown(key: Scalar) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
