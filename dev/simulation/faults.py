"""The kinds of faults, and which of them happens at an I/O.

Each seed plays some of the kinds, more or less often.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from dev.simulation.draws import Draws

REQUEST_FAULTS = {
    "unreachable": "no connection: the request was not sent",
    "no_answer": "the connection breaks before the work",
    "no_answer_done": "the connection breaks after the work",
    "late": "no answer in time, and the request is carried out up to ten minutes later",
    "throttled": "429 without Retry-After",
    "throttled_for": "429 with Retry-After",
    "unavailable": "503",
    "gateway": "502 or 504, the work undone",
    "gateway_done": "502 or 504, the work done",
    "server_error": "500 with an ordinary text, or with one that misleads",
    "slow": "an answer after most of the time that is waited for",
}
STORAGE_FAULTS = {
    "storage_busy": "503, the work undone",
    "storage_error_done": "500, the work done",
    "storage_no_answer": "the connection breaks before the work",
    "storage_no_answer_done": "the connection breaks after the work",
}
HOST_FAULTS = {
    "storage_outage": "the tables, or the queues, answer 503 for up to five minutes",
    "campaign_throttles": "Campaign answers everything with 429 for up to ten minutes",
    "worker_killed": (
        "a worker process ends with all its runs: messages are back after 10 s, claims stand"
    ),
    "instance_killed": "an instance ends: its messages are back after ten minutes",
    "frozen": "an instance stands still for up to five minutes, past any lease",
    "timer_twice": "two runs of one timer side by side",
    "message_twice": "a message was carried out, and comes again",
    "reordered": "messages overtake each other",
    "empty_page": "a page without rows, with a continuation token",
    "clock_skew": "an instance's clock is up to five seconds off",
}
KINDS = (*REQUEST_FAULTS, *STORAGE_FAULTS, *HOST_FAULTS)
RATES = (0.005, 0.02, 0.05, 0.1)


class Faults:
    """`only`: nothing else happens, for the shortest schedule; None for whatever is drawn."""

    def __init__(
        self, draws: Draws, kinds: Collection[str] = KINDS, only: Collection[str] | None = None
    ) -> None:
        self.draws, self.only, self.on = draws, None if only is None else frozenset(only), True
        self.kinds = frozenset(kind for kind in kinds if draws.share(f"play {kind}") < 0.6)
        self.rate = draws.of("rate of faults", RATES)
        self.happened: list[str] = []
        self.counts: Counter[str] = Counter()

    def at(self, name: str, kinds: Sequence[str], rate: float | None = None) -> str:
        """The kind of fault that happens here, "" for none."""
        if not self.on:
            return ""
        name = self.draws.name(name)
        if self.draws.share(f"fault at {name}") >= (self.rate if rate is None else rate):
            return ""
        kind = self.draws.of(f"kind at {name}", kinds)
        return kind if kind in self.kinds and self.happens(f"{kind}: {name}", kind) else ""

    def happens(self, label: str, kind: str) -> bool:
        """Whether it does; what happens is remembered by its label."""
        if self.only is not None and label not in self.only:
            return False
        self.happened.append(label)
        self.counts[kind] += 1
        return True
