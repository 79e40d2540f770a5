"""One instance of the host: an app, its listeners and its HTTP front, from start to drain."""

import asyncio
import contextlib
import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from dev.emulators.serve import listen
from dev.host.admin import Admin
from dev.host.answers import without_made_up_type
from dev.host.background import in_background
from dev.host.config import HostConfig, read_config
from dev.host.cors import add_cors, allowed_origins
from dev.host.front import FRONT_END_SECONDS, Front
from dev.host.function import Function, read_function
from dev.host.incoming import MAX_BODY_BYTES
from dev.host.indexing import routes_of
from dev.host.invocation import BY_HAND, Invoker
from dev.host.key_api import KeyApi
from dev.host.keys import Keys
from dev.host.lease import ASK_SECONDS, LOCK_SECONDS
from dev.host.messages import MessageProcessor, hand_written
from dev.host.queues import QueueListener
from dev.host.routes import Route
from dev.host.settings import ConfigurationError, load_local_settings
from dev.host.storage import Storage
from dev.host.timer_state import TimerState
from dev.host.timers import TimerListener
from dev.host.worker import FunctionFailed, Worker

REAL_MESSAGE_LEASE_SECONDS = 600
PROCESS_COUNT = "FUNCTIONS_WORKER_PROCESS_COUNT"

log = logging.getLogger("Host")


@dataclass(frozen=True, slots=True)
class Pace:
    """What takes long in Azure, and which listeners this instance has."""

    message_lease_seconds: int = REAL_MESSAGE_LEASE_SECONDS
    """How long a queue message is hidden while its function runs."""
    timer_lock_seconds: int = LOCK_SECONDS
    """For how long a timer's lock stands after a kill, 15 or more."""
    timer_ask_seconds: float = ASK_SECONDS
    """How often an instance without the lock asks for it."""
    front_end_seconds: float = FRONT_END_SECONDS
    """How long a caller waits for the answer of a function."""
    cors: str = ""
    """Allowed origins; those of local.settings.json if empty."""
    group: str = ""
    """`http` or `function:<name>`, as an instance on Flex Consumption has one group; all if empty.
    """

    def covers(self, function: Function) -> bool:
        own = "http" if function.kind == "httpTrigger" else f"function:{function.name}"
        return self.group in ("", own)


class Instance:
    """`keys_file` is read and completed."""

    def __init__(self, app_dir: Path, keys_file: Path, pace: Pace) -> None:
        load_local_settings(app_dir)
        self.config: HostConfig = read_config(app_dir)
        self._app_dir, self._keys_file, self._pace = app_dir, keys_file, pace
        self._id = host_id(app_dir)
        self.over = asyncio.Event()
        """Set where the real host stops by itself: the platform then starts another."""
        self._storage, self._worker = Storage(), Worker(app_dir, self.over.set)
        self.invoker = Invoker(self._worker, self._storage, self.config)
        self._stopping = asyncio.Event()
        self._timers: dict[str, TimerListener] = {}
        self._listening: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        self.groups: list[str] = []
        """The groups that Flex Consumption would make of the app's functions."""

    @property
    def worker_pid(self) -> int:
        return self._worker.pid

    async def start(self, port: int) -> int:
        """Indexes the app and serves on 127.0.0.1 (0 = a free port); returns the port.

        Raises FunctionFailed with the app's own error when it cannot be imported,
            ConfigurationError when none of its functions can run.
        """
        for path in self.config.not_applied:
            log.warning("host.json: %s is not applied by this host", path)
        if os.environ.get(PROCESS_COUNT, "1") != "1":
            log.warning(
                "%s is %s: this host has one worker process all the same",
                PROCESS_COUNT,
                os.environ[PROCESS_COUNT],
            )
        functions, routes, errors = await self._load()
        self._front, self._admin, app = self._build_front(functions, routes, errors)
        self._runner, port = await listen(app, port, unpack=False)
        self._front.list_routes(port)
        self.groups = groups_of(functions.values())
        self._start_listeners(functions.values())
        log.info("Host started (%d functions) on http://127.0.0.1:%d", len(functions), port)
        return port

    async def drain(self) -> None:
        """Takes no more triggers and waits for the runs under way; requests meanwhile are answered
        with 503.
        """
        self._stopping.set()
        await asyncio.gather(*self._listening, *self._admin.runs, return_exceptions=True)
        await self.invoker.wait_until_idle()

    async def close(self) -> None:
        """Ends what still runs; its messages stay hidden until their lease ends, its claims
        stand.
        """
        self._stopping.set()
        for task in self._listening:
            task.cancel()
        await self._worker.stop()
        await asyncio.gather(*self._listening, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()
        await self._storage.close()

    async def _load(
        self,
    ) -> tuple[dict[str, Function], list[tuple[Function, Route]], dict[str, str]]:
        """Functions, the routes of those that have one, and why others cannot run."""
        found = {metadata.name: metadata for metadata in await self._worker.index()}
        functions, errors = _read(found)
        web_functions = [
            function for function in functions.values() if function.kind == "httpTrigger"
        ]
        routes, refused = routes_of(web_functions, self.config.route_prefix)
        for name, text in (errors | refused).items():
            functions.pop(name, None)
            log.error("The '%s' function is in error: %s", name, text)
        if not functions:
            raise ConfigurationError(
                "no function can run"
                if errors or refused
                else f"no functions found in {self._app_dir}"
            )
        await self._worker.load([found[name] for name in functions])
        return functions, routes, errors | refused

    def _build_front(
        self,
        functions: dict[str, Function],
        routes: list[tuple[Function, Route]],
        errors: dict[str, str],
    ) -> tuple[Front, Admin, web.Application]:
        keys = Keys(self._keys_file, functions)
        app = web.Application(client_max_size=MAX_BODY_BYTES + 1)
        app.on_response_prepare.append(without_made_up_type)
        admin = Admin(self._id, functions, errors, self._fire)
        admin.add_to(app, keys)
        KeyApi(keys, functions).add_to(app)
        own = [(function, route) for function, route in routes if self._pace.covers(function)]
        add_cors(app, allowed_origins(self._app_dir, self._pace.cors))
        front = Front(self.invoker, own, keys, self._stopping.is_set, self._pace.front_end_seconds)
        app.router.add_get("/", _greet)
        app.router.add_route("*", r"/{path:[\s\S]*}", front.serve)
        return front, admin, app

    def _start_listeners(self, functions: Iterable[Function]) -> None:
        for function in functions:
            listener = self._listener(function)
            if listener and not function.disabled and self._pace.covers(function):
                self._listening.append(
                    in_background(listener.run(), f"the listener of {function.name}")
                )

    def _listener(self, function: Function) -> TimerListener | QueueListener | None:
        if function.kind == "timerTrigger":
            state, pace = TimerState(self._storage, self._id, function.name), self._pace
            times = pace.timer_lock_seconds, pace.timer_ask_seconds
            listener = TimerListener(
                self.invoker, function, state, self._stopping, self.over.set, *times
            )
            self._timers[function.name] = listener
            return listener
        return self._queue_listener(function) if function.kind == "queueTrigger" else None

    def _queue_listener(self, function: Function) -> QueueListener:
        options, seconds = self.config.queues, self._pace.message_lease_seconds
        stop = self.over.set, self._stopping
        processor = MessageProcessor(self.invoker, self._storage, function, options, seconds, *stop)
        bell = self._storage.bell(function.trigger["queueName"])
        return QueueListener(function, processor, options, bell, self._stopping)

    async def _fire(self, function: Function, text: str) -> None:
        """What the admin API starts; failures are in the log."""
        if function.kind == "timerTrigger":
            await self._timers[function.name].run_by_hand()
            return
        value, metadata = hand_written(text)
        with contextlib.suppress(FunctionFailed):
            await self.invoker.invoke(function, BY_HAND, value, metadata)


def groups_of(functions: Iterable[Function]) -> list[str]:
    """HTTP functions share one, each other function has its own (Microsoft Learn: Flex Consumption,
    per-function scaling).
    """
    kinds = {function.name: function.kind for function in functions}
    web_group = ["http"] if "httpTrigger" in kinds.values() else []
    return web_group + [f"function:{name}" for name, kind in kinds.items() if kind != "httpTrigger"]


def _read(found: dict[str, Any]) -> tuple[dict[str, Function], dict[str, str]]:
    """Functions by name, and why others cannot run."""
    functions, errors = {}, {}
    for name, metadata in found.items():
        try:
            functions[name] = read_function(metadata)
        except ConfigurationError as error:
            errors[name] = str(error)
    return functions, errors


async def _greet(request: web.Request) -> web.Response:
    return web.Response(text="Your Functions host is up and running.")


def host_id(app_dir: Path) -> str:
    """The same for every instance of an app and for no other app: what locks and timers are kept
    under.
    """
    given = os.environ.get("AzureFunctionsWebHost__hostid")  # noqa: SIM112 (the host's own name for it)
    digest = hashlib.sha256(str(app_dir).encode()).hexdigest()[:12]
    return given or f"{app_dir.name.lower()[:19]}-{digest}"
