"""A property that is built at first use."""

import threading
from collections.abc import Callable
from typing import Any, overload

from shared.deadlines import held, seconds_to_end


class locked_cached_property[Value]:  # noqa: N801  # as functools.cached_property
    """Built at first use and kept; two threads that come at the same time get the same value.

    Each property has a lock of its own: one that asks a slow system holds up no other. A property
    may use others, never in a circle.
    """

    def __init__(self, build: Callable[[Any], Value]) -> None:
        self.build, self.name = build, build.__name__

    @overload
    def __get__(self, owner: None, kind: type) -> "locked_cached_property[Value]": ...
    @overload
    def __get__(self, owner: object, kind: type) -> Value: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        if owner is None:
            return self
        lock = owner.__dict__.setdefault(f"lock of {self.name}", threading.RLock())
        with held(lock, seconds_to_end):
            if self.name not in owner.__dict__:
                owner.__dict__[self.name] = self.build(owner)
            return owner.__dict__[self.name]
