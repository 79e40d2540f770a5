"""Everything that one seed decides: time, tasks, faults, and what both systems and the storage
hold.
"""

from collections.abc import Collection
from hashlib import blake2b

from dev.simulation.draws import Draws
from dev.simulation.faults import KINDS, Faults
from dev.simulation.scheduler import Process, Scheduler

SHORT, LONG = (0.003, 0.08), (0.5, 8.0)
LONG_SHARE = 0.03


class World:
    """`steps` counts I/Os; `trace` is a hash of all of them, equal for equal runs."""

    def __init__(
        self, seed: int, kinds: Collection[str] = KINDS, only: Collection[str] | None = None
    ) -> None:
        self.seed = seed
        self.scheduler = Scheduler()
        self.draws = Draws(seed)
        self.faults = Faults(self.draws, kinds, only)
        self.steps, self.late = 0, 0
        self.trace = blake2b(digest_size=16)
        self.lines: list[str] | None = None
        self.violations: list[str] = []

    @property
    def process(self) -> Process | None:
        """Of the task that runs now."""
        return self.scheduler.current.process if self.scheduler.current else None

    def time(self) -> float:
        """The clock of the process that asks."""
        process = self.process
        return self.scheduler.now + (process.skew_seconds if process else 0.0)

    def monotonic(self) -> float:
        return self.scheduler.now

    def sleep(self, seconds: float) -> None:
        self.scheduler.sleep(seconds)

    def step(self, name: str) -> None:
        """An I/O: the task gives way until its turn comes."""
        self.steps += 1
        self.note(name)
        drawn = self.draws.name(f"wait {name}")
        low, high = LONG if self.draws.share(f"long {drawn}") < LONG_SHARE else SHORT
        self.scheduler.sleep(self.draws.between(drawn, low, high))

    def note(self, name: str) -> None:
        """Adds a line to the trace."""
        task, process = self.scheduler.current, self.process
        who = f"{process.name if process else '-'} {task.name if task else '-'}"
        line = f"{self.scheduler.now:.6f} {who} {name}"
        self.trace.update(line.encode())
        if self.lines is not None:
            self.lines.append(line)

    def violated(self, rule: str, sentence: str) -> None:
        """Remembers once that a rule was broken."""
        if (found := f"{rule}: {sentence}") not in self.violations:
            self.violations.append(found)
