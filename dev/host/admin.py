"""The admin API, behind the master key: status, functions, and firing a trigger by hand.

Source: Microsoft Learn, Manually run a non HTTP-triggered function.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from dev.host.background import in_background
from dev.host.front import key_of
from dev.host.function import Function
from dev.host.keys import Keys
from dev.host.posted import posted

Fire = Callable[[Function, str], Coroutine[Any, Any, None]]


class Admin:
    """`errors`: function name -> why it cannot run; `fire` runs a timer or queue function once with
    an input text.
    """

    def __init__(
        self, host_id: str, functions: dict[str, Function], errors: dict[str, str], fire: Fire
    ) -> None:
        self._host_id, self._functions, self._errors, self._fire = host_id, functions, errors, fire
        self._started = time.monotonic()
        self.runs: set[asyncio.Task[None]] = set()

    def add_to(self, app: web.Application, keys: Keys) -> None:
        @web.middleware
        async def with_master_key(request: web.Request, handler: Handler) -> web.StreamResponse:
            guarded = request.path.startswith("/admin/") and request.path != "/admin/host/ping"
            if not guarded or keys.is_master(key_of(request)):
                return await handler(request)
            if keys.opens_host(key_of(request)):
                return web.Response(status=403)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})

        app.middlewares.append(with_master_key)
        app.router.add_get("/admin/host/ping", self._ping)
        app.router.add_get("/admin/host/status", self._status)
        app.router.add_get("/admin/functions", self._list)
        app.router.add_get("/admin/functions/{name}", self._describe)
        app.router.add_get("/admin/functions/{name}/status", self._function_status)
        app.router.add_post("/admin/functions/{name}", self._run)

    async def _ping(self, request: web.Request) -> web.Response:
        return web.Response()

    async def _status(self, request: web.Request) -> web.Response:
        uptime_ms = int((time.monotonic() - self._started) * 1000)
        errors = [
            f"The '{name}' function is in error: {text}" for name, text in self._errors.items()
        ]
        return web.json_response(
            {
                "id": self._host_id,
                "state": "Running",
                "version": "local",
                "processUptime": uptime_ms,
                "errors": errors,
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response([describe(function) for function in self._functions.values()])

    async def _describe(self, request: web.Request) -> web.Response:
        return web.json_response(describe(self._named(request)))

    async def _function_status(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self._errors:
            return web.json_response({"errors": [self._errors[name]]})
        self._named(request)
        return web.json_response({})

    async def _run(self, request: web.Request) -> web.Response:
        """202 at once: the run goes on after the answer. 415 or 400 for a body that is not
        {"input": text}, before 404.
        """
        text = await posted(request, "input") or ""
        function = self._named(request)
        if function.kind == "httpTrigger":
            return web.Response(status=400, text="An HTTP function is called at its own URL.")
        run = in_background(self._fire(function, text), f"the run of {function.name} by hand")
        self.runs.add(run)
        run.add_done_callback(self.runs.discard)
        return web.Response(status=202)

    def _named(self, request: web.Request) -> Function:
        wanted = request.match_info["name"].lower()
        for name, function in self._functions.items():
            if name.lower() == wanted:
                return function
        raise web.HTTPNotFound


def describe(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": function.disabled,
        "config": {"bindings": function.bindings},
    }
