"""E-mail events day by day, in the reader's zone; the sources; the files."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.console.look import Look
from shared.console.pages.events import MOST_DELIVERIES, MOST_FILES, by_day, files_of
from shared.console.visit import Services, Visit
from shared.errors import Misconfigured, Retryable
from shared.events.documents import default_events_document, read_events_document
from shared.sftp.client import RemoteFile
from shared.state.figures import HOURS, Figure
from shared.state.groups import GroupCount, GroupsRead
from tests.unit.console.kit import Console

HOUR = 3600.0
MIDNIGHT = 1_699_920_000.0  # 2023-11-14 00:00 UTC


def figure(end: float, **outcomes: int) -> Figure:
    return Figure("email_events", end, HOUR, outcomes=outcomes)


ROWS = [
    figure(MIDNIGHT, created=5, filtered=1),
    figure(MIDNIGHT + HOUR, created=2, rejected=3, no_contact=1),
    figure(MIDNIGHT + 2 * HOUR, waiting=4),
]


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", [("2023-11-14", 6, 2), ("2023-11-13", 6, 5)]),
        ("Europe/Berlin", [("2023-11-14", 12, 7)]),
    ],
)
def test_events_are_counted_by_the_reader_s_day(zone: str, days: list[Any]) -> None:
    visit = cast("Visit", SimpleNamespace(look=Look(zone=zone)))
    found = by_day(visit, ROWS)
    assert [(one["day"], one["read"], one["created"]) for one in found] == days


class Sftp:
    def __init__(self, down: bool = False) -> None:
        self.down = down

    def files(self, folder: str) -> list[RemoteFile]:
        if self.down:
            raise Retryable("The SFTP server does not answer.")
        if folder.endswith("processed"):
            raise Misconfigured("SFTP_FOLDER", "It has no such folder.")
        if folder.endswith("rejected"):
            return [RemoteFile("trackingLogs_1.txt", 7, 30.0)]
        return [RemoteFile("deliveryLogs_2.txt", 9, 40.0), RemoteFile("other.csv", 1, 50.0)]


def services(down: bool = False) -> Any:
    document = read_events_document(default_events_document())
    version = SimpleNamespace(document=document)
    return SimpleNamespace(
        settings=SimpleNamespace(sftp_folder="/exports/", email_events_source="files"),
        looking_sftp=Sftp(down),
        events_catalog=SimpleNamespace(version=lambda: version),
    )


def test_files_say_what_became_of_them() -> None:
    found = files_of(cast("Services", services()))
    assert [(one["folder"], one["name"], one["bytes"]) for one in found] == [
        ("stranger", "other.csv", 1),
        ("waiting", "deliveryLogs_2.txt", 9),
        ("rejected", "trackingLogs_1.txt", 7),
    ]


@pytest.fixture
def console() -> Console:
    made = Console()
    made.clock = MIDNIGHT + 3 * HOUR
    made.figures.add(HOURS, ROWS)
    feed = SimpleNamespace(key="email_events", letters="email_events")
    made.flows["email_events-from-files"] = feed
    given = {"email_events_source": "files", "sftp_folder": "/exports"}
    made.services.settings = made.settings.model_copy(update=given)
    made.services.looking_sftp = Sftp()
    made.services.events_catalog = services().events_catalog
    return made


def test_the_page_has_sources_days_and_files(console: Console) -> None:
    page = console.data("/events")
    assert [one["flow"] for one in page["feeds"]] == ["email_events-from-files"]
    assert (len(page["days"]), len(page["files"]), page["missing"]) == (2, 3, [])
    html = console.ask("/events").body
    assert b"could not be read" in html
    assert b"deliveryLogs_2.txt" in html


def test_without_the_sftp_server_the_days_are_shown(console: Console) -> None:
    console.services.looking_sftp = Sftp(down=True)
    page = console.data("/events")
    assert [one["part"] for one in page["missing"]] == ["part_files"]
    assert len(page["days"]) == 2


def test_while_they_are_off_the_page_says_so() -> None:
    made = Console()
    assert made.settings.email_events_source == "none"
    page = made.data("/events")
    assert (page["has_files"], page["feeds"]) == (False, [])
    assert b"EMAIL_EVENTS_SOURCE is none" in made.ask("/events").body


SPRING, AUTUMN = ("Spring", "DM1"), ("", "DM2")


def test_events_are_counted_by_campaign_and_delivery(console: Console) -> None:
    add = console.bridge.groups.add
    add("email_events", MIDNIGHT, 1, {SPRING: {"created": 5, "no_contact": 1}})
    add("email_events", MIDNIGHT, 2, {SPRING: {"created": 2}, AUTUMN: {"rejected": 3}})
    add("email_events", MIDNIGHT - 3 * 24 * HOUR, 2, {AUTUMN: {"created": 100}})
    found = console.data("/events")["deliveries"]
    assert [(one["delivery"], one["read"], one["created"], one["rejected"]) for one in found] == [
        ("DM2", 103, 100, 3),
        ("DM1", 8, 7, 0),
    ]
    today = console.data("/events", days="1")["deliveries"]
    assert [(one["campaign"], one["delivery"], one["read"]) for one in today] == [
        ("Spring", "DM1", 8),
        ("", "DM2", 3),
    ]
    html = console.ask("/events", query={"days": "7"}).body.decode()
    assert "Spring" in html
    assert "last 7 days" in html


def test_deliveries_that_are_left_out_are_told_of(console: Console) -> None:
    read = console.data("/events")
    assert (read["deliveries_whole_from"], read["deliveries_left_out"]) == ("", 0)
    few = GroupsRead([GroupCount("2023-11-13", SPRING, {"created": 1})], "2023-11-13", False)
    console.bridge.groups = SimpleNamespace(since=lambda *_: few)
    assert console.data("/events")["deliveries_whole_from"] == "2023-11-13"
    html = console.ask("/events").body.decode()
    assert "All is counted from 2023-11-13 on. What came before is left out" in html


def test_a_day_that_is_too_much_for_a_page_promises_no_other_day(console: Console) -> None:
    few = GroupsRead([GroupCount("2023-11-14", SPRING, {"created": 1})], is_whole=False)
    console.bridge.groups = SimpleNamespace(since=lambda *_: few)
    page = console.data("/events")
    assert (page["deliveries_are_whole"], page["deliveries_whole_from"]) == (False, "")
    html = console.ask("/events").body.decode()
    assert "the numbers are too low" in html
    assert "All is counted from" not in html


def test_before_the_first_hour_is_counted_the_page_says_what_counts(console: Console) -> None:
    console.clock += 40 * 24 * HOUR
    console.bridge.groups.add("email_events", console.clock, 1, {SPRING: {"created": 5}})
    html = console.ask("/events").body.decode()
    assert "The watch, which counts by day, has not counted any yet." in html
    assert "No event was read" not in html


def test_what_is_not_known_is_not_called_nothing(console: Console) -> None:
    def silent(*_: object) -> None:
        raise Retryable("The storage account does not answer.")

    console.bridge.groups = SimpleNamespace(since=silent)
    console.figures.since = silent  # type: ignore[method-assign, assignment]
    page = console.data("/events")
    assert (page["days"], page["deliveries"]) == (None, None)
    html = console.ask("/events").body.decode()
    assert "No event" not in html
    assert "The storage account does not answer." in html


def test_the_smallest_deliveries_are_left_out_and_counted(console: Console) -> None:
    counts = [GroupCount("2023-11-13", ("", f"{n}"), {"created": n}) for n in range(1, 104)]
    console.bridge.groups = SimpleNamespace(since=lambda *_: GroupsRead(counts))
    page = console.data("/events")
    assert (len(page["deliveries"]), page["deliveries_left_out"]) == (MOST_DELIVERIES, 3)
    assert page["deliveries"][-1]["read"] == 4
    assert "Not shown: 3 smaller ones." in console.ask("/events").body.decode()


def test_the_oldest_files_are_left_out_and_counted(console: Console) -> None:
    sftp = console.services.looking_sftp
    many = [RemoteFile(f"trackingLogs_{n}.txt", 1, float(n)) for n in range(MOST_FILES + 2)]
    console.services.looking_sftp = SimpleNamespace(
        files=lambda folder: many if folder.endswith("rejected") else sftp.files(folder)
    )
    page = console.data("/events")
    assert (len(page["files"]), page["files_left_out"]) == (MOST_FILES + 2, 2)
    assert page["files"][-1]["changed_at"] == 2.0
    assert "Not shown: 2 older files." in console.ask("/events").body.decode()


@pytest.mark.parametrize("days", ["", "0", "365", "x"])
def test_another_period_is_thirty_days(console: Console, days: str) -> None:
    assert console.data("/events", days=days)["period"] == "30"


def test_who_may_not_act_is_offered_no_file(console: Console) -> None:
    put_back = b'value="put_back"'
    assert put_back in console.ask("/events", "otto").body
    assert put_back not in console.ask("/events", "vera").body
