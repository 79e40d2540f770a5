"""Answers that are one JSON object: its rows, its error.

What has another form is asked for again.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared import exact_json
from shared.errors import Retryable
from shared.http.transport import Response


def body_object(response: Response, what: str) -> dict[str, Any]:
    """The JSON object of an answer; Retryable for anything else, uncertain where it answers a
    write.
    """
    try:
        answer = response.json()
    except Retryable:
        answer = None
    if isinstance(answer, dict):
        return answer
    sentence = (
        f"Dataverse's answer to {what} (status {response.status}) is no JSON object; it is asked"
        " for again."
    )
    raise Retryable(sentence, uncertain=not what.startswith("GET "))


def values(answer: Mapping[str, Any], route: str) -> list[dict[str, Any]]:
    """The rows of one page; a page without its list says nothing of what is there."""
    rows = answer.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unrecognised(route)
    return rows


def unrecognised(route: str) -> Retryable:
    return Retryable(
        f"Dataverse's answer to GET {route} lacks what it must hold; it is asked for again."
    )


def error_code(response: Response) -> str:
    """`error.code` of an answer such as 0x80040217, "" where there is none."""
    return error_member(response, "code")


def error_message(response: Response) -> str:
    """`error.message`, to be matched only: it may hold ids and values."""
    return error_member(response, "message")


def error_member(response: Response, name: str) -> str:
    try:
        return str(exact_json.read(response.body)["error"][name])
    except (ValueError, KeyError, TypeError):
        return ""


EXPIRED_VERSION_STAMP = "0x80044352"
EXPIRED = re.compile(r"(?i)expired ?version ?stamp|version stamp\b.*\bexpired")


def is_expired(response: Response, code: str) -> bool:
    """Whether a change token is too old: by the documented code or text; its status is not known.

    Source: Microsoft Learn, "Web service error codes" (ExpiredVersionStamp).
    """
    if code == EXPIRED_VERSION_STAMP or response.status == 410:
        return True
    return response.status >= 400 and EXPIRED.search(error_message(response)) is not None
