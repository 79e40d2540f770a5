"""A page that stays open: it is refreshed, and says so where it is not."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from shared.console.rendering import static_name
from tests.browser.company import Company
from tests.browser.windows import Windows

TICK_MS = 31_000
"""Longer than the time between two refreshes."""


@pytest.fixture
def overview(windows: Windows, company: Company) -> Iterator[Page]:
    """Of somebody whose cookies no other test uses. Its clock goes on by `run_for` alone."""
    with windows.fresh(state=windows.session("viewer")) as context:
        page = context.new_page()
        page.clock.install()
        page.goto(company.console)
        yield page


def test_a_page_whose_reader_must_sign_in_again_leads_there(overview: Page) -> None:
    """Else it would show the figures of an hour ago for ever, as if they were of now."""
    overview.context.clear_cookies()
    overview.clock.run_for(TICK_MS)
    expect(overview.locator("h1")).to_have_text("Pick an account")


@pytest.mark.parametrize("status", [None, 503], ids=["no answer", "503"])
def test_a_page_that_cannot_be_refreshed_says_so_until_it_can(
    overview: Page, status: int | None
) -> None:
    def broken(route: Route) -> None:
        if route.request.resource_type != "fetch":
            route.continue_()
        elif status is None:
            route.abort()
        else:
            route.fulfill(status=status, body="<p>no</p>", content_type="text/html")

    late = overview.locator("#late")
    expect(late).to_be_hidden()
    overview.route("**/*", broken)
    overview.clock.run_for(TICK_MS)
    expect(late).to_contain_text("The last refresh failed")
    overview.unroute("**/*")
    overview.clock.run_for(TICK_MS)
    expect(late).to_be_hidden()


@pytest.mark.parametrize("status", [409, 500, 503])
def test_an_order_that_was_broken_off_is_not_under_way_for_ever(
    overview: Page, company: Company, status: int
) -> None:
    """The page of an order that was taken asks each second what became of it."""
    script = f"/console/static/{static_name('console.js')}"
    taken = '<main id="taken" data-refresh="1">It is being carried out</main>'
    answers = {200: taken, status: "<main data-over>It was broken off</main>"}
    current = [200]

    def answer(route: Route) -> None:
        page = f'<!doctype html><body>{answers[current[0]]}<script src="{script}"></script></body>'
        route.fulfill(status=current[0], body=page, content_type="text/html")

    overview.route("**/plans/one", answer)
    overview.goto(f"{company.console}/plans/one")
    expect(overview.locator("main")).to_have_text("It is being carried out")
    current[0] = status
    overview.clock.run_for(1_100)
    expect(overview.locator("main")).to_have_text("It was broken off")
