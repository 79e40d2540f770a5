"""The language worker: Microsoft's library on its own thread, reached only by the worker protocol's requests."""

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import azure_functions_runtime as runtime

from dev.host.function import Function
from dev.host.protocol import Record, protos


class FunctionFailed(Exception):
    """What the worker reported: the exception's type and text, and its stack trace."""

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


class Worker:
    """Runs one app. Its event loop is not the host's: a blocking function stalls other functions, never the host."""

    def __init__(self, app_dir: Path) -> None:
        self._app_dir = app_dir
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="worker", daemon=True).start()

    async def index(self) -> list[Any]:
        """Imports the app and returns the RpcFunctionMetadata of its functions; raises FunctionFailed as Azure would."""
        sys.path.insert(0, str(self._app_dir))
        os.chdir(self._app_dir)
        runtime.start_threadpool_executor()
        start = Record(capabilities={}, function_app_directory=str(self._app_dir))
        await self._request(runtime.worker_init_request, worker_init_request=start)
        response = await self._request(runtime.functions_metadata_request)
        return response.function_metadata_results or []

    async def load(self, metadata: Any) -> None:
        load = Record(function_id=metadata.function_id, metadata=metadata)
        await self._request(runtime.function_load_request, function_load_request=load)

    async def invoke(
        self,
        function: Function,
        invocation_id: str,
        data: Any,
        metadata: dict[str, Any],
        traceparent: str,
        retry: tuple[int, int],
    ) -> Any:
        """One call with `data` (TypedData) for the trigger; returns the InvocationResponse, raises FunctionFailed."""
        invocation = Record(
            invocation_id=invocation_id,
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.trigger["name"], data=data)],
            trigger_metadata=metadata,
            trace_context=Record(trace_parent=traceparent, trace_state="", attributes={}),
            retry_context=Record(retry_count=retry[0], max_retry_count=retry[1], exception=None),
        )
        return await self._request(runtime.invocation_request, invocation_id, invocation_request=invocation)

    def stop(self) -> None:
        """Waits for the thread pool's functions to end."""
        runtime.stop_threadpool_executor()

    async def _request(self, handler: Callable[[Any], Awaitable[Any]], invocation_id: str | None = None, **fields: Any) -> Any:
        async def on_worker_loop() -> Any:
            runtime.invocation_id_cv.set(invocation_id)
            properties = {"protos": protos, "host": "127.0.0.1"}
            return await handler(Record(request=Record(**fields), properties=properties))

        response = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(on_worker_loop(), self._loop))
        if response.result.status != protos.StatusResult.Success:
            raise FunctionFailed(response.result.exception.message, response.result.exception.stack_trace)
        return response
