"""An SFTP server in memory, behind the part of paramiko's client that the product uses.

The rules are OpenSSH's: times in whole seconds, a rename never replaces a file, and who has opened
a file reads on in it whatever becomes of its name. Source: draft-ietf-secsh-filexfer-02; paramiko
documentation, "SFTP client".
"""

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from paramiko import SFTPAttributes

from dev.simulation.faults import FILE_FAULTS
from dev.simulation.locks import Event
from dev.simulation.world import World

ANSWER_SECONDS = 60.0
"""How long the client waits for an answer: shared/sftp/client.py."""


@dataclass(eq=False, slots=True)
class File:
    """`changed_at` in seconds since 1970."""

    body: bytes = field(repr=False)
    changed_at: float


class Server:
    """All files by their path. `connect` is shared/sftp/client.py's."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()

    def put(self, path: str, body: bytes) -> None:
        """Makes a file, or goes on with it: who has opened it reads what is added."""
        self.folders.add(path.rpartition("/")[0])
        found = self.files.setdefault(path, File(b"", 0.0))
        found.body, found.changed_at = body, self.world.scheduler.now

    def connect(self, server: object, answer_seconds: float, seconds: float) -> "Session":
        session = Session(self)
        session.ask("connect", lambda: None)
        return session

    def attributes(self, name: str, file: File | None) -> SFTPAttributes:
        found = SFTPAttributes()
        found.filename, found.st_mode = name, stat.S_IFDIR | 0o755
        if file:
            found.st_mode, found.st_size = stat.S_IFREG | 0o644, len(file.body)
            found.st_mtime = int(file.changed_at)
        return found


class Session:
    """paramiko.SFTPClient with its channel and transport."""

    def __init__(self, server: Server) -> None:
        self.server, self.world = server, server.world
        self.ended = Event(self.world.scheduler)

    def get_channel(self) -> "Session":
        return self

    def get_transport(self) -> "Session":
        return self

    def close(self) -> None:
        """Whoever waits for an answer hears of it."""
        self.ended.set()

    def ask[Result](self, what: str, work: Callable[[], Result]) -> Result:
        if self.ended.is_set():
            raise OSError("Socket is closed")
        name = f"SFTP {what}"
        world = self.world
        fault = world.faults.at(name, list(FILE_FAULTS), 2 * world.faults.rate)
        world.step(f"{name} {fault}" if fault else name)
        if fault == "sftp_hangs" and not self.ended.wait(ANSWER_SECONDS):
            raise TimeoutError
        if fault == "sftp_cut" or self.ended.is_set():
            self.close()
            raise EOFError
        result = work()
        if fault == "sftp_cut_done":
            self.close()
            raise EOFError
        return result

    def listdir_attr(self, folder: str) -> list[SFTPAttributes]:
        """Files and folders directly in it, in no order that means anything."""
        return self.ask(f"list {folder}", lambda: list(self.listed(folder)))

    def listed(self, folder: str) -> Iterator[SFTPAttributes]:
        server = self.server
        if folder not in server.folders:
            raise FileNotFoundError(2, "No such file")
        for path in sorted(server.files.keys() | server.folders, key=lambda path: path[::-1]):
            parent, _, name = path.rpartition("/")
            if parent == folder and name:
                yield server.attributes(name, server.files.get(path))

    def stat(self, path: str) -> SFTPAttributes:
        def work() -> SFTPAttributes:
            if path not in self.server.folders:
                return self.server.attributes(path.rpartition("/")[2], self.found(path))
            return self.server.attributes(path, None)

        return self.ask(f"stat {path}", work)

    def open(self, path: str, mode: str) -> "Opened":
        return self.ask(f"open {path}", lambda: Opened(self, path, self.found(path)))

    def remove(self, path: str) -> None:
        def work() -> None:
            self.found(path)
            del self.server.files[path]

        self.ask(f"remove {path}", work)

    def mkdir(self, path: str) -> None:
        def work() -> None:
            if path in self.server.folders:
                raise OSError("Failure")
            self.server.folders.add(path)

        self.ask(f"mkdir {path}", work)

    def rename(self, path: str, target: str) -> None:
        def work() -> None:
            file = self.found(path)
            if target in self.server.files:
                raise OSError("Failure")
            self.server.files[target] = file
            del self.server.files[path]

        self.ask(f"rename {path}", work)

    def posix_rename(self, path: str, target: str) -> None:
        self.ask(f"posix-rename {path}", lambda: self.moved(path, target))

    def moved(self, path: str, target: str) -> None:
        self.server.files[target] = self.found(path)
        del self.server.files[path]

    def normalize(self, path: str) -> str:
        return self.ask("realpath", lambda: "/" + path.strip("./"))

    def found(self, path: str) -> File:
        if path not in self.server.files:
            raise FileNotFoundError(2, "No such file")
        return self.server.files[path]


class Opened:
    """paramiko.SFTPFile for reading."""

    def __init__(self, session: Session, path: str, file: File) -> None:
        self.session, self.path, self.file = session, path, file

    def readv(self, wanted: list[tuple[int, int]]) -> list[bytes]:
        def work() -> list[bytes]:
            return [self.file.body[start : start + size] for start, size in wanted]

        return self.session.ask(f"read {self.path}", work)

    def close(self) -> None:
        self.session.ask(f"close {self.path}", lambda: None)


class Watch:
    """What `call_later` gives."""

    def __init__(self) -> None:
        self.wanted = True

    def cancel(self) -> None:
        self.wanted = False


def call_later(world: World, seconds: float, function: Callable[[], object]) -> Any:
    """shared.threads.call_later."""
    watch = Watch()
    world.scheduler.at(world.scheduler.now + seconds, lambda: function() if watch.wanted else None)
    return watch
