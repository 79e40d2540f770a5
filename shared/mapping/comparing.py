"""What a column can be compared with, by its type: which operators mean something, and the form
that both sides take.

Filters and replacement keys both compare by these forms. A value of the document that no row can
have is refused by `given`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.mapping.documents import Scalar
from shared.mapping.metadata import LOOKUP_TYPES, SourceColumn
from shared.mapping.operators import BY_MEMBER, EQUAL, ORDERED, TEXTUAL, Comparable, impossible
from shared.mapping.refusal import Refuse
from shared.mapping.times import comparable as comparable_time
from shared.mapping.times import instant

NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?", re.ASCII)
DIGITS = re.compile(r"-?(0|[1-9]\d{0,9})", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,7})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII
)
GUID = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.ASCII | re.IGNORECASE)
WHOLE = frozenset({"Integer", "BigInt"})
# The widest that a column of the type may be (Microsoft Learn: Types of columns).
LARGEST = {
    "Integer": 2**31,
    "BigInt": 2**63,
    "Decimal": 10**11,
    "Double": 10**11,
    "Money": 922337203685478,
}
UNQUOTED = "true or false, which an unquoted yes, no, on or off becomes"
WORDS = {True: ("yes", "on", "true"), False: ("no", "off", "false")}
MOST_LABELS = 10
FIRST_YEAR = 1753
AMBIGUOUS = "ambiguous_label"
PLAIN_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
UNAMBIGUOUS = "quote the label, or write 1 for true and 0 for false"


def comparable(column: SourceColumn) -> Comparable | None:
    """How a column is compared, None for a type that cannot be."""
    if column.type in LOOKUP_TYPES:
        return Comparable("an id", EQUAL, identity, identity)
    build = KINDS.get(column.type)
    return build(column) if build else None


def text(column: SourceColumn) -> Comparable:
    longest = column.max_length or 0

    def given(value: Scalar) -> str:
        form = written(value)
        if not form.strip():
            raise impossible("an empty text: use is_null")
        if longest and len(form.rstrip()) > longest:
            raise impossible(
                f"a text longer than the {longest} characters of the column: shorten it"
            )
        return form.casefold()

    return Comparable("a text", TEXTUAL, given, lambda value: str(value).casefold())


def written(value: Scalar) -> str:
    """The text that stands in the document; Refuse for what YAML has read as something else."""
    if isinstance(value, bool):
        raise impossible(f"{UNQUOTED}: quote the text")
    if isinstance(value, float | Decimal):
        raise impossible("a number with a point, whose text may be another: quote it")
    return str(value)


def number(column: SourceColumn) -> Comparable:
    largest = LARGEST[column.type]

    def given(value: Scalar) -> Decimal:
        form = decimal(value)
        if form.copy_abs() > largest:
            raise impossible("a number that the column cannot hold: correct it")
        return form

    return Comparable(
        "a whole number" if column.type in WHOLE else "a number", ORDERED, given, decimal
    )


def decimal(value: Any) -> Decimal:
    """Exactly the number that is written: 1, "1" and 1.00 are one."""
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, bool) or not NUMBER.fullmatch(str(value).strip()):
        raise Refuse("not_a_number", "a value that is no number: correct it")
    return Decimal(str(value).strip())


def day(column: SourceColumn) -> Comparable:
    """Days as people see them: of the document's zone, where the column shows days of a zone."""
    stored = comparable_time(column) if column.local_days else midnight_of

    def given(value: Scalar) -> datetime:
        if DAY.fullmatch(str(value)) or (TIME.fullmatch(str(value)) and midnight(instant(value))):
            return of_this_age(midnight_of(value))
        raise Refuse("not_a_date", "a value that is no day: write one such as 2019-01-05")

    return Comparable("a day", ORDERED, given, stored)


def of_this_age(value: datetime) -> datetime:
    """Dataverse holds times from 1753 on (Microsoft Learn: Behavior and format of the date and time
    column).
    """
    if value.year < FIRST_YEAR:
        raise impossible(f"a time before {FIRST_YEAR}, which Dataverse does not hold: correct it")
    return value


def midnight_of(value: Any) -> datetime:
    return instant(value).replace(hour=0, minute=0, second=0, microsecond=0)


def midnight(moment: datetime) -> bool:
    return moment == midnight_of(moment.isoformat())


def moment(column: SourceColumn) -> Comparable:
    if column.local_days:
        return day(column)

    def given(value: Scalar) -> datetime:
        if DAY.fullmatch(str(value)) or TIME.fullmatch(str(value)):
            return of_this_age(instant(value))
        raise Refuse(
            "not_a_date", "a value that is no time: write one such as 2019-01-05T08:00:00Z"
        )

    return Comparable("a time", ORDERED, given, lambda value: instant(value).astimezone(UTC))


def boolean(column: SourceColumn) -> Comparable:
    labels = labelled(column.options)

    def given(value: Scalar) -> bool:
        named, plain = named_by(value, labels), PLAIN_BOOLEANS.get(str(value).strip().lower())
        if named and plain is not None and not isinstance(value, str) and named != {plain}:
            word = str(value).lower()
            raise Refuse(
                AMBIGUOUS,
                f"{word}, which may mean the value {word} or a label{offered(column)}:"
                f" {UNAMBIGUOUS}",
            )
        if isinstance(value, bool):
            return value
        if named:
            return bool(one(named, value))
        if plain is not None:
            return plain
        labels_too = offered(column, " or ")
        raise Refuse(
            "unknown_choice",
            f"{value!r}, which is no value of the yes/no column: write true, false{labels_too}",
        )

    def stored(value: Any) -> bool:
        if value in (True, False):
            return bool(value)
        raise Refuse("not_a_boolean", "a value that is neither true nor false")

    return Comparable("a yes/no", EQUAL, given, stored, (True, False))


def labelled[Value](options: Mapping[Value, str]) -> dict[str, set[Value]]:
    """The values of each label, without case: two options may share a label.

    One without a label has none.
    """
    found: dict[str, set[Value]] = {}
    for value, label in options.items():
        if name := label.strip().casefold():
            found.setdefault(name, set()).add(value)
    return found


def named_by[Value](value: Scalar, labels: Mapping[str, set[Value]]) -> set[Value]:
    """The values whose label this is.

    An unquoted Yes comes as true: it is any label that YAML reads so.
    """
    words = WORDS[value] if isinstance(value, bool) else (str(value).strip().casefold(),)
    return {found for word in words for found in labels.get(word, ())}


def one(numbers: Iterable[int], label: Any) -> int:
    found = sorted(numbers)
    if len(found) > 1:
        raise Refuse(
            AMBIGUOUS,
            f"{label!r}, the label of several choices: write the number,"
            f" {', '.join(map(str, found))}",
        )
    return found[0]


def choice(column: SourceColumn) -> Comparable:
    return Comparable(
        "a choice", EQUAL, lambda value: option(value, column), whole, tuple(column.options)
    )


def option(value: Scalar, column: SourceColumn, quoted: bool = True) -> int:
    """A choice's number, from its number or its label; Refuse if the column does not have it.

    A text that is `quoted` by itself is the label where a choice has that; any other number may be
    either.
    """
    named = named_by(value, labelled(column.options))
    digits = str(value).strip().removesuffix(".0")
    number = (
        int(digits)
        if DIGITS.fullmatch(digits) and (int(digits) in column.options or not column.options)
        else None
    )
    if (
        named
        and number is not None
        and named != {number}
        and not (quoted and isinstance(value, str))
    ):
        raise Refuse(
            AMBIGUOUS,
            f"{digits}, the number of one choice and the label of another: quote the label that you"
            " mean",
        )
    if named:
        return one(named, value)
    if number is not None:
        return number
    if isinstance(value, bool):
        raise Refuse("unknown_choice", f"{UNQUOTED}: quote a label of the column{offered(column)}")
    raise Refuse(
        "unknown_choice",
        f"{value!r}, which is no choice of the column: write its number or its"
        f" label{offered(column)}",
    )


def offered(column: SourceColumn, before: str = ", such as ") -> str:
    labels = [repr(label) for label in column.options.values() if label][:MOST_LABELS]
    return f"{before}{', '.join(labels)}" if labels else ""


def whole(value: Any) -> int:
    form = decimal(int(value) if isinstance(value, bool) else value)
    if form != form.to_integral_value():
        raise Refuse("not_a_number", "a value that is no choice")
    return int(form)


def multiple_choice(column: SourceColumn) -> Comparable:
    """Multiple choices: the set of their numbers.

    `eq` is the same set; `contains` and `in` look for members.
    """

    def given(value: Scalar) -> frozenset[int]:
        try:
            return frozenset({option(value, column)})
        except Refuse:
            parts = re.split("[;,]", str(value)) if isinstance(value, str) else []
            if len(parts) < 2:
                raise
        return frozenset(option(part, column, quoted=False) for part in parts)

    def stored(value: Any) -> frozenset[int]:
        return frozenset(whole(part) for part in str(value).split(","))

    return Comparable("a multiple choice", BY_MEMBER, given, stored)


def identity(value: Any) -> str:
    """An id, in lower case and without braces."""
    if (found := GUID.fullmatch(str(value).strip())) is None:
        raise Refuse(
            "not_an_id",
            "a value that is no id: write one such as 6d81597f-0f9f-e711-8122-000d3aa2331c",
        )
    return found[1].lower()


KINDS: Mapping[str, Callable[[SourceColumn], Comparable]] = {
    **dict.fromkeys(("String", "Memo", "EntityName"), text),
    **dict.fromkeys(LARGEST, number),
    **dict.fromkeys(("Picklist", "State", "Status"), choice),
    "Boolean": boolean,
    "MultiSelectPicklist": multiple_choice,
    "DateOnly": day,
    "DateTime": moment,
    "Uniqueidentifier": lambda column: Comparable("an id", EQUAL, identity, identity),
}
