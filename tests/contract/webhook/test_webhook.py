"""What the webhook's address answers, on real storage: one sentence, and nothing on a queue but
what it takes.
"""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shared.wiring
from dev.commands.stack import Stack
from functions.contacts import contacts
from functions.custom_entities import mapped
from functions.opt_out import from_dynamics
from functions.triggers import on_timer, on_webhook
from shared.dataverse.client import DataverseClient
from shared.errors import Retryable
from shared.state.flows import FAILED, RUNNING
from shared.wiring import Wiring, wiring
from tests.contract.parents.kit import PACE

ID = "8f0e1d2c-3b4a-4c5d-8e6f-708192a3b4c5"
REFERENCE = (
    "@Microsoft.KeyVault(SecretUri=https://vault.example.org/secrets/dataverse-webhook-secret)"
)
CONTEXT: Any = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))


class Endpoint:
    """The webhooks of an app whose settings are those of the stack, changed."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def restart(self, **changed: str) -> None:
        os.environ.update({**self.stack.environment, **changed})
        shared.wiring._wiring.clear()

    def post(
        self,
        body: bytes,
        flow: Callable[[], Any] = contacts,
        secret: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, Any]]:
        secret = self.stack.webhook_secret if secret is None else secret
        request = func.HttpRequest(
            "POST", "/", headers={"x-webhook-secret": secret, **headers}, body=body
        )
        answer = on_webhook(flow, request, CONTEXT)
        return answer.status_code, json.loads(answer.get_body())


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    before = dict(os.environ)
    with Stack(directory=tmp_path_factory.mktemp("stack"), host=False, settings=PACE) as running:
        yield running
    shared.wiring._wiring.clear()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def endpoint(stack: Stack) -> Endpoint:
    there = Endpoint(stack)
    there.restart()
    for queue in ("contacts", "custom-entities", "opt-out"):
        if queued(queue):
            wiring().handoff.clients(queue).clear_messages()
    return there


def queued(queue: str) -> int:
    return wiring().handoff.length(queue)


def body(table: str = "contact", record_id: str = ID, **more: Any) -> bytes:
    return json.dumps(
        {"PrimaryEntityName": table, "PrimaryEntityId": record_id, "MessageName": "Update", **more}
    ).encode()


def test_a_change_is_queued(endpoint: Endpoint) -> None:
    assert endpoint.post(body()) == (202, {"accepted": ID})
    assert queued("contacts") == 1


@pytest.mark.parametrize(
    "flow",
    [contacts, from_dynamics, partial(mapped, "acs_visit")],
    ids=["contacts", "opt-out", "table"],
)
@pytest.mark.parametrize(
    "secret", [REFERENCE, REFERENCE.upper(), "", "the-secret-of-the-stack"], ids=ascii
)
def test_while_the_secret_is_a_reference_nobody_is_accepted(
    endpoint: Endpoint, flow: Callable[[], Any], secret: str
) -> None:
    endpoint.restart(DATAVERSE_WEBHOOK_SECRET=REFERENCE)
    status, answer = endpoint.post(body(), flow, secret)
    assert (
        status,
        "DATAVERSE_WEBHOOK_SECRET is still a Key Vault reference" in answer["error"],
    ) == (503, True)
    endpoint.restart()
    assert (queued("contacts"), queued("opt-out"), queued("custom-entities")) == (0, 0, 0)


def test_a_wrong_secret_is_refused_while_nothing_can_be_read(endpoint: Endpoint) -> None:
    """No call of the storage account is made for somebody who does not know the secret."""
    endpoint.restart(AzureWebJobsStorage="UseDevelopmentStorage=false")
    status, answer = endpoint.post(body(), secret="another")
    assert (status, "does not hold the secret" in answer["error"]) == (401, True)


def test_the_flows_are_failed_by_the_setting_s_name_and_go_on_when_it_is_resolved(
    endpoint: Endpoint,
) -> None:
    endpoint.restart(CAMPAIGN_CLIENT_SECRET=REFERENCE, PAUSED_DELAY_SECONDS="1")
    on_timer(contacts, CONTEXT)
    endpoint.restart(PAUSED_DELAY_SECONDS="1")
    failed = wiring().bridge.flows.read("contacts")
    assert (failed.status, failed.setting) == (FAILED, "CAMPAIGN_CLIENT_SECRET")
    assert wiring().bridge.flows.read("opt_out").status == FAILED
    later = Wiring(wiring().settings, now=lambda: failed.checked_at + 60)
    shared.wiring._wiring[:] = [later]
    on_timer(contacts, CONTEXT)
    assert later.bridge.flows.read("contacts").status == RUNNING


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "wrong",
        "\udcff\udcfe",
        "\ud800",
        "gehe\u00edm",
        "\xff" * 40,
        "{secret}, {secret}",
        "{secret} ,",
        "\x00",
    ],
    ids=ascii,
)
def test_a_wrong_secret_is_401_before_anything_is_read(endpoint: Endpoint, secret: str) -> None:
    given = secret.format(secret=endpoint.stack.webhook_secret)
    for content in (body(), b"", b"\xff", b"[" * 100_000, b"x" * 600_000):
        status, answer = endpoint.post(content, secret=given)
        assert (status, "DATAVERSE_WEBHOOK_SECRET" in answer["error"]) == (401, True)
    assert endpoint.post(body(), partial(mapped, "acs_unknown"), given)[0] == 401
    assert queued("contacts") == 0


def test_a_missing_header_is_401(endpoint: Endpoint) -> None:
    request = func.HttpRequest("POST", "/", body=body())
    assert on_webhook(contacts, request, CONTEXT).status_code == 401


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[]",
        b"null",
        b"7",
        b'"text"',
        b"{}",
        body(record_id="customer-17"),
        body(record_id="../../contacts"),
        body(table="account"),
        body(table=""),
        json.dumps(
            {"PrimaryEntityName": ["contact"], "PrimaryEntityId": ID, "MessageName": "Update"}
        ).encode(),
        json.dumps(
            {"PrimaryEntityName": "contact", "PrimaryEntityId": ID, "MessageName": None}
        ).encode(),
    ],
    ids=lambda content: ascii(content[:40]),
)
def test_a_body_that_is_no_webhook_is_400(endpoint: Endpoint, content: bytes) -> None:
    status, answer = endpoint.post(content)
    assert status == 400
    assert answer["error"].endswith(".")
    assert queued("contacts") == 0


def test_a_body_of_another_organization_is_refused(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = wiring().dataverse.organization_id()
    assert endpoint.post(body(OrganizationId=own.upper()))[0] == 202
    status, answer = endpoint.post(body(OrganizationId="99999999-0000-4000-8000-000000000009"))
    assert (status, "another organization" in answer["error"]) == (400, True)
    assert queued("contacts") == 1


def test_a_webhook_is_taken_while_the_organization_cannot_be_asked(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(self: DataverseClient) -> str:
        raise Retryable("Dataverse could not be reached.")

    monkeypatch.setattr(DataverseClient, "organization_id", nobody)
    assert endpoint.post(body(OrganizationId="99999999-0000-4000-8000-000000000009"))[0] == 202


@pytest.mark.parametrize("table", ["acs_visit", "account", "lead"])
def test_a_table_without_a_document_is_404_with_the_step_to_remove(
    endpoint: Endpoint, table: str
) -> None:
    status, answer = endpoint.post(body(table), partial(mapped, table))
    assert status == 404
    assert f"'campaign-bridge {table}'" in answer["error"]
    assert "manage.py setup dataverse" in answer["error"]
    assert queued("custom-entities") == 0


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "A", "con'tact", "%2e%2e", "a/b", "x" * 200, "cont\u0430ct", "a\n"],
    ids=ascii,
)
def test_what_is_no_name_of_a_table_is_404_and_not_repeated(endpoint: Endpoint, name: str) -> None:
    status, answer = endpoint.post(body(name), partial(mapped, name))
    assert (status, answer["error"].startswith("The address names no table")) == (404, True)


def test_a_table_with_a_document_is_taken(endpoint: Endpoint) -> None:
    config = wiring().storage.container("config")
    config.upload_blob("mappings/acs_visit.yaml", b"table: acs_visit", overwrite=True)
    try:
        assert endpoint.post(body("acs_visit"), partial(mapped, "acs_visit"))[0] == 202
    finally:
        config.delete_blob("mappings/acs_visit.yaml")
    assert queued("custom-entities") == 1


@pytest.mark.parametrize(
    ("mode", "status"),
    [("both", 202), ("to-campaign", 202), ("from-campaign", 404), ("disabled", 404)],
)
def test_opt_outs_that_nothing_carries_are_404(endpoint: Endpoint, mode: str, status: int) -> None:
    endpoint.restart(OPT_OUT_MODE=mode)
    found, answer = endpoint.post(body(), from_dynamics)
    assert found == status
    assert status == 202 or "'campaign-bridge contact/opt-out'" in answer["error"]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner),
)
NAMES = (
    "PrimaryEntityName",
    "PrimaryEntityId",
    "MessageName",
    "OrganizationId",
    "InitiatingUserId",
)
BODIES = st.binary(max_size=300) | st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON).map(
    lambda o: json.dumps(o).encode()
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=BODIES, name=st.text(max_size=140), secret=st.none() | st.text(max_size=40))
def test_no_input_is_an_error_of_ours(
    endpoint: Endpoint, content: bytes, name: str, secret: str | None
) -> None:
    for flow in (contacts, partial(mapped, name), from_dynamics):
        status, answer = endpoint.post(content, flow, secret)
        assert status in (400, 401, 404)
        assert answer["error"].endswith(".")
