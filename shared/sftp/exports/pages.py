"""Exported files on SFTP, read as pages of changes: file by file, oldest first, with flat memory.

A position is a file and how many of its lines have been handed off. A file is archived (moved into
`processed/`, or deleted) only when it was read to its size, the position behind its last line has
been saved, and it still is what it was when it has been watched for the settled seconds once more.
One that cannot be read goes to `rejected/`, and both it and each line that cannot be read become
dead letters. Lines before a fault are kept. A file that the server does not let be read stays where
it is.

Whatever is raised drops the open reader: the next page opens the file again and passes over what
was handed off.
"""

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from shared.errors import Retryable
from shared.file_samples import MOST_CHARACTERS, MOST_ROWS, sample
from shared.records import Change, Finished, Page
from shared.sftp.blocks import END, Blocks, End
from shared.sftp.client import MissingFile, RefusedFile, RemoteFile, Sftp
from shared.sftp.exports.delimited import Records, Row
from shared.sftp.exports.positions import PROCESSED, REFUSED, REJECTED, Position, Saved
from shared.sftp.exports.text import NOTHING_IN_IT, Lines, lines_of
from shared.sftp.faults import BadHeader, Damaged, ParseError, unreadable

PAGE_EVENTS, PAGE_LINES, PAGE_CHARACTERS = 4000, 40_000, 16 << 20
NOT_LET = (
    ": the SFTP server does not let it be read. Give the user the right to read it; it is tried"
    " again every ten minutes"
)
LONG_ROW, LONGEST_ROW = (
    4_000,
    30_000,
)  # characters; a queue message takes 47,000 bytes of packed rows
# What programs call a file while they still write it: WinSCP, curl and lftp, rsync, browsers,
# editors.
UNFINISHED = (
    *(
        ".filepart",
        ".filepart2",
        ".part",
        ".partial",
        ".tmp",
        ".temp",
        ".crdownload",
        ".download",
        ".uploading",
        ".swp",
        "~",
    ),
    *(".writing", ".inprogress", ".incomplete", ".lck", ".lock", ".bak"),
)


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
    """Which files are of one kind of export, and what their records say."""

    @property
    def files(self) -> Files: ...
    def takes(self, name: str) -> bool: ...
    @property
    def watched_seconds(self) -> float:
        """For how long a file must not change after it was read, before it is put away."""

    def key_column(self, name: str) -> str:
        """The column whose number tells a row from all others, "" where there is none."""

    def reader(self, name: str, header: Sequence[str], now: Callable[[], float]) -> "ReadCells":
        """Reads the records below a header; BadHeader if it cannot serve."""


ReadCells = Callable[[list[str]], Change | None]
Item = tuple[
    int, Change | None
]  # lines behind the header that were read with it, and what they tell


class Replaced(Exception):
    """The file is another one by now: it has grown, or a person has put a new one in its place."""


class OpenFile:
    """A file that is being read, from behind the lines that a position has passed."""

    def __init__(
        self, blocks: Blocks, position: Position, form: Format, now: Callable[[], float]
    ) -> None:
        self.position, self.form, self.now, self.taken_characters = position, form, now, 0
        self.blocks = blocks
        self.items = self.read(position.file, position.line)

    def close(self) -> None:
        self.items.close()
        self.blocks.close()

    def counted(self, items: Lines) -> Lines:
        for item in items:
            if isinstance(item, list):
                self.taken_characters += sum(map(len, item))
            yield item

    def read(self, name: str, passed: int) -> Generator[Item | End]:
        """Every record behind `passed` lines, and END."""
        files = self.form.files
        records = Records(
            self.counted(lines_of(self.blocks, name, files.encoding)), files.separator
        )
        if records.header is None:
            if self.position.size > 0 and not name.lower().endswith(".gz"):
                raise Damaged(NOTHING_IN_IT)
            yield END
            return
        rows = self.sampled(records.rows, records.header)
        try:
            read = self.form.reader(name, records.header, self.now)
        except BadHeader as error:
            raise Damaged(f"{error}: correct the workflow's columns or the document") from None
        width, begin = len(records.header), records.header_end
        for item in rows:
            if isinstance(item, End):
                yield item
                return
            first, last, cells = item
            if last - begin <= passed:
                continue
            try:
                if not isinstance(cells, list) or len(cells) != width:
                    change = unfit(cells, width)
                else:
                    change = read(cells)
                    if sum(map(len, cells)) > LONG_ROW:
                        check_length(change)
            except ParseError as error:
                change = self.letter(name, first, error)
            yield last - begin, change

    def letter(self, name: str, number: int, error: ParseError) -> Change:
        sentence = f"Line {number} of file {name} {error.sentence}; the others were read."
        return unreadable(
            f"{name}:{number}",
            ParseError(error.rule, error.field, sentence),
            self.now(),
            self.position,
        )

    def sampled(self, rows: Iterator[Row | End], header: Sequence[str]) -> Iterator[Row | End]:
        """The rows.

        The first of them are looked at together, so that the dead letter of any says which file it
        is of.
        """
        ahead, column = Ahead(rows), self.form.key_column(self.position.file)
        whole = [cells for cells in ahead.cells if len(cells) == len(header)]
        place = list(header).index(column) if column in header else len(header)
        keys = [cells[place].strip() for cells in ahead.cells if len(cells) > place]
        digits = [key.lstrip("0") for key in keys if key.isdecimal()]
        self.position.sample = sample(self.position.size, self.position.changed_at, whole, digits)
        return ahead.all()


class Ahead:
    """The first rows of a file read ahead.

    What is raised meanwhile is raised when its turn comes.
    """

    def __init__(self, rows: Iterator[Row | End]) -> None:
        self.rows, self.read = rows, list[Row | End]()
        self.damage: Damaged | None = None
        characters = 0
        try:
            for item in rows:
                self.read.append(item)
                characters += (
                    0
                    if isinstance(item, End) or isinstance(item[2], ParseError)
                    else sum(map(len, item[2]))
                )
                if (
                    len(self.read) >= MOST_ROWS
                    or characters > MOST_CHARACTERS
                    or isinstance(item, End)
                ):
                    break
        except Damaged as damage:
            self.damage = damage

    @property
    def cells(self) -> list[list[str]]:
        return [
            item[2] for item in self.read if not isinstance(item, End) and isinstance(item[2], list)
        ]

    def all(self) -> Iterator[Row | End]:
        yield from self.read
        if self.damage:
            raise self.damage
        yield from self.rows


def unfit(cells: list[str] | ParseError, width: int) -> Change | None:
    """A blank line is passed over; ParseError for any other that has not the header's cells."""
    if isinstance(cells, ParseError):
        raise cells
    if len(cells) > 1 or any(cell.strip() for cell in cells):
        raise ParseError("broken_line", "", f"has {len(cells)} cells where the header has {width}")
    return None


def check_length(change: Change | None) -> None:
    if change and len(json.dumps(change.row)) > LONGEST_ROW:
        raise ParseError(
            "too_large",
            "",
            f"says more than the {LONGEST_ROW} characters that a message takes: shorten its texts",
        )


class Exports:
    """The source of one instance.

    Only one poll runs at a time, so connection and open file are its own. `format_of` gives the
    form that a document describes.
    """

    def __init__(
        self, sftp: Sftp, folder: str, now: Callable[[], float], format_of: Callable[[Any], Format]
    ) -> None:
        self.sftp, self.folder, self.now, self.format_of = sftp, folder.rstrip("/"), now, format_of
        self.seen: dict[str, tuple[RemoteFile, float]] = {}
        self.open: OpenFile | None = None

    def page(self, link: str, document: Any) -> Page:
        """The next changes behind a position; complete when no file is left that is ready."""
        saved, form = Saved.read(link), self.format_of(document)
        saved.set_aside()
        finished = self.put_away(saved, form)
        if not saved.position.file:
            self.drop()
            file = None if saved.is_full() else self.next_file(form, saved)
            if not file:
                left = saved.due(self.now(), form.watched_seconds)
                return Page((), saved.text(), complete=not left, finished=finished)
            saved.begin(file, self.now())
        return self.page_of(saved, form, finished)

    def page_of(self, saved: Saved, form: Format, finished: Finished | None) -> Page:
        position = saved.position
        try:
            changes = self.read(position, form)
            if not self.is_same(position):
                # nothing of this page counts: its last line may have been half a line
                raise Replaced
        except MissingFile:
            gone = [
                self.letter(
                    position, "was deleted while it was read. Put it back to have its rest read"
                )
            ]
            changes = gone if position.line else []
            return Page(
                tuple(changes),
                saved.without_position(),
                complete=not position.line,
                finished=finished,
            )
        except Replaced:
            self.seen.pop(position.file, None)  # read from its first line when it has settled
            return Page((), saved.without_position(), complete=True, finished=finished)
        return Page(tuple(changes), saved.text(), complete=False, finished=finished)

    def probe(self) -> None:
        self.sftp.files(self.folder)

    def path(self, position: Position) -> str:
        return f"{self.folder}/{position.file}"

    def is_same(self, position: Position) -> bool:
        """Whether the file is what it was when it was opened.

        One that is gone by now has been read nevertheless.
        """
        file = self.sftp.file(self.path(position))
        return file is None or position.is_of(file)

    def put_away(self, saved: Saved, form: Format) -> Finished | None:
        """Puts a file that was read and watched where it belongs, or leaves it to be read again if
        it is another one by now.

        What
        was read to its end, if it is such a file.
        """
        done = saved.due(self.now(), form.watched_seconds)
        if not done:
            return None
        saved.waiting.remove(done)
        if not self.is_same(done):
            return None
        if done.ended == PROCESSED and form.files.afterwards == "delete":
            self.sftp.delete(self.path(done))
        else:
            self.sftp.move(self.path(done), f"{self.folder}/{done.ended}")
        return (done.file, done.since, done.sample) if done.ended == PROCESSED else None

    def next_file(self, form: Format, saved: Saved) -> RemoteFile | None:
        """The oldest file that is ours and complete.

        A file that still grows is passed over for now.
        """
        listed = [
            file
            for file in self.sftp.files(self.folder)
            if is_finished(file.name) and form.takes(file.name)
        ]
        before, self.seen = self.seen, {}
        for file in listed:
            known, since = before.get(file.name, (file, self.now()))
            self.seen[file.name] = (file, since if known == file else self.now())
        settled = [
            file
            for file, since in self.seen.values()
            if self.now() - since >= form.files.settled_seconds
        ]
        found = (
            self.sftp.file(f"{self.folder}/{file.name}")
            for file in settled
            if saved.is_new(file, self.now())
        )
        return next((file for file in found if file and saved.is_new(file, self.now())), None)

    def read(self, position: Position, form: Format) -> list[Change]:
        """Up to a page of changes behind the position, which moves on."""
        found: list[Change] = []
        try:
            with self.reading(position, form) as reader:
                last_line, most = (
                    position.line + PAGE_LINES,
                    reader.taken_characters + PAGE_CHARACTERS,
                )
                for item in reader.items:
                    if isinstance(item, End):
                        position.ended = PROCESSED
                        break
                    position.line, change = item
                    if change:
                        found.append(change)
                    if (
                        len(found) >= PAGE_EVENTS
                        or position.line >= last_line
                        or reader.taken_characters >= most
                    ):
                        break
                else:
                    raise Retryable(
                        f"File {position.file} was not read to its size; the rest is read at the"
                        " next tick."
                    )
        except Damaged as damage:
            position.ended = REJECTED
            found.append(
                self.letter(
                    position,
                    f": {damage}; the lines before it are kept. Fix the file and put it back",
                )
            )
        except RefusedFile:
            position.ended = REFUSED
            if not position.told:
                found.append(self.letter(position, NOT_LET))
        position.ended_at = self.now() if position.ended else 0.0
        return found

    @contextmanager
    def reading(self, position: Position, form: Format) -> Iterator[OpenFile]:
        """The open file at the position.

        It is kept for the next page only where nothing at all was raised.
        """
        kept, self.open = self.open, None
        reader = kept if kept and kept.position.is_at(position) else None
        if kept and not reader:
            kept.close()
        reader = reader or self.opened(position, form)
        try:
            yield reader
            if not position.ended:
                reader.position, self.open = (
                    replace(position, sample=reader.position.sample),
                    reader,
                )
        finally:
            position.sample = reader.position.sample
            if self.open is not reader:
                reader.close()

    def opened(self, position: Position, form: Format) -> OpenFile:
        """The file anew; Replaced where it is not the one that the position is in."""
        file = self.sftp.file(self.path(position))
        if file is None:
            raise MissingFile
        if not position.is_of(file):
            raise Replaced
        position.size, position.changed_at = file.size, file.changed_at
        blocks = self.sftp.blocks(self.path(position), file.size)
        return OpenFile(blocks, replace(position), form, self.now)

    def drop(self) -> None:
        if self.open:
            self.open.close()
        self.open = None

    def letter(self, position: Position, what: str) -> Change:
        """The dead letter of a file as a whole."""
        sentence = f"File {position.file}{'' if what.startswith(':') else ' '}{what}."
        return unreadable(
            position.file, ParseError("unreadable_file", "", sentence), self.now(), position
        )


def is_finished(name: str) -> bool:
    """Not what a program calls a file that it still writes, nor the folders that files are moved
    to.
    """
    return (
        not name.startswith((".", "~"))
        and not name.lower().endswith(UNFINISHED)
        and name not in (PROCESSED, REJECTED)
    )
