"""The operators of conditions, and the forms in which a column's values are compared."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.mapping.documents import Scalar
from shared.mapping.refusal import Refuse

Compare = Callable[[Any, Any], bool]


def same_text(stored: str, value: str) -> bool:
    """As Dataverse compares: without case (both are in one), and blanks at the end do not count."""
    return stored.rstrip() == value.rstrip()


EQUAL: Mapping[str, Compare] = {"eq": operator.eq, "ne": operator.ne, "in": operator.eq}
ORDERED: Mapping[str, Compare] = {
    **EQUAL,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
SEARCHED: Mapping[str, Compare] = {"contains": operator.contains, "starts_with": str.startswith}
TEXTUAL: Mapping[str, Compare] = {
    **ORDERED,
    **SEARCHED,
    "eq": same_text,
    "ne": lambda stored, value: not same_text(stored, value),
    "in": same_text,
}
BY_MEMBER: Mapping[str, Compare] = {
    **EQUAL,
    "in": frozenset.issuperset,
    "contains": frozenset.issuperset,
}


@dataclass(frozen=True, slots=True)
class Comparable:
    """`given` brings a document's value into the compared form, `stored` a row's value.

    Both raise Refuse. `kind` is for a person.
    """

    kind: str
    operators: Mapping[str, Compare]
    given: Callable[[Scalar], Any]
    stored: Callable[[Any], Any]
    values: tuple[Any, ...] = field(default=())


def impossible(what: str) -> Refuse:
    return Refuse("cannot_match", what)
