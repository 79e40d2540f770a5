"""Which separators and encodings a document may name, and what becomes of a file in any other."""

import encodings.aliases
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from shared.events.documents import default_events_document, read_events_document
from shared.mapping.syntax import InvalidDocument
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.sftp.exports.forms import encoding_problem, separator_problem
from shared.sftp.faults import Damaged
from tests.unit.sftp.kit import rows

NO_TEXT = [
    "punycode",
    "idna",
    "rot13",
    "hex",
    "base64",
    "bz2",
    "zlib",
    "uu",
    "quopri",
    "unicode_escape",
    "raw_unicode_escape",
]
NO_TEXT += ["utf-7", "undefined", "utf-9", "", "a\0b", "\udcff"]
EVERY = sorted(set(encodings.aliases.aliases.values()))


@pytest.mark.parametrize("separator", ["\n", "\r", '"', "\0", " ", "a", "7", "/"])
def test_no_separator_that_lines_or_cells_need(separator: str) -> None:
    assert separator_problem(separator)
    written = f"separator: {json.dumps(separator)}"
    for read, text in documents():
        with pytest.raises(InvalidDocument, match=r"files\.separator"):
            read(text(written))


@pytest.mark.parametrize("separator", ["\t", ";", ",", "|", "^", "~", "\x1f", "\u00a7"])
def test_separators_that_part_cells(separator: str) -> None:
    assert not separator_problem(separator)


@pytest.mark.parametrize("encoding", NO_TEXT)
def test_no_encoding_that_is_none_of_text(encoding: str) -> None:
    assert encoding_problem(encoding)
    if encoding.isprintable() and encoding:
        for read, text in documents():
            with pytest.raises(InvalidDocument, match=r"files\.encoding"):
                read(text(f'encoding: "{encoding}"'))


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "UTF8", "latin-1", "iso-8859-15", "cp1252", "utf-16", "shift_jis"],
)
def test_encodings_of_text(encoding: str) -> None:
    assert not encoding_problem(encoding)


@pytest.mark.parametrize("encoding", [*EVERY, *NO_TEXT])
@pytest.mark.parametrize(
    "data",
    [b"a\tb\n1\t2\n", bytes(range(256)), b"a\tb\n\xff\xfe\\x\n"],
    ids=["plain", "all", "odd"],
)
def test_whatever_an_encoding_raises_is_the_files_fault(encoding: str, data: bytes) -> None:
    try:
        assert rows(data, encoding=encoding)
    except Damaged as damage:
        assert str(damage)


def documents() -> list[tuple[Callable[[str], Any], Callable[[str], str]]]:
    """How each kind of document is read, and how it is written with one line of its files in
    another way.
    """
    read = [
        (read_events_document, default_events_document()),
        (read_opt_out_document, default_opt_out_document()),
    ]
    return [(reader, partial(with_line, text)) for reader, text in read]


def with_line(text: str, written: str) -> str:
    lines = text.splitlines()
    name = written.split(":")[0]
    place = next(at for at, line in enumerate(lines) if line.startswith(f"  {name}:"))
    return "\n".join([*lines[:place], f"  {written}", *lines[place + 1 :]])
