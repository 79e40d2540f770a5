"""A circuit breaker for each system: who does not answer is left alone, but for a probe.

    closed  calls go through; FAILURES in a row, of any callers, open it
    open    calls are answered at once with the time left; then one call goes through as a probe
            its answer closes the circuit, its failure opens it for twice as long

Throttling opens nothing. Source: Microsoft Learn, "Circuit Breaker pattern".
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared import telemetry
from shared.errors import Cause, Retryable

FAILURES = 5
FIRST_SECONDS, LONGEST_SECONDS = 2.0, 60.0
URGENT_SHARE = 0.5
"""Of the time that a circuit is open: then urgent calls may probe, before all others."""

PROBE_SECONDS = 150.0
"""A probe that has not ended by then counts as failed; no call lasts as long."""


class CircuitOpen(Retryable):
    """The system was not asked: it has not answered lately."""


@dataclass(slots=True)
class Ticket:
    """A call that was let through."""

    is_probe: bool
    urgent: bool


class CircuitBreaker:
    """One for all callers of a system in this process."""

    def __init__(self, system: str, now: Callable[[], float] = time.monotonic) -> None:
        self.system, self.now = system, now
        self.lock = threading.Lock()
        self.failures = 0
        self.open_seconds = 0.0  # 0: closed
        self.opened_at = 0.0
        self.probed_at: dict[bool, float] = {}  # by urgency: when a probe began that has not ended

    def admit(self, urgent: bool = False) -> Ticket:
        """Lets a call through, or raises CircuitOpen with the time left."""
        with self.lock:
            if not self.open_seconds:
                return Ticket(False, urgent)
            if (left := self.left(urgent)) > 0:
                raise self.refusal(left)
            self.probed_at[urgent] = self.now()
            return Ticket(True, urgent)

    def left(self, urgent: bool) -> float:
        """Seconds until a probe of this urgency may go through."""
        now, share = self.now(), URGENT_SHARE if urgent else 1.0
        left = self.opened_at + self.open_seconds * share - now
        probed_at = self.probed_at.get(urgent)
        if left <= 0 and probed_at is not None and now < probed_at + PROBE_SECONDS:
            return FIRST_SECONDS
        return left

    def refusal(self, seconds: float) -> CircuitOpen:
        sentence = f"{self.system} does not answer, so it is not asked now; it is tried again soon."
        return CircuitOpen(sentence, retry_after_seconds=seconds, cause=Cause.PAUSE)

    def answered(self, ticket: Ticket) -> None:
        """Any answer closes the circuit, also of a call that began before it opened."""
        with self.lock:
            was_open, self.open_seconds, self.failures = bool(self.open_seconds), 0.0, 0
            self.probed_at.clear()
        if was_open:
            telemetry.noted(flow="", event="circuit_closed", reason=f"{self.system} answers again.")

    def failed(self, ticket: Ticket) -> None:
        """No answer, or one of a gateway."""
        with self.lock:
            opened = self.count(ticket)
        if opened:
            reason = f"{self.system} does not answer."
            telemetry.noted(flow="", event="circuit_opened", count=int(opened), reason=reason)

    def count(self, ticket: Ticket) -> float:
        """For how long the circuit opens by this failure; 0: it does not."""
        if self.open_seconds and not ticket.is_probe:
            return 0.0
        self.failures += 1
        if self.failures < FAILURES and not ticket.is_probe:
            return 0.0
        self.probed_at.pop(ticket.urgent, None)
        self.opened_at = self.now()
        self.open_seconds = min(max(FIRST_SECONDS, self.open_seconds * 2), LONGEST_SECONDS)
        return self.open_seconds

    def left_open(self, ticket: Ticket) -> None:
        """The call ended without a word about the system, such as at the end of a run."""
        with self.lock:
            self.probed_at.pop(ticket.urgent, None)
