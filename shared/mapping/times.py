"""Days and times, in Campaign's forms.

Dataverse writes UTC; a day that people see is a day of their time zone.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from shared.mapping.metadata import SourceColumn
from shared.mapping.refusal import Refuse

Convert = Callable[[Any], Any]

# A day, or a time with or without an offset: no week dates, no dates without dashes.
WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


def for_day(column: SourceColumn | None) -> Convert:
    """What makes a day of the column's values: of its zone where it has one, else of UTC."""
    if column is None or column.zone is None:
        return day
    at_home = local(column.zone)
    return lambda value: at_home(value).date().isoformat()


def for_moment(column: SourceColumn | None) -> Convert:
    """What makes a time of the column's values; of a column that shows days alone, midnight of that
    day.
    """
    if column is None or not column.local_days:
        return moment
    midnight = comparable(column)
    return lambda value: moment_of(midnight(value))


def for_text(column: SourceColumn) -> Convert:
    return for_day(column) if column.local_days else moment


def comparable(column: SourceColumn | None) -> Callable[[Any], datetime]:
    """What brings a value of the column, or of the document, into the form that filters compare."""
    if column is None or column.zone is None or not column.local_days:
        return instant
    at_home = local(column.zone)

    def midnight(value: Any) -> datetime:
        return at_home(value).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)

    return midnight


def local(zone: tzinfo) -> Callable[[Any], datetime]:
    """A time in the zone. A bare day stays that day."""

    def found(value: Any) -> datetime:
        if isinstance(value, str) and len(value) == 10:
            return instant(value)
        try:
            return instant(value).astimezone(zone)
        except OverflowError:
            raise Refuse("not_a_date", "a value that is no date") from None

    return found


def day(value: Any) -> str:
    """YYYY-MM-DD, of a date or of a time in UTC."""
    return instant(value).date().isoformat()


def moment(value: Any) -> str:
    """Campaign's form of a time: YYYY-MM-DD HH:MM:SS.mmmZ, in UTC."""
    return moment_of(instant(value))


def moment_of(found: datetime) -> str:
    return found.replace(tzinfo=None).isoformat(" ", "milliseconds") + "Z"


def instant(value: Any) -> datetime:
    """A time in UTC: date only, time-zone independent or user local; Dataverse writes all of them
    without an offset or with Z.
    """
    if isinstance(value, str):
        try:
            if not WRITTEN.fullmatch(value):
                raise ValueError
            if len(value) == 10:
                parsed = date.fromisoformat(value)
                return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)
            found = datetime.fromisoformat(value)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        else:
            return found
    raise Refuse("not_a_date", "a value that is no date")
