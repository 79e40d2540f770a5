"""What a function returned, as an HTTP response."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from dev.host.protocol import content

SET_BY_THE_SERVER = {"content-length", "transfer-encoding", "connection"}
SAME_SITE = ["", "Lax", "Strict", "None"]


def answer(data: Any) -> web.Response:
    """From the invocation's return value (TypedData): an HttpResponse, a plain value, or nothing (204)."""
    kind = data.WhichOneof("data") if data is not None else None
    if kind is None:
        return web.Response(status=204)
    return _from_rpc(data.http) if kind == "http" else web.Response(text=str(content(data)))


def _from_rpc(http: Any) -> web.Response:
    body = content(http.body)
    headers = {name: value for name, value in dict(http.headers).items() if name.lower() not in SET_BY_THE_SERVER}
    raw = body.encode() if isinstance(body, str) else body
    response = web.Response(status=int(http.status_code), body=raw or b"", headers=headers)
    for cookie in http.cookies or ():
        response.headers.add("Set-Cookie", cookie_header(cookie))
    return response


def cookie_header(cookie: Any) -> str:
    """An RpcHttpCookie as a Set-Cookie value (RFC 6265, 4.1)."""
    parts = [f"{cookie.name}={cookie.value}"]
    parts += [f"{label}={value}" for label, value in _attributes(cookie) if value]
    parts += [label for field, label in (("secure", "Secure"), ("http_only", "HttpOnly")) if _given(cookie, field)]
    same_site = SAME_SITE[cookie.same_site]
    return "; ".join([*parts, f"SameSite={same_site}"] if same_site else parts)


def _attributes(cookie: Any) -> list[tuple[str, str | None]]:
    expires, age = _given(cookie, "expires"), _given(cookie, "max_age")
    moment = datetime.fromtimestamp(expires.seconds, UTC) if expires is not None else None
    return [
        ("Domain", _given(cookie, "domain")),
        ("Path", _given(cookie, "path")),
        ("Expires", f"{moment:%a, %d %b %Y %H:%M:%S GMT}" if moment else None),
        ("Max-Age", None if age is None else str(int(age))),
    ]


def _given(cookie: Any, field: str) -> Any:
    """The value of a nullable field: None when the cookie does not set it."""
    return getattr(getattr(cookie, field, None), "value", None)
