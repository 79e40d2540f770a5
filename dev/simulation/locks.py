"""Locks, thread pools and futures for tasks: who must wait gives way, and nothing blocks the one
thread there is.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextvars import copy_context
from functools import partial
from types import FrameType, TracebackType
from typing import Any, NamedTuple, Self

from dev.simulation.scheduler import Killed, Scheduler, Task

OWN = ("dev.simulation", "contextlib", "functools", "shared.deadlines", "shared.locked_property")


class Waiters:
    """Tasks that wait for something, the first comer first."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.tasks: deque[Task] = deque()

    def wait(self, timeout: float | None = None) -> bool:
        """False if the time was up before anybody woke it."""
        task = self.scheduler.current
        if task is None:
            raise RuntimeError("a task waits outside of all tasks")
        self.tasks.append(task)
        if timeout is not None:
            self.scheduler.wake(task, self.scheduler.now + max(0.0, timeout))
        try:
            self.scheduler.park()
        finally:
            left = task in self.tasks
            if left:
                self.tasks.remove(task)
        return not left

    def wake(self, most: int | None = None) -> None:
        for _ in range(len(self.tasks) if most is None else min(most, len(self.tasks))):
            task = self.tasks.popleft()
            if not task.done:
                self.scheduler.wake(task)


class Lock:
    """threading.Lock, RLock and Semaphore. `reentrant`: its owner takes it again."""

    def __init__(self, scheduler: Scheduler, places: int = 1, reentrant: bool = False) -> None:
        self.scheduler, self.free, self.reentrant = scheduler, places, reentrant
        self.places = places
        self.waiters = Waiters(scheduler)
        self.owner: Task | None = None
        self.depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        current = self.scheduler.current
        if self.reentrant and self.depth and self.owner is current:
            self.depth += 1
            return True
        if not self.free and not (blocking and self.free_in(timeout)):
            return False
        self.free, self.owner, self.depth = self.free - 1, current, 1
        return True

    def free_in(self, timeout: float) -> bool:
        """Waits; where an instance stood still meanwhile, the wait says nothing of the product."""
        began, process = self.scheduler.now, getattr(self.scheduler.current, "process", None)
        holder = innermost(self.owner.green.gr_frame) if self.owner else ""
        while not self.free:
            if not self.waiters.wait(None if timeout < 0 else timeout):
                return False
        if self.places == 1 and not (process and process.frozen_until > began):
            self.scheduler.on_wait(self.scheduler.now - began, innermost(sys._getframe()), holder)
        return True

    def release(self) -> None:
        self.depth -= 1
        if self.reentrant and self.depth:
            return
        self.free, self.owner = self.free + 1, None
        self.waiters.wake(1)

    def locked(self) -> bool:
        return not self.free

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def innermost(frame: FrameType | None) -> str:
    """The product's own function that a task stands in."""
    while frame and frame.f_back and frame.f_globals["__name__"].startswith(OWN):
        frame = frame.f_back
    return f"{frame.f_globals['__name__']}.{frame.f_code.co_name}" if frame else ""


class Condition:
    """threading.Condition."""

    def __init__(self, scheduler: Scheduler, lock: Lock | None = None) -> None:
        self.lock = lock or Lock(scheduler, reentrant=True)
        self.waiters = Waiters(scheduler)

    def wait(self, timeout: float | None = None) -> bool:
        self.lock.release()
        try:
            return self.waiters.wait(timeout)
        finally:
            self.lock.acquire()

    def notify(self, n: int = 1) -> None:
        self.waiters.wake(n)

    def notify_all(self) -> None:
        self.waiters.wake()

    def __enter__(self) -> Self:
        self.lock.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.lock.release()


class Event:
    """threading.Event."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.waiters, self.flag = Waiters(scheduler), False

    def is_set(self) -> bool:
        return self.flag

    def set(self) -> None:
        self.flag = True
        self.waiters.wake()

    def clear(self) -> None:
        self.flag = False

    def wait(self, timeout: float | None = None) -> bool:
        return self.flag or self.waiters.wait(timeout)


class Future:
    """concurrent.futures.Future, as far as the product uses it."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.waiters = Waiters(scheduler)
        self.finished, self.value = False, None
        self.begun = self.cancelled = False
        self.error: Exception | None = None

    def settle(self, work: Callable[[], Any]) -> None:
        if self.cancelled:
            return
        self.begun = True
        try:
            self.value = work()
        except Exception as error:
            self.error = error
        self.finished = True
        self.waiters.wake()

    def cancel(self) -> bool:
        """Whether its work has not begun, and never will."""
        if not self.begun and not self.cancelled:
            self.cancelled, self.error, self.finished = True, CancelledError(), True
            self.waiters.wake()
        return self.cancelled

    def done(self) -> bool:
        return self.finished

    def exception(self) -> Exception | None:
        """Of one that is done."""
        return self.error

    def result(self, timeout: float | None = None) -> Any:
        while not self.finished:
            if not self.waiters.wait(timeout):
                raise TimeoutError
        if self.error:
            raise self.error
        return self.value


class DoneAndNotDone(NamedTuple):
    """What concurrent.futures.wait gives."""

    done: list[Future]
    not_done: list[Future]


def wait(
    scheduler: Scheduler, futures: Iterable[Future], timeout: float | None = None, **_: object
) -> DoneAndNotDone:
    """concurrent.futures.wait for all; in the order that was given, so that a run repeats
    itself.
    """
    listed = list(futures)
    ends_at = None if timeout is None else scheduler.now + timeout
    for future in listed:
        while not future.finished and (ends_at is None or scheduler.now < ends_at):
            future.waiters.wait(None if ends_at is None else ends_at - scheduler.now)
    return DoneAndNotDone(
        [one for one in listed if one.finished], [one for one in listed if not one.finished]
    )


class Pool:
    """shared.threads.ThreadPool: at most so many tasks at once, each in a copy of the caller's
    context.
    """

    def __init__(self, scheduler: Scheduler, most: int, name: str = "pool") -> None:
        self.scheduler, self.most, self.name = scheduler, most, name
        self.running = 0
        self.queued: deque[tuple[Callable[[], None], Any]] = deque()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future = Future(self.scheduler)
        work = partial(copy_context().run, partial(function, *args, **kwargs))
        current = self.scheduler.current
        if current is None:
            future.settle(work)
            return future
        self.queued.append((partial(future.settle, work), current.process))
        self.start()
        return future

    def start(self) -> None:
        while self.queued and self.running < self.most:
            work, process = self.queued.popleft()
            self.running += 1
            self.scheduler.spawn(self.name, process, partial(self.work, work))

    def work(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            self.running -= 1
        self.start()

    def map(
        self, function: Callable[..., Any], *iterables: Iterable[Any], **_: object
    ) -> Iterator[Any]:
        futures = [self.submit(function, *args) for args in zip(*iterables, strict=False)]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True, **_: object) -> None:
        """Nothing is left behind: what was submitted ends by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()


__all__ = ["Condition", "Event", "Future", "Killed", "Lock", "Pool", "wait"]
