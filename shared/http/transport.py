"""One HTTP policy for both systems: timeouts, retries, Retry-After, adaptive concurrency; no body
or URL in any error.

The seam is `Send`: a request in, a response out. `pooled()` is its one implementation: urllib3's
connection pool, which makes 1.6 times the calls of requests at 0.6 of the CPU
(docs/performance.md), and that is what keeps a contact below its 1.5 ms. Tests give a function.
"""

import http.client
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import urllib3

from shared import exact_json
from shared.call_limits import POOLS, limited
from shared.calls import unanswered
from shared.deadlines import seconds_left, seconds_to_end
from shared.errors import Cause, Retryable
from shared.http.breaker import CircuitBreaker, CircuitOpen
from shared.http.concurrency import AdaptiveConcurrency

THROTTLED = 429
PASSING = frozenset({408, THROTTLED, 502, 503, 504})
UNANSWERED = frozenset({502, 503, 504})
"""Answers of who stands before the system, or of a system that cannot work."""

MOST_ANSWER_BYTES = 128 << 20
"""Of an answer, unpacked. 5,000 rows of Dataverse with 20 KB each have 100 MB; an instance has 2 GB
for all that it does.
"""

ANSWER_BLOCK_BYTES = 1 << 16
LONGEST_CALL_SECONDS = 120.0
"""Of a call, from its first step to the last byte of its answer, however it drips.

Between two reads the timeout of the settings holds, too.
"""

WRITING_SECONDS = 5.0
"""Between the end of a call and the end of its run."""

LONGEST_RETRY_AFTER_SECONDS = 3600.0
"""A server that asks for a longer pause is asked again after this one."""

DELAY = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
LONGEST_DATE = 64
LONGEST_WAIT_IN_PLACE_SECONDS = 5.0
ATTEMPTS_IN_PLACE = 3


@dataclass(frozen=True, slots=True)
class Request:
    """`route` names the call without ids or values, for messages: "PATCH profile/{key}".

    `repeatable` calls may be made twice.

    `most_bytes`: an answer that is larger is not read to its end. `is_write`: it changes a record,
    so one without an answer is noted (shared/calls.py).
    """

    method: str
    url: str = field(repr=False)
    route: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True
    most_bytes: int = MOST_ANSWER_BYTES
    is_write: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """`headers` are looked up in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, decimals exact; Retryable if it is not, for then something between us
        and the system has answered.
        """
        try:
            return exact_json.read(self.body)
        except (ValueError, RecursionError):
            raise Retryable(
                f"An answer with status {self.status} was not the JSON it should be; it is asked"
                " for again."
            ) from None

    @property
    def retry_after_seconds(self) -> float | None:
        """Retry-After in either form, seconds or a date (RFC 9110, 10.2.3); an hour at most.

        None for what is neither.
        """
        value = self.headers.get("retry-after", "").strip()
        if DELAY.fullmatch(value):
            return min(float(value), LONGEST_RETRY_AFTER_SECONDS)
        moment = date_of(value)
        return (
            None
            if moment is None
            else min(max(0.0, moment - time.time()), LONGEST_RETRY_AFTER_SECONDS)
        )

    @property
    def date_seconds(self) -> float | None:
        """The system's time when it answered, in seconds since 1970 (RFC 9110, 6.6.1)."""
        return date_of(self.headers.get("date", ""))


class Oversized(Retryable):
    """An answer is larger than its call allows. Not read to its end, so nothing of it counts."""


def date_of(text: str) -> float | None:
    """Seconds since 1970 of a header's date (RFC 9110, 5.6.7); None for what is none."""
    try:
        return parsedate_to_datetime(text[:LONGEST_DATE]).timestamp()
    except (
        ValueError,
        TypeError,
        IndexError,
        OverflowError,
    ):  # what the library raises for texts that are no dates
        return None


Send = Callable[[Request], Response]


def pooled(system: str, timeout_seconds: float, connections: int) -> Send:
    """urllib3's pool: no redirects, no retries, no proxy or CA of the environment but the
    interpreter's own.
    """
    pool = urllib3.PoolManager(
        maxsize=connections,
        block=True,
        retries=False,
        timeout=urllib3.Timeout(connect=min(10, timeout_seconds), read=timeout_seconds),
    )
    pool.pool_classes_by_scheme = POOLS

    def send(request: Request) -> Response:
        try:
            with limited(min(LONGEST_CALL_SECONDS, seconds_to_end() - WRITING_SECONDS)):
                answer = pool.request(
                    request.method,
                    request.url,
                    body=request.body,
                    headers=request.headers,
                    redirect=False,
                    preload_content=False,
                )
                body = body_of(answer, request.most_bytes)
        except (urllib3.exceptions.HTTPError, ValueError, http.client.HTTPException) as error:
            raise no_answer(system, request, error) from None
        if body is None:
            raise oversized(system, request)
        return Response(
            answer.status, {name.lower(): value for name, value in answer.headers.items()}, body
        )

    return send


def no_answer(system: str, request: Request, error: Exception) -> Retryable:
    """Of its text nothing is kept: it may quote headers and the URL."""
    kind = type(error).__name__
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        sentence = f"{system} could not be reached for {request.route}; the call is made again."
        return Retryable(sentence, cause=Cause.OUTAGE)
    if isinstance(error, urllib3.exceptions.HTTPError):
        sentence = f"{system} gave no answer to {request.route} ({kind}); the call is made again."
        return Retryable(sentence, uncertain=True, cause=Cause.OUTAGE)
    return Retryable(
        f"{request.route} cannot be written as a request to {system} ({kind}); it is tried again."
    )


def body_of(answer: urllib3.BaseHTTPResponse, most_bytes: int) -> bytes | None:
    """The unpacked body; None for one of more bytes, whatever its header announces.

    Then its connection is ended.
    """
    parts, size = list[bytes](), 0
    try:
        while part := answer.read1(
            ANSWER_BLOCK_BYTES, decode_content=True
        ):  # what is there: `read` waits for a whole block
            size += len(part)
            if size > most_bytes:
                answer.close()
                return None
            parts.append(part)
    finally:
        answer.release_conn()
    return b"".join(parts)


def oversized(system: str, request: Request) -> Oversized:
    """The next attempt is a later one: the same answer comes again at once."""
    most = (
        f"{request.most_bytes >> 20} MiB"
        if request.most_bytes >> 20
        else f"{request.most_bytes} bytes"
    )
    sentence = (
        f"{system}'s answer to {request.route} is larger than {most} and was not read. Ask for less"
        " at once."
    )
    return Oversized(sentence, retry_after_seconds=60.0, uncertain=True, cause=Cause.ANSWER)


class Transport:
    """Sends with patience: a passing failure is tried again in place a few times, then handed back
    as Retryable.

    What may not be done twice is repeated only when the answer says that it was not done (408, 429,
    503). The sleep is jittered, so that callers that failed together do not come back together.
    `clock_ahead_seconds` is how far the system's clock was ahead of ours at its last answer, to a
    second; None if it tells no time.
    """

    def __init__(
        self,
        system: str,
        send: Send,
        concurrency: AdaptiveConcurrency,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        urgent: bool = False,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self.breaker = breaker or CircuitBreaker(system)
        self.system, self.send_once, self.concurrency, self.sleep, self.now = (
            system,
            send,
            concurrency,
            sleep,
            now,
        )
        self.urgent = urgent
        self.clock_ahead_seconds: float | None = None

    def send(self, request: Request) -> Response:
        """The first answer that is no passing failure; else Retryable, `uncertain` if the work may
        have been done.
        """
        uncertain = False
        for attempt in range(1, ATTEMPTS_IN_PLACE + 1):
            failure = None
            try:
                response = self.send_throttled(request)
            except Retryable as error:
                failure = error
            else:
                if response.status not in PASSING:
                    return response
                failure = self.failure(request, response)
            uncertain = failure.uncertain = uncertain or failure.uncertain
            if isinstance(failure, CircuitOpen):
                raise failure
            # Noted also where a repetition succeeds: the system may carry out this one after it.
            if failure.uncertain and request.is_write:
                unanswered()
            wait = (
                failure.retry_after_seconds
                if failure.retry_after_seconds is not None
                else 0.2 * 2**attempt
            )
            # What may have been done must be looked at before it is done again; that is the
            # caller's to decide.
            if failure.uncertain and not request.repeatable:
                raise failure
            # A long wait is better spent on the queue than on a thread.
            if attempt == ATTEMPTS_IN_PLACE or wait > min(
                LONGEST_WAIT_IN_PLACE_SECONDS, seconds_left()
            ):
                raise failure
            self.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311  # jitter, no secret
        raise AssertionError("the loop above ends by itself")

    def send_throttled(self, request: Request) -> Response:
        if seconds_left() <= 0 or not self.concurrency.acquire(self.urgent):
            raise Retryable(
                f"The run's time was up before {request.route}; it is done by a later one.",
                cause=Cause.PAUSE,
            )
        throttled, wait = False, None
        try:
            response = self.send_watched(request)
            throttled, wait = response.status in (THROTTLED, 503), response.retry_after_seconds
            if (date := response.date_seconds) is not None:
                self.clock_ahead_seconds = date - self.now()
            return response
        finally:
            self.concurrency.release(throttled, wait, self.urgent)

    def send_watched(self, request: Request) -> Response:
        """One call, if the circuit lets it through; what became of it is told to the breaker."""
        ticket, tell = self.breaker.admit(self.urgent), self.breaker.left_open
        try:
            response = self.send_once(request)
            asks_to_wait = response.retry_after_seconds is not None
            is_down = response.status in UNANSWERED and not asks_to_wait
            tell = self.breaker.failed if is_down else self.breaker.answered
            return response
        except Retryable as error:
            if error.cause is Cause.OUTAGE:
                tell = self.breaker.failed
            raise
        finally:
            tell(ticket)

    def failure(self, request: Request, response: Response) -> Retryable:
        uncertain = response.status in (502, 504)
        sentence = (
            f"{self.system} answered {request.route} with {response.status}; it is tried again."
        )
        wait = response.retry_after_seconds
        is_pause = response.status == THROTTLED or wait is not None
        return Retryable(sentence, wait, uncertain, Cause.PAUSE if is_pause else Cause.OUTAGE)
