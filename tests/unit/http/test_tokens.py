"""A token is kept until shortly before its end, and one thread at a time asks for a new one."""

import math
import threading

import pytest

from shared.errors import Misconfigured, Retryable
from shared.http.tokens import CachedToken

BEGIN, WEEK = 1_000_000.0, 7 * 86400.0


class Service:
    """Numbers its tokens; each ends `life` seconds after it was given."""

    def __init__(self, life: float = 3600.0) -> None:
        self.life, self.clock, self.asked = life, BEGIN, 0
        self.answers: list[str] = []
        self.fault: Exception | None = None

    def now(self) -> float:
        return self.clock

    def fetch(self) -> tuple[str, float]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return (
            self.answers.pop(0) if self.answers else f"token-{self.asked}"
        ), self.clock + self.life


@pytest.mark.parametrize(
    ("life", "after", "asked"),
    [
        pytest.param(3600, 0, 1, id="at once"),
        pytest.param(3600, 3300, 1, id="five minutes before its end"),
        pytest.param(3600, 3301, 2, id="less than five minutes before its end"),
        pytest.param(3600, 4000, 2, id="behind its end"),
        pytest.param(3600, -4000, 1, id="a clock set back"),
        pytest.param(300, 0, 1, id="as short as the margin"),
        pytest.param(299, 0, 2, id="shorter than the margin"),
        pytest.param(1e9, WEEK - 300, 1, id="a long life, within a week"),
        pytest.param(1e9, WEEK - 299, 2, id="a long life, after a week"),
        pytest.param(math.inf, WEEK - 299, 2, id="no end"),
        pytest.param(math.nan, WEEK - 300, 1, id="no number, within a week"),
        pytest.param(math.nan, WEEK - 299, 2, id="no number, after a week"),
        pytest.param(-2e6, WEEK - 300, 1, id="an end before all time"),
    ],
)
def test_a_token_is_asked_for_again_shortly_before_its_end(
    life: float, after: float, asked: int
) -> None:
    service = Service(life)
    cached = CachedToken(service.fetch, service.now)
    assert cached.token() == "token-1"
    service.clock += after
    assert (cached.token(), service.asked) == (f"token-{asked}", asked)


@pytest.mark.parametrize(
    ("refused", "asked"),
    [
        pytest.param("token-1", 2, id="the one that is kept"),
        pytest.param("token-0", 1, id="one from before"),
        pytest.param("", 1, id="none"),
    ],
)
def test_a_refused_token_is_renewed_once(refused: str, asked: int) -> None:
    service = Service()
    cached = CachedToken(service.fetch, service.now)
    cached.token()
    assert [cached.token(refused), cached.token(refused)] == [f"token-{asked}"] * 2
    assert service.asked == asked


@pytest.mark.parametrize(
    ("after", "asked"),
    [
        pytest.param(0, 1, id="at once"),
        pytest.param(1.9, 1, id="within two seconds"),
        pytest.param(2, 2, id="after them"),
    ],
)
def test_a_refusal_is_kept_for_two_seconds(after: float, asked: int) -> None:
    service = Service()
    service.fault = Misconfigured("CAMPAIGN_CLIENT_SECRET", "The secret is wrong.")
    cached = CachedToken(service.fetch, service.now)
    for wait in (0.0, after):
        service.clock += wait
        with pytest.raises(Misconfigured, match="The secret is wrong") as message:
            cached.token()
        assert message.value.setting == "CAMPAIGN_CLIENT_SECRET"
    assert service.asked == asked


def test_a_refusal_is_forgotten_when_a_token_comes() -> None:
    service = Service()
    service.fault = Misconfigured("CAMPAIGN_CLIENT_SECRET", "The secret is wrong.")
    cached = CachedToken(service.fetch, service.now)
    with pytest.raises(Misconfigured):
        cached.token()
    service.fault, service.clock = None, BEGIN + 2
    assert (cached.token(), cached.token()) == ("token-2", "token-2")


def test_the_token_that_was_kept_is_not_given_after_a_refusal() -> None:
    service = Service()
    cached = CachedToken(service.fetch, service.now)
    kept = cached.token()
    service.fault = Misconfigured("CAMPAIGN_CLIENT_SECRET", "The secret is wrong.")
    for _ in range(2):
        with pytest.raises(Misconfigured):
            cached.token(kept)
        with pytest.raises(Misconfigured):
            cached.token()


@pytest.mark.parametrize(
    "given",
    ["", "two words", "a\nline", "zoë", "x" * 16_385],
    ids=["none", "blank", "line", "é", "long"],
)
def test_a_token_that_no_request_can_carry_is_asked_for_again(given: str) -> None:
    service = Service()
    service.answers = [given]
    cached = CachedToken(service.fetch, service.now)
    with pytest.raises(Retryable, match="no request can carry"):
        cached.token()
    assert cached.token() == "token-2"


def test_the_age_is_that_of_the_token_in_use() -> None:
    service = Service()
    cached = CachedToken(service.fetch, service.now)
    assert cached.age_seconds is None
    cached.token()
    service.clock += 60
    assert cached.age_seconds == 60
    cached.token("token-1")
    assert cached.age_seconds == 0


def test_threads_that_begin_together_ask_once() -> None:
    service, begin = Service(), threading.Barrier(8)
    cached, given = CachedToken(service.fetch, service.now), list[str]()

    def take() -> None:
        begin.wait(30)
        given.append(cached.token())

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (given, service.asked) == (["token-1"] * 8, 1)
