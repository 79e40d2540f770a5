"""Counts the calls that a piece of work makes to other systems, also when it fails: what it cost is
known either way. Remembers too whether a write was left without an answer.

Whoever makes a call says so with `called`; whoever wants to know wraps the work in `counting`. The
tally is the context's own, so it is exact where many threads work side by side (shared/threads.py).
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Calls(Counter[str]):
    """How many calls were made, by name.

    `unanswered`: a write had no answer, or none that was recognised. The system may still carry it
    out, also where a repetition of it has succeeded.
    `done`: writes that the system has confirmed.
    """

    unanswered = False
    done = 0


_CALLS: ContextVar[Calls | None] = ContextVar("calls", default=None)


@contextmanager
def counting() -> Iterator[Calls]:
    """The calls made in the block, by name. A block around it does not count them."""
    calls = Calls()
    token = _CALLS.set(calls)
    try:
        yield calls
    finally:
        _CALLS.reset(token)


def called(name: str) -> None:
    """Counts one call, such as "PATCH", before it is made. Nothing where nobody counts."""
    if (calls := _CALLS.get()) is not None:
        calls[name] += 1


def unanswered() -> None:
    """Notes that a write may still be carried out: it had no answer, or none that is known."""
    if (calls := _CALLS.get()) is not None:
        calls.unanswered = True


def done() -> None:
    """Notes that the system has confirmed a write."""
    if (calls := _CALLS.get()) is not None:
        calls.done += 1
