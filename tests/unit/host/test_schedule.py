"""NCRONTAB as the local host reads it, against a reference that tries every second or minute."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from dev.host.schedule import Schedule
from dev.host.settings import ConfigurationError

START = datetime(2026, 2, 27, 21, 58, 31, tzinfo=UTC)


def values(field: str, least: int, most: int) -> set[int]:
    """What one NCRONTAB field allows."""
    allowed: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        low, high = (
            (least, most)
            if span == "*"
            else sorted((int(first), int(last or (most if step else first))))
        )
        step = "" if last and low == high else step
        allowed |= set(range(low, high + 1, int(step or 1)))
    return allowed


def reference(expression: str, after: datetime) -> datetime:
    """The next occurrence, found by trying every day, then every hour, minute and second of it."""
    second, minute, hour, day, month, weekday = (
        values(field, *span)
        for field, span in zip(
            expression.split(), [(0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)], strict=True
        )
    )
    times = [
        timedelta(hours=h, minutes=m, seconds=s)
        for h in sorted(hour)
        for m in sorted(minute)
        for s in sorted(second)
    ]
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(20_000):
        date = midnight + timedelta(days=days)
        if date.day in day and date.month in month and (date.weekday() + 1) % 7 in weekday:
            for time in times:
                if date + time > after:
                    return date + time
    raise AssertionError(f"{expression} never comes")


def random_field(chance: random.Random, least: int, most: int) -> str:
    low, high, step = chance.randint(least, most), chance.randint(least, most), chance.randint(2, 7)
    forms = [
        "*",
        "*",
        f"*/{step}",
        str(low),
        f"{low}-{high}",
        f"{low},{high}",
        f"{low}-{high}/{step}",
        f"{low}/{step}",
    ]
    return chance.choice(forms)


@pytest.mark.parametrize("seed", range(100))
def test_the_next_occurrence_is_the_one_that_trying_every_moment_finds(seed: int) -> None:
    chance = random.Random(seed)
    spans = [(0, 59), (0, 59), (0, 23), (1, 28), (1, 12), (0, 6)]
    expression = " ".join(random_field(chance, *span) for span in spans)
    assert Schedule(expression).next(START) == reference(expression, START)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/5 * * * * *", datetime(2026, 2, 27, 21, 58, 35, tzinfo=UTC)),
        ("0 */5 * * * *", datetime(2026, 2, 27, 22, 0, tzinfo=UTC)),
        ("0 30 9 * * Mon-Fri", datetime(2026, 3, 2, 9, 30, tzinfo=UTC)),
        ("0 0 0 13 * 5", datetime(2026, 3, 13, tzinfo=UTC)),
        ("0 0 0 1 jan *", datetime(2027, 1, 1, tzinfo=UTC)),
        ("0 0 0 * * FRI-FRI", datetime(2026, 3, 6, tzinfo=UTC)),
        ("0 0 0 * * SAT-MON", datetime(2026, 2, 28, tzinfo=UTC)),
        ("0 0 12 29 2 *", datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("*/5 * * * *", datetime(2026, 2, 27, 22, 0, tzinfo=UTC)),
        ("0 0 0 * february monday", datetime(2027, 2, 1, tzinfo=UTC)),
        ("0 0 0 1 ju *", datetime(2026, 6, 1, tzinfo=UTC)),
        ("*/0 * * * * *", datetime(2026, 2, 27, 21, 58, 32, tzinfo=UTC)),
        ("5/0 * * * * *", datetime(2026, 2, 27, 21, 58, 32, tzinfo=UTC)),
        ("0 0 0 * * monday-fri/0", datetime(2026, 3, 2, tzinfo=UTC)),
        ("00:05:00", datetime(2026, 2, 27, 22, 3, 31, tzinfo=UTC)),
        ("1.00:00", datetime(2026, 2, 28, 21, 58, 31, tzinfo=UTC)),
        ("5", datetime(2026, 3, 4, 21, 58, 31, tzinfo=UTC)),
        ("24:00:00", datetime(2026, 3, 23, 21, 58, 31, tzinfo=UTC)),
    ],
)
def test_names_steps_and_the_meeting_of_both_days_are_understood(
    expression: str, expected: datetime
) -> None:
    assert Schedule(expression).next(START) == expected


@pytest.mark.parametrize(
    "expression",
    [
        *[
            "",
            "* * * *",
            "* * * * * * *",
            "61 * * * * *",
            "0 0 0 30 2 *",
            "0 0 0 L * *",
            "0 0 0 15W * *",
        ],
        *[
            "0 0 0 * * 7",
            "0 0 0 * * 1#2",
            "? * * * * *",
            "00:00:00",
            "-00:05:00",
            "00:61",
            "@daily",
            "0 0 0 * * 1-JAN-2",
        ],
        *[
            "0 0 0 * * mondays",
            "0 0 0 * * jan",
            "jan * * * * *",
            "*-5 * * * * *",
            "1,,2 * * * * *",
            "*/ * * * * *",
        ],
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ConfigurationError):
        Schedule(expression)


@pytest.mark.parametrize(
    ("expression", "frequent"),
    [("*/10 * * * * *", True), ("0 * * * * *", False), ("*/10 0 * * * *", False),
     ("* * * * *", False), ("00:00:59", True),
     ("00:01:00", False)],
)  # fmt: skip
def test_several_a_minute_of_every_minute_is_not_monitored(expression: str, frequent: bool) -> None:
    assert Schedule(expression).is_frequent == frequent
