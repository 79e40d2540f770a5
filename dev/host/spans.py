"""Time spans as .NET reads them: `d`, `hh:mm`, `hh:mm:ss`, `d.hh:mm:ss.fraction`, `d:hh:mm:ss`
(Microsoft Learn: TimeSpan.Parse).

Three numbers of which the first is 24 or more are days, hours and minutes (Microsoft Learn: Timer
trigger, TimeSpan).
"""

import re

DAYS = re.compile(r"(\d+)")
HOURS_MINUTES = re.compile(r"(?:(\d+)\.)?(\d+):(\d+)")
TO_SECONDS = re.compile(r"(?:(\d+)[.:])?(\d+):(\d+):(\d+(?:\.\d{1,7})?)")


def seconds_of(text: str) -> float | None:
    """None for what is no time span."""
    text = text.strip()
    size = _size(text.removeprefix("-"))
    return -size if size and text.startswith("-") else size


def _size(text: str) -> float | None:
    if match := DAYS.fullmatch(text):
        return _sum(match[1])
    if match := HOURS_MINUTES.fullmatch(text):
        return _sum(match[1], match[2], match[3])
    if match := TO_SECONDS.fullmatch(text):
        days, hours, minutes, seconds = match.groups()
        return (
            _sum(hours, minutes, seconds)
            if days is None and int(hours) > 23
            else _sum(days, hours, minutes, seconds)
        )
    return None


def _sum(
    days: str | None, hours: str = "0", minutes: str = "0", seconds: str = "0"
) -> float | None:
    if int(hours) > 23 or int(minutes) > 59 or float(seconds) >= 60:
        return None
    return int(days or 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + float(seconds)
