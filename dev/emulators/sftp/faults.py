"""Faults that the embedded server plays, and ways in which other makers' servers differ; switched
while it runs.

They stand in a JSON file that is read again when it has changed: `{"cut_after_bytes": 1000, "cuts":
3, "no_posix_rename": true}`.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import asyncssh

ACCESS = ("permissions", "uid", "gid", "owner", "group", "nlink")


@dataclass(slots=True)
class Faults:
    """`cut_after_bytes`: the connection ends when so many were read of files, for the next `cuts`
    times.

    `stalls`: so many reads
    get no answer. `endless`: a listing does not end. `read_bytes`: most that a read returns.
    `ends_at_bytes`: where reads end, whatever the size says. The others name what the server does
    not do or tell.
    """

    cut_after_bytes: int = 0
    cuts: int = 0
    stalls: int = 0
    read_bytes: int = 0
    ends_at_bytes: int = 0
    endless: bool = False
    no_posix_rename: bool = False
    no_rename: bool = False
    no_permissions: bool = False
    no_times: bool = False
    no_sizes: bool = False


class Control:
    """The faults that are on, and what was counted for them."""

    def __init__(self, file: Path) -> None:
        self.file, self.order_text, self.faults, self.bytes = file, "", Faults(), 0

    def order(self, **faults: Any) -> None:
        """What a test does: puts faults into the file, in place of those before."""
        draft = self.file.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(Faults(**faults)) | {"order": os.urandom(4).hex()}))
        draft.replace(self.file)

    def now(self) -> Faults:
        order_text = self.file.read_text() if self.file.exists() else ""
        if order_text != self.order_text:
            given = json.loads(order_text) if order_text else {}
            given.pop("order", None)
            self.order_text, self.faults, self.bytes = order_text, Faults(**given), 0
        return self.faults

    def is_cut(self, count: int) -> bool:
        """Whether the connection ends at the next bytes."""
        faults = self.now()
        self.bytes += count
        if not faults.cuts or self.bytes < faults.cut_after_bytes:
            return False
        faults.cuts, self.bytes = faults.cuts - 1, 0
        return True


class FaultyServer(asyncssh.SFTPServer):
    def __init__(
        self, channel: asyncssh.SSHServerChannel[bytes], root: Path, control: Control
    ) -> None:
        super().__init__(channel, chroot=str(root).encode())
        self.control = control

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        faults = self.control.now()
        if faults.stalls:
            faults.stalls -= 1
            await asyncio.Event().wait()
        end = max(0, faults.ends_at_bytes - offset) if faults.ends_at_bytes else size
        data = cast(
            bytes, super().read(file_obj, offset, min(size, end, faults.read_bytes or size))
        )
        if self.control.is_cut(len(data)):
            self.channel.get_connection().abort()
            raise asyncssh.SFTPConnectionLost("The connection is cut, as asked for.")
        return data

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.control.now().no_rename:
            raise asyncssh.SFTPOpUnsupported("This server does not rename.")
        super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self.control.now().no_posix_rename:
            raise asyncssh.SFTPOpUnsupported("This server does not know posix-rename@openssh.com.")
        super().posix_rename(oldpath, newpath)

    def stat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self.without_omitted(
            asyncssh.SFTPAttrs.from_local(cast(os.stat_result, super().stat(path)))
        )

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self.without_omitted(
            asyncssh.SFTPAttrs.from_local(cast(os.stat_result, super().lstat(path)))
        )

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return self.without_omitted(
            asyncssh.SFTPAttrs.from_local(cast(os.stat_result, super().fstat(file_obj)))
        )

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        while self.control.now().endless:
            await asyncio.sleep(0.001)
            yield asyncssh.SFTPName(b"README.md", attrs=asyncssh.SFTPAttrs(size=1))
        async for name in super().scandir(path):
            name.attrs = self.without_omitted(name.attrs)
            if self.control.now().no_permissions:
                name.longname = name.filename
            yield name

    def without_omitted(self, attributes: asyncssh.SFTPAttrs) -> asyncssh.SFTPAttrs:
        """The attributes without what this server does not tell."""
        faults = self.control.now()
        left_out = [
            *(ACCESS if faults.no_permissions else ()),
            *(("atime", "mtime") if faults.no_times else ()),
        ]
        for name in [*left_out, *(("size",) if faults.no_sizes else ())]:
            setattr(attributes, name, None)
        return attributes
