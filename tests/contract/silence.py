"""Servers that fall silent: they take a connection and what is sent, and answer nothing, or a byte
now and then.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Serve = Callable[[socket.socket, threading.Event], None]


def says_nothing(client: socket.socket, ended: threading.Event) -> None:
    while client.recv(1 << 16):
        pass


def answers(head: bytes, *parts: bytes) -> Serve:
    """An answer whose parts come a tenth of a second apart, the last of them without end."""

    def serve(client: socket.socket, ended: threading.Event) -> None:
        client.recv(1 << 16)
        client.sendall(head)
        for part in parts:
            client.sendall(part)
        while parts and not ended.wait(0.1):
            client.sendall(parts[-1])

    return serve


DRIPS = answers(
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", b" "
)
FAILS = answers(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class Listener:
    """Serves each connection on a thread of its own; `taken` counts them."""

    def __init__(self, serve: Serve) -> None:
        self.serve, self.ended, self.taken = serve, threading.Event(), 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.clients: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.socket.accept()
                self.clients.append(client)
                self.taken += 1
                threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            self.serve(client, self.ended)

    def close(self) -> None:
        self.ended.set()
        for part in (self.socket, *self.clients):
            with contextlib.suppress(OSError):
                part.shutdown(socket.SHUT_RDWR)
            part.close()


@contextmanager
def listening(serve: Serve) -> Iterator[Listener]:
    listener = Listener(serve)
    try:
        yield listener
    finally:
        listener.close()


class Proxy:
    """Passes bytes on to a server.

    While it is `silent` it takes what comes, passes it on, and keeps the answers.

    `loses`: while silent it passes nothing on either.
    """

    def __init__(self, port: int) -> None:
        self.target, self.silent, self.loses = port, False, False
        self.listener = Listener(self.serve)
        self.port = self.listener.port

    def serve(self, client: socket.socket, ended: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", self.target)) as server:
            threading.Thread(target=self.pass_on, args=(server, client, True), daemon=True).start()
            self.pass_on(client, server, False)

    def pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not (self.silent and (is_answer or self.loses)):
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class SilentStorage:
    """An account of Azurite behind a proxy for each of its services."""

    def __init__(self, connection_string: str) -> None:
        self.proxies: dict[str, Proxy] = {}
        parts = []
        for part in connection_string.split(";"):
            name, _, value = part.partition("=")
            if name.endswith("Endpoint"):
                port = value.split(":")[2].split("/")[0]
                proxy = self.proxies[name.removesuffix("Endpoint").lower()] = Proxy(int(port))
                value = value.replace(f":{port}", f":{proxy.port}")
            parts.append(f"{name}={value}" if value else part)
        self.connection_string = ";".join(parts)

    def fall_silent(self, *services: str, loses: bool = False) -> None:
        for name in services or self.proxies:
            self.proxies[name].loses, self.proxies[name].silent = loses, True

    def speak(self) -> None:
        """Connections that were silent are ended, as their answers are lost."""
        for proxy in self.proxies.values():
            proxy.silent = False
            for client in proxy.listener.clients:
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.listener.close()


@contextmanager
def silent_storage(connection_string: str) -> Iterator[SilentStorage]:
    storage = SilentStorage(connection_string)
    try:
        yield storage
    finally:
        storage.close()
