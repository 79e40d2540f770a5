"""A session with an SFTP server: key authentication, the host's key checked against a setting."""

import socket
from dataclasses import dataclass, field
from typing import Any

import paramiko

from shared.sftp.keys import host_keys, private_key, unknown_key_types
from shared.threads import call_later

CONNECT_SECONDS, ANSWER_SECONDS = 15.0, 60.0
BROKEN = (paramiko.SSHException, OSError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Server:
    """Where and as whom.

    `host_key`: lines as in a known_hosts file. `private_key` in OpenSSH, PEM or PKCS#8 form.
    """

    host: str
    port: int
    user: str
    private_key: str = field(repr=False)
    host_key: str


class Client(paramiko.SFTPClient):
    """A name that is not UTF-8 harms no other: its bytes stand as halves of characters."""

    def _request(self, kind: int, *given: Any) -> tuple[int, paramiko.Message]:
        answer: tuple[int, paramiko.Message] = super()._request(kind, *given)  # type: ignore[misc]
        answer[1].get_text = lambda: answer[1].get_string().decode("utf-8", "surrogateescape")  # type: ignore[method-assign]
        return answer


def connect(server: Server, answer_seconds: float, seconds: float) -> paramiko.SFTPClient:
    """A session, made within so many `seconds`, with a server that shows one of the known keys."""
    trusted, own = host_keys(server.host_key), private_key(server.private_key)
    connection = socket.create_connection((server.host, server.port), min(CONNECT_SECONDS, seconds))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(
        connection, disabled_algorithms={"keys": unknown_key_types(trusted)}
    )
    # Some of its steps wait without end for a server that says nothing: then the connection is
    # closed under them.
    watch = call_later(min(2 * CONNECT_SECONDS, seconds), transport.close)
    try:
        session = authenticated(transport, server, trusted, own)
        session.settimeout(answer_seconds)
        session.invoke_subsystem("sftp")
        client = Client(session)
    except BROKEN:
        transport.close()
        raise
    finally:
        watch.cancel()
    return client


def authenticated(
    transport: paramiko.Transport, server: Server, trusted: list[paramiko.PKey], own: paramiko.PKey
) -> paramiko.Channel:
    transport.start_client(timeout=CONNECT_SECONDS)
    shown = transport.get_remote_server_key()
    if shown not in trusted:
        raise paramiko.BadHostKeyException(server.host, shown, trusted[0])
    transport.auth_publickey(server.user, own)
    return transport.open_session(timeout=CONNECT_SECONDS)
