"""Days and times. Dataverse writes UTC."""

from datetime import UTC, date, datetime
from typing import Any

from shared.mapping.refusal import Refuse


def instant(value: Any) -> datetime:
    """A time in UTC: date only, time-zone independent or user local; Dataverse writes all of them without an offset or with Z."""
    if isinstance(value, str):
        try:
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
