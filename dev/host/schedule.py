"""Timer schedules: NCRONTAB expressions of five or six fields, and time spans.

Sources: Microsoft Learn, Timer trigger for Azure Functions; NCrontab, CrontabFieldImpl: a name may
be any beginning of the full name of a month or weekday (the first that fits), and a step of 0 is a
step of 1.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from croniter import croniter
from croniter.croniter import CroniterError

from dev.host.settings import ConfigurationError
from dev.host.spans import seconds_of

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
NAMES: dict[int, tuple[Sequence[str], int]] = {4: (MONTHS, 1), 5: (WEEKDAYS, 0)}
"""Position of a field -> its names and the number of the first."""
VALUE = r"(?:\d+|[A-Za-z]+)"
ITEM = re.compile(rf"(\*|{VALUE})(?:-({VALUE}))?(?:/(\d+))?")


class Schedule:
    """In UTC; seconds first, and 0 where there are five fields.

    A day must match day of the month and day of the week.

    Raises ConfigurationError for anything else and for dates that never come, such as 30 February.
        A time span is the pause between the starts of two runs.
    """

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        self.fields = ["0", *fields] if len(fields) == 5 else fields
        self._pause_seconds = None if len(self.fields) == 6 else seconds_of(expression)
        if self._pause_seconds is None:
            self._iterate = cron(expression, self.fields)
        elif self._pause_seconds <= 0:
            raise ConfigurationError(
                f"'{expression}' is not a schedule: the time span must be longer than 0"
            )

    def next(self, after: datetime) -> datetime:
        """The first occurrence later than `after`."""
        if self._pause_seconds is not None:
            return after + timedelta(seconds=self._pause_seconds)
        occurrence: datetime = self._iterate(start_time=after).get_next()
        return occurrence

    @property
    def is_frequent(self) -> bool:
        """Several times a minute, of every minute of every day: what was missed is not made up
        for.
        """
        if self._pause_seconds is not None:
            return self._pause_seconds < 60
        first = self.next(datetime.now(UTC))
        return self.fields[1:] == ["*"] * 5 and self.next(first) - first < timedelta(minutes=1)


def cron(expression: str, fields: Sequence[str]) -> Callable[..., croniter]:
    """croniter reads more than NCRONTAB (L, W, #, 7 for Sunday), so the form is checked and plain
    numbers are given to it.
    """
    if len(fields) != 6:
        raise ConfigurationError(
            f"'{expression}' is not an NCRONTAB expression of five or six fields, nor a time span"
        )
    try:
        plain = " ".join(
            ",".join(item_of(item, place) for item in field.split(","))
            for place, field in enumerate(fields)
        )
        iterate = partial(
            croniter, plain, ret_type=datetime, second_at_beginning=True, day_or=False
        )
        iterate(start_time=datetime.now(UTC)).get_next()
    except (CroniterError, ValueError) as error:
        raise ConfigurationError(f"'{expression}' is not a schedule: {error}") from error
    return iterate


def item_of(item: str, place: int) -> str:
    """`mon-fri/2` -> `1-5/2`.

    A range goes upward: fri-mon is 1-5, and 5-5 is 5. Raises ValueError.
    """
    match = ITEM.fullmatch(item)
    if not match or (match[1] == "*" and match[2]):
        raise ValueError(f"{item or 'an empty field'} is not understood")
    step = f"/{int(match[3]) or 1}" if match[3] else ""
    low, high = number(match[1], place), number(match[2] or match[1], place)
    if match[2] is None:
        return low + step
    if low == high:
        return low
    return "-".join(sorted((low, high), key=int)) + step


def number(value: str, place: int) -> str:
    if value == "*":
        return value
    names, first = NAMES.get(place, ((), 0))
    if value.isdigit():
        if place == 5 and int(value) > 6:
            raise ValueError("days of the week are 0 to 6")
        return value
    for position, name in enumerate(names):
        if name.startswith(value.lower()):
            return str(position + first)
    raise ValueError(f"{value} is no number and no name")
