"""What Azure's SDKs take from the environment is looked for once, not at each call."""

import pytest

from shared.sdk_transport import BoundedTransport

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
CA_FILES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trusts_the_environment() -> bool:
    with BoundedTransport("storage", "tables", lambda: 1.0) as transport:
        return bool(transport.session.trust_env)


@pytest.mark.parametrize("name", [*PROXIES, *CA_FILES])
def test_a_proxy_and_a_ca_of_the_environment_are_heeded(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in (*PROXIES, *CA_FILES):
        monkeypatch.delenv(other, raising=False)
        monkeypatch.delenv(other.lower(), raising=False)
    assert not trusts_the_environment()
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert trusts_the_environment()
