"""One record in both systems, field by field: what the mapping makes of the row in Dynamics, and
what Campaign holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shared.entities.filled import fields_of
from shared.mapping import Mapped

SAME, DIFFERS, CAMPAIGNS_OWN, LEFT_OUT, UNKNOWN = (
    "same",
    "differs",
    "campaigns_own",
    "left_out",
    "unknown",
)
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?Z?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldPair:
    """One target field. `dynamics` is the value as the mapping makes it of the row.

    `state`: SAME; DIFFERS; CAMPAIGNS_OWN: it differs, and only a creation sends it; LEFT_OUT: the
    mapping leaves it out or cuts it; UNKNOWN: Campaign answers in a form that is not comparable.
    """

    name: str
    dynamics: Any = field(repr=False)
    campaign: Any = field(repr=False)
    state: str


def field_pairs(mapped: Mapped, stored: Mapping[str, Any]) -> list[FieldPair]:
    """All fields that the mapping sends, in its order; the key, by which both were found, last."""
    updates = {name for name, _ in fields_of(mapped.update)}
    altered = {entry.field for entry in mapped.altered}
    found = [
        FieldPair(
            name,
            value,
            at(stored, name),
            state_of(value, at(stored, name), name in updates, name in altered),
        )
        for name, value in fields_of(mapped.record)
    ]
    omitted = altered - {pair.name for pair in found}
    return found + [FieldPair(name, None, at(stored, name), LEFT_OUT) for name in sorted(omitted)]


def at(stored: Mapping[str, Any], name: str) -> Any:
    """A field by its dotted name; None where it is not there."""
    found: Any = stored
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def state_of(value: Any, held: Any, updates: bool, altered: bool) -> str:
    if isinstance(held, Mapping | list):
        return UNKNOWN
    if altered:
        return LEFT_OUT
    if is_same(value, held):
        return SAME
    return DIFFERS if updates else CAMPAIGNS_OWN


def is_same(value: Any, held: Any) -> bool:
    """Campaign holds decimals as doubles, writes times with or without parts of a second, and
    tells an empty text as none.
    """
    if held is None:
        return value is None or value == ""
    if isinstance(value, bool) or isinstance(held, bool):
        return value is held
    if isinstance(value, int | float | Decimal) and isinstance(held, int | float | Decimal):
        return float(value) == float(held)
    moment = instant(value)
    return bool(value == held) or (moment is not None and moment == instant(held))


def instant(value: Any) -> float | None:
    """Seconds since 1970 of a moment in Campaign's form; None for anything else."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
