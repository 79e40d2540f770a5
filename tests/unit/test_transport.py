"""One HTTP policy: what is tried again in place, what is handed back, and how concurrency finds its
limit.
"""

import threading
from collections.abc import Callable, Iterator

import pytest

from dev.verbs import wait_until
from shared.addresses import link_fault
from shared.calls import counting
from shared.deadlines import while_held
from shared.errors import Retryable
from shared.http.concurrency import URGENT_SECONDS, AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport

GET = Request("GET", "https://example.org/rows", "GET rows")
PATCH = Request("PATCH", "https://example.org/rows", "PATCH rows", is_write=True)
POST = Request("POST", "https://example.org/rows", "POST rows", repeatable=False)


def scripted(*answers: Response | Exception) -> Callable[[Request], Response]:
    waiting: Iterator[Response | Exception] = iter(answers)

    def send(_: Request) -> Response:
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return send


def answered(status: int, **headers: str) -> Response:
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, b"{}"
    )


def transport(*answers: Response | Exception, slept: list[float] | None = None) -> Transport:
    sleeps = [] if slept is None else slept
    return Transport("Campaign", scripted(*answers), AdaptiveConcurrency(4), sleeps.append)


LOST = Retryable("Campaign gave no answer", uncertain=True)


@pytest.mark.parametrize(
    "failure", [answered(429), answered(502), answered(503), answered(504), answered(408), LOST]
)
def test_a_passing_failure_of_what_may_be_repeated_is_tried_again_in_place(
    failure: Response | Exception,
) -> None:
    assert transport(failure, failure, answered(200)).send(GET).status == 200


@pytest.mark.parametrize(
    ("failure", "doubtful"),
    [
        pytest.param(LOST, True, id="no answer"),
        pytest.param(answered(502), True, id="502"),
        pytest.param(answered(504), True, id="504"),
        pytest.param(answered(429), False, id="throttled"),
        pytest.param(answered(503), False, id="503"),
        pytest.param(answered(408), False, id="408"),
    ],
)
def test_a_write_that_may_still_be_carried_out_is_noted_though_its_repetition_succeeds(
    failure: Response | Exception, doubtful: bool
) -> None:
    with counting() as calls:
        assert transport(failure, answered(200)).send(PATCH).status == 200
    assert calls.unanswered is doubtful
    with counting() as calls:
        transport(failure, answered(200)).send(GET)
    assert not calls.unanswered, "a read changes nothing"


def test_no_call_begins_under_a_claim_that_is_about_to_end() -> None:
    left = iter([5.0, 5.0, 0.0, 0.0])  # the claim ends before the repetition
    with while_held(lambda: next(left)), pytest.raises(Retryable), counting() as calls:
        transport(LOST, answered(200)).send(PATCH)
    assert calls.unanswered


def test_after_three_attempts_it_is_handed_back() -> None:
    with pytest.raises(Retryable):
        transport(answered(503), answered(503), answered(503)).send(GET)


def test_retry_after_is_kept_to() -> None:
    slept: list[float] = []
    transport(answered(429, retry_after="0"), answered(200), slept=slept).send(GET)
    assert slept == [0.0]


def test_a_long_retry_after_is_not_waited_for_on_a_thread() -> None:
    with pytest.raises(Retryable) as caught:
        transport(answered(429, retry_after="120")).send(GET)
    assert caught.value.retry_after_seconds == 120


@pytest.mark.parametrize("failure", [answered(502), answered(504), LOST])
def test_what_may_have_been_done_is_not_repeated_blindly(failure: Response | Exception) -> None:
    with pytest.raises(Retryable) as caught:
        transport(failure).send(POST)
    assert caught.value.uncertain


def test_what_was_surely_not_done_is_repeated() -> None:
    assert transport(answered(429), answered(503), answered(201)).send(POST).status == 201


def test_an_error_shows_neither_url_nor_body() -> None:
    with pytest.raises(Retryable) as caught:
        transport(answered(503), answered(503), answered(503)).send(
            Request("GET", "https://example.org/?email=ana@example.org", "GET rows", body=b"Ana")
        )
    assert "example" not in str(caught.value)


@pytest.mark.parametrize("value", ["7", "Mon, 01 Jan 2035 00:00:00 GMT"])
def test_retry_after_is_read_in_both_forms(value: str) -> None:
    assert (answered(429, retry_after=value).retry_after_seconds or 0) >= 7


@pytest.mark.parametrize("value", ["864000", "99999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_retry_after_is_an_hour_at_most(value: str) -> None:
    assert answered(429, retry_after=value).retry_after_seconds == 3600


@pytest.mark.parametrize(
    ("link", "same"),
    [
        ("https://org.example.org/next?page=2", True),
        ("HTTPS://ORG.example.org:443/next", True),
        ("http://org.example.org/next", False),
        ("https://org.example.org:8443/next", False),
        ("https://org.example.org.evil.example/next", False),
        ("https://org.example.org@evil.example/next", False),
        ("https://someone@org.example.org/next", False),
        ("https://org.example.org:port/next", False),
        ("https://[::1/next", False),
        ("//org.example.org/next", False),
        ("/next", False),
        ("", False),
    ],
)
def test_a_token_goes_to_its_own_host_only(link: str, same: bool) -> None:
    assert (not link_fault(link, "https://org.example.org/api", path=False)) is same


BEYOND_ANY_DATE = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


def test_a_date_beyond_any_tells_no_time() -> None:
    assert answered(200, date=BEYOND_ANY_DATE).date_seconds is None


@pytest.mark.parametrize("value", ["", "soon", "inf", "nan", "1e400", "-5", "1_0", BEYOND_ANY_DATE])
def test_a_retry_after_that_says_nothing_is_none(value: str) -> None:
    assert answered(429, retry_after=value).retry_after_seconds is None


class Now:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def rounds(limit: AdaptiveConcurrency, now: Now, capacity: int, count: int) -> list[int]:
    """Simulated rounds: as many calls as the limit allows, those above the system's capacity
    throttled.
    """
    seen = []
    for _ in range(count):
        calls = int(limit.limit)
        for _ in range(calls):
            limit.acquire()
        for number in range(calls):
            limit.release(throttled=number >= capacity)
        now.seconds += 1.0
        seen.append(calls)
    return seen


@pytest.mark.parametrize("capacity", [3, 10, 25, 60])
def test_concurrency_finds_an_unknown_limit_by_itself(capacity: int) -> None:
    now = Now()
    seen = rounds(AdaptiveConcurrency(64, now=now), now, capacity, 200)[50:]
    assert 0.6 * capacity <= sum(seen) / len(seen) <= 1.25 * capacity


def test_a_retry_after_holds_every_caller_back() -> None:
    now = Now()
    limit = AdaptiveConcurrency(8, now=now)
    limit.acquire()
    limit.release(throttled=True, retry_after_seconds=30)
    passed = threading.Event()

    def caller() -> None:
        limit.acquire()
        passed.set()

    thread = threading.Thread(target=caller, daemon=True)
    thread.start()
    assert not passed.wait(0.05)
    now.seconds += 31
    with limit.lock:
        limit.turn.notify_all()
    assert passed.wait(5)
    thread.join(5)


def test_the_urgent_get_the_next_place_and_the_others_the_one_after() -> None:
    limit, order = AdaptiveConcurrency(1), []
    limit.acquire()

    def caller(name: str, urgent: bool) -> None:
        limit.acquire(urgent)
        order.append(name)
        limit.release(throttled=False, urgent=urgent)

    threads = [
        threading.Thread(target=caller, args=(f"backfill {number}", False), daemon=True)
        for number in range(4)
    ]
    threads.append(threading.Thread(target=caller, args=("opt-out", True), daemon=True))
    for thread in threads:
        thread.start()
    wait_until(lambda: limit.urgent_waiting == 1, "the urgent caller", 5, 0.01)
    limit.release(throttled=False)
    for thread in threads:
        thread.join(5)
    assert order[0] == "opt-out"
    assert len(order) == 5


def test_while_something_urgent_was_under_way_a_moment_ago_the_others_take_half_of_the_places() -> (
    None
):
    now = Now()
    limit = AdaptiveConcurrency(8, initial=8, now=now)
    limit.acquire(urgent=True)
    limit.release(throttled=False, urgent=True)
    for _ in range(4):
        limit.acquire()
    assert (limit.free(urgent=False), limit.free(urgent=True)) == (False, True)
    now.seconds += URGENT_SECONDS + 0.1
    assert limit.free(urgent=False)
    limit.release(throttled=False)
    assert (limit.in_flight, limit.ordinary) == (3, 3)
