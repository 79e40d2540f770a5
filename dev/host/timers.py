"""Timer triggers: one schedule for all instances, and never two runs of one timer at once.

Every instance waits for the shared `Next`. When it comes, whoever gets the timer's lease runs the function and writes the
following `Next`; the others read that and wait on. An instance that dies in a run leaves `Next` as it was, so another runs
the occurrence again when the lease has expired. Occurrences that pass during a run are skipped, as in Azure
(Microsoft Learn: Timer trigger for Azure Functions).
"""

import asyncio
import contextlib
import itertools
import json
import logging
from datetime import UTC, datetime, timedelta

from azure.core.exceptions import AzureError
from azure.storage.blob.aio import BlobLeaseClient

from dev.host.function import Function
from dev.host.invocation import BY_HAND, Invoker
from dev.host.lease import LEASE_SECONDS
from dev.host.protocol import TypedData
from dev.host.schedule import Schedule
from dev.host.timer_state import Status, TimerState
from dev.host.worker import FunctionFailed

MONITORED_FROM = timedelta(minutes=1)
"""Shorter intervals are not monitored: what was missed while no instance ran is not made up for."""
LATE = timedelta(seconds=1)
TURN_POLL_SECONDS = 0.5
LONGEST_SLEEP_SECONDS = 30

log = logging.getLogger("Host.Timers")


class TimerListener:
    def __init__(self, invoker: Invoker, function: Function, state: TimerState, stopping: asyncio.Event) -> None:
        self._invoker, self._function, self._state, self._stopping = invoker, function, state, stopping
        self._schedule = Schedule(function.trigger["schedule"])
        self._use_monitor = function.trigger.get("useMonitor") is not False
        self._monitored = self._use_monitor and self._interval() >= MONITORED_FROM
        self._run_at_start = bool(function.trigger.get("runOnStartup"))
        self._started = False

    def _interval(self) -> timedelta:
        first = self._schedule.next(datetime.now(UTC))
        return self._schedule.next(first) - first

    async def run(self) -> None:
        """Fires until the host stops; a run under way is finished first."""
        while not self._stopping.is_set():
            try:
                await self._step()
            except AzureError as error:
                log.warning("%s: the schedule status cannot be used: %s", self._function.name, error)
                self._started = False  # should it be gone, it is made anew
                await self._pause(1)

    async def run_by_hand(self) -> None:
        """One run outside the schedule, after the run that may be under way."""
        await self._state.open()
        while not self._stopping.is_set():
            async with self._state.turn() as lease:
                if lease:
                    await self._fire(BY_HAND, False, None)
                    return
            await self._pause(TURN_POLL_SECONDS)

    async def _step(self) -> None:
        if not self._started:
            await self._state.open()
            self._started = await self._start()
            return
        status = await self._state.load()
        wait = (status.next - datetime.now(UTC)).total_seconds() if status else 0
        if wait > 0:
            await self._pause(min(wait, LONGEST_SLEEP_SECONDS))
        elif not await self._take_turn():
            await self._pause(TURN_POLL_SECONDS)

    async def _start(self) -> bool:
        """Brings the status in line with the schedule, and fires if asked to at start; False when it is not our turn."""
        async with self._state.turn() as lease:
            if lease:
                status = self._reviewed(await self._state.load(), datetime.now(UTC))
                await self._state.save(status, lease)
                if self._run_at_start:
                    self._run_at_start = False
                    await self._fire("Timer fired at startup", self._is_past_due(status), status)
                    await self._state.save(Status.after(datetime.now(UTC), self._schedule, status.last), lease)
                return True
        await self._pause(TURN_POLL_SECONDS)
        return False

    def _reviewed(self, status: Status | None, now: datetime) -> Status:
        if status is None:
            return Status.after(now, self._schedule)
        due = self._schedule.next(status.last_updated)  # differs from status.next if the schedule was changed
        if not self._monitored and now - due > timedelta(seconds=LEASE_SECONDS):
            return Status.after(now, self._schedule, status.last)
        return Status(status.last, due, status.last_updated)

    async def _take_turn(self) -> bool:
        """Runs the function if it is still due; False when another run is under way."""
        async with self._state.turn() as lease:
            if lease is None:
                return False
            status = await self._state.load() or Status.after(datetime.now(UTC), self._schedule)
            if status.next <= datetime.now(UTC):
                await self._run_occurrence(status, lease)
            else:
                await self._state.save(status, lease)
            return True

    async def _run_occurrence(self, status: Status, lease: BlobLeaseClient) -> None:
        reason = f"Timer fired at {datetime.now(UTC).isoformat()}"
        if await self._fire(reason, self._is_past_due(status), status):
            done = Status.after(max(status.next, datetime.now(UTC)), self._schedule, last=status.next)
            await self._state.save(done, lease)

    def _is_past_due(self, status: Status) -> bool:
        return self._monitored and datetime.now(UTC) - status.next > LATE

    async def _fire(self, reason: str, past_due: bool, status: Status | None) -> bool:
        """One run with its retries; False when the host stopped between two attempts."""
        info = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": status.as_json() if status and self._use_monitor else None,
            "IsPastDue": past_due,
        }
        data = TypedData(json=json.dumps(info))
        most = self._function.retry.max_retry_count if self._function.retry else 0
        for attempt in itertools.count():
            with contextlib.suppress(FunctionFailed):  # the invoker has logged it
                await self._invoker.invoke(self._function, reason, data, retry=(attempt, most))
                return True
            if attempt == most:
                return True
            await self._pause(self._function.retry_delay_seconds(attempt))
            if self._stopping.is_set():
                return False
        raise AssertionError("unreachable")

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
