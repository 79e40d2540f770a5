"""One contact holds a mark in every text. After its pages were used, the mark stands nowhere
outside of the two systems.
"""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from tests.browser.addresses import PAGES, address
from tests.browser.company import HOSTILE, MARK, Company
from tests.browser.people import Somebody
from tests.browser.windows import Windows

WITHOUT_VALUES = ("viewer", "operator", "mapper")
FOUND = re.compile(MARK, re.IGNORECASE)


@pytest.fixture(scope="module")
def used(company: Company) -> Company:
    """Everybody has opened every page; the contact was found, looked at, downloaded."""
    for who in (*WITHOUT_VALUES, "all roles"):
        visitor = company.visitor(who)
        for text in (f"{MARK.lower()}@example.org", f"{MARK}@EXAMPLE.ORG", company.marked, MARK):
            visitor.post("/find", {"q": text})
            visitor.post("/find", {"q": text}, accept="application/json")
    story = f"/records/contacts/{company.marked}"
    for act in ("values", "download"):
        assert MARK in company.visitor("all roles").post(f"{story}/{act}").text
    return company


def pages_of(company: Company, visitor: Somebody, who: str) -> Iterator[tuple[str, str]]:
    for route in PAGES:
        path = address(route, company, who) if "{id}" not in route.path else route.path
        path = path.replace("{flow}/{id}", f"contacts/{company.marked}").replace("{id}", "x")
        yield path, visitor.get(path).text
        yield f"{path} as JSON", visitor.json(path).text


@pytest.mark.parametrize("who", [*WITHOUT_VALUES, "personal data", "all roles"])
def test_no_page_shows_a_value_that_nobody_asked_for(used: Company, who: str) -> None:
    """Also to who may see values: they ask by a button, and that is written down."""
    shown = list(pages_of(used, used.visitor(who), who))
    assert len(shown) == 2 * len(PAGES)
    assert [path for path, text in shown if FOUND.search(text)] == []


@pytest.mark.parametrize("who", WITHOUT_VALUES)
def test_values_are_shown_to_nobody_without_the_role(used: Company, who: str) -> None:
    for act in ("values", "download"):
        answer = used.visitor(who).post(f"/records/contacts/{used.marked}/{act}")
        assert answer.status_code == 403
        assert not FOUND.search(answer.text)


def test_no_log_of_the_app_holds_a_value(used: Company) -> None:
    logs = list((used.stack.directory / "logs").glob("host-*.log"))
    assert logs
    texts = {path.name: path.read_text("utf-8", "replace") for path in logs}
    assert all(used.marked in text for text in texts.values()), "the contact itself is logged"
    assert [name for name, text in texts.items() if FOUND.search(text)] == []


def cells(storage: str) -> Iterator[tuple[str, str]]:
    """Every property of every row of every table, with the names of table and property."""
    with TableServiceClient.from_connection_string(storage) as service:
        for table in service.list_tables():
            for row in service.get_table_client(table.name).list_entities():
                for name, value in row.items():
                    yield f"{table.name}.{name}", readable(value)


def readable(value: object) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")


def test_no_table_holds_a_value(used: Company) -> None:
    found = list(cells(used.stack.facts["storage"]))
    assert any(used.marked in value for _, value in found), "the contact itself is in a table"
    assert [name for name, value in found if FOUND.search(value)] == []
    assert any("look_at_values" in value for _, value in found)


def test_no_queue_holds_a_value(used: Company) -> None:
    with QueueServiceClient.from_connection_string(used.stack.facts["storage"]) as service:
        for queue in service.list_queues():
            messages = service.get_queue_client(queue.name).peek_messages(32)
            assert not [one for one in messages if FOUND.search(str(one.content))]


def test_what_somebody_looked_for_stands_in_no_address(windows: Windows, company: Company) -> None:
    with windows.open() as window:
        window.go("")
        window.page.fill("#find", f"{MARK.lower()}@example.org")
        window.page.press("#find", "Enter")
        window.page.wait_for_url(f"**/records/contacts/{company.marked}")
        window.page.get_by_role("button", name="Show values").click()
        window.page.get_by_text(f"{MARK}son").first.wait_for()
        assert len(window.urls) > 3
        assert [url for url in window.urls if FOUND.search(url)] == []
        assert not FOUND.search(window.page.title())


@pytest.mark.parametrize(
    "path",
    [
        "/dead-letters?flow={}",
        "/dead-letters?flow=contacts&after={}",
        "/flows/{}",
        "/flows/contacts?span={}",
        "/records/{}/{}",
        "/records/contacts/{}",
        "/opt-outs?day={}",
        "/plans/{}",
        "/static/{}",
        "/{}",
        "/sign-in?after={}",
    ],
)
def test_a_hostile_address_is_shown_as_text(company: Company, path: str) -> None:
    answer = company.visitor("all roles").get(path.replace("{}", HOSTILE))
    assert answer.status_code < 500
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text


def test_a_hostile_contact_runs_nothing_in_the_browser(windows: Windows, company: Company) -> None:
    """Its last name is markup; the page with values shows it as text."""
    ran: list[str] = []
    with windows.open() as window:
        window.page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
        window.go(f"/records/contacts/{company.hostile}")
        window.page.get_by_role("button", name="Show values").click()
        window.page.get_by_text("<script>alert(1)").first.wait_for()
        assert (ran, window.violations(), window.problems) == ([], [], [])


def test_a_line_break_makes_no_line_of_the_log(company: Company) -> None:
    forged = '\r\n[2026-01-01 00:00:00,000] INFO bridge x: {"event": "forged"}\r\n'
    visitor = company.visitor("all roles")
    plan = company.planned("all roles")
    visitor.post("/find", {"q": forged})
    visitor.post("/plans", {"kind": forged, "flow": forged})
    assert visitor.post(plan, {"why": forged}).status_code == 400
    visitor.get("/flows/" + forged.replace("\r", "%0d").replace("\n", "%0a"))
    lines = Path(company.stack.directory / "logs" / "host-1.log").read_text("utf-8", "replace")
    assert not [line for line in lines.splitlines() if line.startswith("[2026-01-01 00:00:00,000]")]
