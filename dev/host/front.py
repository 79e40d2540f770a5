"""HTTP triggers: finds the function for a request, checks its key, calls it."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web

from dev.host.answers import answer
from dev.host.function import Function
from dev.host.invocation import BY_HAND, Invoker
from dev.host.keys import Keys
from dev.host.protocol import TypedData, protos
from dev.host.routes import Route, compile_route
from dev.host.worker import FunctionFailed

MAX_BODY_BYTES = 100 * 1024 * 1024

log = logging.getLogger("Host.Http")


class Front:
    """`draining` tells whether new requests are to be turned away with 503."""

    def __init__(
        self, invoker: Invoker, functions: Iterable[Function], prefix: str, keys: Keys, draining: Callable[[], bool]
    ) -> None:
        self._invoker, self._keys, self._draining = invoker, keys, draining
        routes = [(route_of(function, prefix), function) for function in functions]
        self._routes = sorted(routes, key=lambda pair: pair[0].rank)

    def list_routes(self, port: int) -> None:
        for route, function in self._routes:
            methods = ",".join(methods_of(function)) or "ANY"
            log.info("%s: [%s] http://127.0.0.1:%d/%s", function.name, methods, port, route.template)

    async def serve(self, request: web.Request) -> web.Response:
        """404 when no route fits path and method, 401 without a good key, 500 when the function fails."""
        found = self._find(request)
        if not found:
            return web.Response(status=404)
        function, parameters = found
        given = key_of(request)
        if function.disabled and not self._keys.is_master(given):
            return web.Response(status=404)
        if not self._keys.allow(auth_level(function), function.name, given):
            return web.Response(status=401)
        if self._draining():
            return web.Response(status=503)
        return await self._call(request, function, parameters)

    def _find(self, request: web.Request) -> tuple[Function, dict[str, str]] | None:
        path = request.rel_url.raw_path
        for route, function in self._routes:
            parameters = route.match(path)
            methods = methods_of(function)
            if parameters is not None and (not methods or request.method in methods):
                return function, parameters
        return None

    async def _call(self, request: web.Request, function: Function, parameters: dict[str, str]) -> web.Response:
        data = TypedData(http=await to_rpc(request, parameters))
        try:
            traceparent = request.headers.get("traceparent")
            response = await self._invoker.invoke(function, BY_HAND, data, traceparent=traceparent)
            return answer(response.return_value)
        except FunctionFailed:  # the invoker has logged it
            return web.Response(status=500)


def route_of(function: Function, prefix: str) -> Route:
    """Raises ConfigurationError for a template that is not understood."""
    route = (function.trigger.get("route") or function.name).strip("/")
    return compile_route("/".join(filter(None, [prefix, route])))


def methods_of(function: Function) -> list[str]:
    """Upper case; empty means every method."""
    return [str(method).upper() for method in function.trigger.get("methods") or ()]


def auth_level(function: Function) -> str:
    return str(function.trigger.get("authLevel") or "function").lower()


def key_of(request: web.Request) -> str:
    """The caller's key; the header goes before the query, as in the host."""
    return request.headers.get("x-functions-key") or request.query.get("code") or ""


async def to_rpc(request: web.Request, parameters: dict[str, str]) -> Any:
    """The request as RpcHttp; repeated headers and query values are joined with commas. Raises 413 over 100 MB."""
    body = await request.read()
    return protos.RpcHttp(
        method=request.method,
        url=str(request.url),
        headers={name.lower(): ",".join(request.headers.getall(name)) for name in request.headers},
        query={name: ",".join(request.query.getall(name)) for name in request.query},
        params=parameters,
        body=TypedData(bytes=body) if body else TypedData(),
    )
