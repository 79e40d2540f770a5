"""One invocation from start to end: call, outputs, time limit, log lines."""

import asyncio
import contextlib
import itertools
import logging
import secrets
import time
import uuid
from typing import Any

from azure.core.exceptions import AzureError

from dev.host.config import HostConfig
from dev.host.encoding import bodies, encode
from dev.host.function import Binding, Function
from dev.host.storage import Storage
from dev.host.worker import FunctionFailed, Worker

RECYCLE_SECONDS = 2.0
"""What a run that has exceeded functionTimeout still has to end by itself: then the worker process
ends with every other run in it.
"""
BY_HAND = "This function was programmatically called via the host APIs."


class Invoker:
    """Runs functions and knows which invocations are under way."""

    def __init__(self, worker: Worker, storage: Storage, config: HostConfig) -> None:
        self._worker, self._storage, self._config = worker, storage, config
        self.running: dict[str, str] = {}
        """Invocation id -> function name."""
        self._idle = asyncio.Event()
        self._idle.set()

    async def wait_until_idle(self) -> None:
        await self._idle.wait()

    async def invoke(
        self,
        function: Function,
        reason: str,
        data: Any,
        metadata: dict[str, Any] | None = None,
        traceparent: str | None = None,
        retry: tuple[int, int] = (0, 0),
    ) -> Any:
        """Runs the function with its outputs written; returns the InvocationResponse.

        `data` is the trigger's TypedData, `retry` (attempt, most). Raises FunctionFailed, already
        logged, when the function raises, exceeds functionTimeout, or one of its outputs cannot be
        written.
        """
        invocation_id, begin = str(uuid.uuid4()), time.perf_counter()
        logger = logging.getLogger(f"Function.{function.name}")
        logger.info(
            "Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id
        )
        self._enter(invocation_id, function)
        outcome = "Failed"
        try:
            trace = traceparent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
            response = await self._call(function, invocation_id, data, metadata or {}, trace, retry)
            outcome = "Succeeded"
            return response
        except FunctionFailed as error:
            logger.error("%s (Id=%s)\n%s", error, invocation_id, error.stack_trace)
            raise
        finally:
            took = (time.perf_counter() - begin) * 1000
            logger.info(
                "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)",
                function.name,
                outcome,
                invocation_id,
                took,
            )
            self._leave(invocation_id)

    async def invoke_with_retries(
        self,
        function: Function,
        reason: str,
        data: Any,
        metadata: dict[str, Any] | None,
        stopping: asyncio.Event,
    ) -> None:
        """As `invoke`, again as often as the function's retry policy says; a stop of the host ends
        the attempts.
        """
        most = function.retry.max_retry_count if function.retry else 0
        for attempt in itertools.count():
            try:
                await self.invoke(function, reason, data, metadata, retry=(attempt, most))
                return
            except FunctionFailed:
                if attempt == most:
                    raise
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), function.retry_delay_seconds(attempt))
                if stopping.is_set():
                    raise

    def _enter(self, invocation_id: str, function: Function) -> None:
        self.running[invocation_id] = function.name
        self._idle.clear()

    def _leave(self, invocation_id: str) -> None:
        del self.running[invocation_id]
        if not self.running:
            self._idle.set()

    async def _call(self, function: Function, invocation_id: str, *arguments: Any) -> Any:
        try:
            response = await self._in_time(function, invocation_id, *arguments)
            await self._write_outputs(function, response)
        except (AzureError, ValueError) as error:
            raise FunctionFailed(
                f"an output of 'Functions.{function.name}' could not be written: {error}"
            ) from error
        return response

    async def _in_time(self, function: Function, invocation_id: str, *arguments: Any) -> Any:
        """A run over its time goes on in the worker, until that ends or is ended."""
        limit = self._config.function_timeout_seconds
        run = asyncio.ensure_future(self._worker.invoke(function, invocation_id, *arguments))
        try:
            done, _ = await asyncio.wait([run], timeout=limit)
        except asyncio.CancelledError:
            run.cancel()
            raise
        if done:
            return run.result()
        run.add_done_callback(lambda late: late.cancelled() or late.exception())
        loop = asyncio.get_running_loop()
        loop.call_later(RECYCLE_SECONDS, self._worker.recycle, invocation_id)
        raise FunctionFailed(
            f"Timeout value of {limit:g} s exceeded by 'Functions.{function.name}'"
        )

    async def _write_outputs(self, function: Function, response: Any) -> None:
        for output in response.output_data or ():
            await self._write(function.outputs[output.name], output.data)
        returned = function.outputs.get("$return")
        if returned and returned["type"] == "queue" and response.return_value is not None:
            await self._write(returned, response.return_value)

    async def _write(self, binding: Binding, data: Any) -> None:
        if binding["type"] != "queue":  # an HTTP response is the caller's to send
            return
        queue = self._storage.queue(binding, binding["queueName"])
        for body in bodies(data):
            await self._storage.send(queue, encode(body, self._config.queues.base64))
