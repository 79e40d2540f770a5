"""Who only looks makes nothing a version: documents are read as they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)


@contextmanager
def only_looking() -> Iterator[None]:
    """While it lasts, on this thread and those that it starts, a document without a version goes by
    the packaged one, and a person's document waits on.
    """
    before = _LOOKING.set(True)
    try:
        yield
    finally:
        _LOOKING.reset(before)


def is_looking() -> bool:
    return _LOOKING.get()
