"""Lines of delimited text as records, read with the standard library's csv reader.

A record may span lines where a quoted cell holds line breaks. A line that the reader refuses is an error of its own, and reading
goes on at the next line: a quotation mark that does not end swallows none of its neighbours.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence

from shared.sftp.faults import BadHeader, Damaged, ParseError
from shared.sftp.text import LONGEST_LINE_BYTES, End, Lines

MOST_LINES_OF_A_RECORD = 100
LONGEST_CELL = csv.field_size_limit()
Row = tuple[int, int, list[str] | ParseError]  # its first and its last line, counted from 1, and its cells


def columns_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands, by the header's name of its column. BadHeader for a column that is not there once."""
    if missing := [name for name in columns.values() if name not in header]:
        raise BadHeader(f"its header lacks {', '.join(missing)}")
    if doubled := [name for name in columns.values() if header.count(name) > 1]:
        raise BadHeader(f"its header has {', '.join(dict.fromkeys(doubled))} more than once")
    return {field: list(header).index(name) for field, name in columns.items()}


class Records:
    """The header of a file, and its rows.

    `header` is None where there is no text at all; Damaged where there is text without a header. `longest`: at most so many
    characters have the lines that are being read.
    """

    def __init__(self, lines: Lines, separator: str) -> None:
        self.separator, self.width, self.number, self.longest = separator, 0, 0, 0
        self.rows = self.read(lines)
        self.header, self.header_end = self.first()

    def first(self) -> tuple[list[str] | None, int]:
        blank = False
        for item in self.rows:
            if isinstance(item, End):
                if blank:
                    raise Damaged("it holds no header and no row")
                return None, 0
            _, last, cells = item
            if isinstance(cells, ParseError):
                raise Damaged(f"its header {cells.sentence}")
            if any(cell.strip() for cell in cells):
                self.width = len(cells)
                return [cell.strip() for cell in cells], last
            blank = True
        raise Damaged("it ended before its header")

    def read(self, items: Lines) -> Iterator[Row | End]:
        """Every record with the lines that it takes, and END."""
        pending: list[str] = []
        for item in items:
            if isinstance(item, list):
                pending += item
                yield from self.drained(pending, final=False)
                continue
            yield from self.drained(pending, final=True)
            if isinstance(item, End):
                yield item
                return
            self.number += 1
            yield self.number, self.number, item

    def drained(self, pending: list[str], final: bool) -> Iterator[Row]:
        """The records of the lines, which are taken off the list; those of a record that may go on stay there."""
        start, before, self.longest = 0, self.number, len(max(pending, key=len, default=""))
        while start < len(pending):
            reader, base = csv.reader(pending[start:], delimiter=self.separator, strict=True), start
            try:
                for cells in reader:
                    if reader.line_num != start - base + 1:
                        stop = base + reader.line_num
                        if not self.is_one(pending[start:stop], cells):
                            break
                        begin, start = start, stop
                        yield before + begin + 1, before + stop, cells
                    else:
                        start += 1
                        number = before + start
                        yield number, number, cells
            except csv.Error:
                if not final and base + reader.line_num == len(pending) and self.may_go_on(pending[start:]):
                    break
            if start < len(pending):
                yield before + start + 1, before + start + 1, self.alone(pending[start])
                start += 1
        self.number = before + start
        del pending[:start]

    def is_one(self, lines: Sequence[str], cells: Sequence[str]) -> bool:
        """Whether several lines are one record: it has the header's cells, and its lines are no whole lines themselves."""
        if len(lines) > MOST_LINES_OF_A_RECORD or sum(map(len, lines)) > LONGEST_LINE_BYTES:
            return False
        whole = all(line.count(self.separator) == self.width - 1 for line in lines)
        return not self.width or (len(cells) == self.width and not whole)

    def may_go_on(self, lines: Sequence[str]) -> bool:
        return len(lines) < MOST_LINES_OF_A_RECORD and sum(map(len, lines)) <= LONGEST_LINE_BYTES

    def alone(self, line: str) -> list[str] | ParseError:
        """A line that is refused, by itself: a quotation mark within a quoted cell is let pass, one that does not end is not."""
        try:
            found = list(csv.reader([line, "next"], delimiter=self.separator))
        except csv.Error:
            sentence = f"cannot be read: it holds a line break, or a cell of more than {LONGEST_CELL} characters"
            return ParseError("broken_line", "", sentence)
        if len(found) == 2:
            return found[0]
        count = len(next(csv.reader([line], delimiter=self.separator)))
        return ParseError(
            "broken_line", "", f"has {count} cells where the header has {self.width}: a quotation mark does not end"
        )
