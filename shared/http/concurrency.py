"""How many calls go to a system at once."""

import threading
import time
from collections.abc import Callable
from math import inf

from shared.deadlines import seconds_left

URGENT_SECONDS = 2.0


class AdaptiveConcurrency:
    """Finds how many calls a system bears at once: doubles until it first throttles, then adds one
    a round and takes away 30 %.

    The additive increase and multiplicative decrease of TCP's congestion control (RFC 5681), with
    calls for segments. A Retry-After holds every caller of this instance back, not only the one
    that got it. The urgent come first, and while some were under way in the last URGENT_SECONDS the
    others take half of the places at most.
    """

    def __init__(
        self, maximum: int, initial: int = 4, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.limit, self.maximum, self.now = float(min(initial, maximum)), maximum, now
        self.in_flight, self.throttled_times = 0, 0
        self.starting, self.held_until, self.decreased_at = True, 0.0, 0.0
        self.lock = threading.Lock()
        self.urgent_waiting = 0
        self.ordinary = 0
        self.urgent_at = -URGENT_SECONDS
        self.turn, self.urgent_turn = threading.Condition(self.lock), threading.Condition(self.lock)

    def acquire(self, urgent: bool = False) -> bool:
        """Waits for a turn; False if the invocation's time ends first."""
        with self.lock:
            self.urgent_waiting += urgent
            turn, left = self.urgent_turn if urgent else self.turn, inf
            while (wait := self.held_until - self.now()) > 0 or not self.free(urgent):
                if (left := seconds_left()) <= 0:
                    break
                turn.wait(timeout=min(left, wait if wait > 0 else URGENT_SECONDS))
            self.urgent_waiting -= urgent
            if left <= 0:
                return False
            self.in_flight, self.ordinary = self.in_flight + 1, self.ordinary + (not urgent)
            self.urgent_at = self.now() if urgent else self.urgent_at
            return True

    def free(self, urgent: bool) -> bool:
        if self.in_flight >= int(self.limit) or (self.urgent_waiting and not urgent):
            return False
        return (
            urgent
            or self.ordinary < max(1, self.maximum // 2)
            or self.now() - self.urgent_at > URGENT_SECONDS
        )

    def release(
        self, throttled: bool, retry_after_seconds: float | None = None, urgent: bool = False
    ) -> None:
        with self.lock:
            self.ordinary -= not urgent
            if throttled:
                self.decrease(retry_after_seconds or 0.0)
            elif self.in_flight >= int(self.limit):
                self.limit = min(
                    self.maximum, self.limit + (1.0 if self.starting else 1.0 / self.limit)
                )
            self.in_flight -= 1
            if throttled:
                self.turn.notify_all()
                self.urgent_turn.notify_all()
            else:
                (self.urgent_turn if self.urgent_waiting else self.turn).notify()

    def decrease(self, hold_seconds: float) -> None:
        """Once for all calls of a round: those that were under way when the first was refused say
        nothing new.
        """
        self.throttled_times += 1
        self.starting = False
        self.held_until = max(self.held_until, self.now() + min(hold_seconds, 60.0))
        if self.now() - self.decreased_at > 0.5:
            self.limit, self.decreased_at = max(1.0, self.limit * 0.7), self.now()
