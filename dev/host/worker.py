"""The language worker: a child process with Microsoft's library, reached only by the worker
protocol's requests.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dev.host.background import in_background
from dev.host.frames import packed, receive
from dev.host.function import Function
from dev.host.logs import heard
from dev.host.protocol import Record, protos

ROOT = Path(__file__).resolve().parents[2]
MOST_CRASHES, CRASH_WINDOW_SECONDS = 3, 1800.0

log = logging.getLogger("Host.Worker")


class FunctionFailed(Exception):
    """What the worker reported: the exception's type and text, and its stack trace."""

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


class WorkerEnded(FunctionFailed):
    """The process ended while it worked on the request."""


class Worker:
    """Runs one app.

    When its process ends, every run in it has failed, and another process is started.

    `on_exhausted` is called once the process has crashed three times within half an hour.
    """

    def __init__(self, app_dir: Path, on_exhausted: Callable[[], None]) -> None:
        self._app_dir, self._on_exhausted = app_dir, on_exhausted
        self._process: asyncio.subprocess.Process | None = None
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()
        self._loaded: list[Any] = []
        self._ready = asyncio.Event()
        self._crashes: list[float] = []
        self._stopping = self._on_purpose = False
        self._executing = set[str]()
        """Ids of the invocations that the process has got and not answered."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def index(self) -> list[Any]:
        """Imports the app and returns the RpcFunctionMetadata of its functions; raises
        FunctionFailed as Azure would.
        """
        await self._start()
        start = Record(capabilities={}, function_app_directory=str(self._app_dir))
        await self._request("init", worker_init_request=start)
        response = await self._request("metadata")
        return response.function_metadata_results or []

    async def load(self, metadata: list[Any]) -> None:
        """Loads these functions, now and into each process that follows."""
        self._loaded = metadata
        for one in metadata:
            await self._request(
                "load", function_load_request=Record(function_id=one.function_id, metadata=one)
            )
        self._ready.set()

    async def invoke(
        self,
        function: Function,
        invocation_id: str,
        data: Any,
        metadata: dict[str, Any],
        traceparent: str,
        retry: tuple[int, int],
    ) -> Any:
        """One call with `data` (TypedData) for the trigger; returns the InvocationResponse, raises
        FunctionFailed.
        """
        await self._ready.wait()
        invocation = Record(
            invocation_id=invocation_id,
            function_id=function.id,
            input_data=[protos.ParameterBinding(name=function.trigger["name"], data=data)],
            trigger_metadata=metadata,
            trace_context=Record(trace_parent=traceparent, trace_state="", attributes={}),
            retry_context=Record(retry_count=retry[0], max_retry_count=retry[1], exception=None),
        )
        self._executing.add(invocation_id)
        try:
            return await self._request("invoke", invocation_id, invocation_request=invocation)
        finally:
            self._executing.discard(invocation_id)

    def recycle(self, invocation_id: str) -> None:
        """Ends the process that executes the invocation, with every run in it; another follows.

        Not a crash. Nothing happens where the invocation has ended, by itself or with its process.
        Source: azure-functions-host, RpcFunctionInvocationDispatcher,
        RestartWorkerWithInvocationIdAsync.
        """
        if invocation_id in self._executing:
            self._on_purpose = True
            self._kill()

    async def stop(self) -> None:
        """Ends the process and whatever still runs in it."""
        self._stopping = True
        self._kill()
        if self._process:
            await self._process.wait()

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _start(self) -> None:
        self._on_purpose = False
        search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "dev.host.worker_process",
            str(self._app_dir),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=sys.stdout.fileno(),
            env=os.environ | {"PYTHONPATH": search},
        )
        self._keep(in_background(self._listen(self._process), "the worker"))
        if self._stopping:  # the host has ended while this one was on its way
            self._kill()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, *rest = await receive(process.stdout)
                if kind == "line":
                    heard(*rest)
                else:
                    self._answered(*rest)
        await process.wait()
        self._ended(process)

    def _answered(self, number: int, response: Any) -> None:
        waiting = self._open.pop(number, None)
        if waiting and not waiting.done():
            waiting.set_result(response)

    def _ended(self, process: asyncio.subprocess.Process) -> None:
        """Every run in the process has failed; what was loaded is loaded into the next."""
        self._ready.clear()
        if (
            self._stopping
        ):  # cut off: nobody hears of it, and messages come back when their lease ends
            return
        text = f"The worker process ended with code {process.returncode} while this ran."
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_exception(WorkerEnded(text))
        self._open.clear()
        if not self._loaded:
            return
        if not self._on_purpose and self._crashed_too_often():
            log.error(
                "The worker process has ended %d times within half an hour: the host stops.",
                MOST_CRASHES,
            )
            self._on_exhausted()
            return
        log.warning(
            "The worker process has ended with code %s; another is started.", process.returncode
        )
        self._keep(in_background(self._again(), "the next worker"))

    def _crashed_too_often(self) -> bool:
        now = time.monotonic()
        self._crashes = [at for at in self._crashes if now - at < CRASH_WINDOW_SECONDS] + [now]
        return len(self._crashes) >= MOST_CRASHES

    async def _again(self) -> None:
        """A process that ends meanwhile is followed by another. One that cannot load the app is
        the end of the host.
        """
        try:
            await self.index()
            await self.load(self._loaded)
        except WorkerEnded:
            return
        except FunctionFailed as error:
            log.error("The next worker process cannot load the app: the host stops. %s", error)
            self._on_exhausted()

    async def _request(self, kind: str, invocation_id: str | None = None, **fields: Any) -> Any:
        assert self._process
        assert self._process.stdin
        number = next(self._numbers)
        waiting = self._open[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(packed((number, kind, invocation_id, fields)))
        response = await waiting
        if response.result.status != protos.StatusResult.Success:
            raise FunctionFailed(
                response.result.exception.message, response.result.exception.stack_trace
            )
        return response
