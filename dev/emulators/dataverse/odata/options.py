"""Query options: what a URL asks for, checked against what Dataverse takes.

Source: Microsoft Learn, "Query data using the Web API": `$skip`, `$search` and `$format` are not
supported.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.odata.expressions import Expression, parse
from dev.emulators.dataverse.problems import bad_query, no_such_property, not_emulated

TAKEN = {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken"}
PREFERENCES = {
    "odata.maxpagesize",
    "odata.track-changes",
    "return",
    "odata.include-annotations",
    "odata.continue-on-error",
}
NOT_EMULATED = {"$apply", "sql", "fetchXml", "savedQuery", "userQuery", "$compute"}


@dataclass(frozen=True)
class Expand:
    """One expanded navigation property with a single value."""

    navigation: str
    select: tuple[str, ...]
    expands: tuple["Expand", ...] = ()


@dataclass(frozen=True)
class Order:
    property: str
    descending: bool = False


@dataclass(frozen=True)
class Options:
    select: tuple[str, ...] = ()
    filter: Expression | None = None
    order: tuple[Order, ...] = ()
    top: int | None = None
    count: bool = False
    expand: tuple[Expand, ...] = ()
    skip_token: str | None = None
    delta_token: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)


def read_options(query: Mapping[str, str]) -> Options:
    """The options of a URL; ApiError 400 for those that Dataverse refuses, 501 for those that only
    the emulator does.
    """
    for name in query:
        if name in NOT_EMULATED:
            raise not_emulated(f"the query option {name}")
        if name.startswith("$") and name not in TAKEN:
            raise bad_query(f"The query parameter {name} is not supported.")
    aliases = {name: value for name, value in query.items() if name.startswith("@")}
    return Options(
        select=names(query.get("$select", "")),
        filter=parse(query["$filter"], aliases) if query.get("$filter") else None,
        order=tuple(read_order(part) for part in names(query.get("$orderby", ""))),
        top=read_top(query.get("$top")),
        count=read_flag(query.get("$count")),
        expand=tuple(read_expand(part) for part in split_outside(query.get("$expand", ""), ",")),
        skip_token=query.get("$skiptoken"),
        delta_token=query.get("$deltatoken"),
        given=query,
    )


def names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_order(text: str) -> Order:
    match = re.fullmatch(r"([\w/]+)(?:\s+(asc|desc))?", text)
    if not match:
        raise bad_query(f"Syntax error in $orderby '{text}'.")
    return Order(match[1], match[2] == "desc")


def read_top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or len(text) > 9:
        raise bad_query(
            f"Invalid value '{text}' for $top query option found. The $top query option requires a"
            " non-negative integer value."
        )
    return int(text)


def read_flag(text: str | None) -> bool:
    if text not in {None, "true", "false"}:
        raise bad_query(
            f"Invalid value '{text}' for $count query option found. Possible values are 'true' and"
            " 'false'."
        )
    return text == "true"


def read_expand(text: str) -> Expand:
    """nav($select=a,b;$expand=other($select=c))"""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\((.*)\))?\s*", text, re.DOTALL)
    if not match:
        raise bad_query(f"Syntax error in $expand '{text}'.")
    inner = dict(part.split("=", 1) for part in split_outside(match[2] or "", ";") if "=" in part)
    if unknown := inner.keys() - {"$select", "$expand"}:
        raise not_emulated(f"{', '.join(sorted(unknown))} inside $expand")
    deeper = tuple(read_expand(part) for part in split_outside(inner.get("$expand", ""), ","))
    return Expand(match[1], names(inner.get("$select", "")), deeper)


def split_outside(text: str, separator: str) -> list[str]:
    """Splits where no bracket is open: commas inside `nav($select=a,b)` do not count."""
    parts, depth, current = [], 0, ""
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == separator and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += letter
    return [part for part in [*parts, current] if part.strip()]


@dataclass(frozen=True)
class Preferences:
    """The `Prefer` header: page size, tracking, representation, annotations, batch behaviour."""

    page_size: int | None = None
    track_changes: bool = False
    representation: bool = False
    annotations: tuple[str, ...] = ()
    continue_on_error: bool = False
    applied: tuple[str, ...] = ()


def read_preferences(header: str) -> Preferences:
    """`odata.track-changes,odata.maxpagesize=1000`; preferences that Dataverse does not know are
    passed over.
    """
    given = {
        name: value
        for name, value in re.findall(r'([\w.\-]+)(?:\s*=\s*("[^"]*"|[^,\s]+))?', header)
        if name in PREFERENCES
    }
    return Preferences(
        page_size=page_size(given.get("odata.maxpagesize")),
        track_changes="odata.track-changes" in given,
        representation=given.get("return") == "representation",
        annotations=names(given.get("odata.include-annotations", "").strip('"')),
        continue_on_error="odata.continue-on-error" in given,
        applied=tuple(f"{name}={value}" if value else name for name, value in given.items()),
    )


def page_size(text: str | None) -> int | None:
    """At most 5,000. A wish that cannot be met is ignored, as preferences are."""
    return min(int(text), 5000) if text and text.isdecimal() and int(text) else None


def selected(table: Table, wanted: tuple[str, ...]) -> list[str]:
    """Column names for a `$select`, all readable ones without it; the id always, currency wherever
    money is.
    """
    if not wanted:
        return [column.name for column in table.readable()]
    chosen: dict[str, None] = {}
    for name in wanted:
        column = table.by_wire_name.get(name)
        if column is None or not column.allows("read"):
            raise no_such_property(name, table.logical)
        chosen[column.name] = None
        if column.kind == "Money" and "transactioncurrencyid" in table.columns:
            chosen.setdefault("transactioncurrencyid")
    chosen.setdefault(table.id_column)
    return list(chosen)
