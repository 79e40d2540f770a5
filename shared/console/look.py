"""How a reader wants the console: language, time zone, theme. Kept in a cookie of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

LANGUAGES = ("en", "ja")
THEMES = ("", "light", "dark")
"""\"\" follows the reader's system."""
COOKIE_SECONDS = 400 * 86_400


@cache
def zone_names() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


@dataclass(frozen=True, slots=True)
class Look:
    """Each member is one of those above; what is none of them is the first."""

    language: str = "en"
    zone: str = "UTC"
    theme: str = ""

    @property
    def tzinfo(self) -> tzinfo:
        return ZoneInfo(self.zone)

    def local(self, seconds: float) -> datetime:
        """A moment, in seconds since 1970, on the reader's clock."""
        return datetime.fromtimestamp(seconds, UTC).astimezone(self.tzinfo)

    @property
    def cookie(self) -> str:
        return f"{self.language}|{self.zone}|{self.theme}"


def read_look(cookie: str, headers: Mapping[str, str]) -> Look:
    """From the cookie; without one, the language from Accept-Language (RFC 9110, 12.5.4).

    The Functions host escapes what a cookie holds (ASP.NET Core, `ResponseCookies.Append`).
    """
    language, _, rest = unquote(cookie).partition("|")
    zone, _, theme = rest.partition("|")
    if not cookie:
        language = preferred(headers.get("accept-language", ""))
    return chosen_look(language, zone, theme)


def chosen_look(language: str, zone: str, theme: str) -> Look:
    return Look(
        language if language in LANGUAGES else LANGUAGES[0],
        zone if zone in zone_names() else "UTC",
        theme if theme in THEMES else "",
    )


def preferred(accepted: str) -> str:
    """The first language of the list that the console has; weights are not read."""
    listed = [part.partition(";")[0].strip().lower()[:2] for part in accepted.split(",")]
    return next((name for name in listed if name in LANGUAGES), LANGUAGES[0])
