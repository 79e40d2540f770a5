"""The console by keyboard alone: everything is reached, seen where it is, and done."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.addresses import shown
from tests.browser.company import Company
from tests.browser.people import ACCOUNTS
from tests.browser.windows import Windows

SHOWN = shown()
FOCUSABLE = """() => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, " +
    "[tabindex='0']");
  let last = "";
  const once = (one) => one.type !== "radio" || last !== (last = one.name);
  return [...all].filter((one) => one.checkVisibility() && !one.disabled && one.type !== "hidden")
    .filter(once).length;
}"""
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const place = one.getBoundingClientRect();
  const out = place.bottom < 0 || place.top > innerHeight;
  return {
    is: one === document.body ? "" : one.outerHTML.slice(0, 120),
    ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    out: out ? "out of sight" : "",
  };
}"""
MOST_STEPS = 400


def tab_through(page: Page) -> tuple[int, list[str]]:
    """How many places there are, and what is wrong with some. One that is split, such as a date,
    counts once.
    """
    problems, places, before = [], 0, ""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if not found["is"]:
            return places, problems
        if found["is"] != before:
            places, before = places + 1, found["is"]
        if not found["ring"] or found["out"]:
            problems.append(f"{found['out'] or 'no ring'}: {found['is']}")
    return places, [*problems, "no end: the keyboard is caught"]


@pytest.mark.parametrize(
    "page", ["/", "/flows/{flow}", "/records/{flow}/{id}", "/opt-outs", "/me", "plan stop"]
)
def test_tab_reaches_everything_and_shows_where_it_is(
    windows: Windows, company: Company, page: str
) -> None:
    with windows.open() as window:
        window.go(SHOWN[page](company))
        expected = window.page.evaluate(FOCUSABLE)
        places, problems = tab_through(window.page)
        assert problems == []
        assert places == expected > 5


def test_the_first_key_offers_to_skip_the_navigation(windows: Windows) -> None:
    with windows.open() as window:
        window.go("")
        window.page.keyboard.press("Tab")
        expect(window.page.locator(".skip")).to_be_focused()
        window.page.keyboard.press("Enter")
        expect(window.page.locator("main")).to_be_focused()


@pytest.mark.parametrize("link", range(4))
def test_g_and_a_letter_lead_to_a_page(windows: Windows, link: int) -> None:
    with windows.open() as window:
        window.go("/me")
        found = window.page.locator("nav.main a[data-key]").nth(link)
        key, address = found.get_attribute("data-key"), found.get_attribute("href")
        window.page.keyboard.press("g")
        window.page.keyboard.press(key or "")
        window.page.wait_for_url(f"**{address}")


def test_somebody_signs_in_stops_and_starts_a_flow_without_a_mouse(
    windows: Windows, company: Company
) -> None:
    with windows.fresh() as context:
        page = context.new_page()
        page.goto(f"{company.console}/flows/custom_entities-acs_visit")
        press_on(page, f'a[href*="{ACCOUNTS["operator"]}"]')
        press_on(page, 'button[value="stop"]')
        page.locator("#why").focus()
        page.keyboard.type("by keyboard")
        page.keyboard.press("Enter")
        expect(page.locator("main .say").first).to_contain_text("stopped")
        press_on(page, 'button[value="start"]')
        press_on(page, "main form button.go")
        expect(page.locator("main .say").first).to_contain_text("running")


def press_on(page: Page, selector: str) -> None:
    """Tab until it is there, then Enter."""
    page.locator(selector).first.wait_for()
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        if page.evaluate("(one) => document.activeElement.matches(one)", selector):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab did not reach {selector}")
