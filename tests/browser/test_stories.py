"""What people come to the console for, from the first page to the end, in Chromium."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dev.verbs import wait_until
from tests.browser.company import HOSTILE, PATIENCE, Company
from tests.browser.people import ACCOUNTS
from tests.browser.windows import Looks, Window, Windows, sign_in

MILLISECONDS = PATIENCE * 1000
EMAIL, REASON = "emailaddress1", "not_an_email"


def button(page: Page, name: str, last: bool = False) -> None:
    found = page.get_by_role("button", name=name, exact=True)
    (found.last if last else found.first).click()


FLOWS_BANNER = "section[aria-labelledby=well]"
"""Of the start page: whether a flow needs somebody. Whether a delivery may start stands beside."""


def reread(page: Page, part: str) -> str:
    page.reload()
    return page.locator(part).first.inner_text()


@contextmanager
def at(windows: Windows, path: str, who: str = "operator") -> Iterator[Page]:
    with windows.open(who) as window:
        window.go(path)
        yield window.page


@pytest.mark.parametrize("who", [who for who in ACCOUNTS if who != "without a role"])
def test_everybody_signs_in_and_sees_how_the_flows_stand(
    windows: Windows, company: Company, who: str
) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        sign_in(page, company.console, ACCOUNTS[who])
        expect(page.locator("h1")).to_have_text("Overview")
        expect(page.locator("header")).to_contain_text(ACCOUNTS[who].split(".")[0].title())
        expect(page.locator("table").first.locator("tr").nth(1)).to_contain_text("running")


def test_who_has_no_role_is_told_whom_to_ask(windows: Windows, company: Company) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        sign_in(page, company.console, ACCOUNTS["without a role"])
        expect(page.locator("main")).to_contain_text("Ask an administrator of Entra")
        expect(page.locator("nav.main")).to_have_count(0)


def test_somebody_signs_out_and_the_way_back_is_closed(windows: Windows, company: Company) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        sign_in(page, company.console, ACCOUNTS["viewer"])
        button(page, "Sign out")
        expect(page.locator("h1")).to_have_text("Signed out")
        page.goto(f"{company.console}/sign-in?choose=1")
        expect(page.locator("h1")).to_have_text("Pick an account")


def test_a_page_comes_back_after_the_sign_in(windows: Windows, company: Company) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        page.goto(f"{company.console}/dead-letters")
        page.locator(f'a[href*="account={ACCOUNTS["viewer"]}"]').click()
        expect(page.locator("h1")).to_have_text("Dead letters")


def test_dead_letters_are_filtered_replayed_by_plan_and_gone_after_a_double_click(
    windows: Windows, company: Company
) -> None:
    """Two reasons are listed. Those of one are replayed, the others stay."""
    refused = company.refuse_in_campaign(37)
    letters = {one["record_id"]: one for one in company.operator.dead_letters()}
    reason, before = letters[refused[0]]["reason"], replays(company)
    with at(windows, "/dead-letters") as page:
        page.get_by_role("link", name=reason).click()
        page.get_by_label("with all that match").check()
        button(page, "Replay …", last=True)
        expect(page.locator("h1")).to_contain_text("37")
        page.locator("main form button.go").dblclick()
        expect(page).to_have_url(re.compile("/jobs/"), timeout=MILLISECONDS)
        expect(page.locator("main")).to_contain_text("It is done", timeout=MILLISECONDS)
        wait_until(lambda: not {*refused} & company.letters(), "their end", PATIENCE)
        page.goto(f"{company.console}/dead-letters?flow=contacts&reason={reason}")
        expect(page.locator("main h2", has_text="Records")).to_have_count(1)
        expect(page.locator('input[name="id"]')).to_have_count(0)
    assert company.refused in company.letters()
    assert replays(company) == before + 1, "a double click is one act"
    assert company.campaign.profile(refused[0])


def replays(company: Company) -> int:
    acts = company.visitor("operator").json("/activity").json()["acts"]
    return sum(one["act"] == "replay_letters" for one in acts)


def test_a_flow_is_stopped_with_a_reason_and_started_again(
    windows: Windows, company: Company
) -> None:
    why = f"Maintenance {HOSTILE}"
    with at(windows, "/flows/custom_entities-acs_visit") as page:
        button(page, "Stop …")
        page.get_by_label("Why").fill(why)
        button(page, "Stop")
        expect(page.locator("main .say").first).to_contain_text("stopped")
        button(page, "Start …")
        page.locator("main form button.go").click()
        expect(page.locator("main .say").first).to_contain_text("running")
        page.goto(f"{company.console}/activity")
        stopped = page.get_by_role("row").filter(has_text=why).first
        expect(stopped).to_contain_text("Otto Operator")
        expect(stopped).to_contain_text("acs_visit")


def test_a_reason_that_is_a_formula_runs_in_no_spreadsheet(company: Company) -> None:
    formula = '=HYPERLINK("https://evil.example.org","x")'
    operator = company.visitor("operator")
    for kind in ("stop", "start"):
        plan = company.planned("operator", kind, "custom_entities-acs_visit")
        assert operator.post(plan, {"why": formula}).status_code == 303
    rows = list(csv.reader(io.StringIO(operator.get("/activity/download").text)))
    cells = [cell for row in rows for cell in row]
    assert f"'{formula}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_a_plan_is_carried_out_once(company: Company) -> None:
    """The second click is led where the first one led; a copy of the page does nothing more."""
    operator, flow = company.visitor("operator"), "custom_entities-acs_visit"
    plan = company.planned("operator", "stop", flow)
    first, second = (operator.post(plan, {"why": "twice"}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"] == f"/console/flows/{flow}"
    company.visitor("operator").post(company.planned("operator", "start", flow))
    assert operator.post(plan, {"why": "late"}).headers["Location"] == f"/console/flows/{flow}"
    assert company.operator.status(flow)["status"] == "running"


def test_a_plan_is_its_maker_s_alone(company: Company) -> None:
    plan = company.planned("operator")
    answer = company.visitor("all roles").post(plan, {"why": "x"}, accept="application/json")
    assert (answer.status_code, answer.json()["error"]) == (403, "plan_of_another")
    assert company.operator.status()["status"] == "running"


def test_a_contact_is_found_by_its_address_and_its_story_told(
    windows: Windows, company: Company
) -> None:
    with at(windows, "", "viewer") as page:
        page.keyboard.press("/")
        page.keyboard.type(f"{'x' * 31}0@x.org")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/records/contacts/{company.refused}")
        expect(page.locator("main")).to_contain_text("too_long")
        expect(page.locator("main")).to_contain_text("firstName")
        expect(page.get_by_role("button", name="Show values")).to_have_count(0)


def test_a_look_at_values_is_written_down(windows: Windows, company: Company) -> None:
    with at(windows, f"/records/contacts/{company.marked}", "personal data") as page:
        button(page, "Show values (is written down)")
        page.get_by_text("Zyxmarkerson").first.wait_for()
        page.goto(f"{company.console}/activity")
        row = page.get_by_role("row").filter(has_text=company.marked).first
        expect(row).to_contain_text("Paula Privacy")


def test_no_turns_yes(windows: Windows, company: Company) -> None:
    """Deliveries of opt-outs are stopped: NO, with the reason. Started again: YES."""
    company.operator.stop("opt_out")
    company.dynamics.change_contact(company.people[5], donotbulkemail=True)
    with at(windows, "/opt-outs", "viewer") as page:
        wait_until(lambda: "NO" in reread(page, "#safe-now"), "NO", PATIENCE, 0.5)
        company.operator.start("opt_out")
        wait_until(lambda: "YES" in reread(page, "#safe-now"), "YES", PATIENCE, 0.5)


def test_a_wrong_secret_is_a_banner_and_its_end_takes_it_away(
    windows: Windows, company: Company
) -> None:
    secret = company.stack.campaign_client_secret
    company.campaign.accept_secret("renewed-by-somebody")
    company.dynamics.change_contact(company.people[6], nickname="while it is wrong")
    try:
        with at(windows, "", "viewer") as page:
            wait_until(
                lambda: "CAMPAIGN_CLIENT_SECRET" in reread(page, FLOWS_BANNER),
                "the banner",
                PATIENCE,
                0.5,
            )
            assert "need" in page.locator(FLOWS_BANNER).inner_text()
    finally:
        company.campaign.accept_secret(secret)
    with at(windows, "", "viewer") as page:
        wait_until(
            lambda: "All well" in reread(page, "main"),
            "the banner's end",
            PATIENCE,
            0.5,
        )


def test_a_download_is_a_file(windows: Windows, company: Company, tmp_path: Path) -> None:
    with at(windows, "/dead-letters?flow=contacts", "viewer") as page:
        with page.expect_download() as started:
            page.get_by_role("link", name="Download as CSV").click()
        path = tmp_path / started.value.suggested_filename
        started.value.save_as(path)
    assert path.name.startswith("dead-letters")
    with path.open(newline="") as file:
        assert company.refused in {row["record_id"] for row in csv.DictReader(file)}


def test_the_page_is_made_for_the_reader_and_remembers(windows: Windows, company: Company) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        sign_in(page, company.console, ACCOUNTS["viewer"])
        page.goto(f"{company.console}/me")
        page.select_option('select[name="language"]', "ja")
        page.select_option('select[name="theme"]', "dark")
        page.fill('input[name="zone"]', "Asia/Tokyo")
        page.locator("main form button.go").click()
        page.wait_for_url("**/me?saved=1")
        page.goto(company.console)
        assert page.locator("html").get_attribute("lang") == "ja"
        assert page.locator("html").get_attribute("data-theme") == "dark"
        expect(page.locator("footer")).to_contain_text("Asia/Tokyo")


@pytest.mark.parametrize(
    ("zone", "shown"), [("Europe/Berlin", "2"), ("America/New_York", "2"), ("Asia/Tokyo", "1")]
)
def test_times_are_the_reader_s_with_summer_time(
    windows: Windows, company: Company, zone: str, shown: str
) -> None:
    """What is on the page is what Chromium itself makes of the moment in that zone."""
    with windows.open("viewer", Looks(zone=zone)) as window:
        window.go("/me")
        for place in window.page.locator("main time").all():
            exact = place.get_attribute("datetime")
            assert place.inner_text() == in_zone(window, exact or "", zone)
        for month in ("01", "07"):
            moment = f"2026-{month}-15T12:00:00+00:00"
            assert in_zone(window, moment, zone)
        winter, summer = (
            in_zone(window, f"2026-{m}-15T12:00:00Z", zone)[11:] for m in ("01", "07")
        )
        assert len({winter, summer}) == int(shown)


def in_zone(window: Window, moment: str, zone: str) -> str:
    script = """([moment, zone]) => new Date(moment).toLocaleString("sv-SE", {timeZone: zone,
      year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit"})"""
    return str(window.page.evaluate(script, [moment, zone]))
