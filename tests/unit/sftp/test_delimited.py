"""Bytes of an export as records: whatever one line holds, its neighbours are read."""

import csv
import gzip
import io
import tracemalloc
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.sftp.exports.delimited import MOST_LINES_OF_A_RECORD, Records, columns_of
from shared.sftp.exports.text import LONGEST_LINE_BYTES, lines_of
from shared.sftp.faults import BadHeader, Damaged
from tests.unit.sftp.kit import blocks, rows, said, table

HEADER = b"a\tb\tc\n"
FIRST, LAST = b"1\t2\t3\n", b"7\t8\t9\n"
GOOD: list[list[str] | str] = [["1", "2", "3"], ["7", "8", "9"]]
LONG_CELL = b"x" * 140_000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'4\t"5\t6\n', ["broken_line"]),
        (b'"4\t5\t6\n', ["broken_line"]),
        (b'4\t5\t"6\n', ["broken_line"]),
        (b'4\t5"\t6\n', [["4", '5"', "6"]]),
        (b'4\t"5" screen"\t6\n', [["4", '5 screen"', "6"]]),
        (b'4\t"5 ""inch"""\t6\n', [["4", '5 "inch"', "6"]]),
        (b'4\t"5\n5"\t6\n', [["4", "5\n5", "6"]]),
        (b'"4\r\n\r\n4"\t"5\t5"\t6\r\n', [["4\r\n\r\n4", "5\t5", "6"]]),
        (b'4\t5\t"6\n6"\n', [["4", "5", "6\n6"]]),
        (b'4\t"5\t6\n4\t5\t6\n4\t5"\t6\n', ["broken_line", ["4", "5", "6"], ["4", '5"', "6"]]),
        (b'4\t"5\t6\n4\t"5\t6\n', ["broken_line", "broken_line"]),
        (b'4\t5\r5\t"6"\n', ["broken_line"]),
        (b"4\t5\r5\t6\n", ["broken_line"]),
        (b"4\t5\t6\r\n", [["4", "5", "6"]]),
        (b"4\t5\t6\r\r\n", [["4", "5", "6"]]),
        (b'4\t"' + LONG_CELL + b'"\t6\n', ["broken_line"]),
        (b"4\t" + LONG_CELL + b"\t6\n", ["broken_line"]),
        (b"4\t" + b"x" * (LONGEST_LINE_BYTES + 1) + b"\t6\n", ["broken_line"]),
        (b"4\t5\0\t6\n", ["broken_line"]),
        (b"4\t\xff\t6\n", ["wrong_encoding"]),
        (b"\n", [[]]),
        (b'4\t"5' + b"\n" * MOST_LINES_OF_A_RECORD + b'"\t6\n', None),
        ("4\t5\x85\u2028\x0b\x1c5\t6\n".encode(), [["4", "5\x85\u2028\x0b\x1c5", "6"]]),
    ],
    ids=[
        "a quote that does not end",
        "at the line's begin",
        "in the last cell",
        "a quote within a cell",
        "within a quoted cell",
        "doubled",
        "a line break",
        "several, and a separator",
        "in the last cell, too",
        "a quote that another line ends",
        "two lines with one each",
        "a return and quotes",
        "a return",
        "CRLF",
        "two returns",
        "a long quoted cell",
        "a long cell",
        "a line that is too long",
        "NUL",
        "another encoding",
        "blank",
        "too many lines",
        "what only Unicode calls a line's end",
    ],
)
@pytest.mark.parametrize("size", [1 << 18, 7], ids=["large blocks", "small blocks"])
def test_a_line_that_is_refused_harms_none_of_its_neighbours(
    line: bytes, expected: list[list[str] | str] | None, size: int
) -> None:
    if len(line) > 10_000:
        size *= 1000
    found = rows(HEADER + FIRST + line + LAST, size=size)
    assert (found[:2], found[-1]) == ([["a", "b", "c"], GOOD[0]], GOOD[1])
    if expected is None:
        assert found[2] == "broken_line"
    else:
        assert found[2:-1] == expected


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (b"\n\r\n  \na\tb\n1\t2\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\tb\n1\t2\n", ["a", "b"]),
        (b"\xef\xbb\xbf\xef\xbb\xbfa\tb\n1\t2\n", ["a", "b"]),
        (b"\xef\xbb\xbf\r\na\tb\r\n1\t2", ["a", "b"]),
        (b"\r\n\xef\xbb\xbfa\tb\r\n1\t2", ["a", "b"]),
        (b"a\tb\r1\t2\r", ["a", "b"]),
        (b"\ra\tb\r1\t2", ["a", "b"]),
        (b'"a"\t"b"\r"1"\t"2"\r', ["a", "b"]),
        (b'"a"\t"b"\n1\t2', ["a", "b"]),
        (b'"a\nx"\t"b"\n1\t2', ["a\nx", "b"]),
        (b'"a\rx"\t"b"\n1\t2', ["a\rx", "b"]),
        (b" a \tb\n1\t2\n\n", ["a", "b"]),
    ],
    ids=[
        "blank",
        "mark",
        "two marks",
        "mark, blank",
        "blank, mark",
        "returns",
        "returns, blank",
        "returns, quoted",
        "quoted",
        "break",
        "return",
        "blanks",
    ],
)
def test_a_header_is_found(data: bytes, header: list[str]) -> None:
    for size in (1 << 18, 1):
        found = [row for row in rows(data, size=size) if row != []]
        assert found == [header, ["1", "2"]]


@pytest.mark.parametrize(
    "data",
    [b"\n", b"\xef\xbb\xbf\n", b" \t \n\r\n", b"\t\t\n"],
    ids=["break", "mark", "blanks", "cells"],
)
def test_text_without_a_header_and_a_row_is_damaged(data: bytes) -> None:
    with pytest.raises(Damaged, match="no header and no row"):
        rows(data)


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\n"], ids=["mark", "marks", "blank"]
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("size", [1 << 18, 1])
def test_bytes_without_text_are_damaged_also_when_they_are_packed(
    data: bytes, packed: bool, size: int
) -> None:
    with pytest.raises(Damaged, match="no header and no row"):
        rows(gzip.compress(data) if packed else data, name="x.gz" if packed else "x", size=size)


def test_a_text_that_is_too_large_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.sftp.exports.text.LARGEST_TEXT_BYTES", 100)
    records = Records(lines_of(blocks(HEADER + FIRST * 30, 10), "x", "utf-8"), "\t")
    with pytest.raises(Damaged, match="too much for one file"):
        list(records.rows)
    with pytest.raises(Damaged, match="too much for one file"):
        rows(gzip.compress(HEADER + FIRST * 30), name="x.gz")


def test_a_header_that_is_too_long_is_damaged() -> None:
    with pytest.raises(Damaged, match="its header is longer than"):
        rows(b"x" * (LONGEST_LINE_BYTES + 2) + b"\n1\n")


@pytest.mark.parametrize(
    "encoding",
    ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1", "cp1252", "shift_jis", "gb18030"],
)
def test_every_encoding_is_read(encoding: str) -> None:
    text = 'a\tb\n1\t"x\ny"\n3\t4\n' if encoding != "latin-1" else 'a\tb\n1\t"x\ny"\n3\té\n'
    expected = [["a", "b"], ["1", "x\ny"], ["3", "é" if encoding == "latin-1" else "4"]]
    assert rows(text.encode(encoding), encoding=encoding, size=3) == expected


def test_a_wide_encoding_keeps_what_stands_before_an_error() -> None:
    records = Records(
        lines_of(
            blocks("a\tb\n1\t2\n".encode("utf-16-le") + b"\x00\xd8\x00\xd8" * 4), "x", "utf-16-le"
        ),
        "\t",
    )
    assert next(records.rows)[2] == ["1", "2"]  # type: ignore[index]
    with pytest.raises(Damaged, match="not in utf-16-le"):
        list(records.rows)


def test_gzip_is_read_of_several_members_and_with_padding() -> None:
    data = gzip.compress(HEADER + FIRST) + gzip.compress(LAST) + b"\0" * 100
    for size in (1 << 18, 1, 30):
        assert rows(data, name="x.txt.GZ", size=size) == [["a", "b", "c"], *GOOD]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (gzip.compress(HEADER + FIRST)[:-1], "cut off"),
        (gzip.compress(HEADER + FIRST)[:-12], "cut off"),
        (gzip.compress(HEADER + FIRST) + b"more", "not gzip"),
        (HEADER, "not gzip"),
    ],
    ids=["a byte lacks", "more", "rubbish behind", "plain"],
)
def test_gzip_that_is_cut_or_none_is_damaged(data: bytes, message: str) -> None:
    with pytest.raises(Damaged, match=message):
        rows(data, name="x.gz")


@pytest.mark.parametrize("size", [1, 7, 1 << 18])
def test_rows_behind_a_mark_that_does_not_end_are_kept_before_a_damage(size: int) -> None:
    text = table(["a", "b"], ["1", "2"], ['"3', "4"], *(["5", "6"] for _ in range(20)))
    records = Records(lines_of(blocks(gzip.compress(text) + b"more", size), "x.gz", "utf-8"), "\t")
    kept: list[list[str] | str] = []
    with pytest.raises(Damaged, match="not gzip"):
        kept.extend(said(records))
    assert kept == [["1", "2"], "broken_line", *(["5", "6"] for _ in range(20))]


def bomb(prefix: bytes, zeros: int) -> bytes:
    """So many MiB of zeros behind the prefix: a block that refers to nothing before it, again and
    again, without an end.
    """
    packer = zlib.compressobj(9, wbits=31)
    begin = packer.compress(prefix) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + (packer.compress(b"0" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * zeros


@pytest.mark.parametrize(
    "prefix", [b"", HEADER + FIRST], ids=["from the start", "behind good lines"]
)
def test_a_file_that_inflates_out_of_proportion_costs_little_and_is_damaged(prefix: bytes) -> None:
    data = bomb(prefix, 600)
    assert len(data) < 700_000
    tracemalloc.start()
    try:
        with pytest.raises(Damaged, match=r"inflates|header is longer"):
            rows(data, name="x.gz")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b'4\t5\t"6\n\n4\t5\t6"\n', ["broken_line", [], ["4", "5", '6"']]),
        (b'4\t5\t"6\nx\n4\t5\t6"\n', ["broken_line", ["x"], ["4", "5", '6"']]),
        (b'4\t5\t"6\n4\ta\n4\t5\t6"\n', ["broken_line", ["4", "a"], ["4", "5", '6"']]),
        (
            b'4\t5\t"6\n4\t5\t6\n\n4\t5\t6\n4\t5\t6"\n',
            ["broken_line", *[["4", "5", "6"], [], ["4", "5", "6"]], ["4", "5", '6"']],
        ),
        (b'"4\t5\t6\n4"\t5\t6\n', ["broken_line", ['4"', "5", "6"]]),
        (b'4\t"5\t6\n4\t5"\t6\n', ["broken_line", ["4", '5"', "6"]]),
    ],
    ids=[
        "blank between",
        "a word between",
        "cells between",
        "rows between",
        "in the first cell",
        "in the middle",
    ],
)
@pytest.mark.parametrize("size", [1 << 18, 3])
def test_stray_quotes_swallow_no_whole_line(
    lines: bytes, expected: list[list[str] | str], size: int
) -> None:
    assert rows(HEADER + FIRST + lines + LAST, size=size)[2:] == [*expected, GOOD[1]]


@pytest.mark.parametrize(
    "line", ['"', 'a"\tb\t"', '1\t2\t"x', "1\t2\tx"], ids=["quote", "two", "open cell", "none"]
)
def test_the_work_grows_with_the_lines_and_no_faster(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """Counted in lines that the csv reader was given."""
    given, real = [0], csv.reader

    def counted(lines: list[str], **options: Any) -> Any:
        def each() -> Iterator[str]:
            for one in lines:
                given[0] += 1
                yield one

        return real(each(), **options)

    monkeypatch.setattr("shared.sftp.exports.delimited.csv.reader", counted)
    assert len(rows(HEADER + f"{line}\n".encode() * 20_000)) >= 10_000
    assert given[0] < 20_000 * 10


def test_the_lines_of_a_record_are_counted() -> None:
    data = HEADER + b'4\t"5\n5"\t6\n' + b'4\t"5\t6\n' + LAST
    records = Records(lines_of(blocks(data), "x", "utf-8"), "\t")
    assert [item[:2] for item in list(records.rows)[:-1]] == [(2, 3), (4, 4), (5, 5)]  # type: ignore[index]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["a", "x"], "its header lacks b"),
        (["a", "b", "b"], "has b more than once"),
        (["a;b"], "its header is one cell: is `files.separator` of the document right"),
        (["1", "2"], "its first line is no header: it names none of the columns, and lacks a, b"),
    ],
    ids=["missing", "doubled", "another separator", "no header"],
)
def test_a_header_that_lacks_a_column_or_has_it_twice_is_refused_by_name(
    header: list[str], message: str
) -> None:
    with pytest.raises(BadHeader, match=message):
        columns_of(header, {"first": "a", "second": "b"})


cell = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs",)), max_size=12
)


@given(
    st.lists(st.lists(cell, min_size=3, max_size=3), max_size=6),
    st.sampled_from("\t;,"),
    st.integers(1, 40),
)
def test_what_a_csv_writer_writes_is_read(
    lines: list[list[str]], separator: str, size: int
) -> None:
    """Also cells with quotes, separators and line breaks; not one of its lines may look like a
    whole line of its own.
    """
    written = io.StringIO(newline="")
    csv.writer(written, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [["a", "b", "c"], *lines]
    )
    if any(separator in cell and "\n" in cell for line in lines for cell in line):
        return  # where a line of it reads as a record, it stands alone
    assert rows(written.getvalue().encode(), separator=separator, size=size) == [
        ["a", "b", "c"],
        *lines,
    ]


@given(st.binary(max_size=200), st.integers(1, 50))
def test_no_bytes_whatever_lose_the_lines_around_them(noise: bytes, size: int) -> None:
    """Noise of whole lines: what it holds of quotes may take no more than itself."""
    noise = noise.replace(b'"', b"") + b"\n"
    found = rows(HEADER + FIRST + noise + LAST, size=size)
    assert (found[1], found[-1]) == (GOOD[0], GOOD[1])


@given(st.binary(max_size=200), st.integers(1, 50))
def test_blocks_of_any_size_are_read_alike(noise: bytes, size: int) -> None:
    data = HEADER + noise
    assert rows(data, size=size) == rows(data)
