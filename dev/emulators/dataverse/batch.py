"""`$batch`: many requests in one body, some of them bound together in change sets.

Source: Microsoft Learn, "Execute batch operations using the Web API".
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise

from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.wire import Request, Response, error_response, split_target

MOST_OPERATIONS = 1000
CRLF = b"\r\n"
BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?', re.IGNORECASE)
Handler = Callable[[Request], Response]


@dataclass
class Operation:
    """One inner request; `content_id` is what `$1` refers to."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    content_id: str | None


Item = Operation | list[Operation]


def bad_batch(message: str) -> ApiError:
    return ApiError(400, "0x80048d19", message)


def boundary_of(content_type: str) -> bytes:
    match = BOUNDARY.search(content_type)
    if not match or "multipart/mixed" not in content_type.lower():
        raise bad_batch(
            "The content type of a batch request must be multipart/mixed with a boundary."
        )
    return match[1].encode()


def parts_of(body: bytes, boundary: bytes) -> list[tuple[dict[str, str], bytes]]:
    """Headers and content of each part; ApiError 400 if the end is missing."""
    marks = list(delimiters(body, boundary))
    if not any(mark[1] for mark in marks):
        raise bad_batch("Unexpected end of the batch request: the closing boundary is missing.")
    between = (body[one.end() : other.start()] for one, other in pairwise(marks))
    return [split_head(without_line_ends(content)) for content in between]


def delimiters(body: bytes, boundary: bytes) -> Iterator[re.Match[bytes]]:
    """Each line that is the boundary; group 1 is there at the last.

    The pattern begins with a literal, which is searched fast.
    """
    for mark in re.finditer(re.escape(b"--" + boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)", body):
        if mark.start() == 0 or body[mark.start() - 1 : mark.start()] == b"\n":
            yield mark


def without_line_ends(content: bytes) -> bytes:
    """A line end belongs to the delimiter before it and to the one after it."""
    return content.removeprefix(b"\r").removeprefix(b"\n").removesuffix(b"\n").removesuffix(b"\r")


def split_head(content: bytes) -> tuple[dict[str, str], bytes]:
    head, rest = at_empty_line(content)
    return headers_of(head), rest


def at_empty_line(content: bytes) -> tuple[str, bytes]:
    """What stands before and after the first empty line, whichever line ends are used."""
    head, _, rest = content.partition(b"\r\n\r\n" if b"\r\n\r\n" in content else b"\n\n")
    return head.decode("utf-8"), rest


def headers_of(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def read_items(body: bytes, content_type: str) -> list[Item]:
    items: list[Item] = []
    for headers, content in parts_of(body, boundary_of(content_type)):
        kind = headers.get("content-type", "")
        if "multipart/mixed" in kind:
            items.append(
                [
                    read_operation(inner, part)
                    for inner, part in parts_of(content, boundary_of(kind))
                ]
            )
        else:
            items.append(read_operation(headers, content))
    return items


def read_operation(headers: dict[str, str], content: bytes) -> Operation:
    """A part's content: request line, headers, empty line, body."""
    head, body = at_empty_line(content)
    line, _, rest = head.partition("\n")
    words = line.strip().split(" ")
    if len(words) < 3 or not words[-1].startswith("HTTP/"):
        raise bad_batch(f"Invalid HTTP request line '{line.strip()}' in the batch.")
    return Operation(
        words[0],
        " ".join(words[1:-1]),
        headers_of(rest),
        body.rstrip(b"\r\n"),
        headers.get("content-id"),
    )


class Batch:
    """Runs inner requests through `handle`, which raises ApiError for a refused one."""

    def __init__(self, store: Store, handle: Handler) -> None:
        self.store, self.handle = store, handle
        self.failed_change_set = "nested"

    def configure(self, order: dict[str, str]) -> None:
        """{"failed_change_set": "nested" | "flat"}: live organizations answer with the error inside
        the multipart of the change set, the OData standard shows it alone. ValueError for another
        word.
        """
        wanted = order.get("failed_change_set", "nested")
        if wanted not in ("nested", "flat"):
            raise ValueError(f"no such shape: {wanted}; known are nested, flat")
        self.failed_change_set = wanted

    def run(self, request: Request) -> Response:
        items = read_items(request.body, request.headers.get("content-type", ""))
        if sum(len(item) if isinstance(item, list) else 1 for item in items) > MOST_OPERATIONS:
            raise bad_batch(
                "The current number of operations in the batch exceeds the maximum of"
                f" {MOST_OPERATIONS}."
            )
        boundary = f"batchresponse_{uuid.uuid4()}"
        answers: list[bytes] = []
        status = 200
        for item in items:
            failed, part = (
                self.change_set(request, item)
                if isinstance(item, list)
                else self.single(request, item)
            )
            answers.append(part)
            if failed and not request.prefer.continue_on_error:
                status = failed
                break
        return multipart(boundary, answers, status)

    def single(self, request: Request, operation: Operation) -> tuple[int, bytes]:
        """The status if the operation failed, else 0; and its answer as a part."""
        try:
            response = self.handle(inner(request, operation, {}))
        except ApiError as error:
            return error.status, as_part(error_response(error), operation.content_id)
        return 0, as_part(response, operation.content_id)

    def change_set(self, request: Request, operations: list[Operation]) -> tuple[int, bytes]:
        """All or nothing; a failed one answers with one single error, in one of two shapes."""
        parts: list[bytes] = []
        try:
            with self.store.transaction():
                for part in self.atomic(request, operations):
                    parts.append(part)
        except ApiError as error:
            if self.failed_change_set == "flat":
                return error.status, as_part(error_response(error), None)
            return error.status, nested(
                [as_part(error_response(error), operations[len(parts)].content_id)]
            )
        return 0, nested(parts)

    def atomic(self, request: Request, operations: list[Operation]) -> Iterator[bytes]:
        created: dict[str, str] = {}
        for operation in operations:
            if operation.method == "GET":
                raise bad_batch("GET requests are not allowed in change sets.")
            response = self.handle(inner(request, operation, created))
            if operation.content_id:
                created[operation.content_id] = response.headers.get("OData-EntityId", "")
            yield as_part(response, operation.content_id)


def nested(parts: list[bytes]) -> bytes:
    """The answer to a change set as one part."""
    boundary = f"changesetresponse_{uuid.uuid4()}"
    body = multipart(boundary, parts, 200).body
    return f"Content-Type: multipart/mixed; boundary={boundary}".encode() + CRLF + CRLF + body


def inner(request: Request, operation: Operation, created: dict[str, str]) -> Request:
    """The operation as a request of its own, with `$1` replaced by the row that operation 1
    wrote.
    """
    target = operation.target
    if match := re.match(r"(?:.*/)?\$(\d+)", target.partition("?")[0]):
        target = referenced(match[1], created) + target[match.end() :]
    body = resolve_binds(operation.body, created)
    absolute = target if "/api/data/" in target else f"{request.api}/{target.lstrip('/')}"
    version, path, query = split_target(absolute)
    api = re.sub(r"v9\.\d$", version, request.api)
    return Request(operation.method, path, query, operation.headers, body, api, request.caller)


def referenced(content_id: str, created: dict[str, str]) -> str:
    if content_id not in created:
        raise bad_batch(
            f"Content-ID Reference: '${content_id}' does not exist in the batch context."
        )
    return created[content_id]


def resolve_binds(body: bytes, created: dict[str, str]) -> bytes:
    """`"nav@odata.bind":"$1"` becomes the URL of the row."""

    def replaced(match: re.Match[bytes]) -> bytes:
        return match[1] + referenced(match[2].decode(), created).encode() + match[3]

    return re.sub(rb'(@odata\.bind"\s*:\s*")/?\$(\d+)(")', replaced, body)


def as_part(response: Response, content_id: str | None) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        head.append(f"Content-ID: {content_id}")
    phrase = HTTPStatus(response.status).phrase
    fields = {"OData-Version": "4.0", **response.headers}
    if entity_id := response.headers.get("OData-EntityId"):
        fields = {**fields, "Location": entity_id}
    lines = [
        *head,
        "",
        f"HTTP/1.1 {response.status} {phrase}",
        *(f"{name}: {value}" for name, value in fields.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("utf-8") + response.body


def multipart(boundary: str, parts: list[bytes], status: int) -> Response:
    opening = f"--{boundary}".encode() + CRLF
    body = b"".join(opening + part + CRLF for part in parts) + f"--{boundary}--".encode() + CRLF
    return Response(status, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, body)
