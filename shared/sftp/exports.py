"""Exported files on SFTP, read as pages of changes: file by file, oldest first, with flat memory.

A position is a file and how many of its lines have been handed off. A file is put aside (into `processed/`, or deleted) only when
the position behind its last line has been saved; one that cannot be read goes to `rejected/`, and both it and each line that
cannot be read become dead letters. Lines before a fault are kept.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from shared.records import Change, Page
from shared.sftp.client import RemoteFile, Sftp
from shared.sftp.delimited import BadHeader, Damaged, ParseError, cells, text_lines, unreadable

PAGE_EVENTS, PAGE_LINES = 4000, 40_000
PROCESSED, REJECTED = "processed", "rejected"


@dataclass(slots=True)
class Position:
    """`ended`: "" while lines are left, else the folder that the file goes to."""

    file: str = ""
    line: int = 0
    ended: str = ""


class Files(Protocol):
    """How one kind of export is written, as its document says."""

    @property
    def separator(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def settled_seconds(self) -> float: ...
    @property
    def afterwards(self) -> str: ...


class Format(Protocol):
    """Which files are of one kind of export, and what their lines say."""

    @property
    def files(self) -> Files: ...
    def takes(self, name: str) -> bool: ...
    def reader(self, name: str, header: Sequence[str], now: Callable[[], float]) -> "ReadCells":
        """Reads the lines below a header; BadHeader if it cannot serve."""


ReadCells = Callable[[list[str]], Change | None]


class Exports:
    """The source of one instance. Only one poll runs at a time, so the open file is its own. `format_of` gives the form that
    a document describes."""

    def __init__(self, sftp: Sftp, folder: str, now: Callable[[], float], format_of: Callable[[Any], Format]) -> None:
        self.sftp, self.folder, self.now, self.format_of = sftp, folder.rstrip("/"), now, format_of
        self.seen: dict[str, tuple[RemoteFile, float]] = {}
        self.open: tuple[str, int, Iterator[Change | None]] | None = None

    def page(self, link: str, document: Any) -> Page:
        """The next changes behind a position; complete when no file is left that is ready."""
        position = Position(**json.loads(link)) if link else Position()
        form = self.format_of(document)
        if position.ended:
            self.put_aside(position, form.files)
            position = Position()
        if not position.file:
            file = self.next_file(form)
            if not file:
                return Page((), "", complete=True)
            position = Position(file)
        changes = self.read(position, form)
        return Page(tuple(changes), json.dumps(asdict(position)), complete=False)

    def probe(self) -> None:
        self.sftp.files(self.folder)

    def put_aside(self, position: Position, files: Files) -> None:
        path = f"{self.folder}/{position.file}"
        if position.ended == PROCESSED and files.afterwards == "delete":
            self.sftp.delete(path)
        else:
            self.sftp.move(path, f"{self.folder}/{position.ended}")

    def next_file(self, form: Format) -> str:
        """The oldest file that is ours and complete, "" if there is none. A file that still grows is passed over for now."""
        listed = [file for file in self.sftp.files(self.folder) if form.takes(file.name)]
        before, self.seen = self.seen, {}
        for file in listed:
            known, since = before.get(file.name, (file, self.now()))
            self.seen[file.name] = (file, since if known == file else self.now())
        ready = (name for name, (_, since) in self.seen.items() if self.now() - since >= form.files.settled_seconds)
        return next(ready, "")

    def read(self, position: Position, form: Format) -> list[Change]:
        """Up to a page of changes behind the position, which moves on."""
        if self.open is None or self.open[:2] != (position.file, position.line):
            events = self.events(position.file, form)
            for _ in range(position.line):
                next(events, None)
            self.open = (position.file, position.line, events)
        events, found, line = self.open[2], [], position.line
        try:
            for change in events:
                line += 1
                if change:
                    found.append(change)
                if len(found) >= PAGE_EVENTS or line - position.line >= PAGE_LINES:
                    break
            else:
                if self.grown(position.file):
                    return self.wait(position)
                position.ended = PROCESSED
        except Damaged as damage:
            position.ended = REJECTED
            sentence = f"File {position.file}: {damage}; the lines before it are kept. Mend the file and put it back."
            found.append(unreadable(position.file, ParseError("unreadable_file", "", sentence), self.now()))
        position.line, self.open = line, (position.file, line, events)
        return found

    def grown(self, name: str) -> bool:
        """Whether the file is no longer what it was when it was taken for complete."""
        size = next((file.size for file in self.sftp.files(self.folder) if file.name == name), -1)
        return name in self.seen and self.seen[name][0].size != size

    def wait(self, position: Position) -> list[Change]:
        """Nothing of this page counts: its last line may have been half a line. It is read again when the file has settled."""
        self.open = None
        self.seen.pop(position.file)
        return []

    def events(self, name: str, form: Format) -> Iterator[Change | None]:
        """One item for each line behind the header: its change, None where it tells of none."""
        encoding = form.files.encoding
        lines = text_lines(self.sftp.blocks(f"{self.folder}/{name}"), name, encoding)
        header = next(lines, "")
        if isinstance(header, UnicodeDecodeError) or not header:
            if header:
                raise Damaged(f"its header is not in {encoding}")
            return
        try:
            names = cells(header, form.files.separator)
            read = form.reader(name, names, self.now)
        except BadHeader as unknown:
            raise Damaged(f"{unknown}: correct the workflow's columns or the document") from None
        for number, line in enumerate(lines, 2):
            yield self.event(read, line, f"{name}:{number}", form.files, len(names))

    def event(self, read: ReadCells, line: str | UnicodeDecodeError, place: str, files: Files, width: int) -> Change | None:
        try:
            if isinstance(line, UnicodeDecodeError):
                raise ParseError("wrong_encoding", "", f"is not in {files.encoding}")
            return read(checked(cells(line, files.separator), width)) if line else None
        except ParseError as fault:
            name, _, number = place.rpartition(":")
            sentence = f"Line {number} of file {name} {fault.sentence}; the others were read."
            return unreadable(place, ParseError(fault.rule, fault.field, sentence), self.now())


def checked(found: list[str], width: int) -> list[str]:
    if len(found) != width:
        raise ParseError("broken_line", "", f"has {len(found)} cells where the header has {width}")
    return found
