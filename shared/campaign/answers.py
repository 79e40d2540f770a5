"""Answers of Campaign that are one JSON object; what has another form is no success and no
absence.
"""

from typing import Any

from shared.calls import unanswered
from shared.campaign import wire
from shared.errors import ELSEWHERE, BridgeError, Retryable
from shared.http.transport import Response


def object_in(response: Response) -> dict[str, Any] | None:
    """The JSON object of an answer; None for anything else."""
    try:
        answer = response.json()
    except Retryable:
        return None
    return answer if isinstance(answer, dict) else None


def body_object(response: Response, what: str) -> dict[str, Any]:
    """The JSON object of an answer; Retryable for anything else."""
    answer = object_in(response)
    if answer is None:
        raise unrecognised(what)
    return answer


def unrecognised(what: str) -> Retryable:
    return Retryable(
        f"Campaign's answer to {what} is not what it should be; it is looked at again."
    )


def unrecognised_write(what: str) -> Retryable:
    """No success that is known: the write may have been done, or may be done later."""
    unanswered()
    error = unrecognised(what)
    error.uncertain = True
    return error


def may_be_done(error: BridgeError, status: int, text: str) -> bool:
    """Whether a write that got this answer may have been done for all that, or may be later.

    An answer that is not Adobe's API's says nothing about the write: who gave it may have let the
    request pass.
    """
    said_nothing = isinstance(error, Retryable) or status in ELSEWHERE
    return said_nothing and not wire.was_rolled_back(text)
