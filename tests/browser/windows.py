"""Windows of Chromium on the console, and what is measured in them."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self
from urllib.parse import quote, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from dev.commands.azurite import MODULES
from tests.browser.people import ACCOUNTS

ARGUMENTS = (
    "--no-sandbox",  # no user namespaces for root
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
)
HEIGHTS = {390: 844, 1280: 800}
"""Of a window by its width: a telephone's, a laptop's."""
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""
CUT_OFF = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  const inside = (element) => {
    for (let one = element.parentElement; one && one !== document.body; one = one.parentElement)
      if (/auto|scroll/.test(getComputedStyle(one).overflowX)) return true;
    return false;
  };
  const name = (element) => `${element.tagName.toLowerCase()}.${element.className.baseVal
    ?? element.className}: ${element.textContent.trim().slice(0, 40)}`;
  if (document.documentElement.scrollWidth > wide) found.push("the page scrolls sideways");
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest(".skip, .hidden") || !element.checkVisibility()) continue;
    const place = element.getBoundingClientRect();
    const out = place.width && (place.right > wide + 1 || place.left < -1);
    if (out && !inside(element)) found.push(`out of the window: ${name(element)}`);
    const cut = /hidden|clip/.test(getComputedStyle(element).overflowX);
    if (cut && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${name(element)}`);
  }
  return found;
}"""
AXE = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
  (one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).slice(0, 3).join(" ")}`)"""


@dataclass(frozen=True)
class Looks:
    """How somebody looks at the console."""

    language: str = "en"
    theme: str = "light"
    width: int = 1280
    zone: str = "UTC"
    script: bool = True

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}" + ("" if self.script else "-no-script")


@dataclass
class Windows:
    """One browser. A context for each person and look, signed in once."""

    browser: Browser
    console: str
    signed_in: dict[str, Any] = field(default_factory=dict)
    tabs: dict[Looks, "Window"] = field(default_factory=dict)
    contexts: dict[tuple[str, Looks], BrowserContext] = field(default_factory=dict)

    def open(self, who: str = "all roles", looks: Looks | None = None) -> "Window":
        """A new tab of somebody who is signed in."""
        looks = looks or Looks()
        if (who, looks) not in self.contexts:
            self.contexts[who, looks] = self.context(who, looks)
        return Window(self.contexts[who, looks].new_page(), self.console)

    def tab(self, looks: Looks) -> "Window":
        """A tab that stays open for one page after the other: a new one takes as long as a page."""
        if looks not in self.tabs:
            self.tabs[looks] = self.open(looks=looks)
        found = self.tabs[looks]
        found.begin_anew(looks.width)
        return found

    def context(self, who: str, looks: Looks) -> BrowserContext:
        context = self.fresh(looks, self.session(who))
        value = f"{looks.language}|{looks.zone}|{looks.theme}"
        context.add_cookies([self.look_cookie(value)])
        return context

    def look_cookie(self, value: str) -> Any:
        return {
            "name": "__Host-bridge-look",
            "value": value,
            "domain": urlsplit(self.console).hostname,
            "path": "/",
            "secure": True,
            "httpOnly": True,
            "sameSite": "Lax",
        }

    def session(self, who: str) -> Any:
        if who not in self.signed_in:
            with self.fresh() as context:
                sign_in(context.new_page(), self.console, ACCOUNTS[who])
                self.signed_in[who] = context.storage_state()
        return self.signed_in[who]

    def fresh(self, looks: Looks | None = None, state: Any = None) -> BrowserContext:
        """Nobody's yet."""
        looks = looks or Looks()
        context = self.browser.new_context(
            viewport={"width": looks.width, "height": HEIGHTS[looks.width]},
            java_script_enabled=looks.script,
            color_scheme="dark" if looks.theme == "dark" else "light",
            locale=looks.language,
            storage_state=state,
            accept_downloads=True,
        )
        context.add_init_script(WATCH)
        return context

    def close(self) -> None:
        for context in self.contexts.values():
            context.close()


def sign_in(page: Page, console: str, account: str) -> None:
    """As a person does: opens the console, picks an account."""
    page.goto(console)
    page.locator(f'a[href*="account={quote(account)}"]').click()
    page.wait_for_url(f"{console}*")


class Window:
    """A tab; `problems` are what its console says and what it could not load."""

    def __init__(self, page: Page, console: str) -> None:
        self.page, self.console = page, console
        self.problems: list[str] = []
        self.urls: list[str] = []
        page.on("console", self.said)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("response", self.loaded)

    def said(self, message: ConsoleMessage) -> None:
        """What did not load is told by `loaded`, which knows a page that refuses."""
        if message.type in ("error", "warning") and "Failed to load" not in message.text:
            self.problems.append(message.text)

    def loaded(self, response: Response) -> None:
        self.urls.append(response.url)
        if response.status >= 400 and not response.request.is_navigation_request():
            self.problems.append(f"{response.status} {response.url}")

    def go(self, path: str) -> Response:
        answer = self.page.goto(self.console + path)
        assert answer
        return answer

    def put_on(self, theme: str, width: int) -> None:
        """As the cookie of somebody's looks does, and as another window does."""
        self.page.evaluate("(theme) => document.documentElement.dataset.theme = theme", theme)
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})

    def begin_anew(self, width: int) -> None:
        """As a new tab is: as wide, and without a problem."""
        self.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        self.problems.clear()
        self.urls.clear()

    def violations(self) -> list[str]:
        return list(self.page.evaluate("window.violations"))

    def cut_off(self) -> list[str]:
        return list(self.page.evaluate(CUT_OFF))

    def axe(self) -> list[str]:
        """What axe-core finds, of all of its rules. Its source is read once by a page."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe_source())
        return list(self.page.evaluate(AXE))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()


@cache
def axe_source() -> str:
    return (MODULES / "axe-core" / "axe.min.js").read_text("utf-8")
