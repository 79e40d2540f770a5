"""Who gets which answer, asked of the real stack: every route by everybody."""

from typing import Any

import pytest
import requests

from shared.console.routes import PART
from shared.console.sitemap import ROUTES
from tests.browser.company import Company
from tests.browser.people import ACCOUNTS, Somebody

NOBODY, SIGNED_IN, VIEWER = "nobody", "signed in", "viewer"
ACTOR, OPERATOR, MAPPER, PERSONAL = "operator or mapper", "operator", "mapper", "personal data"
LEAST = {
    "GET /static/{name}": NOBODY,
    "GET /signed-out": NOBODY,
    "POST /sign-out": SIGNED_IN,
    "GET /me": SIGNED_IN,
    "POST /me": SIGNED_IN,
    "GET ": VIEWER,
    "GET /flows/{flow}": VIEWER,
    "GET /records": VIEWER,
    "POST /find": VIEWER,
    "GET /records/{flow}/{id}": VIEWER,
    "POST /records/{flow}/{id}/values": PERSONAL,
    "POST /records/{flow}/{id}/download": PERSONAL,
    "GET /dead-letters": VIEWER,
    "GET /dead-letters/download": VIEWER,
    "GET /mappings": VIEWER,
    "GET /mappings/add": MAPPER,
    "POST /mappings/add": MAPPER,
    "GET /mappings/{table}": VIEWER,
    "GET /mappings/{table}/yaml": VIEWER,
    "GET /mappings/{table}/words": VIEWER,
    "GET /mappings/{table}/versions": VIEWER,
    "GET /mappings/{table}/versions/{number}": VIEWER,
    "GET /mappings/{table}/preview": VIEWER,
    "POST /mappings/{table}/preview": MAPPER,
    "POST /mappings/{table}/preview/values": PERSONAL,
    "POST /mappings/{table}/check": MAPPER,
    "POST /mappings/{table}/save": MAPPER,
    "POST /mappings/{table}/rule": MAPPER,
    "POST /mappings/{table}/settings": MAPPER,
    "POST /mappings/{table}/discard": MAPPER,
    "POST /plans": ACTOR,
    "GET /plans/{id}": ACTOR,
    "POST /plans/{id}": ACTOR,
    "GET /jobs/{id}": VIEWER,
    "GET /jobs/{id}/download": VIEWER,
    "GET /activity": VIEWER,
    "GET /activity/download": VIEWER,
    "GET /events": VIEWER,
    "GET /setup": VIEWER,
    "POST /setup": ACTOR,
    "GET /opt-outs": VIEWER,
    "GET /opt-outs/download": VIEWER,
}
"""Written by hand beside the console's own table, so that a role is changed in two places."""
MAY = {
    NOBODY: {"nobody", *ACCOUNTS},
    SIGNED_IN: {*ACCOUNTS},
    VIEWER: {*ACCOUNTS} - {"without a role"},
    ACTOR: {"operator", "mapper", "personal data", "all roles"},
    OPERATOR: {"operator", "personal data", "all roles"},
    MAPPER: {"mapper", "all roles"},
    PERSONAL: {"personal data", "all roles"},
}
"""Paula of personal data is an operator too."""
NO_ACTS = {"POST /sign-out", "POST /me", "POST /find"}
"""They change nothing but the caller's own cookies."""


def test_every_route_has_its_row() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} == {*LEAST}


@pytest.mark.parametrize("who", ["nobody", *ACCOUNTS])
@pytest.mark.parametrize("route", LEAST)
def test_each_role_gets_what_is_its_own(company: Company, route: str, who: str) -> None:
    """A form without fields does nothing: what counts is who is let in."""
    answer = asked(company, route, who)
    if who in MAY[LEAST[route]]:
        assert answer.status_code in (200, 303, 400, 404), answer.text[:300]
    elif who == "nobody":
        assert_asks_to_sign_in(answer)
    else:
        assert answer.status_code == 403
        assert error_of(answer) in ("no_role", "role_missing")


def asked(company: Company, route: str, who: str) -> requests.Response:
    method, _, path = route.partition(" ")
    visitor = copy_of(company.visitor(who))
    address = PART.sub("nothing", path).replace("/nothing/nothing", f"/contacts/{company.marked}")
    if method == "POST":
        return visitor.post(address, accept="application/json")
    return visitor.json(address)


def copy_of(visitor: Somebody) -> Somebody:
    """Signing out takes the cookies of this one alone."""
    found = Somebody(visitor.console)
    found.cookies = dict(visitor.cookies)
    return found


def error_of(answer: requests.Response) -> Any:
    return answer.json()["error"]


def assert_asks_to_sign_in(answer: requests.Response) -> None:
    assert answer.status_code == 401
    assert error_of(answer) == "signed_out"


@pytest.mark.parametrize("route", [one for one in LEAST if one.startswith("POST")])
def test_a_viewer_can_act_nowhere(company: Company, route: str) -> None:
    answer = asked(company, route, "viewer")
    assert (answer.status_code == 403) == (route not in NO_ACTS)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["", "/me", "/plans", "/find"])
def test_no_other_method_is_taken(company: Company, method: str, path: str) -> None:
    answer = copy_of(company.visitor("all roles")).ask(method, path, sec_fetch_site="same-origin")
    assert answer.status_code in (404, 405)
