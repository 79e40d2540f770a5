"""NCRONTAB schedules (Microsoft Learn: Timer trigger for Azure Functions, NCRONTAB expressions)."""

import re
from datetime import UTC, datetime
from functools import partial

from croniter import croniter
from croniter.croniter import CroniterError

from dev.host.settings import ConfigurationError

MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
WEEKDAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"


def _field(value: str) -> re.Pattern[str]:
    item = rf"(?:\*|(?:{value})(?:-(?:{value}))?)(?:/\d+)?"
    return re.compile(rf"{item}(?:,{item})*", re.I)


NAMES = {name: number for number, name in enumerate(MONTHS.split("|"), start=1)}
NAMES |= {name: number for number, name in enumerate(WEEKDAYS.split("|"))}
RANGE = re.compile(r"(\w+)-(\w+)((?:/\d+)?)")
FIELDS = [_field(r"\d+")] * 4 + [_field(rf"\d+|{MONTHS}"), _field(rf"[0-6]|{WEEKDAYS}")]


def _upward(span: re.Match[str]) -> str:
    """A range as NCrontab reads it: 5-5 is 5 and FRI-MON is MON-FRI, where croniter would go round past the end."""
    low, high, step = span.groups()
    low_number, high_number = (NAMES[bound.upper()] if bound.isalpha() else int(bound) for bound in (low, high))
    if low_number == high_number:
        return low
    return span[0] if low_number < high_number else f"{high}-{low}{step}"


class Schedule:
    """Six fields, seconds first, in UTC; a day must match both its day of the month and its day of the week.

    croniter reads more than NCRONTAB (five fields, L, W, #, 7 for Sunday), so the form is checked first. Raises
    ConfigurationError for anything else and for dates that never come, such as 30 February.
    """

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) != 6 or not all(form.fullmatch(field) for form, field in zip(FIELDS, fields, strict=True)):
            raise ConfigurationError(f"'{expression}' is not a six-field NCRONTAB expression")
        upward = RANGE.sub(_upward, expression)
        self._iterate = partial(croniter, upward, ret_type=datetime, second_at_beginning=True, day_or=False)
        try:
            self.next(datetime.now(UTC))
        except CroniterError as error:
            raise ConfigurationError(f"'{expression}' is not a schedule: {error}") from error

    def next(self, after: datetime) -> datetime:
        """The first occurrence later than `after`."""
        occurrence: datetime = self._iterate(start_time=after).get_next()
        return occurrence
