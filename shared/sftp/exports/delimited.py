"""Lines of delimited text as records, read with the standard library's csv reader.

A record may span lines where a quoted cell holds line breaks. A line that the reader refuses is an
error of its own, and reading goes on at the next line: a quotation mark that does not end swallows
none of its neighbours.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence

from shared.identifiers import trimmed
from shared.sftp.blocks import End
from shared.sftp.exports.text import LONGEST_LINE_BYTES, NOTHING_IN_IT, Lines
from shared.sftp.faults import BadHeader, Damaged, ParseError

MOST_LINES_OF_A_RECORD, LINES_AT_ONCE, LINES_AFTER_A_FAULT = 100, 2000, 4
MOST_BLANK_LINES = 1000
"""Before the header. A packed file of a few bytes may hold millions."""

LONGEST_CELL = csv.field_size_limit()
Row = tuple[
    int, int, list[str] | ParseError
]  # its first and its last line, counted from 1, and its cells


def columns_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands, by the header's name of its column.

    BadHeader for a column that is not there once.
    """
    if missing := [name for name in columns.values() if name not in header]:
        raise BadHeader(header_fault(header, missing, len(columns)))
    if doubled := [name for name in columns.values() if header.count(name) > 1]:
        raise BadHeader(f"its header has {', '.join(dict.fromkeys(doubled))} more than once")
    return {field: list(header).index(name) for field, name in columns.items()}


def header_fault(header: Sequence[str], missing: Sequence[str], needed: int) -> str:
    """What is wrong with a header that lacks columns: the separator, all of it, or just these."""
    lacks = f"lacks {', '.join(missing)}"
    if len(header) == 1 < needed:
        return f"its header is one cell: is `files.separator` of the document right? It {lacks}"
    if len(missing) == needed > 1:
        return f"its first line is no header: it names none of the columns, and {lacks}"
    return f"its header {lacks}"


class Records:
    """The header of a file, and its rows.

    `header` is None where there is no text at all; Damaged where there is text without a header.
    """

    def __init__(self, lines: Lines, separator: str) -> None:
        self.separator, self.width, self.number = separator, 0, 0
        self.rows = self.read(lines)
        self.header, self.header_end = self.first()

    def first(self) -> tuple[list[str] | None, int]:
        blank = False
        for number, item in enumerate(self.rows):
            if number > MOST_BLANK_LINES:
                raise Damaged(
                    f"its first {MOST_BLANK_LINES} lines are blank, and the header must stand among"
                    " them"
                )
            if isinstance(item, End):
                if blank:
                    raise Damaged(NOTHING_IN_IT)
                return None, 0
            _, last, cells = item
            if isinstance(cells, ParseError):
                raise Damaged(f"its header {cells.sentence}")
            if any(names := [trimmed(cell) for cell in cells]):
                self.width = len(cells)
                return names, last
            blank = True
        raise Damaged("it ended before its header")

    def read(self, items: Lines) -> Iterator[Row | End]:
        """Every record with the lines that it takes, and END.

        What stands before a damage comes before it is raised.
        """
        pending: list[str] = []
        try:
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
        except Damaged:
            yield from self.drained(pending, final=True)
            raise

    def drained(self, pending: list[str], final: bool) -> Iterator[Row]:
        """The records of the lines, which are taken off the list; those of a record that may go on
        stay there.

        Of lines that were refused as one record only the last may begin another: those between hold
        no quotation mark that begins or ends a cell. So each line is looked at a few times at most.
        """
        start, before, window = 0, self.number, LINES_AT_ONCE
        while start < len(pending):
            base, end = start, min(len(pending), start + window)
            reader = csv.reader(pending[base:end], delimiter=self.separator, strict=True)
            stop = start
            try:
                for cells in reader:
                    stop = base + reader.line_num
                    if stop - start > 1 and not self.is_one(pending[start:stop], cells):
                        break
                    begin, start = start, stop
                    yield before + begin + 1, before + stop, cells
            except csv.Error:
                stop = base + reader.line_num
                if stop == end < len(pending) and (start > base or window < MOST_LINES_OF_A_RECORD):
                    window = MOST_LINES_OF_A_RECORD + 1
                    continue
                if stop == len(pending) and not final and self.may_go_on(pending[start:]):
                    break
            window = LINES_AT_ONCE if start == end else LINES_AFTER_A_FAULT
            for place in range(start, min(max(start + 1, stop - 1), end)):
                start = place + 1
                yield before + start, before + start, self.alone(pending[place])
        self.number = before + start
        del pending[:start]

    def is_one(self, lines: Sequence[str], cells: Sequence[str]) -> bool:
        """Whether several lines are one record: it has the header's cells, and none of its lines
        may be a record itself.
        """
        if len(lines) > MOST_LINES_OF_A_RECORD or sum(map(len, lines)) > LONGEST_LINE_BYTES:
            return False
        return not self.width or (len(cells) == self.width and not self.in_doubt(lines, cells))

    def in_doubt(self, lines: Sequence[str], cells: Sequence[str]) -> bool:
        """Whether stray quotation marks may have made one record of several: a cell holds both a
        line's end and a separator, and one of the lines reads as a whole record by itself. Then
        each line stands alone, for none may be swallowed.
        """
        across = any(self.separator in cell and "\n" in cell for cell in cells)
        return across and any(self.is_whole(line) for line in lines)

    def is_whole(self, line: str) -> bool:
        try:
            return [
                len(cells) for cells in csv.reader([line], delimiter=self.separator, strict=True)
            ] == [self.width]
        except csv.Error:
            return False

    def may_go_on(self, lines: Sequence[str]) -> bool:
        return len(lines) < MOST_LINES_OF_A_RECORD and sum(map(len, lines)) <= LONGEST_LINE_BYTES

    def alone(self, line: str) -> list[str] | ParseError:
        """A line that is refused, by itself: a quotation mark within a quoted cell is let pass, one
        that does not end is not.
        """
        try:
            found = list(csv.reader([line, "next"], delimiter=self.separator))
        except csv.Error:
            sentence = (
                f"cannot be read: it holds a line break, or a cell of more than {LONGEST_CELL}"
                " characters"
            )
            return ParseError("broken_line", "", sentence)
        if len(found) == 2:
            return found[0]
        return ParseError("broken_line", "", "has a quotation mark that does not end")
