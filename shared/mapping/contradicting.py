"""Conditions that decide nothing together: what `all` asks for and no row can have, and what `any` lets every row have.

Values are tried: each that a condition names, its neighbours, an empty column, and one that nobody names. Only what these decide
for certain is reported; the parts of a text are not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.mapping.comparing import Comparable, comparable
from shared.mapping.documents import AllOf, Condition, Filter
from shared.mapping.filtering import parts_of, tester, values_of
from shared.mapping.metadata import SourceTable

CERTAIN = frozenset({"eq", "ne", "in", "is_null"})
OTHER_TEXT = "\U0010fffd"
MOMENT = timedelta(microseconds=1)
LONGEST_SHOWN = 40
LAST = datetime.max.replace(tzinfo=UTC)


def never(chosen: Filter | None, table: SourceTable) -> Iterator[tuple[str, str]]:
    """The `all` that no row satisfies, with the column that says so. The filter must have no faults."""
    for path, part in parts_of(chosen):
        if isinstance(part, AllOf):
            for name, group in by_column(flat(part)).items():
                if len(group) > 1 and not any(all(tests) for tests in tried(group, table)):
                    yield path, f"no row can satisfy all conditions on {name}: {told(group)}."


def always(chosen: Filter | None, table: SourceTable) -> Iterator[tuple[str, str]]:
    """The `any` that every row satisfies."""
    for path, part in parts_of(chosen):
        if not isinstance(part, AllOf | Condition):
            for name, group in by_column(one for one in part.any if isinstance(one, Condition)).items():
                if len(group) > 1 and all(any(tests) for tests in tried(group, table, certain=True)):
                    yield path, f"every row satisfies one of the conditions on {name}: {told(group)}."


def flat(part: AllOf) -> Iterator[Condition]:
    for inner in part.all:
        if isinstance(inner, Condition):
            yield inner
        elif isinstance(inner, AllOf):
            yield from flat(inner)


def by_column(found: Iterable[Condition]) -> dict[str, list[Condition]]:
    groups: defaultdict[str, list[Condition]] = defaultdict(list)
    for condition in found:
        groups[condition.field].append(condition)
    return groups


def told(group: Sequence[Condition]) -> str:
    """The conditions as the document has them."""
    return ", ".join(f"{condition.is_} {shown(condition.value)}" for condition in group)


def shown(value: Any) -> str:
    text = ", ".join(map(shown, value)) if isinstance(value, list) else str(value)
    text = f"[{text}]" if isinstance(value, list) else text.lower() if isinstance(value, bool) else text
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def tried(group: Sequence[Condition], table: SourceTable, certain: bool = False) -> Iterator[list[bool]]:
    """Of each value that is tried, which of the conditions it satisfies. One that satisfies all where nothing is certain."""
    column = table.column(group[0].field)
    kind = comparable(column) if column else None
    decided = kind and all(condition.is_ in CERTAIN or "contains" not in kind.operators for condition in group)
    if not column or not kind or not decided:
        yield [not certain] * len(group)
        return
    tests = [tester(condition, column) for condition in group]
    yield [test(None) for test in tests]
    for value in candidates(group, kind):
        yield [test(value) for test in tests]


def candidates(group: Sequence[Condition], kind: Comparable) -> Iterator[Any]:
    """Values as a row has them."""
    if kind.values:
        yield from kind.values
        return
    if kind.kind == "a text":
        yield OTHER_TEXT
    forms = [kind.given(value) for condition in group if condition.is_ != "is_null" for value in values_of(condition)]
    if kind.kind == "a multiple choice":
        forms.append(frozenset().union(*forms))
    for form in forms:
        yield from around(form, kind)


def around(form: Any, kind: Comparable) -> Iterator[Any]:
    """A value and what lies next to it, in the form of a row."""
    if isinstance(form, frozenset):
        yield ",".join(map(str, form))
        yield ",".join(map(str, {*form, -1}))
    elif isinstance(form, Decimal):
        step = 1 if kind.kind == "a whole number" else Decimal("1e-10")
        yield from (form - step, form, form + step)
    elif isinstance(form, datetime):
        days = kind.kind == "a day"
        apart = timedelta(days=1) if days else MOMENT
        near = [form + shift for shift in (-apart, 0 * apart, apart) if LAST - form > apart]
        yield from (moment.date().isoformat() if days else moment.isoformat() for moment in near)
    else:
        yield form
