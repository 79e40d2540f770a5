"""A file that could not be read is put back, and what Dynamics has changed is replayed, by hand in
Chromium. With `--take-pictures` their pages are kept in the run's folder, to be looked at.
"""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from admin import flow as command
from dev.verbs import wait_until
from shared.console.look import LANGUAGES
from tests.browser.company import PATIENCE, SELDOM, Company
from tests.browser.test_stories import MILLISECONDS, at, button
from tests.browser.windows import Looks, Windows
from tests.contract.events.test_bad_files import HEADER, line

BROKEN = HEADER.replace("logId", "LogId")
LOOKS = [
    Looks(language, theme, width)
    for language, theme, width in product(LANGUAGES, ("light", "dark"), (1280, 390))
]


class Exports:
    """The folder of exports, on the server's own disk."""

    def __init__(self, company: Company) -> None:
        facts = company.stack.facts["sftp"]
        self.company, self.root = company, company.stack.sftp_root / facts["exports"].strip("/")

    def reject(self, name: str, log_id: int) -> None:
        """A file with one event, whose header is not as it should be."""
        self.write(self.root / f"{name}.part", BROKEN, log_id).rename(self.root / name)
        wait_until(lambda: (self.root / "rejected" / name).exists(), "its rejection", PATIENCE)

    def mend(self, name: str, log_id: int) -> None:
        self.write(self.root / "rejected" / name, HEADER, log_id)

    def write(self, path: Path, header: str, log_id: int) -> Path:
        path.write_text(f"{header}\n{line(log_id, self.company.people[0])}\n")
        return path

    def is_read(self, name: str) -> None:
        wait_until(lambda: (self.root / "processed" / name).exists(), "its end", PATIENCE)


@pytest.fixture
def exports(company: Company) -> Exports:
    return Exports(company)


def sends(company: Company) -> int:
    """Activities of messages that were sent."""
    return sum(1 for _ in company.dynamics.rows("acs_emailsends", "activityid"))


def put_back_button(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Put back: {name}").click()


def test_a_file_that_could_not_be_read_is_put_back_and_arrives_once(
    windows: Windows, company: Company, exports: Exports
) -> None:
    name, log_id, before = "deliveryLogs_9001.txt", 9_000_001, sends(company)
    exports.reject(name, log_id)
    with at(windows, "/events") as page:
        row = page.get_by_role("row").filter(has_text=name)
        expect(row).to_contain_text("could not be read")
        exports.mend(name, log_id)
        put_back_button(page, name)
        expect(page.locator("main")).to_contain_text("It is rejected again unless")
        page.locator("main form button.go").dblclick()
        expect(page).to_have_url(re.compile("/events$"), timeout=MILLISECONDS)
        exports.is_read(name)
        page.reload()
        expect(page.get_by_role("row").filter(has_text=name)).to_contain_text("read")
        wait_until(lambda: sends(company) > before, "the event", PATIENCE, SELDOM)
        page.goto(f"{company.console}/activity")
        expect(page.get_by_role("row").filter(has_text=name)).to_have_count(1)
    assert sends(company) == before + 1


def test_a_file_is_put_back_from_the_command_line(
    company: Company, exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, log_id, before = "deliveryLogs_9002.txt", 9_000_002, sends(company)
    exports.reject(name, log_id)
    exports.mend(name, log_id)
    monkeypatch.setenv(command.URL, company.stack.facts["functions"])
    monkeypatch.setenv(command.KEY, company.stack.facts["keys"]["commands"])
    assert command.run(["email_events", "put-back", name, "--folder", "rejected"]) == 0
    exports.is_read(name)
    wait_until(lambda: sends(company) == before + 1, "the event", PATIENCE, SELDOM)


def test_what_was_changed_in_dynamics_is_replayed(windows: Windows, company: Company) -> None:
    """Somebody has spoiled a profile in Campaign: the replay writes what Dynamics has."""
    person = company.people[7]
    company.dynamics.change_contact(person, nickname="changed just now")
    company.wait_for_quiet()
    profile = company.campaign.profile(person)
    assert profile
    right = profile["firstName"]
    path = f"/profileAndServicesExt/profile/{profile['PKey']}"
    company.campaign.http.json("PATCH", path, {"firstName": "Spoiled"})
    with at(windows, "/flows/contacts") as page:
        since = datetime.fromtimestamp(time.time() - 3600, UTC)
        page.get_by_label("Changed in Dynamics since").fill(f"{since:%Y-%m-%dT%H:%M}")
        button(page, "Replay changed …")
        expect(page.locator("h1")).to_contain_text("Send what was changed to Contacts again?")
        number = page.locator("#number")
        if number.count():
            number.fill("".join(filter(str.isdigit, page.get_by_text("Type ").inner_text())))
        page.locator("main form button.go").dblclick()
        expect(page).to_have_url(re.compile("/jobs/"), timeout=MILLISECONDS)
        expect(page.locator("main")).to_contain_text("It is done", timeout=MILLISECONDS)

    def is_right() -> bool:
        return (company.campaign.profile(person) or {})["firstName"] == right

    wait_until(is_right, "the profile as Dynamics has it", PATIENCE, SELDOM)


@pytest.fixture(scope="module")
def set_aside(company: Company) -> Iterator[str]:
    name = "deliveryLogs_9003.txt"
    exports = Exports(company)
    exports.reject(name, 9_000_003)
    yield name


@pytest.mark.parametrize("looks", LOOKS, ids=str)
def test_the_pages_of_these_acts_are_whole(
    windows: Windows,
    company: Company,
    set_aside: str,
    looks: Looks,
    tmp_path: Path,
    take_pictures: bool,
) -> None:
    since = f"{datetime.fromtimestamp(time.time() - 3600, UTC):%Y-%m-%dT%H:%M}"
    pages = {
        "events": "/events",
        "put-back": company.planned(
            "all roles", "put_back", "email_events", folder="rejected", file=set_aside
        ),
        "changed": company.planned("all roles", "replay_changed", "contacts", since=since),
        "flow": "/flows/contacts",
    }
    with windows.open(looks=looks) as window:
        for name, path in pages.items():
            assert window.go(path).status == 200
            if take_pictures:
                window.page.screenshot(path=tmp_path / f"{name}-{looks}.png", full_page=True)
            assert (name, window.cut_off(), window.axe()) == (name, [], [])
        assert (window.violations(), window.problems) == ([], [])
