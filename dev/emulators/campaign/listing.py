"""Lists: filters, order, pages, counts (Adobe Campaign Standard documentation: Filtering, Sorting,
Pagination, Counting).
"""

import base64
import heapq
import json
import operator
from collections.abc import Callable, ItemsView, Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from dev.emulators.campaign import errors
from dev.emulators.campaign.engine import Engine
from dev.emulators.campaign.model import Filter, Resource
from dev.emulators.campaign.store import Row

DEFAULT_LINES, MOST_LINES = 25, 10_000_000
EMPTY = "_emptyPage"
SINCE = ("lastModified", "ge")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
Entry = tuple[int, Row]


class Listing:
    """`page_lines`: how many rows a page holds at most, 0 as many as asked for.

    `empty_pages`: how many pages of a list by filter come without a row before the others.
    `big_table` is Campaign's option XtkBigTableThreshold: above it `next` is left out unless it is
    forced.
    """

    def __init__(self, engine: Engine, big_table: int = 100_000) -> None:
        self.engine, self.big_table = engine, big_table
        self.page_lines, self.empty_pages = 0, 0

    def entries(
        self, resource: Resource, filters: list[str], query: dict[str, str]
    ) -> Iterable[Entry]:
        """The rows that pass all filters; a list of one where an identification key finds it at
        once.
        """
        rows: Iterable[Entry] = self.engine.tables[resource.name].rows.items()
        for name in filters:
            rows = self.passing(resource, name, query, rows)
        if not self.engine.may_hide(resource):
            return rows
        return (entry for entry in rows if not self.engine.hidden(resource, entry[1]))

    def passing(
        self, resource: Resource, name: str, query: dict[str, str], rows: Iterable[Entry]
    ) -> Iterable[Entry]:
        published = resource.filters.get(name)
        if published:
            return self.published(resource, published, query, rows)
        test = out_of_the_box(name, query)
        if test is None:
            raise errors.EngineError(
                404,
                f"{errors.PREFIX} Unable to find filter '{name}' on resource '{resource.name}'.",
            )
        return ((number, row) for number, row in rows if test(row))

    def published(
        self, resource: Resource, chosen: Filter, query: dict[str, str], rows: Iterable[Entry]
    ) -> Iterable[Entry]:
        missing = [parameter for _, _, parameter in chosen.conditions if parameter not in query]
        if missing:
            raise errors.EngineError(
                500,
                f"{errors.PREFIX} Parameter '{missing[0]}' of filter '{chosen.name}' is not"
                " defined.",
            )
        table = self.engine.tables[resource.name]
        names = [attribute for attribute, _, _ in chosen.conditions]
        if (
            names in resource.keys
            and chosen.case_sensitive
            and all(comparison == "eq" for _, comparison, _ in chosen.conditions)
        ):
            number = table.keys[resource.keys.index(names)].get(
                tuple(query[parameter] for _, _, parameter in chosen.conditions)
            )
            return [(number, table.rows[number])] if number else []
        alone = isinstance(rows, ItemsView) and [
            condition[:2] for condition in chosen.conditions
        ] == [SINCE]
        if alone and (recent := table.since(query[chosen.conditions[0][2]])) is not None:
            return recent
        return (
            entry
            for entry in rows
            if all(holds(entry[1], *condition, query, chosen) for condition in chosen.conditions)
        )

    def page(
        self, api: str, resource: Resource, filters: list[str], query: dict[str, str], root: str
    ) -> dict[str, Any]:
        """The list envelope: content, count, next."""
        lines = min(int(query.get("_lineCount", DEFAULT_LINES)), self.page_lines or MOST_LINES)
        if filters and (passed := int(query.get(EMPTY, 0))) < self.empty_pages:
            return self.empty_page(
                f"{root}/{api}/{resource.name}/{'/'.join(filters)}",
                {**query, EMPTY: str(passed + 1)},
            )
        entries = self.entries(resource, filters, query)
        chosen = self.sliced(resource, entries, query, lines + 1)
        path = "/".join([root, api, resource.name, *(["", *filters] if filters else [])])
        kept = {name: value for name, value in query.items() if not name.startswith("_line")}
        start = query.get("_lineStart") or self.start(resource, None)
        answer: dict[str, Any] = {
            "content": [
                self.engine.shown(api, resource, number, row, root)
                for number, row in chosen[:lines]
            ],
            "count": {
                "href": f"{path}/_count?{urlencode({**kept, '_lineStart': start}, quote_via=quote)}"
            },
            "serverSidePagination": True,
        }
        if len(chosen) <= lines and "_lineStart" not in query:
            answer["count"]["value"] = len(chosen)
        big = len(self.engine.tables[resource.name].rows) > self.big_table
        if len(chosen) > lines and (not big or query.get("_forcePagination") == "true"):
            last = self.start(resource, self.position(resource, chosen[lines - 1], query))
            following = {**kept, "_lineCount": str(lines), "_lineStart": last}
            answer["next"] = {"href": f"{path}?{urlencode(following, quote_via=quote)}"}
        return dict(sorted(answer.items()))

    def empty_page(self, path: str, following: dict[str, str]) -> dict[str, Any]:
        link = f"{path}?{urlencode(following, quote_via=quote)}"
        return {"content": [], "next": {"href": link}, "serverSidePagination": True}

    def sliced(
        self, resource: Resource, entries: Iterable[Entry], query: dict[str, str], most: int
    ) -> list[Entry]:
        """The first `most` entries behind the page's start, in the order asked for (by number where
        none is).
        """
        after = self.read_start(resource, query.get("_lineStart", ""))
        descending = query.get("_order", "").endswith(" desc")
        behind = (
            entry
            for entry in entries
            if after is None or self.later(self.position(resource, entry, query), after, descending)
        )
        pick = heapq.nlargest if descending else heapq.nsmallest
        return pick(most, behind, key=lambda entry: self.position(resource, entry, query))

    def later(self, position: tuple[Any, int], after: tuple[Any, int], descending: bool) -> bool:
        return position < after if descending else position > after

    def position(self, resource: Resource, entry: Entry, query: dict[str, str]) -> tuple[Any, int]:
        name = query.get("_order", "").removesuffix(" desc")
        if not name:
            return (0, entry[0])
        attribute = resource.attributes.get(name)
        if attribute is None or not attribute.sortable:
            raise errors.unknown_attribute(name, resource.name)
        return (entry[1][name], entry[0])

    def start(self, resource: Resource, position: tuple[Any, int] | None) -> str:
        """An opaque `_lineStart`: signed, so that one that a client has built is refused."""
        body = json.dumps(position).encode()
        return "@" + base64.urlsafe_b64encode(
            self.engine.pkeys.mac(resource.name, body) + body
        ).decode().rstrip("=")

    def read_start(self, resource: Resource, token: str) -> tuple[Any, int] | None:
        if not token:
            return None
        try:
            raw = base64.urlsafe_b64decode(token[1:] + "=" * (-len(token[1:]) % 4))
        except ValueError:
            raw = b""
        if raw[:16] != self.engine.pkeys.mac(resource.name, raw[16:]):
            raise errors.EngineError(500, f"{errors.PREFIX} '{token}' is not a valid constant.")
        position = json.loads(raw[16:])
        return (position[0], position[1]) if position else None

    def count(self, resource: Resource, filters: list[str], query: dict[str, str]) -> int:
        return sum(1 for _ in self.entries(resource, filters, query))

    def projection(
        self, resource: Resource, attribute: str, query: dict[str, str], root: str, api: str
    ) -> dict[str, Any]:
        """One attribute of many rows; Standard gives no count here."""
        envelope = self.page(api, resource, [], query, root)
        envelope["content"] = [row.get(attribute) for row in envelope["content"]]
        envelope.pop("count")
        return envelope

    def dump(
        self, api: str, resource: Resource, root: str, external_id: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All rows, for comparisons; not part of Campaign's API."""
        table = self.engine.tables[resource.name]
        rows = (
            table.rows.items()
            if not external_id
            else [(n, r) for n, r in self.having(table, external_id)]
        )
        for number, row in list(rows):
            yield self.engine.shown(api, resource, number, row, root)

    def having(self, table: Any, external_id: str) -> Iterator[Entry]:
        number = table.by_key(external_id)
        if number:
            yield number, table.rows[number]


def holds(
    row: Row, attribute: str, comparison: str, parameter: str, query: dict[str, str], chosen: Filter
) -> bool:
    held, value = row[attribute], query[parameter]
    if isinstance(held, int | float) and not isinstance(held, bool):
        return OPERATORS[comparison](held, float(value or 0))
    if isinstance(held, bool):
        return OPERATORS[comparison](held, value == "true")
    return (
        OPERATORS[comparison](held, value)
        if chosen.case_sensitive
        else OPERATORS[comparison](held.casefold(), value.casefold())
    )


def out_of_the_box(name: str, query: dict[str, str]) -> Callable[[Row], bool] | None:
    """byEmail, byKeysProfile and byText; None for what is not here."""
    if name in ("byEmail", "byKeysProfile"):
        return lambda row: bool(row.get("email", "") == query.get("email", ""))
    if name == "byText":
        text = query.get("text", "")
        chosen = query.get("filterType")
        names = [chosen] if chosen else ["email", "lastName"]
        return lambda row: any(str(row.get(attribute, "")).startswith(text) for attribute in names)
    if name in (
        "hasReceivedDelivery",
        "hasOpenedDelivery",
        "hasClickedDelivery",
        "byStaticAudience",
        "subscribers",
        "birthday",
    ):
        raise errors.NotDone(f"The emulator knows the filter {name} but does not apply it.")
    return None
