"""An answer is read up to its limit, however it is packed, cut into chunks or announced; over a
real socket.
"""

import gzip
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from shared.deadlines import within
from shared.errors import Retryable
from shared.http import transport
from shared.http.transport import Oversized, Request, Response, pooled
from tests.contract.silence import DRIPS, Serve, answers, listening

LIMIT = 100_000
FITS, TOO_MUCH = b"a" * LIMIT, b"a" * (LIMIT + 1)


def sized(body: bytes, extra: str = "", announced: int | None = None) -> bytes:
    length = len(body) if announced is None else announced
    return f"HTTP/1.1 200 OK\r\n{extra}Content-Length: {length}\r\n\r\n".encode() + body


def chunked(body: bytes, extra: str = "", size: int = 1000) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return (
        f"HTTP/1.1 200 OK\r\n{extra}Transfer-Encoding: chunked\r\n\r\n".encode()
        + framed
        + b"0\r\n\r\n"
    )


PACKED = "Content-Encoding: gzip\r\n"


class Server:
    """Gives one answer to whoever asks, and ends the connection."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/"
        self.answer = b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65_536)
                    connection.sendall(self.answer)
                except OSError:  # the client has read enough
                    continue


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.listening.close()


def ask(server: Server, answer: bytes) -> Response:
    server.answer = answer
    return pooled("Campaign", 5, 1)(Request("GET", server.url, "GET rows", most_bytes=LIMIT))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sized(FITS), id="sized"),
        pytest.param(chunked(FITS), id="chunked"),
        pytest.param(sized(gzip.compress(FITS), PACKED), id="packed"),
        pytest.param(chunked(gzip.compress(FITS), PACKED, 7), id="packed and chunked"),
    ],
)
def test_an_answer_of_just_the_limit_is_read(server: Server, answer: bytes) -> None:
    assert ask(server, answer).body == FITS


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sized(TOO_MUCH), id="sized"),
        pytest.param(chunked(TOO_MUCH), id="chunked"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + TOO_MUCH, id="without a length"),
        pytest.param(sized(gzip.compress(TOO_MUCH), PACKED), id="packed"),
        pytest.param(chunked(gzip.compress(b"a" * (64 << 20)), PACKED), id="a bomb, chunked"),
        pytest.param(
            sized(
                gzip.compress(gzip.compress(b"a" * (64 << 20))), "Content-Encoding: gzip, gzip\r\n"
            ),
            id="twice",
        ),
        pytest.param(sized(b"a" * (1 << 20), announced=1 << 40), id="announced as a terabyte"),
    ],
)
def test_a_larger_answer_is_not_read_and_says_so(server: Server, answer: bytes) -> None:
    with pytest.raises(
        Oversized, match=r"answer to GET rows is larger than 100000 bytes"
    ) as raised:
        ask(server, answer)
    assert raised.value.uncertain


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(sized(b"{}", announced=50), id="less than announced"),
        pytest.param(sized(b"no gzip", PACKED), id="not packed"),
        pytest.param(sized(b"{}", "X-A: " + "a" * 70_000 + "\r\n"), id="a header of 70 KB"),
        pytest.param(sized(b"{}", "X-A: a\r\n" * 200), id="200 headers"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
            id="a chunk without a size",
        ),
        pytest.param(b"HTTP/9 what\r\n\r\n", id="no HTTP"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_an_answer_that_is_broken_is_asked_for_again(server: Server, answer: bytes) -> None:
    with pytest.raises(Retryable) as raised:
        ask(server, answer)
    assert raised.value.uncertain


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY_PACKED = (
    HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9999999\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\3"
)


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(answers(b"HTTP/1.1 200 ", b"O"), id="status line"),
        pytest.param(answers(HEAD, b"X"), id="a header"),
        pytest.param(answers(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="is told to go on"),
        pytest.param(DRIPS, id="sized"),
        pytest.param(answers(HEAD + b"\r\n", b" "), id="without a length"),
        pytest.param(answers(CHUNKED + b"fffff\r\n", b" "), id="chunked"),
        pytest.param(answers(CHUNKED + b"1;", b"x"), id="the size of a chunk"),
        pytest.param(answers(CHUNKED + b"1\r\na\r\n0\r\n", b"X"), id="trailers"),
        pytest.param(answers(EMPTY_PACKED, b"\0\0\0\xff\xff"), id="packed nothing"),
    ],
)
def test_a_call_ends_in_time_wherever_its_answer_drips(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "LONGEST_CALL_SECONDS", 0.5)
    began = time.monotonic()
    with listening(serve) as server, pytest.raises(Retryable, match="no answer") as raised:
        pooled("Campaign", 5, 1)(Request("GET", f"http://127.0.0.1:{server.port}/", "GET rows"))
    assert raised.value.uncertain
    assert time.monotonic() - began < 4.0


def test_a_call_ends_in_time_where_the_server_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def reads_slowly(client: socket.socket, ended: threading.Event) -> None:
        while not ended.wait(0.05):
            client.recv(10)

    monkeypatch.setattr(transport, "LONGEST_CALL_SECONDS", 0.5)
    began = time.monotonic()
    with listening(reads_slowly) as server, pytest.raises(Retryable, match="no answer"):
        url, body = f"http://127.0.0.1:{server.port}/", b"a" * (32 << 20)
        pooled("Campaign", 5, 1)(Request("POST", url, "POST rows", body=body))
    assert time.monotonic() - began < 4.0


def test_a_call_ends_before_its_run_does() -> None:
    began = time.monotonic()
    with (
        within(10, end_seconds=transport.WRITING_SECONDS + 0.5),
        listening(DRIPS) as server,
        pytest.raises(Retryable, match="no answer"),
    ):
        pooled("Campaign", 5, 1)(Request("GET", f"http://127.0.0.1:{server.port}/", "GET rows"))
    assert time.monotonic() - began < 4.0


def test_a_connection_that_was_cut_serves_no_other_call(monkeypatch: pytest.MonkeyPatch) -> None:
    def drips_once(client: socket.socket, ended: threading.Event) -> None:
        client.recv(1 << 16)
        if server.taken == 1:
            answers(HEAD, b"X")(client, ended)
        else:
            client.sendall(sized(b"{}"))

    monkeypatch.setattr(transport, "LONGEST_CALL_SECONDS", 0.5)
    with listening(drips_once) as server:
        send = pooled("Campaign", 5, 1)
        request = Request("GET", f"http://127.0.0.1:{server.port}/", "GET rows")
        with pytest.raises(Retryable):
            send(request)
        assert send(request).body == b"{}"
