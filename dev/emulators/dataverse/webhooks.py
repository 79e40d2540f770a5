"""Delivery of webhooks: a job for each event and step, sent in the background, in no promised
order.

A 2xx ends a job; 502, 503 and 504 earn one more attempt; anything else fails it, and a failed job
stays as an asyncoperation.
Source: Microsoft Learn, "Use webhooks to create external handlers for server events", "Asynchronous
processing of webhooks".
"""

import asyncio
import ssl
import uuid
from dataclasses import dataclass

import aiohttp

from dev.emulators.control import Clock
from dev.emulators.dataverse.events import Event
from dev.emulators.dataverse.execution_context import context_of, serialized
from dev.emulators.dataverse.steps import Step, Steps
from dev.emulators.dataverse.store import Store

TIME_LIMIT_SECONDS = 60
REPEATED = {502, 503, 504}
CONCURRENCY = 16
SUCCEEDED, FAILED, COMPLETED = 30, 31, 3
SYSTEM_EVENT = 1
NOT_SUCCESSFUL, TIMED_OUT, POST_FAILED = 0x80050201, 0x80050202, 0x80050205


@dataclass(frozen=True)
class Job:
    event: Event
    step: Step


@dataclass(frozen=True)
class Outcome:
    """How a job ended; `error` is 0 or one of the platform's codes."""

    error: int = 0
    message: str = ""
    attempts: int = 1


class Webhooks:
    """The sink of events. `start` and `stop` belong to the event loop that serves the API."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self.store, self.clock, self.tls, self.limit_seconds = store, clock, tls, limit_seconds
        self.host = "localhost"
        self.steps = Steps(store)
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.pending = self.delivered = self.failed = self.attempts = 0
        self._workers: list[asyncio.Task[None]] = []
        self._generation = 0

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=self.limit_seconds)
        connector = aiohttp.TCPConnector(ssl=self.tls or True, limit=CONCURRENCY)
        self.session = aiohttp.ClientSession(
            timeout=timeout, connector=connector, auto_decompress=False, trust_env=False
        )
        self._workers = [asyncio.create_task(self._work()) for _ in range(CONCURRENCY)]

    async def stop(self) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self.session.close()

    def reset(self) -> None:
        """Forgets waiting jobs; those under way no longer count."""
        self._generation += 1
        while not self.jobs.empty():
            self.jobs.get_nowait()
        self.pending = self.delivered = self.failed = self.attempts = 0
        self.steps.reload()

    def listens(self, message: str, table: str) -> bool:
        return self.steps.listening(message, table)

    def publish(self, event: Event) -> None:
        for step in self.steps.concerned(event):
            self.pending += 1
            self.jobs.put_nowait(Job(event, step))

    def counts(self) -> dict[str, int]:
        return {
            "delivered": self.delivered,
            "failed": self.failed,
            "pending": self.pending,
            "attempts": self.attempts,
        }

    async def _work(self) -> None:
        while True:
            job = await self.jobs.get()
            generation = self._generation
            outcome = await self.deliver(job)
            if generation == self._generation:
                self.settle(job, outcome)

    async def deliver(self, job: Job) -> Outcome:
        organization = str(self.store.fact("organization_name", ""))
        body, cut = serialized(context_of(job.event, job.step, organization))
        headers = {
            "Content-Type": "application/json",
            "x-ms-dynamics-organization": self.host,
            "x-ms-dynamics-entity-name": job.event.table.logical,
            "x-ms-dynamics-request-name": job.event.message,
            "x-ms-correlation-request-id": job.event.request_id,
            **({"x-ms-dynamics-msg-size-exceeded": "true"} if cut else {}),
            **job.step.headers,
        }
        first = await self.post(job.step, body, headers)
        if not isinstance(first, int) or first not in REPEATED:
            return outcome_of(first, 1)
        return outcome_of(await self.post(job.step, body, headers), 2)

    async def post(self, step: Step, body: bytes, headers: dict[str, str]) -> int | Outcome:
        """The status that the endpoint answered, or what kept it from answering."""
        self.attempts += 1
        try:
            async with self.session.post(
                step.url, data=body, headers=headers, params=step.parameters, allow_redirects=False
            ) as answer:
                return answer.status
        except TimeoutError:
            return Outcome(
                TIMED_OUT, f"The webhook call timed out after {self.limit_seconds:g} seconds."
            )
        except (aiohttp.ClientError, ValueError) as error:
            return Outcome(POST_FAILED, f"The webhook post failed: {type(error).__name__}")

    def settle(self, job: Job, outcome: Outcome) -> None:
        self.pending -= 1
        if outcome.error:
            self.failed += 1
        else:
            self.delivered += 1
        if outcome.error or not job.step.auto_delete:
            self.record(job, outcome)

    def record(self, job: Job, outcome: Outcome) -> None:
        """The System Job that remains: every failed one, successful ones unless the step deletes
        them.
        """
        now = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        event = job.event
        row = {
            "asyncoperationid": str(uuid.uuid4()),
            "name": job.step.name,
            "operationtype": SYSTEM_EVENT,
            "messagename": event.message,
            "primaryentitytype": event.table.logical,
            "errorcode": signed(outcome.error) if outcome.error else None,
            "message": outcome.message or None,
            "friendlymessage": outcome.message or None,
            "retrycount": outcome.attempts - 1,
            "requestid": event.request_id,
            "correlationid": event.request_id,
            "createdon": now,
            "modifiedon": now,
            "startedon": now,
            "completedon": now,
            "owningextensionid": job.step.step_id,
            "statecode": COMPLETED,
            "statuscode": FAILED if outcome.error else SUCCEEDED,
        }
        if event.table.logical in {"contact", "account"}:
            row |= {
                "regardingobjectid": event.row_id,
                "regardingobjectid__type": event.table.logical,
            }
        with self.store.transaction():
            self.store.insert("asyncoperation", "asyncoperationid", row)


def outcome_of(answer: int | Outcome, attempts: int) -> Outcome:
    if isinstance(answer, Outcome):
        return Outcome(answer.error, answer.message, attempts)
    if 200 <= answer < 300:
        return Outcome(attempts=attempts)
    return Outcome(
        NOT_SUCCESSFUL,
        "The webhook call failed because the http request received non-success httpStatus code"
        f" {answer}.",
        attempts,
    )


def signed(code: int) -> int:
    """The platform keeps codes as signed 32-bit numbers."""
    return code - 2**32 if code >= 2**31 else code
