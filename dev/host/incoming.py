"""A request as the Functions host reads it off the wire, before a function sees it.

The server of the real host (Kestrel) decodes a path and takes its dots away before it looks for a
route; the host leaves out empty query values, joins what differs in case only, and reads a body
only if its length was said. Source: tests/contract/ conformance, whose rows were run on the host's
own code.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from dev.host.protocol import TypedData, protos

MAX_BODY_BYTES = 100 * 1024 * 1024
ESCAPES = re.compile("(?:%[0-9A-Fa-f]{2})+")
PLAIN_IN_PATHS = "/:@!$&'()*+,;=~-._"


class BadRequest(Exception):
    """The server refuses it with 400 before any function is looked for."""


class TooLarge(Exception):
    """More than 100 MiB: the host answers 500."""


@dataclass(frozen=True, slots=True)
class Target:
    path: str
    """Decoded, without dot segments; %2F and what is no UTF-8 are left as they were."""
    query: dict[str, str]
    raw_query: str


def target_of(request: web.Request) -> Target:
    """Raises BadRequest."""
    raw = request.raw_path.partition("#")[0]
    if any(character > "~" or character < "!" for character in raw) or not request.headers.get(
        "Host"
    ):
        raise BadRequest
    for _, value in request.raw_headers:
        _check_header(value)
    path, _, query = raw.partition("?")
    return Target(without_dots(decoded_path(path)), query_of(query), query)


def _check_header(value: bytes) -> None:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest from error


def decoded_path(raw: str) -> str:
    """Raises BadRequest for a null character."""
    if "%00" in raw:
        raise BadRequest
    return ESCAPES.sub(lambda found: "".join(map(_decoded, re.split("(%2[Ff])", found[0]))), raw)


def _decoded(escapes: str) -> str:
    """`%C3%A9` -> é; bytes that are no UTF-8 stay escaped, and so does a slash."""
    if escapes.upper() == "%2F":
        return escapes
    return _as_text(escapes)


def _as_text(escapes: str) -> str:
    raw, text = bytes.fromhex(escapes.replace("%", "")), ""
    while raw:
        try:
            return text + raw.decode("utf-8")
        except UnicodeDecodeError as error:
            good, kept = error.start, error.end
            text += raw[:good].decode("utf-8") + escapes[3 * good : 3 * kept]
            raw, escapes = raw[kept:], escapes[3 * kept :]
    return text


def without_dots(path: str) -> str:
    """`/a/./b/../c` -> `/a/c` (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        if segment not in (".", ".."):
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)


def query_of(raw: str) -> dict[str, str]:
    """Keys that differ in case only are one, their values joined; empty values are absent."""
    found: dict[str, tuple[str, list[str]]] = {}
    for pair in filter(None, raw.split("&")):
        name, _, value = pair.partition("=")
        name, value = (
            ESCAPES.sub(lambda part: _as_text(part[0]), text.replace("+", " "))
            for text in (name, value)
        )
        found.setdefault(name.lower(), (name, []))[1].append(value)
    values = {name: joined(values) for name, values in found.values()}
    return {name: value for name, value in values.items() if value}


def joined(values: Iterable[str]) -> str:
    """Several values as one text, without the empty ones.

    Source: .NET, StringValues.ToString.
    """
    return ",".join(filter(None, values))


async def body_of(request: web.Request) -> bytes:
    """Empty where no length was said, as with a chunked body. Raises TooLarge."""
    if not request.content_length:
        return b""
    if request.content_length > MAX_BODY_BYTES:
        raise TooLarge
    return await request.read()


def url_of(request: web.Request, target: Target) -> str:
    """What the function knows as its URL: the scheme that the front end was called with, the path
    encoded again.
    """
    scheme = request.headers.get("X-Forwarded-Proto") or "http"
    path = re.sub("%(?![0-9A-Fa-f]{2})", "%25", quote(target.path, safe=PLAIN_IN_PATHS + "%"))
    query = f"?{target.raw_query}" if target.raw_query else ""
    return f"{scheme}://{request.host}{path}{query}"


async def to_rpc(request: web.Request, target: Target, parameters: dict[str, str]) -> Any:
    """The request as RpcHttp; repeated headers are joined. Raises TooLarge."""
    body = await body_of(request)
    return protos.RpcHttp(
        method=request.method,
        url=url_of(request, target),
        headers={name.lower(): joined(request.headers.getall(name)) for name in request.headers},
        query=target.query,
        params=parameters,
        body=TypedData(bytes=body) if body else TypedData(),
    )
