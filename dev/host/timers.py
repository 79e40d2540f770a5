"""Timer triggers: the instance that holds a timer's lock fires it, from start to stop; the others
wait for the lock.

After a kill the lock stands until its lease ends, and the others ask as seldom as that: a timer
pauses for up to twice the time. A run that takes longer than its interval is followed by one run at
once; occurrences between are skipped. A run by hand needs no lock and may overlap. Source: Azure
WebJobs SDK extensions, TimerListener and ScheduleMonitor, which were run.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from dev.host.function import Function
from dev.host.invocation import BY_HAND, Invoker
from dev.host.lease import ASK_SECONDS, LOCK_SECONDS, Lock
from dev.host.protocol import TypedData
from dev.host.schedule import Schedule
from dev.host.timer_state import NEVER, Status, TimerState
from dev.host.worker import FunctionFailed

LONGEST_SLEEP_SECONDS = 30

log = logging.getLogger("Host.Timers")


class TimerListener:
    """`lost` is called when the lock is lost in use: the host then stops."""

    def __init__(
        self,
        invoker: Invoker,
        function: Function,
        state: TimerState,
        stopping: asyncio.Event,
        lost: Callable[[], None],
        lock_seconds: int = LOCK_SECONDS,
        ask_seconds: float = ASK_SECONDS,
    ) -> None:
        self._invoker = invoker
        self._function = function
        self._state = state
        self._stopping = stopping
        self._lost, self._lock_seconds, self._ask_seconds = lost, lock_seconds, ask_seconds
        self._schedule = Schedule(function.trigger["schedule"])
        self._use_monitor = function.trigger.get("useMonitor") is not False
        self._monitored = self._use_monitor and not self._schedule.is_frequent
        self._status: Status | None = None

    async def run(self) -> None:
        """Fires until the host stops; a run under way is finished first."""
        while not self._stopping.is_set():
            try:
                lock = Lock(await self._state.lock_blob(), self._lock_seconds, self._lost)
                if await lock.take():
                    await self._hold(lock)
                else:
                    await self._pause(self._ask_seconds)
            except AzureError as error:
                self._state.look_for_container()
                log.warning(
                    "%s: the schedule status cannot be used: %s", self._function.name, error
                )
                await self._pause(1)

    async def run_by_hand(self) -> None:
        """One run outside the schedule, beside one that may be under way."""
        await self._fire(BY_HAND, False, None)

    async def _hold(self, lock: Lock) -> None:
        try:
            await self._begin(datetime.now(UTC))
            while not self._stopping.is_set():
                await self._next()
        finally:
            await lock.release()

    async def _begin(self, now: datetime) -> None:
        """What was missed while nobody held the lock is made up for once, and only then is a run
        past due.
        """
        past_due = False
        if self._monitored:
            status = self._reviewed(await self._state.load(), now)
            await self._state.save(status)
            past_due = now > status.next
            self._status = status
        else:
            self._status = Status.after(now, self._schedule)
        if past_due or self._function.trigger.get("runOnStartup"):
            await self._run(
                "Timer fired at startup" if not past_due else "Timer is past due", past_due
            )

    def _reviewed(self, status: Status | None, now: datetime) -> Status:
        """A changed schedule never fires for the past."""
        if status is None:
            return Status.after(now, self._schedule)
        since = status.last_updated if status.last == NEVER else status.last
        due = self._schedule.next(since)
        if due == status.next:
            return status
        return Status.after(now, self._schedule) if now > due else Status(NEVER, due, since)

    async def _next(self) -> None:
        assert self._status
        wait = (self._status.next - datetime.now(UTC)).total_seconds()
        if wait > 0:
            await self._pause(min(wait, LONGEST_SLEEP_SECONDS))
        else:
            await self._run(f"Timer fired at {datetime.now(UTC).isoformat()}", False)

    async def _run(self, reason: str, past_due: bool) -> None:
        """The next occurrence is reckoned from the start of this run: one that passes meanwhile
        follows at once.
        """
        began = datetime.now(UTC)
        assert self._status
        await self._fire(reason, past_due, self._status)
        self._status = Status.after(
            max(began, self._status.next), self._schedule, last=max(began, self._status.next)
        )
        if self._monitored:
            await self._state.save(self._status)

    async def _fire(self, reason: str, past_due: bool, status: Status | None) -> None:
        """One run with its retries, which end when the host stops."""
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.as_json() if status and self._use_monitor else None,
            "IsPastDue": past_due,
        }
        with contextlib.suppress(FunctionFailed):  # the invoker has logged it
            data = TypedData(json=json.dumps(info))
            await self._invoker.invoke_with_retries(
                self._function, reason, data, None, self._stopping
            )

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
