"""Who uses the console: the accounts of the emulated Entra, and signing in without a browser."""

from collections.abc import Mapping
from urllib.parse import urljoin

import requests

ACCOUNTS = {
    "without a role": "nils.norole",
    "viewer": "vera.viewer",
    "operator": "otto.operator",
    "mapper": "mia.mapper",
    "personal data": "paula.privacy",
    "all roles": "ada.admin",
}
TIMEOUT_SECONDS = 60


class Somebody:
    """A browser without a window: keeps cookies, and says where its requests come from."""

    def __init__(self, console: str, account: str = "") -> None:
        self.console, self.cookies = console, dict[str, str]()
        if account:
            self.sign_in(account)

    def sign_in(self, account: str) -> None:
        begun = self.get("/sign-in")
        chosen = f"{begun.headers['Location']}&account={account}"
        picked = requests.get(chosen, allow_redirects=False, timeout=TIMEOUT_SECONDS)
        self.ask("GET", picked.headers["Location"])

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.ask("GET", path, **headers)

    def json(self, path: str) -> requests.Response:
        return self.ask("GET", path, accept="application/json")

    def post(
        self, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> requests.Response:
        said = {"sec-fetch-site": "same-origin", "origin": self.origin, **headers}
        return self.ask("POST", path, form or {}, **said)

    @property
    def origin(self) -> str:
        return self.console.removesuffix("/console")

    def ask(
        self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str
    ) -> requests.Response:
        """One request, no redirection followed. Cookies go by hand: `requests` keeps those marked
        Secure for TLS, a browser takes loopback for as good.
        """
        url = path if path.startswith("http") else self.console + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            named.setdefault("cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()))
        answer = requests.request(
            method, url, data=form, headers=named, allow_redirects=False, timeout=TIMEOUT_SECONDS
        )
        self.keep(answer)
        return answer

    def keep(self, answer: requests.Response) -> None:
        for cookie in answer.cookies:
            if cookie.value:
                self.cookies[cookie.name] = cookie.value
        for name in [name for name in self.cookies if f"{name}=;" in set_cookies(answer)]:
            del self.cookies[name]

    def follow(self, answer: requests.Response) -> requests.Response:
        """The page that a form leads to."""
        return self.ask("GET", urljoin(answer.url, answer.headers["Location"]))


def set_cookies(answer: requests.Response) -> str:
    return answer.headers.get("Set-Cookie", "")
