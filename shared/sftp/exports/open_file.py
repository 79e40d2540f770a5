"""A file that is being read, record by record."""

import json
from collections.abc import Callable, Generator, Iterator, Sequence

from shared.file_samples import MOST_CHARACTERS, MOST_ROWS, sample
from shared.records import Change
from shared.sftp.blocks import END, Blocks, End
from shared.sftp.exports.delimited import Records, Row
from shared.sftp.exports.formats import Format
from shared.sftp.exports.positions import Position
from shared.sftp.exports.text import NOTHING_IN_IT, Lines, lines_of
from shared.sftp.faults import BadHeader, Damaged, ParseError, unreadable

# in characters; a queue message takes 47,000 bytes of packed rows
LONG_ROW, LONGEST_ROW = 4_000, 30_000

Item = tuple[int, Change | None]
"""How many lines behind the header were read so far, and the change in the last of them."""


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
