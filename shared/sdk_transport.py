"""How Azure's SDKs send: each call ends in time, and every failure is Retryable.

By themselves their clients wait 60 or 300 seconds for an answer and ask four times: a call of a
server that says nothing lasts 5 minutes (queues, blobs) or 20 (tables, identity). Retries and
pauses of the SDKs end in this transport, so one place bounds all.
Source: Azure SDK for Python, azure-core, "HTTP transport"; Microsoft Learn, "Setting timeouts for
Table service operations".
"""

import random
import time
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from azure.core.exceptions import AzureError
from azure.core.pipeline.transport import RequestsTransport

from shared.call_limits import POOLS, CallTooLong, limited
from shared.errors import Cause, Retryable, StorageDenied, recovery

LONGEST_CONNECT_SECONDS = 5.0
LONGEST_READ_SECONDS = 30.0
"""A server's own limit of an operation on a table; it answers before."""

LONGEST_CALL_SECONDS = 60.0
"""From its first step to the last byte of its answer."""

BLOCK_BYTES = 1 << 16
ATTEMPTS_IN_PLACE = 3
PAUSE_SECONDS = 1.0
"""Before the second attempt; twice as long before the third."""

JITTER = 1.2
PASSING = frozenset({408, 429, 500, 502, 503, 504})
DENIED = 403
REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Of these methods a request is sent again that had no answer.

Source: RFC 9110, 9.2.2, "Idempotent methods".
"""


@cache
def outside(scheme: str, netloc: str) -> dict[str, Any]:
    """The proxy and the CA that the environment names for this server.

    Once for each: requests would look for them at each call, and for the user's passwords
    (`.netrc`) too, which is a tenth of a call's own time.
    """
    url = f"{scheme}://{netloc}"
    found = requests.Session().merge_environment_settings(url, {}, None, None, None)
    return {"proxies": found["proxies"], "connection_verify": found["verify"]}


def watched_proxy(adapter: Any, proxy: str, **options: Any) -> Any:
    """The adapter's own pools behind a proxy, which end a call in time as those without one do."""
    manager = type(adapter).proxy_manager_for(adapter, proxy, **options)
    if isinstance(manager, urllib3.ProxyManager):
        manager.pool_classes_by_scheme = POOLS
    return manager


class BoundedTransport(RequestsTransport):  # type: ignore[misc]
    """`left` tells how many seconds a call may last now.

    `what` names the callee in messages: "tables".

    `system`: its rows in the table of errors. `uncertain`: a failure leaves in doubt what the
    bridge has noted of its work.
    `passing`: answers that are asked for again here, and not by the SDK. `repeats_all`: any request
    may be sent twice.
    """

    def __init__(
        self,
        system: str,
        what: str,
        left: Callable[[], float],
        uncertain: bool = True,
        passing: frozenset[int] = frozenset(),
        repeats_all: bool = False,
        limits: tuple[float, float] = (LONGEST_CONNECT_SECONDS, LONGEST_READ_SECONDS),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(use_env_settings=False)
        self.system, self.what, self.left, self.pause = system, what, left, sleep
        self.uncertain, self.passing, self.repeats_all = uncertain, passing, repeats_all
        self.connect_seconds, self.read_seconds = limits

    def send(self, request: Any, *, proxies: Any = None, **options: Any) -> Any:
        """The first answer that is no passing failure, whole. Retryable where there is none."""
        address = urlsplit(request.url)
        named = outside(address.scheme, address.netloc)
        options = {**named, **options, "proxies": proxies or named["proxies"], "stream": False}
        for attempt in range(1, ATTEMPTS_IN_PLACE + 1):
            is_last = attempt == ATTEMPTS_IN_PLACE
            try:
                options |= self.limits()
                with limited(min(LONGEST_CALL_SECONDS, self.left())):
                    response = super().send(request, **options)
            except (AzureError, CallTooLong) as error:
                if is_last or not self.is_repeatable(request):
                    raise self.failure(request, 0, type(error).__name__) from None
            else:
                if response.status_code == DENIED and self.system == "storage":
                    raise self.denied(request, response)
                if response.status_code not in self.passing:
                    return response
                if is_last or hasattr(request.data, "read"):
                    raise self.failure(request, response.status_code)
            self.sleep(PAUSE_SECONDS * 2.0 ** (attempt - 1) * random.uniform(1.0, JITTER))  # noqa: S311  # no secret
        raise AssertionError("the loop above ends by itself")

    def open(self) -> None:
        super().open()
        self.session.hooks = {"response": [self.read_whole]}
        for adapter in self.session.adapters.values():
            adapter.poolmanager.pool_classes_by_scheme = POOLS
            adapter.proxy_manager_for = partial(watched_proxy, adapter)

    def read_whole(self, response: requests.Response, **_: Any) -> None:
        """Reads the body here, so that the call's limit holds for it."""
        parts = bytearray()
        try:
            while part := response.raw.read1(BLOCK_BYTES, decode_content=True):
                parts += part
        except urllib3.exceptions.HTTPError as error:
            raise requests.exceptions.RequestException(type(error).__name__) from None
        response._content = bytes(parts)  # where its own `content` keeps it

    def limits(self) -> dict[str, float]:
        if (left := self.left()) <= 0:
            raise self.late()
        return {
            "connection_timeout": min(self.connect_seconds, left),
            "read_timeout": min(self.read_seconds, left),
        }

    def is_repeatable(self, request: Any) -> bool:
        """A body that is a stream has been read."""
        return (self.repeats_all or request.method in REPEATABLE) and not hasattr(
            request.data, "read"
        )

    def sleep(self, duration: float) -> None:
        """A pause of ours or of the SDK's own retries; Retryable where it would last beyond the
        run's time.
        """
        if duration >= self.left():
            raise self.late()
        self.pause(duration)

    def late(self) -> Retryable:
        sentence = f"The run's time was up before a call of {self.what}; it is done by a later one."
        return Retryable(sentence, uncertain=self.uncertain, cause=Cause.PAUSE)

    def denied(self, request: Any, response: Any) -> StorageDenied:
        """A right that is missing passes as an outage does: when a person gives it."""
        error = StorageDenied(str(self.failure(request, DENIED)), cause=Cause.PAUSE)
        error.uncertain = self.uncertain
        error.code = response.headers.get("x-ms-error-code", "")
        return error

    def failure(self, request: Any, status: int, kind: str = "") -> Exception:
        error = recovery(self.system, status, kind, f"a {request.method} of {self.what}")
        if isinstance(error, Retryable):
            error.uncertain = self.uncertain
        return error
