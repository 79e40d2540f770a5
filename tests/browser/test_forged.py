"""What is forged stays outside: cookies, headers, origins, and answers of Entra."""

import time
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from shared.console.front import SESSION, SIGNING_IN
from shared.console.roles import Role
from shared.console.session import LONGEST_SECONDS, RENEW_SECONDS, Seal, Session
from tests.browser.company import Company
from tests.browser.people import TIMEOUT_SECONDS, Somebody

ADMIN = Session("Ada", "ada.admin@example.org", "1", tuple(Role), 0.0, 0.0)


def seal(company: Company) -> Seal:
    return Seal([b64decode(company.stack.environment["CONSOLE_SESSION_KEY"])])


def status_with(company: Company, cookie: str) -> int:
    return Somebody(company.console).get("", cookie=f"{SESSION}={cookie}").status_code


def test_a_session_is_what_it_was_sealed_for(company: Company) -> None:
    now = time.time()
    fresh = replace(ADMIN, began_at=now - 60, asked_at=now - 60)
    assert status_with(company, fresh.sealed(seal(company))) == 200
    forged = {
        "another key": fresh.sealed(Seal([b"k" * 32])),
        "another purpose": seal(company).seal("sign-in", asdict(fresh)),
        "over": replace(fresh, began_at=now - LONGEST_SECONDS).sealed(seal(company)),
        "to be asked again": replace(fresh, asked_at=now - RENEW_SECONDS).sealed(seal(company)),
        "not begun": replace(fresh, began_at=now + 600).sealed(seal(company)),
        "no session": "forged",
        "long": "a" * 5000,
        "empty": "",
    }
    found = {name: status_with(company, cookie) for name, cookie in forged.items()}
    assert found == dict.fromkeys(forged, 303)


def test_a_session_with_one_letter_changed_is_nobody_s(company: Company) -> None:
    now = time.time()
    good = replace(ADMIN, began_at=now - 60, asked_at=now - 60).sealed(seal(company))
    for place in range(0, len(good) - 1, len(good) // 12):
        letter = "A" if good[place] != "A" else "B"
        assert status_with(company, good[:place] + letter + good[place + 1 :]) == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"x-ms-client-principal": "eyJ9", "x-ms-client-principal-name": "ada.admin@example.org"},
        {"x-ms-token-aad-id-token": "eyJ9"},
        {"authorization": "Bearer eyJ9"},
        {"x-forwarded-user": "ada.admin"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_a_header_signs_nobody_in(company: Company, headers: dict[str, str]) -> None:
    assert Somebody(company.console).get("", **headers).status_code == 303


def test_a_key_of_the_app_opens_no_page(company: Company) -> None:
    keys = (company.stack.facts["master_key"], company.stack.facts["keys"]["commands"])
    for key in keys:
        answer = Somebody(company.console).get(f"?code={key}", x_functions_key=key)
        assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example.org"},
        {"origin": "null"},
        {"referer": "{origin}/console"},
        {},
    ],
    ids=str,
)
def test_an_act_from_elsewhere_does_nothing(company: Company, headers: dict[str, str]) -> None:
    """Nothing is planned: the answer leads to no plan."""
    operator = company.visitor("operator")
    said = {name: value.format(origin=operator.origin) for name, value in headers.items()}
    form = {"kind": "stop", "flow": "contacts"}
    answer = operator.ask("POST", "/plans", form, accept="application/json", **said)
    assert (answer.status_code, answer.json()["error"]) == (403, "cross_site")


def begun(company: Company, path: str = "/sign-in") -> tuple[Somebody, str]:
    """A browser that was sent to Entra, and the address that it was sent to."""
    visitor = Somebody(company.console)
    return visitor, visitor.get(path).headers["Location"]


def picked(address: str, account: str = "otto.operator") -> dict[str, str]:
    """What Entra returns to the browser of somebody who picks an account."""
    answer = requests.get(
        f"{address}&account={account}", allow_redirects=False, timeout=TIMEOUT_SECONDS
    )
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def returned(visitor: Somebody, query: Mapping[str, str]) -> requests.Response:
    return visitor.get(f"/signed-in?{urlencode(query)}")


def assert_nobody(visitor: Somebody, answer: requests.Response) -> None:
    assert answer.status_code == 403
    assert SESSION not in visitor.cookies


def test_an_answer_of_entra_is_taken_as_it_is_or_not_at_all(company: Company) -> None:
    changes: dict[str, Mapping[str, str]] = {
        "state": {"state": "forged"},
        "code": {"code": "forged"},
        "neither": {"state": "", "code": ""},
    }
    for change in changes.values():
        visitor, address = begun(company)
        assert_nobody(visitor, returned(visitor, {**picked(address), **change}))


def test_an_answer_is_taken_once(company: Company) -> None:
    visitor, address = begun(company)
    ((name, cookie),) = visitor.cookies.items()
    assert name in SIGNING_IN
    answer = picked(address)
    assert returned(visitor, answer).status_code == 303
    assert SESSION in visitor.cookies
    thief = Somebody(company.console)
    thief.cookies[name] = cookie
    assert_nobody(thief, returned(thief, answer))


def test_two_tabs_that_sign_in_at_once_are_both_signed_in(company: Company) -> None:
    visitor, first = begun(company)
    second = visitor.get("/sign-in").headers["Location"]
    for address in (first, second):
        assert returned(visitor, picked(address)).status_code == 303
        assert visitor.get("/me").status_code == 200
        del visitor.cookies[SESSION]
    assert not visitor.cookies


def test_an_answer_to_another_browser_signs_nobody_in(company: Company) -> None:
    """As when somebody sends a link that would sign the victim in as the attacker."""
    _, address = begun(company)
    answer = picked(address)
    victim, _ = begun(company)
    assert_nobody(victim, returned(victim, answer))
    stranger = Somebody(company.console)
    assert_nobody(stranger, returned(stranger, answer))


def test_somebody_of_another_tenant_stays_outside(company: Company) -> None:
    visitor, address = begun(company)
    assert_nobody(visitor, returned(visitor, picked(address, "gina.guest")))


@pytest.mark.parametrize(
    "after",
    [
        "//evil.example.org",
        "https://evil.example.org",
        "/\\evil.example.org",
        "/%0d%0aSet-Cookie:%20a=b",
        "javascript:alert(1)",
        "/../../evil",
    ],
)
def test_a_sign_in_ends_at_the_console(company: Company, after: str) -> None:
    visitor, address = begun(company, f"/sign-in?after={after}")
    answer = returned(visitor, picked(address))
    assert answer.headers["Location"].startswith("/console")
    assert "a" not in visitor.cookies
