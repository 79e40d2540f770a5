"""A search carries what it looks for in the body: addresses are written into logs on their way."""

import pytest

from shared.dataverse.client import DataverseClient
from shared.dataverse.searching import Search, equal_to_any, quoted, search
from shared.errors import Misconfigured, Retryable
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport

ADDRESS = "o'hara@example.org"
ROWS = '{"value": [{"contactid": "1"}]}'
REFUSED = '{"error": {"code": "0x80060888", "message": "x"}}'


class Tokens:
    def token(self, refused: str = "") -> str:
        return "t"


def part(status: int, body: str) -> str:
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return f"--b\r\n{head}HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n\r\n{body}\r\n"


def client(answer: str, seen: list[Request], status: int = 200) -> DataverseClient:
    def send(request: Request) -> Response:
        seen.append(request)
        return Response(status, {"content-type": "multipart/mixed; boundary=b"}, answer.encode())

    transport = Transport("Dataverse", send, AdaptiveConcurrency(1))
    return DataverseClient("https://d.example.org", Tokens(), transport)


def wanted() -> Search:
    return Search("contacts", ["contactid"], equal_to_any(["emailaddress1"], ADDRESS), 5, "x desc")


def test_what_is_looked_for_is_in_the_body_alone() -> None:
    seen: list[Request] = []
    answer = part(200, ROWS) + part(200, ROWS) + "--b--\r\n"
    assert search(client(answer, seen), [wanted(), wanted()], "test") == [
        [{"contactid": "1"}],
        [{"contactid": "1"}],
    ]
    (request,) = seen
    assert request.url == "https://d.example.org/api/data/v9.2/$batch"
    assert b"o%27%27hara%40example.org" in (request.body or b"")
    assert b"$top=5" in (request.body or b"")
    assert "example.org" not in repr(wanted())


def test_nothing_to_look_for_is_no_call() -> None:
    seen: list[Request] = []
    assert search(client("", seen), [], "test") == []
    assert seen == []


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (part(400, REFUSED) + "--b--\r\n", 200, Misconfigured),
        (part(200, ROWS), 200, Retryable),
        ("--b--\r\n", 200, Retryable),
        (REFUSED, 400, Misconfigured),
        (part(200, "[]") + "--b--\r\n", 200, Retryable),
    ],
    ids=["refused", "cut off", "empty", "refused as a whole", "no list"],
)
def test_an_answer_that_is_not_whole_is_none(
    answer: str, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        search(client(answer, [], status), [wanted()], "test")
    assert "hara" not in str(raised.value)


def test_a_quotation_mark_ends_no_text() -> None:
    assert quoted("a' or 1 eq 1 or 'b") == "'a'' or 1 eq 1 or ''b'"
