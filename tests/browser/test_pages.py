"""Every page in every look: no finding of axe, nothing cut off, no violation of the policy."""

from itertools import product

import pytest

from shared.console.look import LANGUAGES
from tests.browser.addresses import REFUSED, shown
from tests.browser.company import Company
from tests.browser.windows import Looks, Windows

WIDTHS, THEMES = (1280, 390), ("light", "dark")
SHOWN = shown()
EACH_PAGE = pytest.mark.parametrize("page", SHOWN)


@EACH_PAGE
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_whole_and_everybody_can_use_it(
    windows: Windows, company: Company, language: str, page: str
) -> None:
    """Loaded once in each language; theme and width are changed as it stands there."""
    found: dict[str, list[str]] = {}
    window = windows.tab(Looks(language))
    assert window.go(SHOWN[page](company)).status == REFUSED.get(page, 200)
    for theme, width in product(THEMES, WIDTHS):
        window.put_on(theme, width)
        found |= {f"cut off, {width} px": window.cut_off(), f"axe, {theme}": window.axe()}
        assert found == {key: [] for key in found}, (theme, width)
    assert (window.violations(), window.problems) == ([], [])


@EACH_PAGE
def test_a_page_says_the_same_without_scripts(
    windows: Windows, company: Company, page: str
) -> None:
    without, with_script = windows.tab(Looks(script=False)), windows.tab(Looks())
    without.go(SHOWN[page](company))
    assert without.page.locator("main h1").count() == 1
    plain = without.page.locator("main").inner_text()
    with_script.go(SHOWN[page](company))
    with_script.page.evaluate("document.querySelector('.cm-editor')?.remove()")  # a text area, else
    assert words(with_script.page.locator("main").inner_text()) == words(plain)


def words(text: str) -> list[str]:
    """Without digits: times and counts go on while the test runs."""
    return "".join(letter for letter in text if not letter.isdigit()).split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_in_the_reader_s_language(windows: Windows, language: str) -> None:
    with windows.open(looks=Looks(language)) as window:
        window.go("")
        assert window.page.locator("html").get_attribute("lang") == language
        assert window.page.locator("nav.main").inner_text().isascii() == (language == "en")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_theme_that_is_chosen_holds_against_the_system(windows: Windows, theme: str) -> None:
    with windows.open(looks=Looks(theme=theme)) as window:
        window.page.emulate_media(color_scheme="dark" if theme == "light" else "light")
        window.go("")
        paper = window.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (theme == "light")
