"""The key management API of the host, behind the master key: keys of the host, of the system and of
each function.

Source: wiki of azure-functions-host, "Key management API". `admin/host/keys` and
`admin/host/functionkeys` are the same.
"""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from dev.host.keys import HOST, MASTER, SYSTEM, Keys
from dev.host.posted import posted

HOST_SCOPES = {"keys": HOST, "functionkeys": HOST, "systemkeys": SYSTEM}


class KeyApi:
    """Answers of one key or of all keys of a scope; 404 for what is not there."""

    def __init__(self, keys: Keys, functions: Iterable[str]) -> None:
        self._keys, self._functions = keys, {name.lower(): name for name in functions}

    def add_to(self, app: web.Application) -> None:
        for path in (
            "/admin/host/{kind:keys|functionkeys|systemkeys}",
            "/admin/functions/{function}/keys",
        ):
            app.router.add_get(path, self._list)
            app.router.add_get(path + "/{key}", self._get)
            app.router.add_put(path + "/{key}", self._put)
            app.router.add_post(path + "/{key}", self._post)
            app.router.add_delete(path + "/{key}", self._delete)

    async def _list(self, request: web.Request) -> web.Response:
        named = self._keys.named(self._scope(request))
        there = [
            described(name, value, f"{url(request)}/{name}")
            for name, value in named.items()
            if name != MASTER
        ]
        return web.json_response({"keys": there, "links": links(url(request))})

    async def _get(self, request: web.Request) -> web.Response:
        wanted = request.match_info["key"].lower()
        for name, value in self._keys.named(self._scope(request)).items():
            if name.lower() == wanted:
                return web.json_response(described(name, value, url(request)))
        raise web.HTTPNotFound

    async def _put(self, request: web.Request) -> web.Response:
        """The value of the body; 400 without one, 415 for what is not said to be JSON."""
        value = await posted(request, "value")
        if value is None:
            return web.Response(status=400, text="Invalid key value")
        return self._set(request, value)

    async def _post(self, request: web.Request) -> web.Response:
        """A value that the host makes."""
        return self._set(request, None)

    def _set(self, request: web.Request, given: str | None) -> web.Response:
        name = request.match_info["key"]
        value, is_new = self._keys.set(self._scope(request), name, given)
        return web.json_response(
            described(name, value, url(request)), status=201 if is_new else 200
        )

    async def _delete(self, request: web.Request) -> web.Response:
        name = request.match_info["key"]
        if name.lower() == MASTER:
            return web.Response(status=400, text="Cannot delete System Key.")
        return web.Response(status=204 if self._keys.delete(self._scope(request), name) else 404)

    def _scope(self, request: web.Request) -> str:
        """Raises HTTPNotFound for a function that is not there."""
        if kind := request.match_info.get("kind"):
            return HOST_SCOPES[kind]
        function = self._functions.get(request.match_info["function"].lower())
        if function is None:
            raise web.HTTPNotFound
        return function


def url(request: web.Request) -> str:
    return str(request.url.with_query(None))


def links(href: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": href}]


def described(name: str, value: str, href: str) -> dict[str, Any]:
    return {"name": name, "value": value, "links": links(href)}
