"""Bytes in, records out: the reader of exports without a server."""

from collections.abc import Iterator, Sequence

from shared.sftp.blocks import END, Blocks, End
from shared.sftp.exports.delimited import Records
from shared.sftp.exports.text import lines_of
from shared.sftp.faults import ParseError

Rows = list[list[str] | str]


def blocks(data: bytes, size: int = 1 << 18) -> Blocks:
    for start in range(0, len(data), size):
        yield data[start : start + size]
    yield END


def cut(data: bytes, at: int) -> Blocks:
    """As `blocks`, of a connection that breaks."""
    yield data[:at]
    raise OSError("broken")


def rows(
    data: bytes,
    separator: str = "\t",
    encoding: str = "utf-8",
    name: str = "x.txt",
    size: int = 1 << 18,
) -> Rows:
    """The header and the rows; the rule of what cannot be read in the row's place."""
    records = Records(lines_of(blocks(data, size), name, encoding), separator)
    return [records.header or [], *said(records)]


def said(records: Records) -> Iterator[list[str] | str]:
    for item in records.rows:
        if isinstance(item, End):
            return
        yield item[2].rule if isinstance(item[2], ParseError) else item[2]
    raise AssertionError("it ended without END")


def table(*lines: Sequence[str]) -> bytes:
    return "".join("\t".join(cells) + "\n" for cells in lines).encode()
