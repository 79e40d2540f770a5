"""Service protection limits: 429 for a caller that asks too much of one server within five minutes.

Off until switched on by `POST /_emulator/limits`

    {"requests": 6000, "execution_ms": 1200000, "concurrency": 52, "window_seconds": 300,
    "lengthen_seconds": 0}

where each member may be left out; `{}` switches off. `lengthen_seconds` is added to the wait for
each request that comes too early. Source: Microsoft Learn, "Service protection API limits".
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from dev.emulators.control import Clock
from dev.emulators.dataverse.problems import ApiError

KNOWN = {"requests", "execution_ms", "concurrency", "window_seconds", "lengthen_seconds"}


@dataclass
class Usage:
    """One caller's requests of the window: (time, milliseconds), and how many are under way."""

    spent: deque[tuple[float, float]] = field(default_factory=deque)
    running: int = 0
    blocked_until: float = 0.0

    def forget_before(self, moment: float) -> None:
        while self.spent and self.spent[0][0] <= moment:
            self.spent.popleft()


class Limits:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.settings: dict[str, float] = {}
        self.users: dict[str, Usage] = {}

    def configure(self, order: dict[str, Any]) -> None:
        """ValueError for a setting that does not exist."""
        if unknown := order.keys() - KNOWN:
            raise ValueError(f"no such limit: {', '.join(sorted(unknown))}")
        self.settings, self.users = {name: float(value) for name, value in order.items()}, {}

    @property
    def on(self) -> bool:
        return bool(self.settings)

    @property
    def window_seconds(self) -> float:
        return self.settings.get("window_seconds", 300.0)

    def usage(self, caller: str) -> Usage:
        return self.users.setdefault(caller, Usage())

    def enter(self, caller: str) -> None:
        """Counts a request in; ApiError 429 if it is one too many.

        Coming back too early can lengthen the wait.
        """
        usage, now = self.usage(caller), self.clock.time()
        usage.forget_before(now - self.window_seconds)
        if now < usage.blocked_until:
            usage.blocked_until += self.settings.get("lengthen_seconds", 0.0)
        if refusal := self.exceeded(usage):
            oldest = usage.spent[0][0] if usage.spent else now
            usage.blocked_until = max(usage.blocked_until, oldest + self.window_seconds)
            wait = 1 if "concurrent" in refusal[1] else max(1, math.ceil(usage.blocked_until - now))
            raise ApiError(429, *refusal, headers={"Retry-After": str(wait)})
        usage.running += 1

    def exceeded(self, usage: Usage) -> tuple[str, str] | None:
        """Code and message of the first limit that is reached."""
        settings, seconds = self.settings, int(self.window_seconds)
        if len(usage.spent) + usage.running >= settings.get("requests", math.inf):
            limit = int(settings["requests"])
            return (
                "0x80072322",
                (
                    f"Number of requests exceeded the limit of {limit} over time window of"
                    f" {seconds} seconds."
                ),
            )
        if sum(ms for _, ms in usage.spent) >= settings.get("execution_ms", math.inf):
            limit = int(settings["execution_ms"])
            return (
                "0x80072321",
                (
                    f"Combined execution time of incoming requests exceeded limit of {limit:,}"
                    f" milliseconds over time window of {seconds} seconds. Decrease number of"
                    " concurrent requests or reduce the duration of requests and try again later."
                ),
            )
        if usage.running >= settings.get("concurrency", math.inf):
            return (
                "0x80072326",
                (
                    "Number of concurrent requests exceeded the limit of"
                    f" {int(settings['concurrency'])}."
                ),
            )
        return None

    def leave(self, caller: str, milliseconds: float) -> None:
        usage = self.usage(caller)
        usage.running = max(0, usage.running - 1)
        usage.spent.append((self.clock.time(), milliseconds))

    def headers(self, caller: str) -> dict[str, str]:
        """What is left, as the platform tells it."""
        usage = self.usage(caller)
        requests = self.settings.get("requests", 6000) - len(usage.spent) - usage.running
        seconds = (
            self.settings.get("execution_ms", 1_200_000) - sum(ms for _, ms in usage.spent)
        ) / 1000
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(max(0, int(requests))),
            "x-ms-ratelimit-time-remaining-xrm-requests": f"{max(0.0, seconds):,.2f}",
        }
