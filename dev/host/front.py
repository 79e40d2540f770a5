"""HTTP triggers: finds the function for a request, checks its key, calls it."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from dev.host.answers import answer
from dev.host.function import Function
from dev.host.incoming import BadRequest, Target, TooLarge, target_of, to_rpc
from dev.host.invocation import BY_HAND, Invoker
from dev.host.keys import Keys
from dev.host.protocol import TypedData
from dev.host.routes import Route
from dev.host.worker import FunctionFailed

FRONT_END_SECONDS = 230.0
"""How long the caller waits: Azure's front end gives up then, and the run goes on."""

log = logging.getLogger("Host.Http")


class Front:
    """`draining` tells whether new requests are to be turned away with 503; routes in the order of
    function names.
    """

    def __init__(
        self,
        invoker: Invoker,
        routes: Iterable[tuple[Function, Route]],
        keys: Keys,
        draining: Callable[[], bool],
        patience_seconds: float,
    ) -> None:
        self._invoker, self._keys, self._draining = invoker, keys, draining
        self._routes = sorted(routes, key=lambda pair: pair[0].name.lower())
        self._patience_seconds = patience_seconds
        self._unheard: set[asyncio.Future[web.Response]] = set()

    def list_routes(self, port: int) -> None:
        for function, route in self._routes:
            methods = ",".join(methods_of(function)) or "ANY"
            log.info(
                "%s: [%s] http://127.0.0.1:%d/%s", function.name, methods, port, route.template
            )

    async def serve(self, request: web.Request) -> web.Response:
        """400 what the server refuses, 404 no route for path and method, 401 no good key, 500 a
        function that fails.
        """
        try:
            target = target_of(request)
        except BadRequest:
            return web.Response(status=400)
        found = self._find(request.method, target.path)
        if not found:
            return web.Response(status=404)
        function, parameters = found
        given = key_of(request)
        if not self._keys.allow(auth_level(function), function.name, given):
            return web.Response(status=401)
        if function.disabled and not self._keys.is_master(given):
            return web.Response(status=404)
        if self._draining():
            return web.Response(status=503)
        return await self._in_time(request, target, function, parameters)

    def _find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        for function, route in self._routes:
            parameters = route.match(path)
            methods = methods_of(function)
            if parameters is not None and (not methods or method in methods):
                return function, parameters
        return None

    async def _in_time(
        self, request: web.Request, target: Target, function: Function, parameters: dict[str, str]
    ) -> web.Response:
        try:
            data = TypedData(http=await to_rpc(request, target, parameters))
        except TooLarge:
            return web.Response(status=500)
        call = asyncio.ensure_future(self._call(function, data, request.headers.get("traceparent")))
        done, _ = await asyncio.wait([call], timeout=self._patience_seconds)
        if not done:
            log.warning(
                "%s: no answer within %g s; the run goes on", function.name, self._patience_seconds
            )
            self._unheard.add(call)
            call.add_done_callback(self._unheard.discard)
            return web.Response(status=504)
        return call.result()

    async def _call(
        self, function: Function, data: object, traceparent: str | None
    ) -> web.Response:
        try:
            response = await self._invoker.invoke(function, BY_HAND, data, traceparent=traceparent)
            return answer(returned(function, response))
        except FunctionFailed:  # the invoker has logged it
            return web.Response(status=500)


def returned(function: Function, response: Any) -> Any:
    """The value of the HTTP output: what the function has returned, or what it has set where the
    output has a name.
    """
    named = {output.name: output.data for output in response.output_data or ()}
    outputs = (
        name
        for name, binding in function.outputs.items()
        if binding["type"] == "http" and name in named
    )
    return next((named[name] for name in outputs), response.return_value)


def methods_of(function: Function) -> list[str]:
    """Upper case; empty means every method."""
    return [str(method).upper() for method in function.trigger.get("methods") or ()]


def auth_level(function: Function) -> str:
    return str(function.trigger.get("authLevel") or "function").lower()


def key_of(request: web.Request) -> str:
    """The caller's key: the first header if there is one, even an empty one; else the first `code`,
    in any case.
    """
    in_headers = request.headers.getall("x-functions-key", [])
    in_query = [value for name, value in request.query.items() if name.lower() == "code"]
    return next(iter([*in_headers, *in_query]), "")
