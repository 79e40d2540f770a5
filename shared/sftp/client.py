"""Files of a folder on an SFTP server: key authentication, the host's key checked against a setting.

paramiko, because it is synchronous and reads as fast as asyncssh in less memory (docs/performance.md). Nagle's algorithm is off:
with it each request waits for the acknowledgement of the last. Source: paramiko documentation, "SFTP client"; Adobe Campaign
Standard documentation, "External accounts".
"""

import base64
import io
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import paramiko

from shared.errors import Misconfigured, recovery

BLOCK_BYTES, BLOCKS_AHEAD = 256 * 1024, 8
CONNECT_SECONDS, ANSWER_SECONDS = 15.0, 60.0


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`changed_at` by the server's clock, in seconds since 1970."""

    name: str
    size: int
    changed_at: float


@dataclass(frozen=True, slots=True)
class Server:
    """Where and as whom. `host_key` as in a known_hosts file: "ssh-ed25519 AAAA...". `private_key` in OpenSSH or PEM form."""

    host: str
    port: int
    user: str
    private_key: str
    host_key: str


class Sftp:
    """One connection, made at first use and again after it broke. Every failure is a BridgeError."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.lock = threading.RLock()
        self.session: paramiko.SFTPClient | None = None

    def files(self, folder: str) -> list[RemoteFile]:
        """The plain files of a folder, oldest first."""
        listed = self.told(f"list {folder}", lambda sftp: sftp.listdir_attr(folder))
        plain = [item for item in listed if stat.S_ISREG(item.st_mode or 0)]
        found = [RemoteFile(item.filename, item.st_size or 0, float(item.st_mtime or 0)) for item in plain]
        return sorted(found, key=lambda file: (file.changed_at, file.name))

    def blocks(self, path: str) -> Iterator[bytes]:
        """The file's bytes as it is when opened, a few blocks asked for ahead; memory stays flat."""
        file = self.told(f"open {path}", lambda sftp: sftp.open(path, "rb"))
        try:
            size = self.told(f"read {path}", lambda _: file.stat().st_size or 0)
            for start in range(0, size, BLOCK_BYTES * BLOCKS_AHEAD):
                end = min(size, start + BLOCK_BYTES * BLOCKS_AHEAD)
                wanted = [(place, min(BLOCK_BYTES, end - place)) for place in range(start, end, BLOCK_BYTES)]
                yield from self.told(f"read {path}", partial(read, file, wanted))
        finally:
            file.close()

    def move(self, path: str, folder: str) -> None:
        """Moves the file into a folder below its own, made if it is not there; one that is gone has been moved already."""
        name = path.rpartition("/")[2]

        def work(sftp: paramiko.SFTPClient) -> None:
            make(sftp, folder)
            try:
                sftp.posix_rename(path, f"{folder}/{name}")
            except FileNotFoundError:
                return

        self.told(f"move {path}", work)

    def delete(self, path: str) -> None:
        """Harmless if the file is gone."""

        def work(sftp: paramiko.SFTPClient) -> None:
            try:
                sftp.remove(path)
            except FileNotFoundError:
                return

        self.told(f"delete {path}", work)

    def told[Result](self, what: str, work: Callable[[paramiko.SFTPClient], Result]) -> Result:
        """The result of the work; a failure is a BridgeError, and a broken connection is made anew at the next call."""
        with self.lock:
            try:
                self.session = self.session or self.connected()
                return work(self.session)
            except (paramiko.SSHException, OSError, EOFError) as error:
                self.close()
                kind = "NoFolder" if isinstance(error, FileNotFoundError) else type(error).__name__
                raise recovery("sftp", 0, kind, what) from None

    def connected(self) -> paramiko.SFTPClient:
        server = self.server
        address = (server.host, server.port)
        connection = socket.create_connection(address, CONNECT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = paramiko.SSHClient()
        kind, _, text = server.host_key.strip().partition(" ")
        known = host_key(kind, text)
        client.get_host_keys().add(server.host if server.port == 22 else f"[{server.host}]:{server.port}", kind, known)
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        # The server may have keys of several kinds: the one that is known is asked for.
        options: dict[str, Any] = {"allow_agent": False, "look_for_keys": False, "timeout": CONNECT_SECONDS}
        client.connect(*address, server.user, pkey=private_key(server.private_key), sock=connection, **options)
        session = client.open_sftp()
        channel = session.get_channel()
        if channel:
            channel.settimeout(ANSWER_SECONDS)
        return session

    def close(self) -> None:
        with self.lock:
            if self.session:
                self.session.close()
            self.session = None


def read(file: paramiko.SFTPFile, wanted: list[tuple[int, int]], _: paramiko.SFTPClient) -> list[bytes]:
    return list(file.readv(wanted))


def make(sftp: paramiko.SFTPClient, folder: str) -> None:
    try:
        sftp.stat(folder)
    except FileNotFoundError:
        sftp.mkdir(folder)


def host_key(kind: str, text: str) -> paramiko.PKey:
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(text.split(" ")[0]))
    except (ValueError, paramiko.SSHException):
        raise Misconfigured(
            "SFTP_HOST_KEY",
            'SFTP_HOST_KEY is no public key: set the line that ssh-keyscan prints, such as "ssh-ed25519 AAAA...".',
        ) from None


def private_key(text: str) -> paramiko.PKey:
    """RSA, as Campaign's Control Panel wants it, or Ed25519."""
    for kind in (paramiko.RSAKey, paramiko.Ed25519Key, paramiko.ECDSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.replace("\\n", "\n")))
        except (paramiko.SSHException, ValueError, IndexError):
            continue
    raise Misconfigured(
        "SFTP_PRIVATE_KEY", "SFTP_PRIVATE_KEY is no private key without a passphrase: set it in OpenSSH or PEM form."
    )
