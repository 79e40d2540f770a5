"""The admin API, cross-origin requests, settings over host.json, and what a queue and a timer do
when they are asked by hand.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from azure.storage.queue import QueueClient

from tests.contract.conformance.conftest import ORIGIN, Target

JSON = {"Content-Type": "application/json"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-mark"}


def wait_for[T](ask: Callable[[], T], seconds: float = 30) -> T:
    ends_at = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < ends_at, f"nothing after {seconds} s"
        time.sleep(0.05)
    return found


def reported(target: Target, queue: str, count: int) -> list[dict[str, Any]]:
    """What functions of the app have put on a queue, in order, once there is so much."""
    with QueueClient.from_connection_string(target.storage, queue) as client:
        wait_for(lambda: (client.get_queue_properties().approximate_message_count or 0) >= count)
        return [
            json.loads(message.content) for message in client.receive_messages(messages_per_page=32)
        ]


@pytest.fixture(scope="module")
def host_key(target: Target) -> Iterator[str]:
    headers = {"x-functions-key": target.master_key}
    value = "a-key-of-the-host-for-this-test-only-0123456789"
    body = {"name": "conformance", "value": value}
    assert target.call(
        "/admin/host/keys/conformance", "PUT", headers=headers, json=body
    ).status_code in (200, 201)
    yield value
    assert target.call("/admin/host/keys/conformance", "DELETE", headers=headers).status_code == 204


@pytest.mark.parametrize(
    "given",
    [{}, {"x-functions-key": "nonsense"}, {"x-functions-key": ""}],
    ids=["none", "unknown", "empty"],
)
def test_without_a_known_key_the_admin_api_is_401_and_asks_for_a_bearer(
    target: Target, given: dict[str, str]
) -> None:
    answered = target.call("/admin/functions/by_hand", "POST", headers=JSON | given, data="{}")
    assert (answered.status_code, answered.headers["WWW-Authenticate"], answered.content) == (
        401,
        "Bearer",
        b"",
    )


def test_with_a_key_of_the_host_the_admin_api_is_403(target: Target, host_key: str) -> None:
    for method, path in (
        ("POST", "/admin/functions/by_hand"),
        ("GET", "/admin/host/status"),
        ("GET", "/admin/host/keys"),
    ):
        assert (
            target.call(
                path, method, headers=JSON | {"x-functions-key": host_key}, data="{}"
            ).status_code
            == 403
        )


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (None, "{}", 415),
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "a=1", 415),
        ("application/json", "", 400),
        ("application/json", "{", 400),
        ("application/json", b'"\xff"', 400),
    ],
)
def test_a_run_by_hand_needs_a_body_that_is_said_to_be_json(
    target: Target, content_type: str | None, body: str | bytes, status: int
) -> None:
    headers = {"x-functions-key": target.master_key} | (
        {"Content-Type": content_type} if content_type else {}
    )
    assert (
        target.call("/admin/functions/by_hand", "POST", headers=headers, data=body).status_code
        == status
    )


def test_runs_of_a_timer_by_hand_need_no_lock_and_overlap(target: Target) -> None:
    headers = JSON | {"x-functions-key": target.master_key}
    for content_type in ("application/json", "application/json; charset=utf-8"):
        headers["Content-Type"] = content_type
        assert (
            target.call("/admin/functions/by_hand", "POST", headers=headers, data="{}").status_code
            == 202
        )
    assert reported(target, "conformance-met", 2) == [{"past_due": False}] * 2


def test_a_retry_policy_of_a_queue_function_is_used_before_the_next_receipt(target: Target) -> None:
    """maxDequeueCount, 5 by default, is 2 by a setting AzureFunctionsJobHost__* in another case."""
    with (
        target.queue("conformance-retried") as queue,
        target.queue("conformance-retried-poison") as poison,
    ):
        queue.send_message("x")
        wait_for(lambda: poison.get_queue_properties().approximate_message_count)
    wanted = [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [
        (run["receipt"], run["attempt"]) for run in reported(target, "conformance-seen", 4)
    ] == wanted


def test_a_preflight_is_204_and_reaches_no_function(target: Target) -> None:
    for path in ("/api/seen", "/api/guarded", "/api/none"):
        answered = target.call(path, "OPTIONS", headers=PREFLIGHT | {"Origin": ORIGIN})
        assert (answered.status_code, answered.content) == (204, b"")
        assert answered.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert answered.headers["Access-Control-Allow-Methods"] == "POST"
        assert answered.headers["Access-Control-Allow-Headers"] == "x-mark"


@pytest.mark.parametrize(
    ("origin", "named"), [(ORIGIN, ORIGIN), ("https://other.example.org", None), (None, None)]
)
def test_only_an_allowed_origin_is_named_in_an_answer(
    target: Target, origin: str | None, named: str | None
) -> None:
    given = {"Origin": origin} if origin else {}
    answered = target.call("/api/seen", headers=given)
    assert (answered.status_code, answered.headers.get("Access-Control-Allow-Origin")) == (
        200,
        named,
    )
    preflight = target.call("/api/seen", "OPTIONS", headers=PREFLIGHT | given)
    assert preflight.headers.get("Access-Control-Allow-Origin") == named


def test_options_without_the_marks_of_a_preflight_is_an_ordinary_request(target: Target) -> None:
    assert target.call("/api/seen", "OPTIONS").status_code == 404
