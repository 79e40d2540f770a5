"""What Azure's SDKs take from the environment is looked for once, not at each call."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from azure.core.rest import HttpRequest

from shared.sdk_transport import BoundedTransport, outside

URL = "https://account.example.org/table"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CA_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Noted(requests.adapters.HTTPAdapter):
    """Sends nothing; keeps what it was to send, and how."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: Any = {}
        self.how: dict[str, Any] = {}

    def send(self, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # type: ignore[override]
        self.headers, self.how = request.headers, how
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, URL
        response.raw = urllib3.HTTPResponse(io.BytesIO(b""), status=200, preload_content=False)
        return response


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in (*NAMES, *CA_FILES):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    outside.cache_clear()
    yield
    outside.cache_clear()


def sent(**options: Any) -> Noted:
    noted = Noted()
    with BoundedTransport("storage", "tables", lambda: 1.0) as transport:
        transport.session.adapters.clear()
        transport.session.mount("https://", noted)
        transport.send(HttpRequest("GET", URL), **options)
    return noted


def test_without_a_word_of_the_environment_certificates_are_checked_and_no_proxy_is_used() -> None:
    how = sent().how
    assert (how["verify"], dict(how["proxies"])) == (True, {})


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert "http://127.0.0.1:9" in sent().how["proxies"].values()


def test_a_server_that_needs_no_proxy_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    assert dict(sent().how["proxies"]) == {}


@pytest.mark.parametrize("name", CA_FILES)
def test_a_ca_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "ca.pem")
    assert sent().how["verify"] == "ca.pem"


def test_what_the_caller_says_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "ca.pem")
    how = sent(proxies={"https": "http://127.0.0.1:8"}, connection_verify="own.pem").how
    assert (how["verify"], how["proxies"]["https"]) == ("own.pem", "http://127.0.0.1:8")


def test_no_password_of_the_user_is_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Else one of `.netrc` would take the place of the SDK's own signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine account.example.org login a-user password a-password\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "ca.pem")
    assert "Authorization" not in sent().headers
