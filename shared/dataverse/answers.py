"""What a `$batch` answer says of each change set. Only a recognised success is a success.

A failed change set has two shapes: one bare error part (the OData standard), or the error part
inside the multipart `changesetresponse_...` (captured from live organizations). Both are read, and
the worst inner status decides. An answer that is cut off, incomplete or of another form says
nothing: the work may have been done.
Sources: Microsoft Learn, "Execute batch operations using the Web API", "Use bulk operation
messages"; OData 4.0, "Batch Responses".
"""

import email
import email.policy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import (
    CloseBoundaryNotFoundDefect,
    MultipartInvariantViolationDefect,
    StartBoundaryNotFoundDefect,
)
from email.message import Message

from shared import exact_json
from shared.errors import BridgeError, Retryable
from shared.http.transport import Response
from shared.identifiers import record_id

STATUS_LINE = re.compile(rb"HTTP/\d(?:\.\d)? (\d{3})(?: .*)?")
BROKEN = (
    CloseBoundaryNotFoundDefect,
    MultipartInvariantViolationDefect,
    StartBoundaryNotFoundDefect,
)
LENGTH = re.compile(r"\d{1,18}", re.ASCII)
ENTITY_ID = re.compile(r"\(([^()]*)\)$")
EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
DONE = {"POST": (200, 201, 204), "PATCH": (200, 204), "DELETE": (204,)}


@dataclass(frozen=True, slots=True)
class Expected:
    """What one operation is recognised by: its method, and how many ids CreateMultiple answers
    (None for others).

    `names`: the ids of its records, as far as they are known. An answer that names others belongs
    to another operation.
    """

    method: str
    ids: int | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChangeSetAnswer:
    """`failure` is the refusal that decided, None if there was none; `done`: every operation was
    recognised as done.
    """

    failure: Response | None
    done: bool


def change_sets(
    response: Response, expected: Sequence[Sequence[Expected]]
) -> list[ChangeSetAnswer] | None:
    """One answer for each change set, in the order of the request; None if they cannot be read
    apart.
    """
    head = f"Content-Type: {response.headers.get('content-type', '')}\r\n\r\n".encode()
    try:
        message = email.message_from_bytes(head + response.body, policy=email.policy.compat32)
    except RecursionError:  # parts within parts, hundreds deep
        return None
    parts = complete_parts(message)
    if parts is None or len(parts) != len(expected):
        return None
    return [change_set(part, operations) for part, operations in zip(parts, expected, strict=True)]


def complete_parts(message: Message) -> list[Message] | None:
    """The parts of a multipart that has its end; None for any other message."""
    payload = message.get_payload()
    if not isinstance(payload, list) or not ended(message):
        return None
    return [part for part in payload if isinstance(part, Message)]


def ended(message: Message) -> bool:
    """Whether a multipart was read to its closing boundary."""
    return not any(isinstance(defect, BROKEN) for defect in message.defects)


def change_set(part: Message, operations: Sequence[Expected]) -> ChangeSetAnswer:
    """Any refusal inside fails the whole; without one, each operation must be answered by a success
    of its own kind.
    """
    flat = not part.is_multipart()
    answers = [
        answer(inner)
        for inner in ([part] if flat else part.get_payload())
        if isinstance(inner, Message)
    ]
    refused = [one for one in answers if one is not None and one.status >= 400]
    if refused:
        return ChangeSetAnswer(max(refused, key=lambda one: one.status), done=False)
    whole = not flat and ended(part) and len(answers) == len(operations)
    return ChangeSetAnswer(None, whole and all(map(succeeded, answers, operations)))


def answer(part: Message) -> Response | None:
    """The HTTP answer in a part; None if it has no status line, or a success less of a body than it
    announces.
    """
    payload = part.get_payload(decode=True)
    head, *rest = EMPTY_LINE.split(payload if isinstance(payload, bytes) else b"", maxsplit=1)
    line, *listed = head.splitlines() or [b""]
    status, body, fields = STATUS_LINE.fullmatch(line), rest[0] if rest else b"", headers_of(listed)
    if part.get_content_type() != "application/http" or not status:
        return None
    return (
        Response(int(status[1]), fields, body)
        if int(status[1]) >= 400 or len(body) >= announced(fields)
        else None
    )


def headers_of(lines: Sequence[bytes]) -> dict[str, str]:
    parts = (line.decode("latin-1").partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def announced(fields: Mapping[str, str]) -> int:
    """The Content-Length among headers; 0 if there is none."""
    length = fields.get("content-length", "")
    return int(length) if LENGTH.fullmatch(length) else 0


def succeeded(found: Response | None, operation: Expected) -> bool:
    if found is None or found.status not in DONE.get(operation.method, ()):
        return False
    if operation.ids is None:
        return is_named(found, operation) and not body_is_error(found.body)
    ids = parsed(found.body).get("Ids")
    if found.status != 200 or not isinstance(ids, list) or len(ids) != operation.ids:
        return False
    return not operation.names or {record_id(item) for item in ids} == operation.names


def is_named(found: Response, operation: Expected) -> bool:
    """Whether the answer names the operation's record, or none."""
    named = ENTITY_ID.search(found.headers.get("odata-entityid", ""))
    found_id = record_id(named[1]) if named else ""
    return not found_id or not operation.names or found_id in operation.names


def body_is_error(body: bytes) -> bool:
    """A success carries nothing, or a JSON object that is no error."""
    return bool(body.strip()) and (not parsed(body) or "error" in parsed(body))


def parsed(body: bytes) -> dict[str, object]:
    """The JSON object in a body; {} if there is none."""
    try:
        found = exact_json.read(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def unrecognised(what: str) -> BridgeError:
    """The work may have been done: the next attempt looks before it creates."""
    return Retryable(
        f"Dataverse's answer to {what} does not say what became of it; it is looked at again.",
        uncertain=True,
    )
