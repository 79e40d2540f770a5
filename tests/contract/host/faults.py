"""A proxy before a storage endpoint that answers in its place, cuts the connection, or keeps an
answer back.
"""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

CUT = 0
PASSED_ON = {"content-length", "transfer-encoding", "connection"}


class Faults:
    """`rule` is asked of method and path of each request: a status, CUT, or None for what storage
    answers.
    """

    def __init__(self) -> None:
        self.rule: Callable[[str, str], int | None] = lambda method, path: None
        self.hits = 0
        self.release = threading.Event()
        """Answers of storage are kept back while it is not set."""
        self.release.set()

    def set(self, method: str, status: int, times: int = 1_000_000) -> None:
        """Requests of this method for messages, the next so many; PUT is a renewal, DELETE a
        completion.
        """
        left = iter(range(times))
        self.hits = 0

        def rule(asked: str, path: str) -> int | None:
            if asked != method or "/messages" not in path or next(left, None) is None:
                return None
            self.hits += 1
            return status

        self.rule = rule

    def clear(self) -> None:
        self.rule = lambda method, path: None


@contextmanager
def before(storage: str) -> Iterator[tuple[str, Faults]]:
    """The connection string with the proxy as its queue endpoint."""
    faults, parts = Faults(), dict(part.split("=", 1) for part in storage.strip(";").split(";"))
    real = urlsplit(parts["QueueEndpoint"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(faults, real.netloc))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    parts["QueueEndpoint"] = f"http://127.0.0.1:{server.server_port}{real.path}"
    try:
        yield ";".join(f"{name}={value}" for name, value in parts.items()) + ";", faults
    finally:
        faults.release.set()
        server.shutdown()
        server.server_close()


def handler(faults: Faults, real: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status = faults.rule(self.command, self.path)
            if status == CUT:
                return
            self.reply(status, {}, b"") if status else self.reply(*self.ask(body))

        def ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(real, timeout=30)
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in PASSED_ON
            }
            connection.request(self.command, self.path, body or None, headers)
            with connection.getresponse() as response:
                answered = response.status, dict(response.getheaders()), response.read()
            connection.close()
            if self.command == "GET" and "/messages" in self.path and b"<MessageId>" in answered[2]:
                faults.release.wait(30)
            return answered

        def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in PASSED_ON:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler
