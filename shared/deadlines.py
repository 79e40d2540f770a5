"""The one budget of an invocation: whatever it does ends before the host would end it.

Azure's host kills the worker process at `functionTimeout`, with every other run in it. So no call to another system begins
after RUN_SECONDS, and one that has begun then ends by its own limit. Threads see the deadline of whoever started them
(shared/threads.py). Source: Microsoft Learn, "host.json reference", functionTimeout.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

RUN_SECONDS = 450.0
"""Of the 600 that `host.json` gives: what has begun may take another 120, the longest limit that a setting allows."""

ANSWER_SECONDS = 110.0
"""Of the 230 after which Azure's front end answers in our place; what has begun may take another 120."""

_DEADLINE: ContextVar[float] = ContextVar("deadline", default=inf)


@contextmanager
def within(seconds: float, now: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """What runs in the block has so many seconds, and no more than a block around it has left."""
    token = _DEADLINE.set(min(_DEADLINE.get(), now() + seconds))
    try:
        yield
    finally:
        _DEADLINE.reset(token)


def seconds_left(now: Callable[[], float] = time.monotonic) -> float:
    """Until the deadline; below 0 after it, without end outside of an invocation."""
    return _DEADLINE.get() - now()
