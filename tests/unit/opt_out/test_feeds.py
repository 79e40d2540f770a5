"""Where a read of Campaign's changes begins and ends, and what of it has been handed off before."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from shared.campaign.client import Address
from shared.errors import (
    BridgeError,
    Cause,
    Misconfigured,
    Refusal,
    Rejected,
    Retryable,
    TokenExpired,
)
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.feeds import (
    PAGES_TOGETHER,
    Cursor,
    FilterFeed,
    ScanFeed,
    SeenCache,
    cursor_of,
    earlier,
    together,
)
from shared.records import Change, Kind

DOCUMENT = read_opt_out_document(default_opt_out_document()).model_copy(
    update={"overlap_seconds": 60.0}
)
ADDRESS = Address("profileAndServicesExt", "profile", "externalId")
SINCE = "2026-01-31 08:00:00.000Z"
IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(20)]
Row = dict[str, Any]


def row(number: int, second: int, **flags: bool) -> Row:
    """A profile that was last changed so many seconds after eight."""
    return {
        "externalId": IDS[number],
        "lastModified": f"2026-01-31 08:00:{second:02d}.000Z",
        **flags,
    }


@pytest.mark.parametrize(
    ("behind_at", "now", "always", "begin", "behind"),
    [
        pytest.param(
            0.0, 1000.0, False, "2026-01-31 07:59:00.000Z", 1000.0, id="never behind before"
        ),
        pytest.param(1000.0, 1000.0, False, SINCE, 1000.0, id="just behind"),
        pytest.param(1000.0, 1029.9, False, SINCE, 1000.0, id="before half of the overlap"),
        pytest.param(
            1000.0,
            1030.0,
            False,
            "2026-01-31 07:59:00.000Z",
            1030.0,
            id="after half of the overlap",
        ),
        pytest.param(
            1000.0, 999.0, False, "2026-01-31 07:59:00.000Z", 999.0, id="a clock set back"
        ),
        pytest.param(1000.0, 1001.0, True, "2026-01-31 07:59:00.000Z", 1001.0, id="always"),
    ],
)
def test_a_read_begins_earlier_so_often_that_all_is_seen_twice(
    behind_at: float, now: float, always: bool, begin: str, behind: float
) -> None:
    cursor = Cursor(since=SINCE, behind_at=behind_at).start_read(now, DOCUMENT, always)
    assert (cursor.begin, cursor.behind_at, cursor.since) == (begin, behind, SINCE)


def test_a_read_under_way_keeps_its_begin() -> None:
    cursor = Cursor(since=SINCE, next="/page2", begin="b", behind_at=1.0)
    assert cursor.start_read(1000.0, DOCUMENT, True) == cursor


@pytest.mark.parametrize(
    ("since", "newest", "then"),
    [
        pytest.param("", SINCE, SINCE, id="first read"),
        pytest.param(
            SINCE, "2026-01-31 08:00:01.000Z", "2026-01-31 08:00:01.000Z", id="something new"
        ),
        pytest.param(SINCE, "2026-01-31 07:59:30.000Z", SINCE, id="only the overlap"),
        pytest.param(SINCE, "", SINCE, id="nothing"),
    ],
)
def test_the_next_read_begins_where_the_newest_profile_stood(
    since: str, newest: str, then: str
) -> None:
    start_read = Cursor(since=since, behind_at=5.0, turn=3)
    assert start_read.advance("/page2", newest) == Cursor(since, "/page2", newest, 4, "", 5.0)
    assert start_read.advance("", newest) == Cursor(since=then, turn=4, behind_at=5.0)


@pytest.mark.parametrize(
    ("time", "seconds", "before"),
    [
        pytest.param("2026-03-01 00:00:10.250Z", 60, "2026-02-28 23:59:10.250Z", id="over a month"),
        pytest.param("2026-01-31 08:00:00.000Z", 0, "2026-01-31 08:00:00.000Z", id="not at all"),
        pytest.param("2026-01-31T08:00:00Z", 0.5, "2026-01-31 07:59:59.500Z", id="another form"),
        pytest.param("", 60, "", id="none"),
        pytest.param("soon", 60, "", id="no time"),
    ],
)
def test_an_earlier_time_has_campaigns_form(time: str, seconds: float, before: str) -> None:
    assert earlier(time, seconds) == before


def read_of(pages: Sequence[int]) -> Any:
    """Pages of so many rows each; each names the next."""

    def read(cursor: Cursor) -> tuple[list[Row], Cursor]:
        rows = [{} for _ in range(pages[cursor.turn])]
        return rows, cursor.advance("next" if cursor.turn + 1 < len(pages) else "", "")

    return read


@pytest.mark.parametrize(
    ("pages", "rows", "turn"),
    [
        pytest.param([3], 3, 1, id="one"),
        pytest.param([3, 2], 5, 2, id="two"),
        pytest.param([0], 0, 1, id="an empty one"),
        pytest.param([1] * 5, 5, 5, id="as many as go together"),
        pytest.param([1] * 7, 5, 5, id="more"),
    ],
)
def test_some_pages_are_read_together(pages: list[int], rows: int, turn: int) -> None:
    found, cursor = together(read_of(pages), Cursor())
    assert (len(found), cursor.turn, bool(cursor.next)) == (rows, turn, turn < len(pages))
    assert turn <= PAGES_TOGETHER


def change(number: int, **content: object) -> Change:
    return Change(IDS[number], Kind.ROW, row={"campaign": content})


class TestRemembered:
    """What is returned counts as handed off only when the next page is asked for."""

    remembered: SeenCache
    ended = Cursor(since=SINCE)

    def setup_method(self) -> None:
        self.remembered = SeenCache()

    def new(self, link: str, *changes: Change | None) -> tuple[list[str], str]:
        page = self.remembered.page(link, Cursor(turn=cursor_of(link).turn + 1), changes)
        return [one.record_id for one in page.changes], page.link

    def test_a_page_that_was_not_handed_off_comes_again(self) -> None:
        assert self.new("", change(1))[0] == self.new("", change(1))[0] == [IDS[1]]

    def test_what_was_handed_off_is_passed_over_until_it_changes(self) -> None:
        _, link = self.new("", change(1, a=1), change(2, a=1))
        found, link = self.new(link, change(1, a=1), change(2, a=2), change(3))
        assert found == [IDS[2], IDS[3]]
        assert self.new(link, change(2, a=1), change(3))[0] == [IDS[2]]

    def test_a_change_back_to_what_was_before_is_a_change(self) -> None:
        _, link = self.new("", change(1, a=1))
        _, link = self.new(link, change(1, a=2))
        assert self.new(link, change(1, a=1))[0] == [IDS[1]]

    def test_from_another_place_nothing_new_counts_as_handed_off(self) -> None:
        self.new("", change(1))
        assert self.new('{"turn": 9}', change(1))[0] == [IDS[1]]

    def test_profiles_of_nobody_are_counted(self) -> None:
        page = self.remembered.page("", self.ended, [None, change(1), None])
        assert (len(page.changes), page.passed_over, page.complete) == (1, 2, True)

    def test_a_page_with_a_next_one_is_not_complete(self) -> None:
        assert not self.remembered.page("", Cursor(next="/page2"), []).complete

    def test_too_much_is_forgotten_rather_than_kept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shared.opt_out.feeds.MOST_REMEMBERED", 1)
        _, link = self.new("", change(1), change(2))
        assert self.new(link, change(1))[0] == [IDS[1]]


class Campaign:
    """Answers with one page after the other, and keeps what was asked."""

    def __init__(self, *pages: list[Row]) -> None:
        self.pages, self.asked = list(pages), list[str]()

    def page(self, address: Address, path: str, *_: object) -> tuple[list[Row], str]:
        self.asked.append(path)
        rows = self.pages.pop(0)
        return rows, f"/page{len(self.asked) + 1}" if self.pages else ""


def scanned(link: str, *pages: list[Row]) -> tuple[Campaign, list[str], Cursor]:
    campaign = Campaign(*pages)
    page = ScanFeed(campaign, lambda: 1000.0).page(link, DOCUMENT, ADDRESS)  # type: ignore[arg-type]
    return campaign, [change.record_id for change in page.changes], cursor_of(page.link)


SEEN = '{"since": "2026-01-31 08:00:10.000Z", "behind_at": 1000.0}'


@pytest.mark.parametrize(
    ("link", "pages", "found", "asked"),
    [
        pytest.param(
            "", [[row(2, 20), row(1, 10)], [row(0, 5)]], [2, 1, 0], 2, id="all the first time"
        ),
        pytest.param(
            SEEN, [[row(2, 20), row(1, 10)], [row(0, 5)]], [2, 1], 2, id="equal times go on"
        ),
        pytest.param(
            SEEN, [[row(2, 20), row(1, 9)], [row(0, 5)]], [2], 1, id="until behind what was seen"
        ),
        pytest.param(
            SEEN, [[row(2, 20)], [row(1, 9)], [row(0, 5)]], [2], 2, id="behind on a page of its own"
        ),
        pytest.param(SEEN, [[]], [], 1, id="nothing"),
    ],
)
def test_a_scan_goes_back_to_what_was_seen_before(
    link: str, pages: list[list[Row]], found: list[int], asked: int
) -> None:
    campaign, ids, cursor = scanned(link, *pages)
    assert ids == [IDS[number] for number in found]
    assert len(campaign.asked) == asked
    assert cursor.since == max(
        [cursor_of(link).since, *(one["lastModified"] for page in pages[:1] for one in page)]
    )


def test_a_scan_asks_for_the_newest_first() -> None:
    campaign, _, _ = scanned("", [row(1, 1)])
    assert "_order=lastModified%20desc" in campaign.asked[0]


@pytest.mark.parametrize(
    ("link", "asked"),
    [pytest.param("", "1970-01-01%2000%3A00%3A00.000Z", id="from the first"),
     pytest.param(SEEN, "2026-01-31%2008%3A00%3A10.000Z", id="from what was seen")],
)  # fmt: skip
def test_a_filter_asks_from_the_oldest_on(link: str, asked: str) -> None:
    campaign = Campaign([row(1, 11), row(2, 15)], [row(3, 12)])
    page = FilterFeed(campaign, lambda: 1000.0).page(link, DOCUMENT, ADDRESS)  # type: ignore[arg-type]
    assert f"{DOCUMENT.filter.parameter}={asked}" in campaign.asked[0]
    assert "_order=lastModified&" in campaign.asked[0]
    assert campaign.asked[1:] == ["/page2"]
    assert [change.record_id for change in page.changes] == [IDS[1], IDS[2], IDS[3]]
    assert cursor_of(page.link).since == "2026-01-31 08:00:15.000Z"


def flags_of(change: Change) -> Mapping[str, Any]:
    content: Mapping[str, Any] = (change.row or {})["campaign"]
    return content


@pytest.mark.parametrize("key", ["", "anna@example.org", None], ids=["empty", "no id", "none"])
def test_a_profile_of_no_contact_is_passed_over(key: str | None) -> None:
    campaign = Campaign([row(1, 1) | {"externalId": key}, row(2, 2, blackListFax=True)])
    page = FilterFeed(campaign, lambda: 1000.0).page("", DOCUMENT, ADDRESS)  # type: ignore[arg-type]
    assert ([change.record_id for change in page.changes], page.passed_over) == ([IDS[2]], 1)
    assert flags_of(page.changes[0])["values"]["blackListFax"] is True


class VoidLinks(Campaign):
    """Refuses every link that it gave before."""

    def __init__(self, error: BridgeError) -> None:
        super().__init__()
        self.error = error

    def page(self, address: Address, path: str, *_: object) -> tuple[list[Row], str]:
        raise self.error


MIDDLE = (
    '{"since": "2026-01-31 08:00:10.000Z", "next": "/page7", "newest": "2026-02-01 00:00:00.000Z"}'
)


@pytest.mark.parametrize("feed", [FilterFeed, ScanFeed])
@pytest.mark.parametrize(
    ("error", "begins_anew"),
    [
        (Rejected(Refusal("", "not_found", "")), True),
        (Rejected(Refusal("", "bad_request", "")), True),
        (Misconfigured("mapping", ""), True),
        (Misconfigured("filter", ""), True),
        (Retryable("Campaign refused GET profile list (status 500)."), True),
        (Misconfigured("CAMPAIGN_CLIENT_SECRET", ""), False),
        (Retryable("", cause=Cause.OUTAGE), False),
        (Retryable("", 1.0), False),
    ],
    ids=["404", "400", "resource", "filter", "500", "a right", "no answer", "throttled"],
)
def test_a_next_link_that_is_void_begins_the_read_where_it_began(
    feed: type[FilterFeed | ScanFeed], error: BridgeError, begins_anew: bool
) -> None:
    campaign: Any = VoidLinks(error)
    with pytest.raises(TokenExpired if begins_anew else type(error)) as caught:
        feed(campaign, lambda: 1000.0).page(MIDDLE, DOCUMENT, ADDRESS)
    if isinstance(caught.value, TokenExpired):
        again = cursor_of(caught.value.link)
        assert (again.since, again.next, again.newest) == ("2026-01-31 08:00:10.000Z", "", "")


def test_the_first_page_has_no_link_that_could_be_void() -> None:
    campaign: Any = VoidLinks(Misconfigured("filter", ""))
    with pytest.raises(Misconfigured):
        FilterFeed(campaign, lambda: 1000.0).page(SEEN, DOCUMENT, ADDRESS)
