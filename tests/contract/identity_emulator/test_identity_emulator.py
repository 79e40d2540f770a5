"""Microsoft's own libraries, unchanged, against the identity emulator; and the bridge's token
sources through them.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from dev.commands.processes import Child
from dev.emulators.tokens import check
from dev.verbs import Http
from shared.dataverse.auth import dataverse_token
from shared.deadlines import within
from shared.errors import Misconfigured, Retryable
from shared.settings import load_settings, load_storage_settings
from shared.state.storage import Storage, credential
from shared.threads import ThreadPool
from tests.contract.silence import DRIPS, Serve, listening, says_nothing
from tests.unit.test_settings import COMPLETE

KEY, ORG = "k" * 64, "https://org.example.org"


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    directory: Path = tmp_path_factory.mktemp("identity")
    arguments = [
        "--port",
        "0",
        "--tls-port",
        "0",
        "--token-key",
        KEY,
        "--directory",
        str(directory),
    ]
    child = Child("identity", ["dev.emulators.identity", *arguments], directory)
    child.start()
    yield child.wait()
    child.stop()


@pytest.fixture(autouse=True)
def as_in_app_service(identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{identity['port']}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", identity["identity_header"])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", identity["ca_file"])
    monkeypatch.setenv("SSL_CERT_FILE", identity["ca_file"])


def audience_of(token: str) -> str:
    return str(check(KEY, token, ORG, time.time())["aud"])


def test_a_managed_identity_gets_a_token(identity: dict[str, Any]) -> None:
    with ManagedIdentityCredential(client_id=identity["client_id"]) as credential:
        assert audience_of(credential.get_token(f"{ORG}/.default").token) == ORG


def test_another_identity_gets_none() -> None:
    with (
        ManagedIdentityCredential(client_id="somebody") as credential,
        pytest.raises(ClientAuthenticationError),
    ):
        credential.get_token(f"{ORG}/.default")


def test_a_wrong_header_gets_none(identity: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{identity['port']}/msi/token?api-version=2019-08-01&resource={ORG}"
    assert requests.get(url, headers={"X-IDENTITY-HEADER": "wrong"}, timeout=30).status_code == 401


def application(identity: dict[str, Any], credential: Any) -> Any:
    authority = f"https://127.0.0.1:{identity['tls_port']}/{identity['tenant_id']}"
    return msal.ConfidentialClientApplication(
        identity["client_id"],
        authority=authority,
        client_credential=credential,
        instance_discovery=False,
        verify=identity["ca_file"],
    )


def test_an_application_gets_a_token_with_its_secret_and_none_with_another(
    identity: dict[str, Any],
) -> None:
    app = application(identity, identity["client_secret"])
    assert audience_of(app.acquire_token_for_client([f"{ORG}/.default"])["access_token"]) == ORG
    refused = application(identity, "wrong").acquire_token_for_client([f"{ORG}/.default"])
    assert (refused["error"], "AADSTS7000215" in refused["error_description"]) == (
        "invalid_client",
        True,
    )


def settings_for(identity: dict[str, Any], auth: str, **values: str) -> Any:
    entra = {
        "DATAVERSE_URL": ORG,
        "DATAVERSE_AUTH": auth,
        "DATAVERSE_CLIENT_ID": identity["client_id"],
        "DATAVERSE_TENANT_ID": identity["tenant_id"],
        "DATAVERSE_AUTHORITY_URL": f"https://127.0.0.1:{identity['tls_port']}",
    }
    return load_settings({**COMPLETE, **entra, **values})


def test_the_bridge_gets_a_token_in_each_of_its_three_ways(identity: dict[str, Any]) -> None:
    pem = Path(identity["certificate_file"]).read_text()
    ways = [
        settings_for(identity, "managed_identity"),
        settings_for(identity, "client_secret", DATAVERSE_CLIENT_SECRET=identity["client_secret"]),
        settings_for(identity, "certificate", DATAVERSE_CERTIFICATE=pem),
    ]
    assert [audience_of(dataverse_token(settings).token()) for settings in ways] == [ORG] * 3


def test_an_identity_endpoint_that_does_not_answer_is_asked_again(
    identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/msi/token")
    with pytest.raises(Retryable, match="managed identity's endpoint"):
        dataverse_token(settings_for(identity, "managed_identity")).token()


@pytest.mark.parametrize("serve", [says_nothing, DRIPS], ids=["silence", "answer that drips"])
def test_an_identity_endpoint_that_hangs_ends_with_the_run(
    identity: dict[str, Any], monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    """Those who wait for the one that asks end with it: none asks again by itself."""
    with listening(serve) as silent, within(1.0), ThreadPool(8, "callers") as callers:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{silent.port}/msi/token")
        tokens = dataverse_token(settings_for(identity, "managed_identity"))
        began = time.monotonic()
        asked = [callers.submit(tokens.token) for _ in range(8)]
        assert {type(one.exception()) for one in asked} == {Retryable}
        assert time.monotonic() - began < 4.0
        assert silent.taken == 1


def test_an_identity_endpoint_that_hangs_holds_up_no_call_of_storage(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The account's own token is bounded by the run's end, as its calls are."""
    with listening(says_nothing) as silent, within(-1, end_seconds=1.0):
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{silent.port}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "a")
        storage = Storage(
            load_storage_settings(
                {
                    "AzureWebJobsStorage__accountName": "example",
                    "AzureWebJobsStorage__clientId": "b",
                }
            )
        )
        began = time.monotonic()
        with pytest.raises(Retryable):
            storage.table("ledger")
        assert (time.monotonic() - began < 4.0, silent.taken) == (True, 1)


def test_an_identity_endpoint_that_answers_with_a_page_is_asked_again(
    identity: dict[str, Any],
) -> None:
    """Such as a proxy's, in place of the endpoint's JSON."""
    control = Http(f"http://127.0.0.1:{identity['port']}/_emulator", {})
    page = {
        "match": {"route": "msi/token"},
        "action": {"status": 200, "body": "<html>A page</html>"},
    }
    control.json("POST", "/faults", [page])
    try:
        with pytest.raises(Retryable, match="did not answer with a token"):
            dataverse_token(settings_for(identity, "managed_identity")).token()
    finally:
        control.json("POST", "/faults", [])


STORAGE = "https://storage.azure.com"


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure CLI, as far as its `account get-access-token` goes."""
    program = tmp_path / "az"
    program.write_text("""#!/bin/sh
echo '{"accessToken": "of-a-person",
  "expiresOn": "2100-01-01 00:00:00.000000", "expires_on": 4102444800}'
""")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


def test_on_a_machine_that_is_not_in_azure_the_storage_is_reached_as_who_has_signed_in(
    signed_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`manage.py check` and `setup` run there, and the account takes no shared key."""
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    assert credential("").get_token(f"{STORAGE}/.default").token == "of-a-person"


def test_in_azure_the_storage_is_reached_as_the_app(
    identity: dict[str, Any], signed_in: None
) -> None:
    for client_id in ("", identity["client_id"]):
        token = credential(client_id).get_token(f"{STORAGE}/.default").token
        assert check(KEY, token, STORAGE, time.time())["appid"] == identity["client_id"]


@pytest.mark.parametrize("secret", ["wrong", "another"])
def test_a_wrong_secret_is_a_setting_to_mend_and_is_not_repeated(
    identity: dict[str, Any], secret: str
) -> None:
    settings = settings_for(identity, "client_secret", DATAVERSE_CLIENT_SECRET=secret)
    with pytest.raises(Misconfigured) as caught:
        dataverse_token(settings).token()
    assert caught.value.setting == "DATAVERSE_CLIENT_SECRET"
    assert secret not in str(caught.value).replace("another one", "")


def test_a_certificate_that_is_none_is_told(identity: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="PEM form"):
        dataverse_token(
            settings_for(identity, "certificate", DATAVERSE_CERTIFICATE="not a certificate")
        ).token()
