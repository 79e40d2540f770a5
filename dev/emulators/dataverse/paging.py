"""Paging cookies: where a page ended, in the form that Dataverse writes into `$skiptoken`.

    <cookie pagenumber="2" pagingcookie="%3ccookie%20page%3d%221%22%3e%3ccontactid%20last%3d%22..."
    istracking="False" />

The inner cookie holds, for each column of the order, its value in the first and the last row of the
page.
Source: Microsoft Learn, "Page results using OData".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from dev.emulators.dataverse.problems import ApiError

OUTER = re.compile(
    r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(True|False)" />'
)


@dataclass(frozen=True)
class Cookie:
    """`last` and `first`: values of the ordering columns, None for null.

    `page` is the number of the page to come.
    """

    page: int
    last: dict[str, Any]
    first: dict[str, Any]
    tracking: bool = False

    def text(self) -> str:
        marks = "".join(self._mark(name) for name in self.last)
        inner = f'<cookie page="{self.page - 1}">{marks}</cookie>'
        return (
            f'<cookie pagenumber="{self.page}" pagingcookie="{encoded(inner)}"'
            f' istracking="{self.tracking}" />'
        )

    def _mark(self, name: str) -> str:
        return f"<{name} {side('last', self.last[name])} {side('first', self.first[name])} />"


def side(name: str, value: Any) -> str:
    """last="{GUID}", or lastnull="1" for a null."""
    if value is None:
        return f'{name}null="1"'
    text = str(value)
    if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):
        text = "{" + text.upper() + "}"
    return f"{name}={quoteattr(text)}"


def encoded(text: str) -> str:
    """Percent encoding with lower-case digits, everything but letters, digits and -_.~ encoded."""
    return re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), quote(text, safe=""))


def read_cookie(text: str) -> Cookie:
    """The cookie of a decoded `$skiptoken`; ApiError 400 if somebody else wrote it."""
    try:
        page, inner, tracking = OUTER.fullmatch(text).groups()  # type: ignore[union-attr]
        marks = list(ElementTree.fromstring(unquote(inner)))
    except (AttributeError, ElementTree.ParseError):
        raise ApiError(400, "0x80040203", "Malformed XML in the Paging Cookie") from None
    last = {mark.tag: unbraced(mark.get("last")) for mark in marks}
    first = {mark.tag: unbraced(mark.get("first")) for mark in marks}
    return Cookie(int(page), last, first, tracking == "True")


def unbraced(value: str | None) -> str | None:
    return (
        value[1:-1].lower()
        if value and value.startswith("{") and value.endswith("}") and len(value) == 38
        else value
    )


@dataclass(frozen=True)
class SortKey:
    """One ordering column: its name in cookies, the SQL that reads it, its direction."""

    name: str
    sql: str
    descending: bool = False

    @property
    def clause(self) -> str:
        return f"{self.sql} DESC" if self.descending else self.sql


def after(keys: Sequence[SortKey], last: dict[str, Any]) -> tuple[str, list[Any]]:
    """The condition "later in this order than `last`".

    Nulls come first, or last where the order descends.
    """
    alternatives: list[str] = []
    values: list[Any] = []
    for place, key in enumerate(keys):
        further, given = beyond(key, last.get(key.name))
        same = "".join(f"{before.sql} IS ? AND " for before in keys[:place])
        alternatives.append(f"({same}{further})")
        values += [last.get(before.name) for before in keys[:place]] + given
    return "(" + " OR ".join(alternatives) + ")", values


def beyond(key: SortKey, value: Any) -> tuple[str, list[Any]]:
    if key.descending:
        return ("0", []) if value is None else (f"({key.sql} < ? OR {key.sql} IS NULL)", [value])
    return (f"{key.sql} IS NOT NULL", []) if value is None else (f"{key.sql} > ?", [value])
