"""Answers of Campaign that are one JSON object; what has another form is no success and no
absence.
"""

from typing import Any

from shared.calls import unanswered
from shared.errors import Retryable
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
