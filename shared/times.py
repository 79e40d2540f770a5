"""Times as exports write them: the form that a document names, in UTC or in the local time of a
zone.

Pure.

An offset in the value counts before the zone. A local time that comes twice, when clocks go back,
is taken as the first of the two; one that never comes, when they go forward, as the earlier of its
two readings.
Source: Python documentation, "strftime() and strptime() Format Codes"; PEP 495.
"""

import re
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator

SAMPLES = (
    datetime(2026, 11, 25, 23, 58, 47),  # noqa: DTZ001 wall clock times
    datetime(2027, 2, 3, 4, 5, 6),  # noqa: DTZ001
)
TAIL = re.compile(
    r"(?P<rest>.*?\d)(?P<part>[.,]\d{1,9})?(?:\s*(?P<offset>Z|UTC|GMT|[+-]\d\d(?::?\d\d){0,2}))?",
    re.IGNORECASE,
)
OFFSET_OF_HOURS = re.compile(r"[+-]\d\d")
LITERAL_OFFSET = re.compile(r"(?:.*[^%])?(?P<offset>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)", re.IGNORECASE)
LONG_FRACTION = re.compile(r"([.,]\d{6})\d+")
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ].+)?|\d{8}T.+", re.ASCII | re.IGNORECASE)
MACHINES_OWN = {
    "%Z": "%z, an offset such as +02:00",
    "%c": "a form of its parts",
    "%x": "a form of its parts",
    "%X": "a form of its parts",
}
DEFAULT_FORM = "%Y/%m/%d %H:%M:%S"
IN_DEFAULT_FORM = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)", re.ASCII)
YEARS = ("%Y", "%y", "%G")
MINUTE_FIRST = re.compile("[^HI]*%M")
ADVICE = 'write it as Python does, such as "%Y/%m/%d %H:%M:%S"'


def form_problem(form: str) -> str:
    """Why a form of dates cannot serve; "" if it can."""
    for directive, instead in MACHINES_OWN.items():
        if directive in form:
            return f"{directive} depends on the machine that reads it: write {instead}"
    if MINUTE_FIRST.match(form):
        return "tells the minute before the hour: %m is the month, and %M is the minute"
    return form_fault(form) or (
        f"does not tell the {lost[0]} of a time: {ADVICE}" if (lost := untold(form)) else ""
    )


def form_fault(form: str) -> str:
    """Why no date can be read by a form, or only one of another year; "" if one can."""
    if not any(directive in form for directive in (*YEARS, "%c", "%x")):
        return f"does not tell the year of a time: {ADVICE}"
    try:
        lost = untold(form)
    except (ValueError, re.error, OverflowError):
        return f"is no form of dates: {ADVICE}"
    return f"does not tell the year of a time: {ADVICE}" if "year" in lost else ""


def untold(form: str) -> list[str]:
    """The parts of a time that a form does not tell; ValueError, re.error or OverflowError for no
    form.
    """
    written = [sample.replace(tzinfo=UTC).strftime(form) for sample in SAMPLES]
    read = [datetime.strptime(text, form) for text in written]  # noqa: DTZ007
    pairs = list(zip(read, SAMPLES, strict=True))
    parts = ("year", "month", "day", "hour", "minute")
    return [
        name
        for name in parts
        if any(getattr(found, name) != getattr(sample, name) for found, sample in pairs)
    ]


@lru_cache(1)
def zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if name not in ("localtime", "Factory"))


def zone_problem(name: str) -> str:
    return (
        ""
        if name in zones()
        else "is no time zone: use a name of the IANA list, such as Europe/Berlin"
    )


def known_zone(name: str) -> str:
    """The same name; a ValueError with its problem."""
    if found := zone_problem(name):
        raise ValueError(found)
    return name


TimeZone = Annotated[str, AfterValidator(known_zone)]


@lru_cache(64)
def zone_of(name: str) -> tzinfo:
    return ZoneInfo(name)


@lru_cache(8192)
def instant(text: str, form: str, zone: str = "UTC") -> datetime:
    """The time in UTC; ValueError where the text does not have the form, with or without a fraction
    and an offset behind it.

    An offset that the form itself ends with, as in "%H:%M:%SZ", counts like one of the text.
    """
    found = parsed(LONG_FRACTION.sub(r"\1", text) if "%f" in form else text, form)
    return in_utc(found if found.tzinfo else found.replace(tzinfo=offset_in(form)), zone)


@lru_cache(64)
def offset_in(form: str) -> tzinfo | None:
    """The offset that every time of the form has, None where the form names none."""
    found = LITERAL_OFFSET.fullmatch(form)
    return datetime.strptime(minutes(found["offset"]), "%z").tzinfo if found else None


def parsed(text: str, form: str) -> datetime:
    if form == DEFAULT_FORM and (parts := IN_DEFAULT_FORM.fullmatch(text)):
        year, month, day, hour, minute, second = map(int, parts.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  # as strptime, in a fifth of the time
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        if not (tail := TAIL.fullmatch(text)) or not (tail["part"] or tail["offset"]):
            raise
    if "%z" in form:
        return datetime.strptime(tail["rest"] + minutes(tail["offset"] or ""), form)  # noqa: DTZ007
    found = datetime.strptime(tail["rest"], form)  # noqa: DTZ007
    return (
        found.replace(tzinfo=datetime.strptime(minutes(tail["offset"]), "%z").tzinfo)
        if tail["offset"]
        else found
    )


def iso_time(text: str) -> datetime:
    """A date, or a date and time, as ISO 8601 writes it.

    ValueError for what only has as many digits: a count of milliseconds.
    """
    if not ISO.fullmatch(text):
        raise ValueError("no date of ISO 8601")
    return datetime.fromisoformat(text)


def minutes(offset: str) -> str:
    """The offset as `%z` reads it."""
    if not offset.startswith(("+", "-")):
        return "Z" if offset else ""
    return offset + "00" if OFFSET_OF_HOURS.fullmatch(offset) else offset


def in_utc(local: datetime, zone: str) -> datetime:
    """A time with its own offset, or of a zone's wall clocks; the earlier one where it has two
    readings.
    """
    try:
        if local.tzinfo:
            return local.astimezone(UTC)
        if zone == "UTC":
            return local.replace(tzinfo=UTC)
        place = zone_of(zone)
        return min(local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:
        raise ValueError("before the first year or after the last") from None
