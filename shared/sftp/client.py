"""Files of a folder on an SFTP server.

paramiko, because it is synchronous and reads as fast as asyncssh in less memory
(docs/performance.md). Nagle's algorithm is off:
with it each request waits for the acknowledgement of the last. Of the protocol's version 3 nothing
is needed that a server may leave out but the size of a file. Source: paramiko documentation, "SFTP
client"; draft-ietf-secsh-filexfer-02, "File Attributes".
"""

import contextlib
import re
import stat
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import paramiko

from shared.deadlines import held, seconds_left
from shared.errors import Cause, Misconfigured, Retryable, recovery
from shared.identifiers import is_file_name
from shared.sftp.blocks import END, Blocks
from shared.sftp.session import ANSWER_SECONDS, BROKEN, CONNECT_SECONDS, Server, connect
from shared.threads import call_later

BLOCK_BYTES, BLOCKS_AHEAD = 256 * 1024, 8
LONGEST_CALL_SECONDS = 300.0
"""Of a listing, or of one read, however it drips: less where the run has less left.

Then the connection is closed.
"""

MOST_NUMBERS = 10
OTHER_KIND = re.compile(
    r"[dlbcps][rwxsStT-]{9}"
)  # a directory, a link, a device: as `ls -l` shows them
NO_SIZES = (
    "The SFTP server does not tell the sizes of files, which the bridge needs to know when a file"
    " was read to its end. Use a server that tells them."
)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`changed_at` by the server's clock, in seconds since 1970; 0 where the server tells none."""

    name: str
    size: int
    changed_at: float


class MissingFile(Exception):
    """The file is not on the server any more."""


class RefusedFile(Exception):
    """The server does not let this file be opened or read; others it may."""


class Sftp:
    """One connection, made at first use and again after it broke: one for each source, for it
    serves a call at a time.

    Every
    failure is a BridgeError, but a file that is gone, MissingFile, or that alone is refused,
    RefusedFile.
    """

    def __init__(
        self, server: Server, block_bytes: int = BLOCK_BYTES, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self.server, self.block_bytes, self.answer_seconds = server, block_bytes, answer_seconds
        self.lock = threading.RLock()
        self.session: paramiko.SFTPClient | None = None

    def files(self, folder: str) -> list[RemoteFile]:
        """The plain files of a folder, oldest first; by name where the server tells no times.

        Those whose names nobody can write,
        in bytes that are not UTF-8 or with line breaks, are left alone.
        """
        listed = self.run(f"list {folder}", lambda sftp: sftp.listdir_attr(folder))
        named = [item for item in listed if is_file(item) and is_file_name(item.filename)]
        found = [
            RemoteFile(item.filename, item.st_size or 0, float(item.st_mtime or 0))
            for item in named
        ]
        return sorted(found, key=lambda file: (file.changed_at, file.name))

    def file(self, path: str) -> RemoteFile | None:
        """The file as it is now, None if there is none."""
        with contextlib.suppress(MissingFile):
            found = self.run(f"look at {path}", lambda sftp: sftp.stat(path), is_file=True)
            if found.st_size is None:
                raise Misconfigured("SFTP_HOST", NO_SIZES)
            return RemoteFile(path.rpartition("/")[2], found.st_size, float(found.st_mtime or 0))
        return None

    def blocks(self, path: str, size: int) -> Blocks:
        """The file's first `size` bytes, a few blocks asked for ahead so that memory stays flat;
        then END.

        Where the file is shorter by now there are fewer bytes, and no END.
        """
        file = self.run(
            f"open {path}", lambda sftp: sftp.open(path, "rb"), is_file=True, is_read=True
        )
        try:
            ahead = self.block_bytes * BLOCKS_AHEAD
            for start in range(0, size, ahead):
                end = min(size, start + ahead)
                wanted = [
                    (place, min(self.block_bytes, end - place))
                    for place in range(start, end, self.block_bytes)
                ]
                found = self.run(
                    f"read {path}", partial(read, file, wanted), is_file=True, is_read=True
                )
                yield from found
                if sum(map(len, found)) < end - start:
                    return
            yield END
        finally:
            with (
                contextlib.suppress(*BROKEN, Retryable),
                held(self.lock),
                self.watched(CONNECT_SECONDS),
            ):
                file.close()

    def move(self, path: str, folder: str) -> None:
        """Moves the file into a folder below its own, made if it is not there.

        It never takes the place of another file: where
        its name is taken a number is added. One that is gone has been moved already.
        """
        with contextlib.suppress(MissingFile):
            self.run(f"move {path}", partial(moved, path, folder), is_file=True)

    def delete(self, path: str) -> None:
        """Harmless if the file is gone."""
        with contextlib.suppress(MissingFile):
            self.run(f"delete {path}", lambda sftp: sftp.remove(path), is_file=True)

    def run[Result](
        self,
        what: str,
        work: Callable[[paramiko.SFTPClient], Result],
        is_file: bool = False,
        is_read: bool = False,
    ) -> Result:
        """The result of the work; a failure is a BridgeError, and a broken connection is made again
        at the next call.

        Where one
        file `is_read`, what the server refuses says something of this file only.
        """
        with held(self.lock):
            connected = False
            try:
                self.session = self.session or connect(
                    self.server, self.answer_seconds, call_seconds()
                )
                connected = True
                with self.watched(call_seconds()):
                    return work(self.session)
            except BROKEN as error:
                if connected and is_file and isinstance(error, FileNotFoundError):
                    raise MissingFile from None
                kind = self.kind(error)
                if connected and is_read and kind in ("PermissionError", "Refused"):
                    raise RefusedFile from None
                self.close()
                raise recovery("sftp", 0, kind, what) from None

    def kind(self, error: Exception) -> str:
        """What the error table knows the failure by.

        What the server refused, and not the network, has no number.
        """
        if isinstance(error, FileNotFoundError):
            return "NoFolder"
        if isinstance(error, paramiko.AuthenticationException) and "time" in str(error).lower():
            return "Timeout"
        if isinstance(error, paramiko.SSHException) and "no acceptable host key" in str(error):
            return "BadHostKey"
        return "Refused" if is_refusal(error) and self.answers() else type(error).__name__

    def answers(self) -> bool:
        """Whether the connection is alive: then what failed was refused by the server."""
        try:
            with self.watched(CONNECT_SECONDS):
                return self.session is not None and bool(self.session.normalize("."))
        except BROKEN:
            return False

    @contextlib.contextmanager
    def watched(self, seconds: float) -> Iterator[None]:
        """Closes the connection under what lasts longer: it then ends with one of BROKEN."""
        watch = call_later(seconds, partial(cut, self.session))
        try:
            yield
        finally:
            watch.cancel()

    def close(self) -> None:
        with held(self.lock):
            cut(self.session)
            self.session = None


def call_seconds() -> float:
    """How long a call may last now; Retryable where the run's time is up."""
    if (left := seconds_left()) <= 0:
        raise Retryable(
            "The run's time was up before a call of the SFTP server; a later one goes on there.",
            cause=Cause.PAUSE,
        )
    return min(LONGEST_CALL_SECONDS, left)


def cut(session: paramiko.SFTPClient | None) -> None:
    """Closes the connection of a session. Harmless if it is closed."""
    channel = session.get_channel() if session else None
    if channel:
        channel.get_transport().close()


def is_file(item: paramiko.SFTPAttributes) -> bool:
    """Whether it is a plain file; where the server tells no permissions, whether its long name is
    not that of something else.
    """
    if item.st_mode is not None and stat.S_IFMT(item.st_mode):
        return stat.S_ISREG(item.st_mode)
    return not OTHER_KIND.match(str(getattr(item, "longname", "")))


def is_refusal(error: Exception) -> bool:
    """Whether it may be the server's own "failure" or "not supported", which paramiko gives without
    a number.
    """
    return type(error) is OSError and error.errno is None


def read(
    file: paramiko.SFTPFile, wanted: list[tuple[int, int]], _: paramiko.SFTPClient
) -> list[bytes]:
    return list(file.readv(wanted))


def moved(path: str, folder: str, sftp: paramiko.SFTPClient) -> None:
    sftp.stat(path)
    make(sftp, folder)
    target = next(name for name in names(folder, path.rpartition("/")[2]) if not exists(sftp, name))
    try:
        sftp.rename(path, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        # A few servers know the extension alone. Its target is free, so it replaces nothing either.
        if not is_refusal(error) or exists(sftp, target):
            raise
        sftp.posix_rename(path, target)


def make(sftp: paramiko.SFTPClient, folder: str) -> None:
    """Makes the folder if it is not there. Another one may make it at the same moment."""
    if exists(sftp, folder):
        return
    try:
        sftp.mkdir(folder)
    except OSError:
        if not exists(sftp, folder):
            raise


def names(folder: str, name: str) -> Iterator[str]:
    """The name, then the name with a number before its first dot, and at last with what no other
    has there.
    """
    stem, dot, rest = name.partition(".")
    yield f"{folder}/{name}"
    for number in range(2, MOST_NUMBERS):
        yield f"{folder}/{stem}-{number}{dot}{rest}"
    while True:
        yield f"{folder}/{stem}-{uuid.uuid4().hex}{dot}{rest}"


def exists(sftp: paramiko.SFTPClient, path: str) -> bool:
    try:
        sftp.stat(path)
    except FileNotFoundError:
        return False
    return True
