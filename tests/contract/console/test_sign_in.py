"""Signing in to the console: msal, the bridge's own transport and the emulated Entra."""

import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from dev.commands.processes import Child
from shared.console.roles import Role
from shared.console.session import Seal, Session
from shared.console.sign_in import FLOW_SECONDS, TABS, SignIn, SignInRefused, tab_of
from shared.console_settings import ConsoleSettings
from shared.http.transport import pooled
from shared.settings import load

KEY = "k" * 64
SEAL = Seal([b"s" * 32])


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    directory: Path = tmp_path_factory.mktemp("identity")
    given = ["--port", "0", "--tls-port", "0", "--token-key", KEY, "--directory", str(directory)]
    child = Child("identity", ["dev.emulators.identity", *given], directory)
    child.start()
    yield child.wait()
    child.stop()


@pytest.fixture(autouse=True)
def as_in_app_service(identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{identity['port']}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", identity["identity_header"])
    monkeypatch.setenv("SSL_CERT_FILE", identity["ca_file"])


def sign_in(identity: dict[str, Any], **more: str) -> SignIn:
    given = {
        "CONSOLE_URL": "http://127.0.0.1:9",
        "CONSOLE_CLIENT_ID": identity["console_client_id"],
        "CONSOLE_TENANT_ID": identity["tenant_id"],
        "CONSOLE_AUTHORITY_URL": f"https://127.0.0.1:{identity['tls_port']}",
        "CONSOLE_IDENTITY_CLIENT_ID": identity["client_id"],
        "CONSOLE_SESSION_KEY": b64encode(b"s" * 32).decode(),
        **more,
    }
    return SignIn(load(ConsoleSettings, given), SEAL, pooled("Entra", 30, 1), time.time)


def chosen(url: str, account: str) -> dict[str, str]:
    """What Entra returns to the browser of somebody who picks an account."""
    answer = requests.get(f"{url}&account={account}", allow_redirects=False, timeout=30)
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def signed_in(identity: dict[str, Any], account: str, **more: str) -> Session:
    door = sign_in(identity, **more)
    url, cookie = door.begin("/me")
    session, after = door.finish(cookie, chosen(url, account))
    assert after == "/me"
    return session


@pytest.mark.parametrize(
    ("account", "roles"),
    [
        ("vera.viewer", (Role.VIEWER,)),
        ("otto.operator", (Role.VIEWER, Role.OPERATOR)),
        ("mia.mapper", (Role.VIEWER, Role.MAPPER)),
        ("paula.privacy", (Role.VIEWER, Role.OPERATOR, Role.PERSONAL_DATA)),
        ("nils.norole", ()),
    ],
)
def test_somebody_signs_in_with_their_roles(
    identity: dict[str, Any], account: str, roles: tuple[Role, ...]
) -> None:
    session = signed_in(identity, account)
    assert (session.roles, session.user) == (roles, f"{account}@example.org")


def test_a_secret_proves_the_console_where_it_is_chosen(identity: dict[str, Any]) -> None:
    secret = {
        "CONSOLE_AUTH": "client_secret",
        "CONSOLE_CLIENT_SECRET": identity["console_client_secret"],
    }
    assert signed_in(identity, "vera.viewer", **secret).name == "Vera Viewer"
    with pytest.raises(SignInRefused, match="sign_in_failed"):
        signed_in(identity, "vera.viewer", **{**secret, "CONSOLE_CLIENT_SECRET": "wrong"})


def test_somebody_of_another_tenant_stays_out(identity: dict[str, Any]) -> None:
    with pytest.raises(SignInRefused, match="sign_in_other_tenant"):
        signed_in(identity, "gina.guest")


def test_a_code_is_good_once(identity: dict[str, Any]) -> None:
    door = sign_in(identity)
    url, cookie = door.begin("")
    returned = chosen(url, "otto.operator")
    door.finish(cookie, returned)
    with pytest.raises(SignInRefused, match="sign_in_failed"):
        door.finish(cookie, returned)


def test_an_answer_to_another_browser_signs_nobody_in(identity: dict[str, Any]) -> None:
    door = sign_in(identity)
    url, _ = door.begin("")
    _, other = door.begin("")
    with pytest.raises(SignInRefused, match="sign_in_not_ours"):
        door.finish(other, chosen(url, "otto.operator"))


def test_tabs_that_sign_in_at_once_are_each_signed_in(identity: dict[str, Any]) -> None:
    door = sign_in(identity)
    begun = [door.begin("", tab=tab) for tab in range(TABS)]
    for tab, (url, cookie) in enumerate(begun):
        returned = chosen(url, "otto.operator")
        assert tab_of(returned["state"]) == tab
        assert door.finish(cookie, returned)[0].name == "Otto Operator"


@pytest.mark.parametrize("cookie", ["", "forged"])
def test_an_answer_without_our_cookie_signs_nobody_in(
    identity: dict[str, Any], cookie: str
) -> None:
    door = sign_in(identity)
    url, _ = door.begin("")
    with pytest.raises(SignInRefused, match="sign_in_too_old"):
        door.finish(cookie, chosen(url, "otto.operator"))


def test_a_sign_in_ends_after_ten_minutes(identity: dict[str, Any]) -> None:
    door = sign_in(identity)
    url, cookie = door.begin("")
    returned = chosen(url, "otto.operator")
    door.now = lambda: time.time() + FLOW_SECONDS + 1
    with pytest.raises(SignInRefused, match="sign_in_too_old"):
        door.finish(cookie, returned)


def test_entra_s_refusal_signs_nobody_in(identity: dict[str, Any]) -> None:
    door = sign_in(identity)
    _, cookie = door.begin("")
    with pytest.raises(SignInRefused, match="sign_in_declined"):
        door.finish(cookie, {"error": "access_denied", "error_description": "x"})


def test_a_role_that_was_taken_away_is_gone_at_the_next_sign_in(identity: dict[str, Any]) -> None:
    accounts = f"http://127.0.0.1:{identity['port']}/_emulator/accounts"
    requests.post(accounts, json={"ada.admin": ["Bridge.Viewer"]}, timeout=30)
    assert signed_in(identity, "ada.admin").roles == (Role.VIEWER,)


def test_who_signs_in_again_is_counted_from_the_first_time(identity: dict[str, Any]) -> None:
    door, session = sign_in(identity), signed_in(identity, "otto.operator")
    earlier = Session(session.name, session.user, session.person, (), 1.0, 1.0)
    assert door.renewed(session, earlier).began_at == 1.0
    assert door.renewed(session, None) == session
    assert door.renewed(session, signed_in(identity, "vera.viewer")) == session
