"""A call to another system has one limit, from its first step to the last byte of its answer.

A socket's timeout limits each wait by itself. A server that sends a byte now and then, of its
status line, a header or its body, is waited for without end. So one thread looks at all calls, and
shuts the socket under a call that has lasted too long.
Source: urllib3 documentation, "Timeout", read; Python documentation, "socket", shutdown.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from shared.threads import start_watching

LOOK_SECONDS = 0.5
"""A call may last so much longer than its limit."""


class CallTooLong(urllib3.exceptions.TimeoutError):
    """The call was over its limit. What was read of its answer may be a part of it."""


class Call:
    """One call under way. `ends_at` in seconds of the monotonic clock."""

    __slots__ = ("ends_at", "is_cut", "socket")

    def __init__(self, ends_at: float) -> None:
        self.ends_at, self.is_cut = ends_at, False
        self.socket: socket.socket | None = None

    def uses(self, connected: socket.socket | None) -> None:
        """What took too long before its connection stood is cut with the first look after."""
        self.socket = connected

    def cut(self) -> None:
        """Whoever waits on the socket goes on at once. Harmless twice."""
        self.is_cut = True
        if self.socket:
            with suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)  # under TLS too


class Watch:
    """Looks at the calls under way. A call that has ended is not cut: its socket may serve the
    next.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.calls = set[Call]()
        self.is_started = False

    def add(self, call: Call) -> None:
        with self.changed:
            self.calls.add(call)
            self.changed.notify()
            if not self.is_started:
                self.is_started = True
                start_watching(self.run, "call limits")

    def remove(self, call: Call) -> None:
        with self.changed:
            self.calls.discard(call)

    def run(self) -> None:
        while True:
            with self.changed:
                while not self.calls:
                    self.changed.wait()
                now = time.monotonic()
                for call in self.calls:
                    if call.ends_at < now:
                        call.cut()
            time.sleep(LOOK_SECONDS)


_WATCH = Watch()
_CALL: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """The call in the block, by a pool of POOLS, ends within so many seconds.

    CallTooLong, or another HTTPError of urllib3, where it does not.
    """
    call = Call(time.monotonic() + seconds)
    token = _CALL.set(call)
    _WATCH.add(call)
    try:
        yield
    finally:
        _WATCH.remove(call)
        _CALL.reset(token)
    if call.is_cut:  # an answer without a length ends with its connection
        raise CallTooLong


class Watched:
    """A connection that tells the call which socket it uses."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        """What a proxy says before it leads on to the server is waited for on this socket."""
        connected: socket.socket = super()._new_conn()  # type: ignore[misc]
        if call := _CALL.get():
            call.uses(connected)
        return connected

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.tell()

    def request(self, *given: Any, **options: Any) -> None:
        self.tell()
        super().request(*given, **options)  # type: ignore[misc]

    def tell(self) -> None:
        if call := _CALL.get():
            call.uses(self.sock)


class WatchedHTTP(Watched, HTTPConnection):
    pass


class WatchedHTTPS(Watched, HTTPSConnection):
    pass


class HTTPPool(HTTPConnectionPool):
    ConnectionCls = WatchedHTTP


class HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedHTTPS


POOLS: dict[str, type[HTTPConnectionPool]] = {"http": HTTPPool, "https": HTTPSPool}
"""For `pool_classes_by_scheme` of a PoolManager."""
