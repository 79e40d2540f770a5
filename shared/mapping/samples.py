"""Values to try a column's conditions with: one of each stretch of values between those that the
conditions name.

No value outside them has another result than one of them. Where that would take too many, or is
not known, there are none: None.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal, localcontext
from itertools import chain, combinations, pairwise
from typing import Any

from shared.mapping.comparing import FIRST_YEAR, LARGEST, WHOLE
from shared.mapping.documents import Condition
from shared.mapping.filtering import values_of
from shared.mapping.metadata import SourceColumn
from shared.mapping.operators import ORDERED, TEXTUAL, Comparable

MOST_VALUES = 500
MOST_MEMBERS = 8
DIGITS = 120  # enough for two numbers of 40 digits on each side of the point
STEPS = {
    "Integer": Decimal(1),
    "BigInt": Decimal(1),
    "Decimal": Decimal("1e-10"),
}  # the others may lie as close as they like
OTHER_TEXT = "\U0010fffd"
FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
DAY, MICROSECOND = timedelta(days=1), timedelta(microseconds=1)
ALWAYS_SET = frozenset({"State"})


def samples(
    group: Sequence[Condition], column: SourceColumn, kind: Comparable, primary: bool
) -> list[Any] | None:
    """Values as a row has them, None among them where the column may be empty.

    `primary`: it is the table's id.
    """
    forms = [kind.given(value) for one in group if one.is_ != "is_null" for value in values_of(one)]
    if len(forms) > MOST_VALUES:
        return None
    found = filled(group, column, kind, forms)
    never_empty = primary or column.type in ALWAYS_SET
    return None if found is None else [*([] if never_empty else [None]), *found]


def filled(
    group: Sequence[Condition], column: SourceColumn, kind: Comparable, forms: list[Any]
) -> Iterable[Any] | None:
    if kind.operators is TEXTUAL:
        return texts(group, forms)
    if kind.kind == "a multiple choice":
        return sets(set().union(*forms))
    if kind.kind == "a yes/no":
        return kind.values
    if kind.kind == "a choice":
        return choices({*kind.values, *forms})
    if kind.operators is not ORDERED:
        return [*forms, unnamed_id(set(forms))]
    return numbers(forms, column) if column.type in LARGEST else times(forms, column, kind)


def choices(named: set[int]) -> list[int]:
    """An option that nobody names may be added at any time."""
    return [*named, max(named, default=0) + 1]


def sets(named: set[int]) -> Iterable[str] | None:
    members = choices(named)
    if len(members) > MOST_MEMBERS:
        return None
    chosen = chain.from_iterable(combinations(members, size) for size in range(1, len(members) + 1))
    return [",".join(map(str, one)) for one in chosen]


def unnamed_id(named: set[str]) -> str:
    return next(
        one
        for number in range(len(named) + 1)
        if (one := f"00000000-0000-0000-0000-{number:012x}") not in named
    )


def numbers(forms: list[Decimal], column: SourceColumn) -> list[Decimal]:
    """Each number that is named, what lies next to it or between two, and both ends of the
    column.
    """
    with localcontext(prec=DIGITS):
        largest = Decimal(LARGEST[column.type])
        ends = [-largest, largest - 1 if column.type in WHOLE else largest]
        points = sorted({*forms, *ends})
        step = STEPS.get(column.type)
        found = (
            set(near(points, step))
            if step
            else {*points, *((low + high) / 2 for low, high in pairwise(points))}
        )
        return sorted(value for value in found if ends[0] <= value <= ends[1])


def near(points: Iterable[Decimal], step: Decimal) -> Iterator[Decimal]:
    for point in points:
        below = (point / step).to_integral_value(ROUND_FLOOR)
        yield from ((below + shift) * step for shift in (-1, 0, 1, 2))


def times(forms: list[datetime], column: SourceColumn, kind: Comparable) -> list[str]:
    """The same of days and times. The first day of a zone may begin on the day before in UTC."""
    days = kind.kind == "a day"
    step, first = (
        (DAY, FIRST - DAY if column.local_days else FIRST) if days else (MICROSECOND, FIRST)
    )
    found = {first, LAST, *forms}
    found |= {form - step for form in forms} | {
        form + step for form in forms if LAST - form >= step
    }
    moments = sorted(form for form in found if form >= first)
    return [form.date().isoformat() if days else form.isoformat() for form in moments]


def exact(group: Sequence[Condition]) -> bool:
    return all(one.is_ in ("eq", "ne", "in", "is_null") for one in group)


def texts(group: Sequence[Condition], forms: list[str]) -> list[str] | None:
    """The texts that are named, with blanks at their end, which equality passes over.

    None where others may matter.
    """
    blanks = max((len(form) - len(form.rstrip()) for form in forms), default=0)
    padded = [
        form.rstrip() + " " * count for form in dict.fromkeys(forms) for count in range(blanks + 2)
    ]
    if exact(group):
        return [*padded, OTHER_TEXT]
    if any(one.is_ in ("eq", "in") for one in group):
        return padded
    return [] if any(one.is_ == "is_null" and one.value for one in group) else None


def apart(group: Sequence[Condition], kind: Comparable) -> bool:
    """Whether texts cannot both begin, or both be ordered, as the conditions say."""
    named = [
        (one.is_, kind.given(one.value))
        for one in group
        if isinstance(one.value, str | int) and one.is_ != "is_null"
    ]
    begun = sorted((form for word, form in named if word == "starts_with"), key=len)
    if begun and not all(begun[-1].startswith(form) for form in begun):
        return True
    least = max((form for word, form in named if word in ("gt", "ge")), default="")
    most = min((form for word, form in named if word in ("lt", "le")), default=None)
    strict = ("gt", least) in named or ("lt", most) in named
    return most is not None and (least > most or (least == most and strict))
