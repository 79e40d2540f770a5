"""An invocation's one budget: no call begins after it, blocks within it have less, threads see
it.
"""

import json
import threading
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest

from dev.settings_bicep import functions
from functions import triggers
from functions.triggers import in_time
from shared.deadlines import (
    ANSWER_END_SECONDS,
    ANSWER_SECONDS,
    RUN_END_SECONDS,
    RUN_SECONDS,
    held,
    seconds_left,
    seconds_to_end,
    within,
)
from shared.errors import Retryable
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import LONGEST_CALL_SECONDS, Request, Response, Transport
from shared.sdk_transport import (
    ATTEMPTS_IN_PLACE,
    JITTER,
    LONGEST_CONNECT_SECONDS,
    LONGEST_READ_SECONDS,
    PAUSE_SECONDS,
)
from shared.settings import Settings
from shared.threads import ThreadPool

ROOT = Path(__file__).parents[2]
GET = Request("GET", "https://org.example.org/rows", "GET rows")


def at(seconds: float) -> Callable[[], float]:
    return lambda: seconds


def test_outside_of_an_invocation_there_is_no_end() -> None:
    assert seconds_left() == inf


@pytest.mark.parametrize(
    ("outer", "inner", "left"),
    [(100, 10, 10), (10, 100, 10)],
    ids=["a share", "no more than is left"],
)
def test_a_block_within_a_block_has_its_share_and_no_more(
    outer: float, inner: float, left: float
) -> None:
    with within(outer, at(0)):
        with within(inner, at(0)):
            assert seconds_left(at(0)) == left
        assert seconds_left(at(0)) == outer
    assert seconds_left() == inf


def test_a_thread_has_the_deadline_of_who_started_it() -> None:
    with within(50, at(0)), ThreadPool(1, "one") as pool:
        assert pool.submit(seconds_left, at(20)).result() == 30


def transport(sent: list[Request], concurrency: AdaptiveConcurrency | None = None) -> Transport:
    def send(request: Request) -> Response:
        sent.append(request)
        return Response(200, {}, b"{}")

    return Transport("Campaign", send, concurrency or AdaptiveConcurrency(1), sleep=lambda _: None)


def test_no_call_begins_after_the_deadline() -> None:
    sent: list[Request] = []
    with within(-1), pytest.raises(Retryable, match="time was up before GET rows") as raised:
        transport(sent).send(GET)
    assert (sent, raised.value.uncertain) == ([], False)


def test_who_waits_for_a_turn_waits_no_longer_than_the_deadline() -> None:
    sent: list[Request] = []
    busy = AdaptiveConcurrency(1)
    assert busy.acquire()
    began = time.monotonic()
    with within(0.2), pytest.raises(Retryable, match="time was up"):
        transport(sent, busy).send(GET)
    assert time.monotonic() - began < 5
    busy.release(throttled=False)
    transport(sent, busy).send(GET)
    assert len(sent) == 1


def test_a_failure_is_not_waited_out_beyond_the_deadline() -> None:
    pauses: list[float] = []
    passing = Transport(
        "Campaign", lambda _: Response(502, {}, b""), AdaptiveConcurrency(1), sleep=pauses.append
    )
    with within(0.1), pytest.raises(Retryable):
        passing.send(GET)
    assert not pauses


def test_a_run_ends_before_the_host_ends_it() -> None:
    """What has begun at the deadline may take the longest limit of a call, which no setting
    exceeds.
    """
    longest = max(limit(name) for name in ("campaign_timeout_seconds", "dataverse_timeout_seconds"))
    assert longest <= LONGEST_CALL_SECONDS
    assert RUN_SECONDS + LONGEST_CALL_SECONDS < 600
    assert ANSWER_SECONDS + longest <= 230


def test_what_had_begun_is_written_down_before_the_host_ends_the_run() -> None:
    timeout = json.loads((ROOT / "host.json").read_text())["functionTimeout"]
    hours, minutes, seconds = map(int, timeout.split(":"))
    assert (
        RUN_SECONDS + LONGEST_CALL_SECONDS < RUN_END_SECONDS < 3600 * hours + 60 * minutes + seconds
    )
    assert ANSWER_SECONDS < ANSWER_END_SECONDS < 230


def test_one_call_of_silent_storage_leaves_time_for_the_next() -> None:
    pauses = sum(PAUSE_SECONDS * 2**attempt for attempt in range(ATTEMPTS_IN_PLACE - 1)) * JITTER
    assert (
        ATTEMPTS_IN_PLACE * (LONGEST_CONNECT_SECONDS + LONGEST_READ_SECONDS) + pauses
        < RUN_END_SECONDS - RUN_SECONDS
    )


def test_a_block_within_a_block_has_the_end_of_the_run() -> None:
    with within(outer := 100, at(0), end_seconds=150), within(outer / 4, at(0)):
        assert (seconds_left(at(0)), seconds_to_end(at(0))) == (25, 150)
    assert seconds_to_end() == inf


def test_who_waits_for_a_lock_waits_no_longer_than_the_deadline() -> None:
    lock = threading.Lock()
    with (
        held(lock),
        within(0.05),
        pytest.raises(Retryable, match="time was up while another"),
        held(lock),
    ):
        raise AssertionError("two hold it")
    with held(lock):
        assert lock.locked()
    assert not lock.locked()


def limit(name: str) -> float:
    return max(getattr(rule, "le", 0) for rule in Settings.model_fields[name].metadata)


@pytest.mark.parametrize("name", functions())
def test_every_function_has_a_budget(name: str) -> None:
    function: Any = functions()[name].get_user_function()
    seconds = (
        ANSWER_SECONDS
        if functions()[name].get_trigger().get_binding_name() == "httpTrigger"
        else RUN_SECONDS
    )
    assert function.budget_seconds == seconds


def test_a_budget_is_that_of_one_invocation() -> None:
    seen: list[float] = []
    budgeted = in_time(RUN_SECONDS)(lambda: seen.append(seconds_left()))
    threads = [threading.Thread(target=budgeted) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    budgeted()
    assert [0 < left <= RUN_SECONDS for left in seen] == [True] * 3
    assert seconds_left() == inf


class Told:
    """A message, and the trace context of its invocation."""

    dequeue_count, insertion_time, trace_parent = 1, None, ""

    @property
    def trace_context(self) -> "Told":
        return self

    def get_body(self) -> bytes:
        return b"{}"


def test_a_message_goes_back_while_state_cannot_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt is spent by what fails; five of them make poison."""
    sent: list[object] = []

    def silent() -> None:
        raise Retryable("The storage account did not answer.")

    monkeypatch.setattr(triggers, "ready", silent)
    monkeypatch.setattr(triggers, "postpone", lambda *given: sent.append(given))
    reported: Any = Told()
    triggers.on_message(lambda: reported, "contacts", reported, reported)
    assert sent == [("contacts", b"{}", triggers.UNSET_DELAY_SECONDS)]
