"""Change tracking: all rows once, then only what became of them.

A token is a version and a time, `919042!08/22/2017 08:10:44`. A read covers the versions above the
token's up to the counter's value when its first page was asked for; that value is the next token's
version. So a row that changes while pages are being read is seen again in the next delta, never
missed.

Source: Microsoft Learn, "Use change tracking to synchronize data with external systems".
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.emulators.control import Clock
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.odata.options import Options
from dev.emulators.dataverse.paging import Cookie, encoded, read_cookie
from dev.emulators.dataverse.problems import (
    ApiError,
    bad_query,
    expired_version_stamp,
    not_emulated,
    tracking_not_enabled,
)
from dev.emulators.dataverse.reading import LARGEST_PAGE, context, link, page_response, plain_number
from dev.emulators.dataverse.rendering import Rendering
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.wire import Request, Response, join_query

TIME = "%m/%d/%Y %H:%M:%S"


@dataclass(frozen=True)
class Token:
    version: int
    issued: datetime

    def text(self) -> str:
        return f"{self.version}!{self.issued.strftime(TIME)}"


def read_token(text: str) -> Token:
    """ApiError 400 for a text that is no token; the platform's own answer to that is not
    documented.
    """
    match = re.fullmatch(r"(\d{1,18})!(.+)", text)
    try:
        return Token(int(match[1]), datetime.strptime(match[2], TIME).replace(tzinfo=UTC))  # type: ignore[index]
    except (TypeError, ValueError):
        raise ApiError(400, "0x80040203", f"Invalid delta token: {text}") from None


@dataclass(frozen=True)
class Window:
    """The versions of one tracked read: above `since`, not above `until`.

    `row` and `deleted` say how far pages have come.
    """

    since: int
    until: int
    issued: datetime
    row: int
    deleted: int
    page: int = 1

    def cookie(self, last_id: str, first_id: str, id_column: str) -> Cookie:
        last = {
            id_column: last_id,
            "versionnumber": self.row,
            "deletedversion": self.deleted,
            "since": self.since,
            "until": self.until,
            "issued": self.issued.strftime(TIME),
        }
        return Cookie(
            self.page + 1, last, {**dict.fromkeys(last), id_column: first_id}, tracking=True
        )


def window_of(cookie: Cookie) -> Window:
    """ApiError 400 for a cookie that lacks something."""
    try:
        since, until, row, deleted = (
            int(cookie.last[name]) for name in ("since", "until", "versionnumber", "deletedversion")
        )
        issued = datetime.strptime(cookie.last["issued"], TIME).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError):
        raise ApiError(400, "0x80040203", "Malformed XML in the Paging Cookie") from None
    return Window(since, until, issued, row, deleted, cookie.page)


class Tracking:
    def __init__(self, store: Store, rendering: Rendering, clock: Clock) -> None:
        self.store, self.rendering, self.clock = store, rendering, clock

    def read(self, request: Request, table: Table, options: Options) -> Response:
        """One page of an initial read or of a delta.

        The delta link stands on the last page only.
        """
        refuse_forbidden(options)
        if not table.tracked:
            raise tracking_not_enabled(table.logical)
        window = self.window(table, options)
        size = request.prefer.page_size or LARGEST_PAGE
        changed = self.changed(request, table, options, window, size)
        gone = self.gone(table, window, size - len(changed) + 1) if len(changed) <= size else []
        body: dict[str, Any] = {
            "@odata.context": context(request, table, options) + ("/$delta" if window.since else "")
        }
        more = len(changed) + len(gone) > size
        changed, gone = changed[:size], gone[: max(0, size - len(changed))]
        if more:
            body["@odata.nextLink"] = self.next_link(request, table, options, window, changed, gone)
        else:
            body["@odata.deltaLink"] = delta_link(
                request, options, Token(window.until, window.issued)
            )
        members = [text for text, *_ in changed] + [
            deleted_member(request, table, row_id) for _, row_id in gone
        ]
        return page_response(request, body, ",".join(members))

    def window(self, table: Table, options: Options) -> Window:
        if options.skip_token:
            window = window_of(read_cookie(options.skip_token))
            self.refuse_expired(table, Token(window.since, window.issued))
            return window
        now = self.clock.now().replace(microsecond=0)
        if options.delta_token is None:
            return Window(0, self.store.version, now, 0, 0)
        token = read_token(options.delta_token)
        self.refuse_expired(table, token)
        return Window(token.version, self.store.version, now, token.version, token.version)

    def refuse_expired(self, table: Table, token: Token) -> None:
        """Too old by the organization's setting, from before a change of the table's definition, or
        declared dead.
        """
        days = self.store.db.execute(
            "SELECT expirechangetrackingindays FROM organization"
        ).fetchone()[0]
        limit = token.issued + timedelta(days=days)
        stale = token.version and token.version < max(
            table.metadata_version, int(self.store.fact("tokens_valid_from", 0))
        )
        if self.clock.now() > limit or stale:
            raise expired_version_stamp()

    def expire_all(self) -> None:
        """From now on no token given so far is good."""
        with self.store.transaction():
            self.store.set_fact("tokens_valid_from", self.store.next_version())

    def changed(
        self, request: Request, table: Table, options: Options, window: Window, size: int
    ) -> list[tuple[str, int, str]]:
        """Rows of the window after what was read, in order of version: JSON text, version, id.

        One more than `size`.
        """
        row = self.rendering.expression(table, "t", options.select, (), request.prefer.annotations)
        sql = (
            f'SELECT {row}, t.versionnumber, t."{table.id_column}" FROM "{table.logical}" t '
            "WHERE t.versionnumber > ? AND t.versionnumber <= ? ORDER BY t.versionnumber LIMIT ?"
        )
        return self.store.db.execute(sql, (window.row, window.until, size + 1)).fetchall()

    def gone(self, table: Table, window: Window, limit: int) -> list[tuple[int, str]]:
        """Deletions of the window, which an initial read has none of: version, id."""
        if not window.since:
            return []
        sql = (
            "SELECT version, id FROM _deleted WHERE tab = ? AND version > ? AND version <= ? ORDER"
            " BY version LIMIT ?"
        )
        return self.store.db.execute(
            sql, (table.logical, window.deleted, window.until, limit)
        ).fetchall()

    def next_link(
        self,
        request: Request,
        table: Table,
        options: Options,
        window: Window,
        changed: list[tuple[str, int, str]],
        gone: list[tuple[int, str]],
    ) -> str:
        row = changed[-1][1] if changed else window.row
        deleted = gone[-1][0] if gone else window.deleted
        reached = Window(window.since, window.until, window.issued, row, deleted, window.page)
        ids = [row_id for _, _, row_id in changed] + [row_id for _, row_id in gone]
        return link(
            request, options, "$skiptoken", reached.cookie(ids[-1], ids[0], table.id_column).text()
        )

    def count(self, table: Table, options: Options) -> Response:
        """`/$count?$deltatoken=..`: how many changes the delta would hold, deletions included."""
        refuse_forbidden(options)
        window = self.window(table, options)
        rows = (
            f'SELECT count(*) FROM "{table.logical}" WHERE versionnumber > ? AND versionnumber <= ?'
        )
        gone = "SELECT count(*) FROM _deleted WHERE tab = ? AND version > ? AND version <= ?"
        between = (window.since, window.until)
        total = self.store.db.execute(rows, between).fetchone()[0]
        total += self.store.db.execute(gone, (table.logical, *between)).fetchone()[0]
        return plain_number(total)


def refuse_forbidden(options: Options) -> None:
    for name in ("filter", "orderby", "expand", "top"):
        if f"${name}" in options.given:
            raise bad_query(
                f'The "${name}" query parameter isn\'t supported when Change Tracking is enabled.'
            )
    if options.count:
        raise not_emulated("$count=true in a tracked read")


def deleted_member(request: Request, table: Table, row_id: str) -> str:
    context = f"{request.api}/$metadata#{table.set}/$deletedEntity"
    return f'{{"@odata.context":"{context}","id":"{row_id}","reason":"deleted"}}'


def delta_link(request: Request, options: Options, token: Token) -> str:
    kept = (
        join_query({"$select": options.given["$select"]}) + "&"
        if "$select" in options.given
        else ""
    )
    return f"{request.api}/{request.path}?{kept}$deltatoken={encoded(token.text())}"
