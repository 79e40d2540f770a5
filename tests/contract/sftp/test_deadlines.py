"""A server that hangs, at any step: the run ends in time, no file is put away, and the next run
reads on.
"""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from shared.deadlines import within
from shared.errors import Retryable
from shared.sftp.client import Sftp
from shared.sftp.session import Server
from tests.contract.sftp.kit import Embedded, embedded_server
from tests.contract.sftp.test_servers import NAME, events, put, text
from tests.contract.silence import Listener, Proxy, Serve, answers, listening, says_nothing

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
SECONDS, MARGIN_SECONDS = 1.0, 3.0
DRIPS = answers(b"", b"a line before the banner\r\n")


def only_a_banner(client: socket.socket, ended: threading.Event) -> None:
    client.sendall(b"SSH-2.0-example\r\n")
    says_nothing(client, ended)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("hangs")) as running:
        yield running


def client(server: Embedded, port: int) -> Sftp:
    settings = server.settings()
    own, known = settings["SFTP_PRIVATE_KEY"], settings["SFTP_HOST_KEY"]
    return Sftp(Server("127.0.0.1", port, settings["SFTP_USER"], own, known))


@pytest.mark.parametrize(
    "serve",
    [says_nothing, DRIPS, only_a_banner],
    ids=["silence", "banner that drips", "nothing behind the banner"],
)
def test_a_server_that_is_not_reached_ends_with_the_run(server: Embedded, serve: Serve) -> None:
    began = time.monotonic()
    with listening(serve) as silent, within(SECONDS), pytest.raises(Retryable):
        client(server, silent.port).files("/")
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS


@pytest.mark.parametrize(
    "faults", [{"stalls": 1}, {"endless": True}], ids=["read", "listing without end"]
)
def test_a_poll_of_a_server_that_hangs_ends_and_reads_on(
    server: Embedded, faults: dict[str, Any]
) -> None:
    put(server, text(1, 2))
    server.control.order(**faults)
    reader = events(server)
    began = time.monotonic()
    with within(SECONDS):
        assert reader.poll() is False
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS
    assert (reader.exports.open, reader.ids(), server.names()) == (None, [], [NAME])
    server.control.order()
    reader.until_done()
    assert (len(reader.ids()), server.names(), server.names("processed")) == (2, [], [NAME])
    (server.folder / "processed" / NAME).unlink()


@pytest.mark.parametrize("call", ["list", "look", "move", "delete", "open"])
def test_each_call_of_a_connection_that_falls_silent_ends_with_the_run(
    server: Embedded, call: str
) -> None:
    path = put(server, text(1))
    folder = "/d365_loads/exports"
    proxy = Proxy(server.facts["port"])
    sftp = client(server, proxy.port)
    assert sftp.files(folder)
    proxy.silent = proxy.loses = True
    calls = {
        "list": lambda: sftp.files(folder),
        "look": lambda: sftp.file(f"{folder}/{NAME}"),
        "move": lambda: sftp.move(f"{folder}/{NAME}", f"{folder}/processed"),
        "delete": lambda: sftp.delete(f"{folder}/{NAME}"),
        "open": lambda: list(sftp.blocks(f"{folder}/{NAME}", 10)),
    }
    began = time.monotonic()
    with within(SECONDS), pytest.raises(Retryable):
        calls[call]()
    assert time.monotonic() - began < SECONDS + MARGIN_SECONDS
    assert path.exists()
    proxy.silent = False
    assert sftp.files(folder)  # on a new connection
    sftp.close()
    proxy.listener.close()


def test_nothing_is_asked_when_the_time_is_up() -> None:
    listener = Listener(says_nothing)
    with within(-1), pytest.raises(Retryable, match="time was up before a call of the SFTP server"):
        Sftp(Server("127.0.0.1", listener.port, "a", "", "")).files("/")
    assert listener.taken == 0
    listener.close()
