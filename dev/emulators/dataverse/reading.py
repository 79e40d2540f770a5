"""Reads of rows: one by its key, many by a query, how many there are.

Source: Microsoft Learn, "Query data using the Web API", "Page results using OData", "Count number
of rows", "Retrieve a table row using the Web API".
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from dev.emulators.control import Clock
from dev.emulators.dataverse.keys import Address
from dev.emulators.dataverse.model import TEXT_KINDS, Table
from dev.emulators.dataverse.odata.expressions import Name
from dev.emulators.dataverse.odata.options import Options, Order, read_options
from dev.emulators.dataverse.odata.sql import ColumnSql, Conditions
from dev.emulators.dataverse.paging import Cookie, SortKey, after, read_cookie
from dev.emulators.dataverse.problems import no_such_path, no_such_property, not_emulated
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.rendering import Rendering, wants
from dev.emulators.dataverse.store import Row, Store
from dev.emulators.dataverse.wire import Request, Response, join_query, json_response, text_response

LARGEST_PAGE = 5000
STAND_IN, HALF = "\ue83d".encode(), b"\\ud83d"
BYTE_ORDER_MARK = "\ufeff"
Values = list[Any]


@dataclass(frozen=True)
class Selection:
    """What a query selects: SQL condition with its values, and the order."""

    where: str
    values: Values
    order: list[SortKey]


class Reading:
    def __init__(
        self, store: Store, registry: Registry, rendering: Rendering, clock: Clock
    ) -> None:
        self.store, self.registry, self.rendering, self.clock = store, registry, rendering, clock
        self.largest_page, self.half_characters = LARGEST_PAGE, False

    def configure(self, order: dict[str, Any]) -> None:
        """{"largest_page": 2, "half_characters": true}; ValueError for a size below 1 or above
        5,000.

        No page holds more rows, whatever was asked for. With half characters U+E83D, which can be
        written, is answered as a high surrogate alone: texts of nvarchar columns may have been cut
        in the middle of a pair.
        """
        wanted = int(order.get("largest_page", LARGEST_PAGE))
        if not 1 <= wanted <= LARGEST_PAGE:
            raise ValueError(f"largest_page must be between 1 and {LARGEST_PAGE}")
        self.largest_page, self.half_characters = wanted, bool(order.get("half_characters"))

    def cut(self, body: bytes) -> bytes:
        return body.replace(STAND_IN, HALF) if self.half_characters else body

    def many(
        self, request: Request, table: Table, options: Options, reach: tuple[str, list[str]]
    ) -> Response:
        """One page of a collection, with the link to the next one if there is more.

        `reach` is what may be read, as SQL.
        """
        selection = self.selection(table, options)
        selection = replace(
            selection,
            where=f"({selection.where}) AND {reach[0]}",
            values=[*selection.values, *reach[1]],
        )
        asked = request.prefer.page_size or self.largest_page
        size = (
            min(asked, self.largest_page) if options.top is None else min(options.top, LARGEST_PAGE)
        )
        cookie = read_cookie(options.skip_token) if options.skip_token else None
        found = self.page(request, table, options, selection, cookie, size)
        body = self.head(request, table, options, selection)
        if len(found) > size and options.top is None:
            found = found[:size]
            body["@odata.nextLink"] = self.next_link(request, options, selection, found, cookie)
        rows = ",".join(row[0] for row in found[:size])
        return page_response(request, body, rows)

    def selection(self, table: Table, options: Options) -> Selection:
        conditions = Conditions(self.registry, table, "t", self.clock.now())
        where, values = conditions.of(options.filter) if options.filter else ("1", [])
        order = [sort_key(conditions, wish) for wish in options.order]
        order.append(SortKey(table.id_column, f't."{table.id_column}"'))
        return Selection(where, values, order)

    def page(
        self,
        request: Request,
        table: Table,
        options: Options,
        selection: Selection,
        cookie: Cookie | None,
        size: int,
    ) -> list[tuple[Any, ...]]:
        """Rows of a page and one more: JSON text, then the values it is ordered by."""
        row = self.rendering.expression(
            table, "t", options.select, options.expand, request.prefer.annotations
        )
        where, values = selection.where, list(selection.values)
        if cookie:
            later, given = after(selection.order, cookie.last)
            where, values = f"{where} AND {later}", values + given
        marks = ", ".join(key.sql for key in selection.order)
        order = ", ".join(key.clause for key in selection.order)
        return self.store.db.execute(
            f'SELECT {row}, {marks} FROM "{table.logical}" t WHERE {where} ORDER BY {order}'
            " LIMIT ?",
            (*values, size + 1),
        ).fetchall()

    def head(
        self, request: Request, table: Table, options: Options, selection: Selection
    ) -> dict[str, Any]:
        """The members that stand before `value`."""
        body: dict[str, Any] = {"@odata.context": context(request, table, options)}
        counted = -1
        if options.count:
            counted = self.counted(table, selection, LARGEST_PAGE + 1)
            body["@odata.count"] = min(counted, LARGEST_PAGE)
        if wants(request.prefer.annotations, "Microsoft.Dynamics.CRM.totalrecordcount"):
            body["@Microsoft.Dynamics.CRM.totalrecordcount"] = min(counted, LARGEST_PAGE)
            body["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] = counted > LARGEST_PAGE
        if wants(request.prefer.annotations, "Microsoft.Dynamics.CRM.globalmetadataversion"):
            body["@Microsoft.Dynamics.CRM.globalmetadataversion"] = str(
                max(t.metadata_version for t in self.registry)
            )
        return body

    def counted(self, table: Table, selection: Selection, limit: int) -> int:
        """How many rows match, looking no further than `limit`."""
        sql = (
            f'SELECT count(*) FROM (SELECT 1 FROM "{table.logical}" t WHERE {selection.where}'
            " LIMIT ?)"
        )
        return int(self.store.db.execute(sql, (*selection.values, limit)).fetchone()[0])

    def next_link(
        self,
        request: Request,
        options: Options,
        selection: Selection,
        found: Sequence[tuple[Any, ...]],
        cookie: Cookie | None,
    ) -> str:
        names = [key.name for key in selection.order]
        last, first = (dict(zip(names, row[1:], strict=True)) for row in (found[-1], found[0]))
        ahead = Cookie((cookie.page if cookie else 1) + 1, last, first)
        return link(request, options, "$skiptoken", ahead.text())

    def count(self, request: Request, table: Table, options: Options) -> Response:
        """`/$count`: plain text that begins with a byte order mark, at most 5,000."""
        counted = self.counted(table, self.selection(table, options), LARGEST_PAGE)
        return plain_number(counted)

    def one(self, request: Request, table: Table, address: Address) -> Response:
        """A single row; 304 if the caller has this version."""
        options = read_options(request.query)
        row = address.require(self.store)
        if request.headers.get("if-none-match") == etag(row):
            return Response(304, {"ETag": etag(row)})
        text = self.text_of(request, table, row[table.id_column], options)
        return text_response(text, ETag=etag(row))

    def text_of(self, request: Request, table: Table, row_id: str, options: Options) -> str:
        if options.filter or options.order or options.top is not None:
            raise not_emulated("$filter, $orderby or $top on a single row")
        row = self.rendering.expression(
            table,
            "t",
            options.select,
            options.expand,
            request.prefer.annotations,
            context(request, table, options) + "/$entity",
        )
        sql = f'SELECT {row} FROM "{table.logical}" t WHERE "{table.id_column}" = ?'
        return str(self.store.db.execute(sql, (row_id,)).fetchone()[0])

    def part(self, request: Request, table: Table, address: Address, names: list[str]) -> Response:
        """`/contacts(id)/fullname`, `/fullname/$value`, `/parentcustomerid_account`."""
        if names[0] in table.navigation:
            return self.related(request, table, address, names)
        column = table.by_wire_name.get(names[0])
        if column is None or not column.allows("read"):
            raise no_such_path(names[0])
        row = address.require(self.store)
        body = json.loads(
            self.text_of(request, table, row[table.id_column], Options(select=(names[0],)))
        )
        value = body[names[0]]
        if value is None:
            return Response(204)
        if names[1:] == ["$value"]:
            return Response(200, {"Content-Type": "text/plain"}, str(value).encode("utf-8"))
        where = f"{request.api}/$metadata#{table.set}({row[table.id_column]})/{names[0]}"
        return json_response({"@odata.context": where, "value": value})

    def related(
        self, request: Request, table: Table, address: Address, names: list[str]
    ) -> Response:
        column = table.navigation[names[0]]
        row = address.require(self.store)
        target = self.registry.named(row.get(f"{column.name}__type") or column.targets[names[0]][0])
        if row[column.name] is None or target.logical not in column.targets[names[0]]:
            return Response(204)
        if names[1:] == ["$ref"]:
            where = f"{request.api}/$metadata#$ref"
            return json_response(
                {
                    "@odata.context": where,
                    "@odata.id": f"{request.api}/{target.set}({row[column.name]})",
                }
            )
        found = Address(target, target.id_column, {target.id_column: row[column.name]})
        return self.one(request, target, found)

    def total_record_count(self, request: Request, names: list[str]) -> Response:
        """Counts of whole tables. The real ones may be a day old; these are exact."""
        wanted = sorted(names)
        counts = [
            self.counted(self.registry.named(name), Selection("1", [], []), -1) for name in wanted
        ]
        collection = {"Count": len(wanted), "IsReadOnly": False, "Keys": wanted, "Values": counts}
        where = f"{request.api}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"
        return json_response({"@odata.context": where, "EntityRecordCountCollection": collection})


def etag(row: Row) -> str:
    return f'W/"{row["versionnumber"]}"'


def plain_number(number: int) -> Response:
    return Response(200, {"Content-Type": "text/plain"}, f"{BYTE_ORDER_MARK}{number}".encode())


def sort_key(conditions: Conditions, wish: Order) -> SortKey:
    path = Name(tuple(wish.property.split("/")))
    place: ColumnSql = conditions.place(path)
    if place.column.document["kind"] == "MultiSelectPicklist":
        raise no_such_property(wish.property, conditions.table.logical)
    collation = " COLLATE NOCASE" if place.column.kind in TEXT_KINDS else ""
    return SortKey(
        place.column.name if len(path.path) == 1 else ".".join(path.path),
        place.sql + collation,
        wish.descending,
    )


def context(request: Request, table: Table, options: Options) -> str:
    """`API/$metadata#contacts(firstname,lastname)`; without a selection just the set."""
    members = list(options.select) + [
        f"{wish.navigation}({','.join(wish.select)})" for wish in options.expand
    ]
    return f"{request.api}/$metadata#{table.set}" + (f"({','.join(members)})" if members else "")


def link(request: Request, options: Options, token_name: str, token: str) -> str:
    """The request's own URL with its options and a new token."""
    kept = {
        name: value
        for name, value in options.given.items()
        if name not in {"$skiptoken", "$deltatoken"}
    }
    return f"{request.api}/{request.path}?" + "&".join(
        part for part in (join_query(kept), f"{token_name}={quote(token, safe='')}") if part
    )


def page_response(request: Request, body: dict[str, Any], rows: str) -> Response:
    """Head members, then `value` with rows that are JSON text already."""
    head = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text_response(f'{head[:-1]},"value":[{rows}]}}')
