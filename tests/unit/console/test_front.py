"""The door: who sees which page, and which requests do nothing."""

from collections.abc import Mapping
from dataclasses import replace
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.console.front import LOOK, SESSION, SIGNING_IN, Front, own_page
from shared.console.incoming import Incoming
from shared.console.outgoing import SECURITY, Sent, View
from shared.console.roles import Least, Role
from shared.console.routes import NoRoute, Route, find
from shared.console.session import LONGEST_SECONDS, RENEW_SECONDS, Seal, Session
from shared.console.sign_in import SignIn, SignInRefused
from shared.console.sitemap import ROUTES
from shared.console.visit import Services, Visit
from shared.console_settings import ConsoleSettings
from shared.errors import Retryable

URL = "https://bridge.example.org"
SETTINGS = ConsoleSettings.model_construct(console_url=URL, console_environment="TEST")
SEAL = Seal([b"k" * 32])
NOW = 50_000.0
ACTS: list[str] = []


class FakeSignIn:
    """Signs in whoever brings the code `good`."""

    seal = SEAL

    def begin(self, after: str, choose: bool = False, tab: int = 0) -> tuple[str, str]:
        return "https://login.example.org/authorize", f"sealed {tab} {after}"

    def finish(self, cookie: str, returned: Mapping[str, str]) -> tuple[Session, str]:
        if returned.get("code") != "good":
            raise SignInRefused("sign_in_not_ours")
        return session(Role.VIEWER), "/me"

    def renewed(self, made: Session, before: Session | None) -> Session:
        return made


class NoFigures:
    """The frame of a page asks for no more."""

    settings = SimpleNamespace(dataverse_url="https://d", campaign_url="https://c/acme/campaign")
    figures = SimpleNamespace(latest=lambda: None)


def page(visit: Visit) -> View:
    return View("signed_out", {"who": visit.who, "part": visit.parts.get("id", "")})


def act(visit: Visit) -> View:
    ACTS.append(visit.who)
    return View("signed_out")


def broken(visit: Visit) -> View:
    raise Retryable("The storage account does not answer.")


TABLE = (
    *(Route("GET", f"/{least.name.lower()}", least, page) for least in Least),
    Route("GET", "/records/{id}", Least.VIEWER, page),
    Route("GET", "/broken", Least.VIEWER, broken),
    Route("POST", "/act", Least.OPERATOR, act),
)


@pytest.fixture(autouse=True)
def no_acts() -> None:
    ACTS.clear()


def front(routes: Any = TABLE) -> Front:
    sign_in = cast("SignIn", FakeSignIn())
    return Front(SETTINGS, cast("Services", NoFigures()), sign_in, routes, lambda: NOW)


def session(*roles: Role, asked_at: float = NOW) -> Session:
    return Session("Otto", "otto@example.org", "1", roles, NOW - 100, asked_at)


def ask(
    path: str,
    who: Session | None = None,
    method: str = "GET",
    body: bytes = b"",
    query: Mapping[str, str] | None = None,
    **headers: str,
) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if who:
        named["cookie"] = f"{SESSION}={who.sealed(SEAL)}"
    return front().answer(Incoming(method, path, query or {}, named, body))


EVERYBODY = {
    "nobody": None,
    "without a role": session(),
    "viewer": session(Role.VIEWER),
    "operator": session(Role.VIEWER, Role.OPERATOR),
    "mapper": session(Role.VIEWER, Role.MAPPER),
    "personal data": session(Role.VIEWER, Role.PERSONAL_DATA),
}
MAY = {
    Least.NOBODY: {*EVERYBODY},
    Least.SIGNED_IN: {*EVERYBODY} - {"nobody"},
    Least.VIEWER: {"viewer", "operator", "mapper", "personal data"},
    Least.ACTOR: {"operator", "mapper"},
    Least.OPERATOR: {"operator"},
    Least.MAPPER: {"mapper"},
    Least.PERSONAL_DATA: {"personal data"},
}


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("least", list(Least), ids=lambda least: least.value)
def test_each_role_sees_what_is_its_own(least: Least, who: str) -> None:
    sent = ask(f"/{least.name.lower()}", EVERYBODY[who])
    if who in MAY[least]:
        assert sent.status == 200
    elif who == "nobody":
        assert sent.status == 303
        assert sent.headers["Location"].startswith("/console/sign-in?after=")
    else:
        assert sent.status == 403
        assert b"An administrator of Entra" in sent.body or b"Ask an administrator" in sent.body


def test_every_address_of_the_console_has_a_least_role_and_what_nobody_needs_is_listed() -> None:
    open_to_all = {(route.method, route.path) for route in ROUTES if route.least is Least.NOBODY}
    assert open_to_all == {("GET", "/static/{name}"), ("GET", "/signed-out")}
    signed_in = {(route.method, route.path) for route in ROUTES if route.least is Least.SIGNED_IN}
    assert signed_in == {("GET", "/me"), ("POST", "/me"), ("POST", "/sign-out")}


def test_no_act_is_a_get_and_no_act_is_open_to_a_viewer() -> None:
    posts = [route for route in ROUTES if route.method == "POST"]
    assert posts
    open_to_viewers = {route.path for route in posts if route.least in (Least.NOBODY, Least.VIEWER)}
    assert open_to_viewers == {"/find"}, "a search: it is a POST to stay out of addresses"


@pytest.mark.parametrize(
    ("headers", "done"),
    [
        ({"sec_fetch_site": "same-origin"}, True),
        ({"origin": URL}, True),
        ({"sec_fetch_site": "cross-site", "origin": URL}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "null"}, False),
        ({"origin": URL + ".evil.example.org"}, False),
        ({"origin": "http://bridge.example.org"}, False),
        ({}, False),
        ({"referer": URL + "/console"}, False),
    ],
    ids=lambda value: str(value),
)
def test_an_act_comes_from_a_page_of_the_console(headers: dict[str, str], done: bool) -> None:
    sent = ask("/act", EVERYBODY["operator"], "POST", **headers)
    assert (sent.status, ACTS) == ((200, ["Otto"]) if done else (403, []))


@pytest.mark.parametrize("who", ["without a role", "viewer", "mapper", "personal data"])
def test_who_is_no_operator_does_nothing(who: str) -> None:
    sent = ask("/act", EVERYBODY[who], "POST", sec_fetch_site="same-origin")
    assert (sent.status, ACTS) == (403, [])


def test_an_act_of_nobody_is_not_kept_for_after_the_sign_in() -> None:
    sent = ask("/act", None, "POST", sec_fetch_site="same-origin")
    assert (sent.status, ACTS) == (401, [])


def test_roles_that_are_an_hour_old_are_asked_again_first() -> None:
    old = session(Role.VIEWER, Role.OPERATOR, asked_at=NOW - RENEW_SECONDS)
    assert ask("/viewer", old).status == 303
    assert ask("/act", old, "POST", sec_fetch_site="same-origin").status == 401
    assert ACTS == []


@pytest.mark.parametrize(
    "cookie", ["x", "", f"{SESSION}=forged", f"{SESSION}=a; {SESSION}=b", "\x00", "a=b;;;=;"]
)
def test_a_forged_cookie_is_nobody_s(cookie: str) -> None:
    assert front().answer(Incoming("GET", "/viewer", {}, {"cookie": cookie})).status == 303


@pytest.mark.parametrize(
    "other", ['a={"x":"y"}', "a b=1", "ü=ü", "a@b=1", "none", "a=b c", 'a="open', "path=/", "=", ""]
)
def test_what_another_application_keeps_in_a_cookie_signs_nobody_out(other: str) -> None:
    ours = f"{SESSION}={session(Role.VIEWER).sealed(SEAL)}"
    for cookie in (f"{other}; {ours}", f"{ours}; {other}", f"{other};{ours};{other}"):
        assert front().answer(Incoming("GET", "/viewer", {}, {"cookie": cookie})).status == 200


def test_the_header_of_app_service_signs_nobody_in() -> None:
    """Easy Auth's header is not signed, and anybody may send it."""
    names = {"x-ms-client-principal": "eyJ9", "x-ms-client-principal-name": "otto@example.org"}
    assert front().answer(Incoming("GET", "/viewer", {}, names)).status == 303


@pytest.mark.parametrize(
    ("form", "size", "status"),
    [("a=1", 0, 200), ("a=1&" * 3000, 0, 400), ("", 1024 * 1024 + 1, 413)],
    ids=["small", "too many fields", "too large"],
)
def test_a_form_has_limits(form: str, size: int, status: int) -> None:
    kind = "application/x-www-form-urlencoded"
    body = form.encode() or b"a" * size
    who = EVERYBODY["operator"]
    sent = ask("/act", who, "POST", body, sec_fetch_site="same-origin", content_type=kind)
    assert sent.status == status


@pytest.mark.parametrize(
    "path",
    ["/viewer", "/records/1", "/nowhere", "/broken", "/act", "/sign-in", "/signed-in", "/nobody"],
)
@pytest.mark.parametrize("who", ["nobody", "operator"])
def test_every_answer_has_the_security_headers(path: str, who: str) -> None:
    sent = ask(path, EVERYBODY[who])
    assert SECURITY.items() <= sent.headers.items()


def test_a_page_that_is_not_there_and_a_method_that_is_not_taken() -> None:
    assert ask("/nowhere", EVERYBODY["viewer"]).status == 404
    assert ask("/act", EVERYBODY["operator"]).status == 405
    assert ask("/viewer", EVERYBODY["viewer"], "POST").status == 405


def test_what_is_broken_is_said_in_a_page() -> None:
    sent = ask("/broken", EVERYBODY["viewer"])
    assert sent.status == 503
    assert b"The storage account does not answer." in sent.body


@pytest.mark.parametrize("path", ["/bug", "/buggy_act"])
def test_a_bug_of_ours_is_said_in_a_page_without_its_words(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    def bug(visit: Visit) -> View:
        raise KeyError(visit.incoming.form["name"])

    method = "POST" if path == "/buggy_act" else "GET"
    headers = {"cookie": f"{SESSION}={session(Role.VIEWER).sealed(SEAL)}", "origin": URL}
    headers["content-type"] = "application/x-www-form-urlencoded"
    table = [Route(method, path, Least.VIEWER, bug)]
    sent = front(table).answer(Incoming(method, path, {}, headers, b"name=jane"))
    assert sent.status == 500
    assert b"KeyError in the bridge. Report it" in sent.body
    assert "jane" not in sent.body.decode() + caplog.text
    assert SECURITY.items() <= sent.headers.items()


def test_a_page_that_is_late_says_what_holds_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A download, and an act, are waited for to their ends."""
    released = Event()

    def slow(visit: Visit) -> View:
        released.wait(30)
        return View("signed_out")

    monkeypatch.setattr("shared.console.front.PAGE_SECONDS", 0.01)
    table = [Route("GET", "/slow", Least.VIEWER, slow)]
    who = {"cookie": f"{SESSION}={session(Role.VIEWER).sealed(SEAL)}"}
    sent = front(table).answer(Incoming("GET", "/slow", {}, who))
    released.set()
    assert sent.status == 503
    assert b"within three seconds" in sent.body
    table = [Route("GET", "/slow", Least.VIEWER, slow, is_download=True)]
    assert front(table).answer(Incoming("GET", "/slow", {}, who)).status == 200


def test_the_json_twin_has_the_page_s_data() -> None:
    sent = ask("/records/7", EVERYBODY["viewer"], accept="application/json")
    assert sent.body == b'{"who": "Otto", "part": "7"}'
    assert sent.headers["Content-Type"] == "application/json; charset=utf-8"
    assert ask("/viewer", None, accept="application/json").status == 401
    shown = ask("/viewer", EVERYBODY["viewer"], query={"flow": "contacts", "field": "<"}).body
    assert b'href="?flow=contacts&amp;field=%3C&amp;as=json"' in shown


def test_a_sign_in_goes_to_entra_and_comes_back_with_a_session() -> None:
    begun = ask("/sign-in", query={"after": "/records/7"})
    assert begun.headers["Location"] == "https://login.example.org/authorize"
    assert [cookie.name in SIGNING_IN for cookie in begun.cookies] == [True]
    done = ask("/signed-in", query={"code": "good", "state": "2.s"})
    assert done.headers["Location"] == "/console/me"
    made, gone = done.cookies
    assert Session.opened(SEAL, made.value, NOW) == replace(session(Role.VIEWER))
    assert made.seconds == LONGEST_SECONDS
    assert (gone.name, gone.seconds) == (SIGNING_IN[2], 0)


def test_an_answer_that_is_not_entra_s_signs_nobody_in() -> None:
    sent = ask("/signed-in", query={"code": "other", "state": "s"})
    assert (sent.status, sent.cookies) == (403, ())


@pytest.mark.parametrize(
    ("after", "shown"),
    [
        ("/records/7", "/records/7"),
        ("", ""),
        ("//evil.example.org", ""),
        ("https://evil.example.org", ""),
        ("/\\evil.example.org", ""),
        ("/a\r\nSet-Cookie: x=y", ""),
        ("javascript:alert(1)", ""),
        ("/flows/日本", "/flows/%E6%97%A5%E6%9C%AC"),
        ("/" + "a" * 5000, ""),
        ("/" + "日" * 500, ""),
        ("/me?x=<>", "/me%3Fx%3D%3C%3E"),
    ],
)
def test_after_the_sign_in_a_page_of_the_console_is_shown(after: str, shown: str) -> None:
    assert own_page(after) == shown


def test_cookies_are_of_this_host_alone() -> None:
    for cookie in ask("/signed-in", query={"code": "good"}).cookies:
        assert cookie.name.startswith("__Host-")
        assert cookie.header.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
    assert LOOK.startswith("__Host-")


@pytest.mark.parametrize(
    ("method", "path", "parts"),
    [
        ("GET", "/records/a%2Fb", {"id": "a/b"}),
        ("HEAD", "/viewer", {}),
        ("GET", "/viewer/", {}),
    ],
)
def test_a_route_is_found(method: str, path: str, parts: dict[str, str]) -> None:
    assert find(TABLE, method, path).parts == parts


@pytest.mark.parametrize("path", ["/records/", "/records/1/2", "/x" * 600, "records/1"])
def test_a_route_is_not_found(path: str) -> None:
    with pytest.raises(NoRoute):
        find(TABLE, "GET", path)
