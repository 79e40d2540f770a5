"""Conditions that decide nothing together: what no row can satisfy, and what `any` lets every row
have.

Only what is certain is reported. Conditions on different columns never contradict each other. The
filters must have no faults.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import product
from math import prod
from typing import Any

from shared.mapping.comparing import comparable
from shared.mapping.documents import AllOf, Condition, Filter
from shared.mapping.filtering import conditions, parts_of, tester
from shared.mapping.metadata import SourceTable
from shared.mapping.operators import TEXTUAL
from shared.mapping.samples import apart, exact, samples

MOST_WAYS = 500  # to satisfy a filter, of which each is tried
LONGEST_SHOWN = 40


def never(chosen: Filter | None, table: SourceTable) -> Iterator[tuple[str, str]]:
    """The innermost parts that no row satisfies, each with the column that says so."""
    found = {path: advice for path, part in parts_of(chosen) if (advice := impossible(part, table))}
    for path, advice in found.items():
        if not any(other.startswith((f"{path}.all[", f"{path}.any[")) for other in found):
            yield path, advice


def lets_nothing_pass(chosen: Filter | None, table: SourceTable) -> bool:
    """Whether it is certain that no row at all satisfies the filters."""
    return chosen is not None and bool(impossible(chosen, table))


def always(chosen: Filter | None, table: SourceTable) -> Iterator[tuple[str, str]]:
    """The `any` that every row satisfies."""
    for path, part in parts_of(chosen):
        if not isinstance(part, AllOf | Condition):
            for name, group in by_column(
                one for one in part.any if isinstance(one, Condition)
            ).items():
                if len(group) > 1 and decided(group, table, each=True):
                    yield (
                        path,
                        f"every row satisfies one of the conditions on {name}: {advice(group)}.",
                    )


def impossible(part: Filter, table: SourceTable) -> str:
    """Why no row satisfies the part, "" where one may."""
    if number_of_ways(part) > MOST_WAYS:
        return ""
    against: set[str] = set()
    for way in ways(part):
        columns = [
            name for name, group in by_column(way).items() if decided(group, table, each=False)
        ]
        if not columns:
            return ""
        against.update(columns[:1])
    if isinstance(part, Condition):
        return f"no row can satisfy {part.field} {part.is_} with this value: correct it."
    if len(against) > 1:
        return (
            "no row can satisfy these conditions together: correct those on"
            f" {', '.join(sorted(against))}."
        )
    (name,) = against
    return (
        f"no row can satisfy all conditions on {name}: {advice(by_column(conditions(part))[name])}."
    )


def number_of_ways(part: Filter) -> int:
    if isinstance(part, Condition):
        return 1
    inner = part.all if isinstance(part, AllOf) else part.any
    counts = [number_of_ways(one) for one in inner]
    return prod(counts) if isinstance(part, AllOf) else sum(counts)


def ways(part: Filter) -> list[tuple[Condition, ...]]:
    """The ways to satisfy a part: in each, all of the conditions hold."""
    if isinstance(part, Condition):
        return [(part,)]
    if isinstance(part, AllOf):
        return [reduce(tuple.__add__, way, ()) for way in product(*map(ways, part.all))]
    return [way for one in part.any for way in ways(one)]


def by_column(found: Iterable[Condition]) -> dict[str, list[Condition]]:
    groups: defaultdict[str, list[Condition]] = defaultdict(list)
    for condition in found:
        groups[condition.field].append(condition)
    return groups


def advice(group: Sequence[Condition]) -> str:
    """The conditions as the document has them."""
    return ", ".join(f"{condition.is_} {shown(condition.value)}" for condition in group)


def shown(value: Any) -> str:
    text = ", ".join(map(shown, value)) if isinstance(value, list) else str(value)
    text = (
        f"[{text}]"
        if isinstance(value, list)
        else text.lower()
        if isinstance(value, bool)
        else text
    )
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def decided(group: Sequence[Condition], table: SourceTable, each: bool) -> bool:
    """Whether it is certain that each value satisfies one of the conditions; or else, that none
    satisfies all of them.
    """
    column = table.column(group[0].field)
    kind = comparable(column) if column else None
    if not column or not kind or (each and kind.operators is TEXTUAL and not exact(group)):
        return False
    found = samples(group, column, kind, primary=column.name == table.primary_id)
    if found is None:
        return not each and kind.operators is TEXTUAL and apart(group, kind)
    tests = [tester(condition, column) for condition in group]
    return all(
        any(test(value) for test in tests) if each else not all(test(value) for test in tests)
        for value in found
    )
