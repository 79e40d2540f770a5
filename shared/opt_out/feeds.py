"""What has changed in Campaign, which has no change feed: three ways to find out, behind one seam.

filter  a published filter "lastModified greater than or equal", in that order
scan    all profiles, the last modified first, until behind what was seen before
file    the workflow's export on SFTP, as Adobe's own integration reads it

Nothing is asked by a clock of ours: each read begins where the newest profile of the last one
stood, less an overlap, for what a
long transaction wrote appears late. What comes again within the overlap is known by its time and
flags and passed over,
in this process; another one reads it twice, which harms nothing. Sources: Adobe Campaign Standard
documentation, "Filtering",
"Sorting", "Pagination".
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from shared.campaign.client import Address, CampaignClient
from shared.identifiers import record_id
from shared.labels import folded
from shared.opt_out.aliases import one_each
from shared.opt_out.documents import ExportFiles, OptOutDocument, Pair
from shared.opt_out.rows import Flags
from shared.opt_out.systems import ALIAS, MAYBE_ALIAS, exported_time, instant, profile_of
from shared.opt_out.void_links import followed
from shared.records import Change, Kind, Page
from shared.sftp.exports.delimited import columns_of
from shared.sftp.exports.formats import Files, ReadCells
from shared.sftp.exports.pages import Exports
from shared.sftp.faults import ParseError

CHANGED = "lastModified"
NOBODY = Change(
    "", Kind.ROW
)  # stands for a line without a contact's id, to be counted and then left out
YES, NO = frozenset({"1", "yes", "true"}), frozenset({"", "0", "no", "false"})
MOST_REMEMBERED = 200_000
# What is handed off goes by ledger partition: a change more in a message costs little, a message
# more costs much.
PAGES_TOGETHER = 5


class Feed(Protocol):
    """Pages of profiles that may have changed, behind a link that is the feed's own; `name` tells
    whose.
    """

    @property
    def name(self) -> str: ...
    def page(self, link: str, document: OptOutDocument, address: Address) -> Page: ...
    def probe(self, document: OptOutDocument, address: Address) -> None:
        """Raises a BridgeError while the feed cannot be read."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """`since` is the newest time that the last read saw; `begin` where this read begins, `next` its
    following page, `newest` what
    it saw so far. `behind_at`: when, by our clock, a read last began earlier. `turn` makes each
    link another one.
    """

    since: str = ""
    next: str = ""
    newest: str = ""
    turn: int = 0
    begin: str = ""
    behind_at: float = 0.0

    def start_read(self, now: float, document: OptOutDocument, always_behind: bool) -> "Cursor":
        """The cursor at the begin of a read.

        What Campaign saved late is found by beginning earlier; so often that all is seen
        twice, and not each time, for a backfill changes thousands of profiles within the overlap.
        """
        if self.next:
            return self
        behind = (
            always_behind
            or not self.behind_at <= now < self.behind_at + document.overlap_seconds / 2
        )
        begin = earlier(self.since, document.overlap_seconds if behind else 0.0)
        return replace(self, begin=begin, behind_at=now if behind else self.behind_at)

    def begin_link(self) -> str:
        """The link by which this read begins again; "" before its second page."""
        return json.dumps(asdict(replace(self, next="", newest=""))) if self.next else ""

    def advance(self, following: str, newest: str) -> "Cursor":
        """Where the next page is, or the next read if there is none."""
        if following:
            return replace(self, next=following, newest=newest, turn=self.turn + 1)
        return Cursor(since=max(self.since, newest), turn=self.turn + 1, behind_at=self.behind_at)


def cursor_of(link: str) -> Cursor:
    return Cursor(**json.loads(link)) if link else Cursor()


def change_of(
    row: Mapping[str, Any],
    key_field: str,
    pairs: Collection[Pair],
    seen_at: float,
    exported: bool = False,
) -> Change | None:
    """The flags of a profile as a change; None for one that is no contact's.

    `exported`: by a file, which may write ids in another form.
    """
    written = str(row.get(key_field) or "")
    found = record_id(written)
    if not found:
        return None
    profile = profile_of(row, pairs)
    alias = (
        "" if written == found else MAYBE_ALIAS if exported or written.lower() == found else ALIAS
    )
    flags = Flags(profile.values, profile.times, str(row.get(CHANGED) or ""), alias)
    return Change(found, Kind.ROW, row=flags.as_row(), first_seen=seen_at)


class SeenCache:
    """What the last read handed off, so that the overlap of the next is not handed off again.

    What a page returned counts only when the next is asked for: until then it may not have been
    handed off.
    """

    def __init__(self) -> None:
        self.handed_off: dict[str, str] = {}
        self.pending: tuple[str, dict[str, str]] = ("", {})

    def page(self, link: str, cursor: Cursor, found: Sequence[Change | None]) -> Page:
        """What is new of a read from the link up to the cursor; None stands for a profile of
        nobody.
        """
        following = json.dumps(asdict(cursor))
        changes = self.new(link, following, one_each(filter(None, found)))
        return Page(changes, following, complete=not cursor.next, passed_over=found.count(None))

    def new(self, link: str, following: str, changes: Iterable[Change]) -> tuple[Change, ...]:
        came_from, handed_off = self.pending
        if link == came_from:
            self.handed_off |= handed_off
        if len(self.handed_off) > MOST_REMEMBERED:
            self.handed_off.clear()
        marked = [(change, json.dumps(change.row)) for change in changes]
        self.pending = following, {change.record_id: mark for change, mark in marked}
        return tuple(
            change for change, mark in marked if self.handed_off.get(change.record_id) != mark
        )


Read = tuple[
    Sequence[Mapping[str, Any]], Cursor
]  # rows of one of Campaign's pages, and the cursor behind it


def together(read: Callable[[Cursor], Read], cursor: Cursor) -> Read:
    """The rows of some pages, or of those up to the last one."""
    found: list[Mapping[str, Any]] = []
    for _ in range(PAGES_TOGETHER):
        rows, cursor = read(cursor)
        found += rows
        if not cursor.next:
            break
    return found, cursor


class ProfileFeed:
    """What both ways of reading profiles over REST share."""

    def __init__(
        self, client: CampaignClient, now: Callable[[], float], always_behind: bool = False
    ) -> None:
        self.client = client
        self.now = now
        self.always_behind = always_behind
        self.remembered = SeenCache()

    def new(self, link: str, read: Read, document: OptOutDocument, address: Address) -> Page:
        """The page of what was read from the link, without what was handed off before."""
        rows, cursor = read
        found = [change_of(row, address.key_field, document.pairs, self.now()) for row in rows]
        return self.remembered.page(link, cursor, found)


class FilterFeed(ProfileFeed):
    """By the published filter: from the oldest to the newest."""

    name = "filter"

    def page(self, link: str, document: OptOutDocument, address: Address) -> Page:
        cursor = cursor_of(link).start_read(self.now(), document, self.always_behind)

        def read(cursor: Cursor) -> Read:
            rows, following = self.client.page(address, cursor.next or self.start(cursor, document))
            newest = max([cursor.newest, *(str(row.get(CHANGED) or "") for row in rows)])
            return rows, cursor.advance(following, newest)

        read_to = followed(partial(together, read, cursor), cursor.begin_link())
        return self.new(link, read_to, document, address)

    def start(self, cursor: Cursor, document: OptOutDocument) -> str:
        query = {
            document.filter.parameter: cursor.begin or "1970-01-01 00:00:00.000Z",
            **order(CHANGED, document),
        }
        return f"/{document.filter.name}?{urlencode(query, quote_via=quote)}"

    def probe(self, document: OptOutDocument, address: Address) -> None:
        self.client.page(address, self.start(Cursor(begin="9999-01-01 00:00:00.000Z"), document))


class ScanFeed(ProfileFeed):
    """Without a filter: from the newest back to what was seen before."""

    name = "scan"

    def page(self, link: str, document: OptOutDocument, address: Address) -> Page:
        cursor = cursor_of(link).start_read(self.now(), document, self.always_behind)

        def read(cursor: Cursor) -> Read:
            rows, following = self.client.page(address, cursor.next or self.start(document))
            newest = cursor.newest or max(
                (str(row.get(CHANGED) or "") for row in rows), default=cursor.since
            )
            wanted = [row for row in rows if str(row.get(CHANGED) or "") >= cursor.begin]
            return wanted, cursor.advance(following if len(wanted) == len(rows) else "", newest)

        read_to = followed(partial(together, read, cursor), cursor.begin_link())
        return self.new(link, read_to, document, address)

    def start(self, document: OptOutDocument) -> str:
        return f"?{urlencode(order(f'{CHANGED} desc', document), quote_via=quote)}"

    def probe(self, document: OptOutDocument, address: Address) -> None:
        self.client.page(address, f"?{urlencode({'_lineCount': 1}, quote_via=quote)}")


def order(by: str, document: OptOutDocument) -> dict[str, str]:
    return {"_order": by, "_forcePagination": "true", "_lineCount": str(document.page_lines)}


def earlier(since: str, seconds: float) -> str:
    """A time of Campaign's, so many seconds earlier, in its own form; "" for none."""
    moment = instant(since)
    if moment is None:
        return ""
    shifted = datetime.fromtimestamp(moment, UTC) - timedelta(seconds=seconds)
    return shifted.strftime("%Y-%m-%d %H:%M:%S.") + f"{shifted.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class OptOutFormat:
    """The export of profiles that have changed. `at_once` takes files that may still be written."""

    document: OptOutDocument
    at_once: bool = False

    @property
    def files(self) -> Files:
        files = self.document.files
        return files.model_copy(update={"stable_seconds": 0.0}) if self.at_once else files

    @property
    def watched_seconds(self) -> float:
        return self.document.files.stable_seconds

    def takes(self, name: str) -> bool:
        return fnmatchcase(name, self.document.files.pattern)

    def key_column(self, name: str) -> str:
        """None: a contact's id comes again with each change."""
        return ""

    def reader(self, name: str, header: Sequence[str], now: Callable[[], float]) -> ReadCells:
        files, pairs = self.document.files, self.document.pairs
        needed = (files.contact, *(pair.flag for pair in pairs))
        times = [name for name in optional(files, pairs) if name in header]
        columns_of(header, {name: name for name in (*needed, *times)})

        def read(cells: list[str]) -> Change | None:
            row: dict[str, Any] = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            row |= {pair.flag: flag_of(row, pair.flag, files.values) for pair in pairs}
            row |= {name: exported_time(row[name], files.time_zone) for name in times}
            row[CHANGED] = row.get(files.changed, "")
            return change_of(row, files.contact, pairs, now(), exported=True) or NOBODY

        return read


def optional(files: ExportFiles, pairs: Collection[Pair]) -> list[str]:
    """Columns that are read where the export has them: when the profile and each flag were last
    changed.
    """
    return [files.changed, *(f"{pair.flag}LastModified" for pair in pairs)]


def flag_of(row: Mapping[str, str], flag: str, values: Mapping[str, bool]) -> bool:
    """Whether the cell says yes; `values` are the document's own labels, folded."""
    text = folded(row[flag])
    if text in values:
        return values[text]
    if text not in YES | NO:
        raise ParseError("unknown_flag", flag, f"has neither yes nor no in {flag}")
    return text in YES


class FileFeed:
    """By the export.

    The link also says when a file last came to its end, for a workflow that has stopped is silent.
    """

    name = "file"

    def __init__(self, exports: Exports, now: Callable[[], float]) -> None:
        self.exports, self.now = exports, now

    def page(self, link: str, document: OptOutDocument, address: Address) -> Page:
        saved: dict[str, Any] = json.loads(link) if link else {"position": "", "file_at": 0.0}
        page = self.exports.page(saved["position"], document)
        ended = bool(page.link) and json.loads(page.link)["ended"] == "processed"
        file_at = self.now() if ended else saved["file_at"]
        named = [change for change in page.changes if change.record_id]
        changes = tuple(one_each(named))
        link = json.dumps({"position": page.link, "file_at": file_at})
        return replace(page, changes=changes, link=link, passed_over=len(page.changes) - len(named))

    def probe(self, document: OptOutDocument, address: Address) -> None:
        self.exports.probe()
