"""Tasks and virtual time.

Exactly one task runs; it gives way at an I/O, a sleep or a lock, never in between.
"""

import heapq
from collections.abc import Callable
from typing import Protocol

from greenlet import getcurrent, greenlet

START_SECONDS = 1_790_000_000.0
"""The simulated time of day at which a run begins, in seconds since 1970."""


class Killed(BaseException):
    """The process of the task has ended. No `except Exception` of the product catches it."""


class Stuck(Exception):
    """Nothing is left to do, and somebody waits for it."""


class Process(Protocol):
    """What a task belongs to.

    `skew_seconds`: how far its clock is ahead; `frozen_until`: simulated time.
    """

    name: str
    alive: bool
    skew_seconds: float
    frozen_until: float
    tasks: "dict[Task, None]"


class Task:
    """One thread of the product.

    `turn` counts its wake-ups, so that one that is out of date does nothing.
    """

    def __init__(
        self,
        scheduler: "Scheduler",
        name: str,
        process: Process | None,
        function: Callable[[], object],
    ) -> None:
        self.scheduler, self.name, self.process, self.function = scheduler, name, process, function
        self.turn, self.done = 0, False
        self.green = greenlet(self.run, scheduler.hub)
        if process:
            process.tasks[self] = None

    def run(self) -> None:
        try:
            self.function()
        except Killed:
            pass
        finally:
            self.done = True
            if self.process:
                self.process.tasks.pop(self, None)

    def kill(self) -> None:
        """Ends it where it stands; its `finally` blocks run, and any I/O in them ends too."""
        if self.done:
            return
        if self.green:
            self.green.throw(Killed)
        self.done = True


class Scheduler:
    """Events by their time. `now` is the simulated time in seconds since 1970."""

    def __init__(self) -> None:
        self.now = START_SECONDS
        self.hub = getcurrent()
        self.current: Task | None = None
        self.on_wait: Callable[[float, str, str], None] = lambda seconds, where, holder: None
        self.number = 0
        self.events: list[tuple[float, int, Task | None, int, Callable[[], object] | None]] = []

    def push(
        self, at: float, task: Task | None, turn: int, action: Callable[[], object] | None
    ) -> None:
        self.number += 1
        heapq.heappush(self.events, (max(at, self.now), self.number, task, turn, action))

    def at(self, moment: float, action: Callable[[], object]) -> None:
        """Does something outside of all tasks; it must not wait."""
        self.push(moment, None, 0, action)

    def spawn(
        self,
        name: str,
        process: Process | None,
        function: Callable[[], object],
        at: float | None = None,
    ) -> Task:
        task = Task(self, name, process, function)
        self.wake(task, self.now if at is None else at)
        return task

    def wake(self, task: Task, at: float | None = None) -> None:
        """The task goes on then; an earlier order is void."""
        task.turn += 1
        self.push(self.now if at is None else at, task, task.turn, None)

    def park(self) -> None:
        """The current task waits until somebody wakes it."""
        task = self.current
        if task is None:
            raise Stuck("Something waits outside of all tasks.")
        self.hub.switch()
        if task.process and not task.process.alive:
            raise Killed

    def sleep(self, seconds: float) -> None:
        """Outside of all tasks no time passes: what runs there prepares or looks."""
        task = self.current
        if task is None:
            return
        if task.process and not task.process.alive:
            raise Killed
        self.wake(task, self.now + max(0.0, seconds))
        self.park()

    def step(self) -> bool:
        """Lets the next event happen; False where there is none."""
        if not self.events:
            return False
        moment, _, task, turn, action = heapq.heappop(self.events)
        self.now = max(self.now, moment)
        if task is None and action is not None:
            action()
        elif task is not None and not task.done and task.turn == turn:
            self.resume(task, turn)
        return True

    def resume(self, task: Task, turn: int) -> None:
        process = task.process
        if process and process.frozen_until > self.now:
            self.push(process.frozen_until, task, turn, None)
            return
        self.current = task
        try:
            task.green.switch()
        finally:
            self.current = None

    def kill(self, process: Process) -> None:
        """Every task of the process ends where it stands."""
        process.alive = False
        for task in list(process.tasks):
            before, self.current = self.current, task
            task.kill()
            self.current = before
        process.tasks.clear()

    def run(self, until: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Until a moment, or until it is enough."""
        while self.events and self.events[0][0] <= until and not enough():
            self.step()
        self.now = max(self.now, until) if not enough() else self.now
