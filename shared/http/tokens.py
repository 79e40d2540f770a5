"""Bearer tokens, kept until shortly before their end; one request at a time asks for a new one."""

import re
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from shared.deadlines import held, seconds_left
from shared.errors import BridgeError, Misconfigured, Retryable

EARLY_SECONDS = 300.0
FAILURE_KEPT_SECONDS = 2.0
MOST_ANSWER_BYTES = 1 << 20
"""Of an identity service's answer. A token has a few thousand."""

LONGEST_LIFE_SECONDS = 7 * 86400.0
"""A token that says that it lives longer, or says no number, is renewed then."""

TOKEN = re.compile(r"[!-~]{1,16384}")
CODE = re.compile(r"[A-Za-z_]{1,39}")


def code_of(text: object) -> str:
    """An OAuth error code, such as invalid_client; "" for any other text: it may say anything, and
    is not repeated.
    """
    return text if isinstance(text, str) and CODE.fullmatch(text) else ""


class TokenSource(Protocol):
    """Gives a bearer token; `refused` is the one that the system just did not accept, so that a new
    one is fetched once.
    """

    def token(self, refused: str = "") -> str: ...


class CachedToken:
    """Keeps one token until five minutes before its end.

    `fetch` returns the token and when it ends (seconds since 1970).

    A failure is kept for two seconds: forty threads with a wrong secret, or with no answer, ask
    once, not forty times.
    """

    def __init__(
        self, fetch: Callable[[], tuple[str, float]], now: Callable[[], float] = time.time
    ) -> None:
        self.fetch, self.now = fetch, now
        self.value, self.expires_at, self.fetched_at = "", 0.0, 0.0
        self.failure: Callable[[], BridgeError] | None = None
        self.failed_at = 0.0
        self.lock = threading.Lock()

    def token(self, refused: str = "") -> str:
        with held(self.lock):
            if (
                not self.value
                or refused == self.value
                or self.now() > self.expires_at - EARLY_SECONDS
            ):
                self.renew()
            return self.value

    def renew(self) -> None:
        if self.failure and self.now() - self.failed_at < FAILURE_KEPT_SECONDS:
            raise self.failure()
        self.value, self.failure = "", None
        try:
            value, expires_at = self.fetch()
        except Misconfigured as error:
            self.keep(partial(Misconfigured, error.setting, str(error)))
            raise
        except Retryable as error:
            if seconds_left() > 0:  # who has no time left says nothing for others
                self.keep(
                    partial(Retryable, str(error), error.retry_after_seconds, cause=error.cause)
                )
            raise
        if not TOKEN.fullmatch(value):
            raise Retryable(
                "The identity service gave a token that no request can carry; it is asked again."
            )
        latest = self.now() + LONGEST_LIFE_SECONDS
        self.value, self.expires_at = value, expires_at if 0 <= expires_at < latest else latest
        self.fetched_at = self.now()

    def keep(self, failure: Callable[[], BridgeError]) -> None:
        self.failure, self.failed_at = failure, self.now()

    @property
    def age_seconds(self) -> float | None:
        return self.now() - self.fetched_at if self.fetched_at else None
