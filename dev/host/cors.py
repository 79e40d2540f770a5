"""Cross-origin requests, as the platform answers them before any function is asked.

Allowed origins come from `--cors`, as for `func start`, or from Host.CORS of local.settings.json:
separated by commas, or `*`.
Source: Microsoft Learn, Azure Functions Core Tools reference, and Fetch Standard, CORS protocol.
"""

from collections.abc import Iterable
from pathlib import Path

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from dev.host.settings import read_json


def allowed_origins(app_dir: Path, given: str) -> list[str]:
    """Lower case, without a slash at the end; empty if CORS is not set."""
    text = given or str(
        read_json(app_dir / "local.settings.json").get("Host", {}).get("CORS") or ""
    )
    return [origin.strip().rstrip("/").lower() for origin in text.split(",") if origin.strip()]


def add_cors(app: web.Application, origins: Iterable[str]) -> None:
    """A preflight is answered with 204, whoever asks; only an allowed origin gets the headers that
    a browser wants to see.
    """
    allowed = set(origins)
    if not allowed:
        return

    @web.middleware
    async def with_cors(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_preflight(request):
            return web.Response(
                status=204,
                headers=preflight_headers(request) if origin_of(request, allowed) else {},
            )
        return await handler(request)

    async def name_origin(request: web.Request, response: web.StreamResponse) -> None:
        origin = origin_of(request, allowed)
        if origin:
            response.headers.setdefault(hdrs.ACCESS_CONTROL_ALLOW_ORIGIN, origin)
        if origin and origin != "*":
            response.headers.add(hdrs.VARY, "Origin")

    app.middlewares.insert(0, with_cors)
    app.on_response_prepare.append(name_origin)


def is_preflight(request: web.Request) -> bool:
    asked = hdrs.ORIGIN in request.headers and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    return request.method == hdrs.METH_OPTIONS and asked


def preflight_headers(request: web.Request) -> dict[str, str]:
    """What the browser asked for is allowed."""
    asked = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: request.headers.get(
            hdrs.ACCESS_CONTROL_REQUEST_METHOD, ""
        ),
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: request.headers.get(
            hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ""
        ),
    }
    return {name: value for name, value in asked.items() if value}


def origin_of(request: web.Request, allowed: set[str]) -> str:
    """The value of Access-Control-Allow-Origin; empty for an origin that is not allowed, and for
    none.
    """
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not origin:
        return ""
    if "*" in allowed:
        return "*"
    return origin if origin.rstrip("/").lower() in allowed else ""
