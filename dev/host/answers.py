"""What a function returned, as an HTTP response, in the way of the Functions host.

What the real host answered is in tests/fixtures/conformance: answers.tsv, cookies.tsv.
"""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

from dev.host.protocol import content
from dev.host.returned import CannotBeSent, Plain, read_plain, status_of, written

SET_BY_THE_SERVER = {"content-length", "transfer-encoding", "connection", "date", "keep-alive"}
NO_BODY = {204, 205, 304}
SAME_SITE = ["", "lax", "strict", "none"]
TEXT = "text/plain; charset=utf-8"
UNTYPED = web.ResponseKey("untyped", bool)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def answer(data: Any) -> web.Response:
    """From the invocation's return value (TypedData): an HttpResponse, a plain value, or nothing
    (204).
    """
    kind = data.WhichOneof("data") if data is not None else None
    if kind is None:
        return web.Response(status=204)
    try:
        return _from_rpc(data.http) if kind == "http" else _from_plain(kind, content(data))
    except CannotBeSent:
        return web.Response(status=500)


def _from_plain(kind: str, value: Any) -> web.Response:
    if isinstance(value, bytes):
        return _response(200, value, {})
    plain: Plain = read_plain(value) if kind in ("string", "json") else Plain(written(value))
    return _response(plain.status, plain.text.encode(), {"Content-Type": TEXT} | plain.headers)


def _from_rpc(http: Any) -> web.Response:
    body, headers = content(http.body), dict(http.headers)
    raw = (body.encode() if isinstance(body, str) else body) or b""
    _check_length(
        next((headers[name] for name in headers if name.lower() == "content-length"), None), raw
    )
    response = _response(status_of(http.status_code), raw, headers)
    for cookie in http.cookies or ():
        response.headers.add("Set-Cookie", cookie_header(cookie))
    return response


def _response(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    """The first of two spellings of a header counts."""
    sent: dict[str, tuple[str, str]] = {}
    for name, value in headers.items():
        if name.lower() not in SET_BY_THE_SERVER:
            sent.setdefault(name.lower(), (name, value))
    checked = dict(_checked(name, value) for name, value in sent.values())
    if not checked.get("Content-Type", "x"):
        del checked["Content-Type"]
    response = web.Response(status=status, body=b"" if status in NO_BODY else body, headers=checked)
    if "Content-Type" not in checked:
        response[UNTYPED] = True
    return response


async def without_made_up_type(request: web.Request, response: web.StreamResponse) -> None:
    """The server adds no content type of its own; aiohttp would."""
    if UNTYPED in response:
        response.headers.pop("Content-Type", None)


def _checked(name: str, value: str) -> tuple[str, str]:
    if not TOKEN.fullmatch(name) or any(
        not " " <= character <= "~" and character != "\t" for character in value
    ):
        raise CannotBeSent
    return "Content-Type" if name.lower() == "content-type" else name, value


def _check_length(said: str | None, body: bytes) -> None:
    """The server counts what is written: less was said than there is, and it breaks off."""
    if said is not None and not (said.isascii() and said.isdigit() and int(said) >= len(body)):
        raise CannotBeSent


def cookie_header(cookie: Any) -> str:
    """An RpcHttpCookie as a Set-Cookie value (RFC 6265, 4.1), with a path always.

    Raises CannotBeSent.
    """
    if not TOKEN.fullmatch(cookie.name):
        raise CannotBeSent
    parts = [f"{cookie.name}={quote(cookie.value, safe='-_.~')}"]
    parts += [f"{label}={value}" for label, value in _attributes(cookie) if value is not None]
    parts += ["secure"] if _given(cookie, "secure") else []
    parts += [f"samesite={SAME_SITE[cookie.same_site]}"] if cookie.same_site else []
    return "; ".join([*parts, "httponly"] if _given(cookie, "http_only") else parts)


def _attributes(cookie: Any) -> list[tuple[str, str | None]]:
    expires, age, path = (_given(cookie, name) for name in ("expires", "max_age", "path"))
    moment = datetime.fromtimestamp(expires.seconds, UTC) if expires is not None else None
    return [
        ("expires", f"{moment:%a, %d %b %Y %H:%M:%S GMT}" if moment else None),
        ("max-age", None if age is None else str(int(age))),
        ("domain", _given(cookie, "domain") or None),
        ("path", "/" if path is None else path),
    ]


def _given(cookie: Any, field: str) -> Any:
    """The value of a nullable field: None when the cookie does not set it."""
    return getattr(getattr(cookie, field, None), "value", None)
