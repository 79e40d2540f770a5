"""Counts the calls that a piece of work makes to other systems, also when it fails: what it cost is
known either way.

Whoever makes a call says so with `called`; whoever wants to know wraps the work in `counting`. The
count is the context's own, so it is exact where many threads work side by side (shared/threads.py).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CALLS: ContextVar[Counter[str] | None] = ContextVar("calls", default=None)


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """The calls made in the block, by name. A block around it does not count them."""
    calls = Counter[str]()
    token = _CALLS.set(calls)
    try:
        yield calls
    finally:
        _CALLS.reset(token)


def called(name: str) -> None:
    """Counts one call, such as "PATCH", before it is made. Nothing where nobody counts."""
    if (calls := _CALLS.get()) is not None:
        calls[name] += 1
