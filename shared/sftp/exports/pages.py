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

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from shared.errors import Retryable
from shared.records import Change, Finished, Page
from shared.sftp.blocks import End
from shared.sftp.client import MissingFile, RefusedFile, RemoteFile, Sftp
from shared.sftp.exports.formats import Format
from shared.sftp.exports.open_file import OpenFile
from shared.sftp.exports.positions import PROCESSED, REFUSED, REJECTED, Position, Saved
from shared.sftp.faults import Damaged, ParseError, unreadable

PAGE_EVENTS, PAGE_LINES, PAGE_CHARACTERS = 4000, 40_000, 16 << 20
NOT_LET = (
    ": the SFTP server does not let it be read. Give the user the right to read it; it is tried"
    " again every ten minutes"
)
# What programs call a file while they still write it: WinSCP, curl and lftp, rsync, browsers,
# editors.
UNFINISHED = (
    *(".filepart", ".filepart2", ".part", ".partial", ".tmp", ".temp", ".crdownload"),
    *(".download", ".uploading", ".swp", "~"),
    *(".writing", ".inprogress", ".incomplete", ".lck", ".lock", ".bak"),
)


class Replaced(Exception):
    """The file is another one by now: it has grown, or a person has put a new one in its place."""


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

        Returns what was read to its end, if it is such a file.
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
            earlier, since = before.get(file.name, (file, self.now()))
            self.seen[file.name] = (file, since if earlier == file else self.now())
        settled = [
            file
            for file, since in self.seen.values()
            if self.now() - since >= form.files.stable_seconds
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
                take_page(reader, position, found)
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
            if not position.reported:
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
        """The file, opened again; Replaced where it is not the one that the position is in."""
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


def take_page(reader: OpenFile, position: Position, found: list[Change]) -> None:
    """Adds up to a page of changes to `found`; the position moves along with each.

    What was found stays there where the file turns out to be damaged. Retryable where it was cut
    off.
    """
    last_line = position.line + PAGE_LINES
    most_characters = reader.taken_characters + PAGE_CHARACTERS
    for item in reader.items:
        if isinstance(item, End):
            position.ended = PROCESSED
            return
        position.line, change = item
        if change:
            found.append(change)
        is_full = len(found) >= PAGE_EVENTS or position.line >= last_line
        if is_full or reader.taken_characters >= most_characters:
            return
    raise Retryable(
        f"File {position.file} was not read to its size; the rest is read at the next tick."
    )
