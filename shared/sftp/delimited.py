"""Delimited text as records: bytes to lines, lines to cells. What cannot be read is said of the line or of the file."""

import codecs
import csv
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence

from shared.records import Change, Kind

NAMESPACE = uuid.UUID("8f6f0f5e-7d0c-5b83-9d0c-2b1f5b6f6a55")
BYTEWISE = ("utf-8", "ascii", "iso8859", "cp", "latin")


class ParseError(Exception):
    """A record that cannot be read: `rule` is a code; the sentence names file, line and column, never a value."""

    def __init__(self, rule: str, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule, self.field, self.sentence = rule, field, sentence


class BadHeader(Exception):
    """The header lacks columns that the document names, or has one of them twice; the message completes "its header ..."."""


class Damaged(Exception):
    """The rest of a file cannot be read; the message completes "its rest ..."."""


def columns_of(header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands, by the header's name of its column. BadHeader for a column that is not there once."""
    if missing := [name for name in columns.values() if name not in header]:
        raise BadHeader(f"its header lacks {', '.join(missing)}")
    if doubled := [name for name in columns.values() if header.count(name) > 1]:
        raise BadHeader(f"its header has {', '.join(doubled)} more than once")
    return {field: list(header).index(name) for field, name in columns.items()}


def unreadable(origin: str, error: ParseError, first_seen: float) -> Change:
    """What cannot be read travels too, so that it ends as a dead letter like everything that is refused.

    `origin` is where it stands, such as "deliveryLogs_1.txt:3"; the dead letter's id is made from it.
    """
    told = {"rule": error.rule, "field": error.field, "sentence": error.sentence}
    record_id = str(uuid.uuid5(NAMESPACE, f"fault:{origin}"))
    return Change(record_id, Kind.ROW, row={"fault": told}, first_seen=first_seen)


def cells(line: str, separator: str) -> list[str]:
    """The cells of a line; each line stands for itself, so that a broken quote harms no other."""
    return next(csv.reader([line], delimiter=separator)) if '"' in line else line.split(separator)


def text_lines(blocks: Iterator[bytes], name: str, encoding: str) -> Iterator[str | UnicodeDecodeError]:
    """The lines without their ends. In an encoding of single bytes a line that is not in it comes as its error; in another the
    rest of the file is lost with it: Damaged."""
    if name.endswith(".gz"):
        blocks = inflated(blocks)
    codec = codecs.lookup(encoding).name
    if codec.startswith(BYTEWISE):
        yield from (decoded(line, codec) for line in split(blocks))
        return
    try:
        yield from split_text(codecs.getincrementaldecoder(codec)(), blocks)
    except UnicodeError:
        raise Damaged(f"its rest is not in {encoding}") from None


def decoded(line: bytes, codec: str) -> str | UnicodeDecodeError:
    try:
        return line.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return error


def split(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in lines)
    if rest:
        yield rest.removesuffix(b"\r")


def split_text(decoder: codecs.IncrementalDecoder, blocks: Iterator[bytes]) -> Iterator[str]:
    rest = ""
    for block in blocks:
        pending = decoder.getstate()
        try:
            text, error = decoder.decode(block), None
        except UnicodeDecodeError as fault:
            # What stands before the fault is kept: the decoder goes back and takes only that much.
            decoder.setstate(pending)
            text, error = decoder.decode(block[: max(0, fault.start - len(pending[0]))]), fault
        *lines, rest = (rest + text).split("\n")
        yield from (line.removesuffix("\r") for line in lines)
        if error:
            raise error
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest.removesuffix("\r")


def inflated(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip file, of several members too; Damaged where it is cut or not gzip."""
    member, begun = zlib.decompressobj(31), False
    try:
        for block in blocks:
            while block:
                yield member.decompress(block)
                begun, block = not member.eof, member.unused_data
                if member.eof:
                    member = zlib.decompressobj(31)
    except zlib.error:
        raise Damaged("its rest is not gzip") from None
    if begun:
        raise Damaged("it is cut off in the middle of its gzip stream")
