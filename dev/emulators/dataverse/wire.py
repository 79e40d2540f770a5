"""One request and its answer, free of any web framework, so that a `$batch` can hold many of
them.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from dev.emulators.dataverse.odata.options import Preferences, read_preferences
from dev.emulators.dataverse.problems import ApiError, bad_payload


@dataclass(frozen=True)
class Caller:
    """The systemuser behind a token."""

    user_id: str
    application_id: str
    business_unit_id: str
    organization_id: str


@dataclass
class Request:
    """`path` is what follows `/api/data/v9.2/`, decoded; `query` is decoded too; header names are
    lower case.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    api: str
    caller: Caller
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @cached_property
    def prefer(self) -> Preferences:
        return read_preferences(self.headers.get("prefer", ""))

    def json(self) -> dict[str, Any]:
        """The body as an object; ApiError 400 in the platform's words if it is none."""
        entity_set = self.path.partition("(")[0].partition("/")[0]
        try:
            found = json.loads(
                self.body.decode("utf-8"), parse_float=Decimal, parse_constant=refuse_constant
            )
            if b"\\u" in self.body:  # half of a surrogate pair can only hide in an escape
                json.dumps(found, ensure_ascii=False, default=str).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise bad_payload(entity_set, f"Microsoft.OData.ODataException: {error}") from error
        if not isinstance(found, dict):
            raise bad_payload(
                entity_set,
                "Microsoft.OData.ODataException: A node of type 'StartObject' was expected.",
            )
        return found


def refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


@dataclass
class Response:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_response(body: Any, status: int = 200, **headers: str) -> Response:
    return text_response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")), status, **headers
    )


def text_response(text: str, status: int = 200, **headers: str) -> Response:
    return Response(
        status,
        {"Content-Type": "application/json; odata.metadata=minimal", **headers},
        text.encode("utf-8"),
    )


def error_response(error: ApiError, request: Request | None = None) -> Response:
    """`{"error":{"code":..,"message":..}}`, with the error annotations if the caller asked for all
    annotations.
    """
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if request and "*" in request.prefer.annotations:
        body["@Microsoft.PowerApps.CDS.ErrorDetails.HttpStatusCode"] = str(error.status)
        body["@Microsoft.PowerApps.CDS.HelpLink"] = (
            "http://go.microsoft.com/fwlink/?LinkID=398563&error=" + error.code
        )
        body["@Microsoft.PowerApps.CDS.InnerError.Message"] = error.message
    response = json_response({"error": body}, error.status)
    response.headers.update(error.headers)
    return response


def split_query(raw: str) -> dict[str, str]:
    """A raw query string decoded once; a plus sign is a space, as ASP.NET reads it."""
    pairs = (part.partition("=") for part in raw.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def join_query(query: Mapping[str, str]) -> str:
    return "&".join(
        f"{name}={quote(value, safe="$,'()=/@:;*!-._~")}" for name, value in query.items()
    )


def split_target(target: str) -> tuple[str, str, dict[str, str]]:
    """The version, path and query of a URL below `/api/data/`: ("v9.2", "contacts(1)", {...});
    ApiError 404 elsewhere.
    """
    path, _, query = target.partition("?")
    _, mark, below = path.partition("/api/data/")
    version, _, rest = below.partition("/")
    if not mark or version not in {"v9.0", "v9.1", "v9.2"}:
        raise ApiError(
            404, "0x80060888", f"Resource not found for the segment '{path.strip('/')}'."
        )
    return version, unquote(rest).rstrip("/"), split_query(query)
