"""When a system that does not answer is left alone, and who may try it again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Cause, Retryable
from shared.http.breaker import (
    FAILURES,
    FIRST_SECONDS,
    LONGEST_SECONDS,
    CircuitBreaker,
    CircuitOpen,
)
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport

GET = Request("GET", "https://example.org/rows", "GET rows")
PATCH = Request("PATCH", "https://example.org/rows/1", "PATCH rows/{key}")
SILENT = Retryable("Campaign gave no answer", uncertain=True, cause=Cause.OUTAGE)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class System:
    """Answers with a status, or not at all; counts how often it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.breaker = CircuitBreaker("Campaign", clock)
        self.concurrency = AdaptiveConcurrency(4)
        self.answer: Response | Exception = Response(200, {}, b"{}")
        self.asked = 0

    def send(self, _: Request) -> Response:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def transport(self, urgent: bool = False) -> Transport:
        return Transport(
            "Campaign",
            self.send,
            self.concurrency,
            sleep=lambda _: None,
            urgent=urgent,
            breaker=self.breaker,
        )


def failing(clock: Clock, answer: Response | Exception = SILENT) -> System:
    """A system that was asked until its circuit opened."""
    system = System(clock)
    system.answer = answer
    for _ in range(FAILURES):
        with pytest.raises(Retryable):
            system.transport().send(GET)
    return system


@pytest.mark.parametrize("status", [502, 503, 504])
def test_failures_in_a_row_of_any_callers_open_it(status: int) -> None:
    system = failing(Clock(), Response(status, {}, b""))
    assert system.asked == FAILURES


def test_who_asks_an_open_circuit_hears_at_once_how_long_to_wait() -> None:
    system = failing(Clock())
    with pytest.raises(CircuitOpen) as caught:
        system.transport().send(GET)
    assert caught.value.retry_after_seconds == FIRST_SECONDS
    assert caught.value.cause is Cause.PAUSE
    assert system.asked == FAILURES


@pytest.mark.parametrize(
    "answer",
    [
        Response(429, {}, b""),
        Response(429, {"retry-after": "0"}, b""),
        Response(503, {"retry-after": "0"}, b""),
        Response(500, {}, b""),
        Response(404, {}, b""),
        Retryable("cannot be written as a request"),
    ],
    ids=["429", "429 for a time", "503 for a time", "500", "404", "not sent"],
)
def test_what_says_nothing_of_an_outage_opens_nothing(answer: Response | Exception) -> None:
    system = System(Clock())
    system.answer = answer
    for _ in range(4 * FAILURES):
        try:
            system.transport().send(GET)
        except CircuitOpen:
            raise
        except Retryable:
            continue
    assert not system.breaker.open_seconds


def test_one_probe_goes_through_and_its_answer_closes_the_circuit() -> None:
    clock = Clock()
    system = failing(clock)
    clock.now += FIRST_SECONDS
    ticket = system.breaker.admit()
    with pytest.raises(CircuitOpen):
        system.breaker.admit()
    system.breaker.answered(ticket)
    system.answer = Response(200, {}, b"{}")
    assert system.transport().send(GET).status == 200


def test_a_probe_that_fails_doubles_the_time_up_to_its_end() -> None:
    clock = Clock()
    system, waits = failing(clock), []
    for _ in range(8):
        clock.now += system.breaker.open_seconds
        with pytest.raises(Retryable):
            system.transport().send(GET)
        waits.append(system.breaker.open_seconds)
    assert waits == sorted(waits)
    assert waits[0] == 2 * FIRST_SECONDS
    assert waits[-1] == LONGEST_SECONDS


def test_urgent_calls_probe_first_and_beside_an_ordinary_probe() -> None:
    clock = Clock()
    system = failing(clock)
    clock.now += FIRST_SECONDS / 2
    with pytest.raises(CircuitOpen):
        system.breaker.admit(urgent=False)
    assert system.breaker.admit(urgent=True).is_probe
    clock.now += FIRST_SECONDS / 2
    assert system.breaker.admit(urgent=False).is_probe


def test_a_probe_that_never_ends_is_given_up() -> None:
    clock = Clock()
    system = failing(clock)
    clock.now += FIRST_SECONDS
    system.breaker.admit()
    clock.now += 200.0
    assert system.breaker.admit().is_probe


def test_a_call_that_was_perhaps_done_stays_in_doubt_behind_an_open_circuit() -> None:
    system = System(Clock())
    system.answer = SILENT
    system.breaker.failures = FAILURES - 1
    with pytest.raises(CircuitOpen) as caught:
        system.transport().send(PATCH)
    assert caught.value.uncertain


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 200)), max_size=60))
def test_however_calls_end_the_circuit_lets_one_through_within_a_minute(
    story: list[tuple[bool, float]],
) -> None:
    clock = Clock()
    breaker = CircuitBreaker("Campaign", clock)
    for succeeds, pause in story:
        clock.now += pause
        try:
            ticket = breaker.admit()
        except CircuitOpen as refused:
            assert 0 < (refused.retry_after_seconds or 0) <= LONGEST_SECONDS
            continue
        (breaker.answered if succeeds else breaker.failed)(ticket)
    clock.now += LONGEST_SECONDS
    breaker.admit()
