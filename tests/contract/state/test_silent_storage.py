"""A storage account that falls silent: each call ends in time, with what the next attempt must
know.
"""

import time
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from dev.commands.azurite import start_azurite
from shared.deadlines import within
from shared.errors import Retryable
from shared.sdk_transport import PASSING, BoundedTransport
from shared.settings import load_storage_settings
from shared.state.flows import Flows
from shared.state.handoff import open_handoff
from shared.state.ledger import Ledger
from shared.state.storage import Storage
from tests.contract.silence import (
    DRIPS,
    FAILS,
    Serve,
    SilentStorage,
    answers,
    listening,
    says_nothing,
    silent_storage,
)

SECONDS, MARGIN_SECONDS = 1.0, 3.0
LIMITS = (0.2, 0.2)


@pytest.fixture(scope="module")
def account() -> Iterator[SilentStorage]:
    with start_azurite() as azurite, silent_storage(azurite.connection_string) as account:
        yield account


@pytest.fixture
def parts(account: SilentStorage) -> Iterator[dict[str, Callable[[], Any]]]:
    """A call of each kind, its clients already connected."""
    account.speak()
    settings = load_storage_settings({"AzureWebJobsStorage": account.connection_string})
    storage, handoff = Storage(settings), open_handoff(settings)
    ledger, flows, blobs = (
        Ledger(storage.table("ledger")),
        Flows(storage.table("flows"), time.time),
        storage.container("config"),
    )
    handoff.send("contacts", "a")
    blobs.upload_blob("a", b"a" * 100_000, overwrite=True)
    yield {
        "table read": lambda: ledger.view("contacts-1", ["a"], time.time()),
        "table write": lambda: flows.observe("contacts", polled_at=1.0),
        "queue send": lambda: handoff.send("contacts", "b"),
        "queue receive": lambda: handoff.receive("contacts", 1),
        "queue length": lambda: handoff.length("contacts"),
        "blob read": lambda: blobs.download_blob("a").readall(),
        "blob write": lambda: blobs.upload_blob("a", b"b", overwrite=True),
        "blob list": lambda: list(blobs.list_blobs()),
        "make a table": lambda: storage.table("ledger"),
        "open the queues": lambda: open_handoff(settings).send("contacts", "c"),
    }
    account.speak()


KINDS = (
    *(
        "table read",
        "table write",
        "queue send",
        "queue receive",
        "queue length",
        "blob read",
        "blob write",
        "blob list",
    ),
    *("make a table", "open the queues"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_of_silent_storage_ends_with_the_run(
    kind: str, parts: dict[str, Callable[[], Any]], account: SilentStorage
) -> None:
    parts[kind]()
    account.fall_silent()
    began = time.monotonic()
    with within(inf, end_seconds=SECONDS), pytest.raises(Retryable) as raised:
        parts[kind]()
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS
    assert raised.value.uncertain  # whether it was done is not known
    account.speak()
    parts[kind]()


def test_no_call_begins_after_the_end_and_one_does_after_the_deadline(
    parts: dict[str, Callable[[], Any]],
) -> None:
    with within(-1, end_seconds=60):
        parts["table write"]()
    with (
        within(-2, end_seconds=-1),
        pytest.raises(Retryable, match="time was up before a call of tables"),
    ):
        parts["table write"]()


def transport(pauses: list[float], **options: Any) -> BoundedTransport:
    return BoundedTransport(
        "storage",
        "tables",
        lambda: inf,
        passing=PASSING,
        limits=LIMITS,
        sleep=pauses.append,
        **options,
    )


@pytest.mark.parametrize(
    ("serve", "method", "options", "attempts"),
    [
        (says_nothing, "GET", {}, 3),
        (says_nothing, "PUT", {}, 3),
        (says_nothing, "POST", {}, 1),
        (says_nothing, "PATCH", {}, 1),
        (says_nothing, "POST", {"repeats_all": True}, 3),
        (FAILS, "GET", {}, 3),
        (FAILS, "POST", {}, 3),
    ],
    ids=["read", "put", "transaction", "merge", "message", "busy", "busy for a transaction"],
)
def test_a_server_is_asked_again_where_twice_is_harmless(
    serve: Serve, method: str, options: Any, attempts: int
) -> None:
    pauses: list[float] = []
    with listening(serve) as server, pytest.raises(Retryable, match=f"a {method} of tables"):
        transport(pauses, **options).send(HttpRequest(method, f"http://127.0.0.1:{server.port}/"))
    assert (server.taken, len(pauses)) == (attempts, attempts - 1)


HEADERS_DRIP = answers(b"HTTP/1.1 200 OK\r\n", b"X")


@pytest.mark.parametrize("serve", [DRIPS, HEADERS_DRIP], ids=["its body", "a header"])
def test_an_answer_that_drips_ends_with_the_run(serve: Serve) -> None:
    began = time.monotonic()
    left = lambda: began + SECONDS - time.monotonic()  # noqa: E731
    with listening(serve) as server, pytest.raises(Retryable):
        BoundedTransport("storage", "tables", left).send(
            HttpRequest("GET", f"http://127.0.0.1:{server.port}/")
        )
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS


@pytest.mark.parametrize(("scheme", "serve"), [("http", DRIPS), ("https", HEADERS_DRIP)])
def test_a_proxy_that_drips_ends_with_the_run(scheme: str, serve: Serve) -> None:
    began = time.monotonic()
    left = lambda: began + SECONDS - time.monotonic()  # noqa: E731
    with listening(serve) as proxy, pytest.raises(Retryable):
        BoundedTransport("storage", "tables", left).send(
            HttpRequest("GET", f"{scheme}://account.example.org/"),
            proxies={scheme: f"http://127.0.0.1:{proxy.port}"},
        )
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS


def test_a_pause_of_the_sdk_is_not_made_beyond_the_end() -> None:
    pauses: list[float] = []
    with pytest.raises(Retryable):
        BoundedTransport(
            "identity", "the managed identity", lambda: 10.0, sleep=pauses.append
        ).sleep(10.0)
    assert not pauses
