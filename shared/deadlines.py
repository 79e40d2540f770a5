"""The one budget of an invocation: whatever it does ends before the host would end it.

Azure's host kills the worker process at `functionTimeout`, with every other run in it. A run has
two limits:

    deadline  no call to another system begins after it; one that has begun then ends by its own
              limit
    end       no call to the storage account begins after it, and none lasts longer

Between the two a run writes down what calls that had begun have done. Threads see the limits of
whoever started them (shared/threads.py).

Source: Microsoft Learn, "host.json reference", functionTimeout.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from typing import Protocol

from shared.errors import Cause, Retryable

RUN_SECONDS = 450.0
"""Of the 600 that `host.json` gives; what has begun may take another 120, the longest limit of a
call.
"""

RUN_END_SECONDS = 590.0
"""What had begun at the deadline has 20 seconds to be written down, and the host 10 to hear of it.
"""

ANSWER_SECONDS = 110.0
"""Of the 230 after which Azure's front end answers in our place; what has begun may take another
110.
"""

ANSWER_END_SECONDS = 225.0

ENDS = {RUN_SECONDS: RUN_END_SECONDS, ANSWER_SECONDS: ANSWER_END_SECONDS}
"""The end that belongs to each deadline."""

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=inf)
_END: ContextVar[float] = ContextVar("end", default=inf)
_CLAIM: ContextVar[Callable[[], float] | None] = ContextVar("claim", default=None)


@contextmanager
def within(
    seconds: float, now: Callable[[], float] = time.monotonic, end_seconds: float = inf
) -> Iterator[None]:
    """What runs in the block has so many seconds, and no more than a block around it has left."""
    deadline = _DEADLINE.set(min(_DEADLINE.get(), now() + seconds))
    end = _END.set(min(_END.get(), now() + end_seconds))
    try:
        yield
    finally:
        _END.reset(end)
        _DEADLINE.reset(deadline)


@contextmanager
def while_held(left: Callable[[], float]) -> Iterator[None]:
    """No call to another system begins in the block after the claim's end.

    `left`: how many seconds that is away now. It changes when the claim is renewed or lost.
    """
    token = _CLAIM.set(left)
    try:
        yield
    finally:
        _CLAIM.reset(token)


def seconds_left(now: Callable[[], float] = time.monotonic) -> float:
    """Until the deadline, or the end of the claim that the work is done under.

    Below 0 after it, without end outside of an invocation.
    """
    until_deadline, claim = _DEADLINE.get() - now(), _CLAIM.get()
    return until_deadline if claim is None else min(until_deadline, claim())


def seconds_to_end(now: Callable[[], float] = time.monotonic) -> float:
    """Until the end: what the storage account is asked by.

    Below 0 after it, without end outside of an invocation.
    """
    return _END.get() - now()


class Lock(Protocol):
    """A lock of the standard library."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...


@contextmanager
def held(lock: Lock, left: Callable[[], float] = seconds_left) -> Iterator[None]:
    """Holds a lock under which another thread may ask a system.

    Retryable where it is not free in time.
    """
    seconds = left()
    if not lock.acquire(timeout=-1 if seconds == inf else max(0.0, seconds)):
        raise Retryable(
            "The run's time was up while another one asked for the same; it is done by a later"
            " one.",
            cause=Cause.PAUSE,
        )
    try:
        yield
    finally:
        lock.release()
