"""The bytes of an exported file as physical lines of text, in flat memory, whatever the bytes are.

Every stage passes on what it gets and, last of all, END. Where END does not come the file was not
read to its end.
"""

import codecs
import contextlib
import io
import re
import zlib
from collections.abc import Generator

from shared.sftp.blocks import END, Blocks, End
from shared.sftp.exports.forms import encoding_problem
from shared.sftp.faults import Damaged, ParseError

LONGEST_LINE_BYTES = 1 << 20
INFLATED_BLOCK_BYTES = 1 << 18
INFLATION_IS_FREE_BYTES, MOST_INFLATION = 64 << 20, 250
LARGEST_TEXT_BYTES = 16 << 30
NOTHING_IN_IT = "it holds no header and no row"
MARKS = re.compile(
    rb"\A(?:\xef\xbb\xbf)++"
)  # byte order marks; programs that join files leave several
# The first end of a line that stands outside of quotes; a carriage return alone counts where
# something follows it.
FIRST_END = re.compile(rb'(?:"[^"]*+"|[^"\r\n])*+(?:(?P<feed>\r*\n)|\r(?=[^\r\n]|\r++[^\r\n]))')
Lines = Generator[list[str] | ParseError | End]


def lines_of(blocks: Blocks, name: str, encoding: str) -> Lines:
    """Lists of lines, each with its end but for the last of a file that has none.

    A line that cannot be read is its error.

    `encoding` may be any of Python's. In one that does not keep a line feed as one byte an error
    damages the rest of the file.
    """
    if name.lower().endswith(".gz"):
        blocks = inflated(blocks)
    if encoding_problem(encoding):
        raise Damaged(f"{encoding!a} is no encoding of text: correct it in the document")
    codec = codecs.lookup(encoding).name.removesuffix("-sig")
    if "\n".encode(codec) != b"\n":
        blocks, codec = recoded(blocks, codec, encoding), "utf-8"
    return decoded(complete_lines(with_line_feeds(blocks)), codec, encoding)


def inflated(blocks: Blocks) -> Blocks:
    """The content of a gzip file, of several members too.

    Damaged where it is cut, is not gzip, or grows out of proportion.
    """
    member, packed, unpacked, begun, behind = zlib.decompressobj(31), 0, 0, False, False
    try:
        for block in blocks:
            if isinstance(block, End):
                yield member.flush()
                if begun and not member.eof:
                    raise Damaged("it is cut off in the middle of its gzip stream")
                yield block
                return
            packed += len(block)
            while block := (
                block.lstrip(b"\0") if behind else block
            ):  # zeros may fill up what follows a member
                behind = False
                part = member.decompress(block, INFLATED_BLOCK_BYTES)
                unpacked += len(part)
                if unpacked > max(INFLATION_IS_FREE_BYTES, packed * MOST_INFLATION):
                    raise Damaged(f"it inflates to more than {MOST_INFLATION} times its size")
                yield part
                begun, block = True, member.unconsumed_tail
                if member.eof:
                    begun, behind, block, member = (
                        False,
                        True,
                        member.unused_data,
                        zlib.decompressobj(31),
                    )
    except zlib.error:
        raise Damaged("its rest is not gzip") from None


def recoded(blocks: Blocks, codec: str, encoding: str) -> Blocks:
    """Text of another encoding as UTF-8. What stands before an error is kept."""
    decoder = codecs.getincrementaldecoder(codec)()
    for block in blocks:
        last = isinstance(block, End)
        data, pending = b"" if isinstance(block, End) else block, decoder.getstate()
        try:
            yield decoder.decode(data, final=last).encode()
        except UnicodeDecodeError as error:
            decoder.setstate(pending)
            with contextlib.suppress(
                ValueError
            ):  # such as a missing byte order mark: then nothing stands before it
                yield decoder.decode(data[: max(0, error.start - len(pending[0]))]).encode()
            raise Damaged(f"its rest is not in {encoding}") from None
        except ValueError:
            raise Damaged(f"its rest is not in {encoding}") from None
        if last:
            yield END


def with_line_feeds(blocks: Blocks) -> Blocks:
    """Without byte order marks.

    Where the first line ends in a carriage return alone, they become line feeds. Damaged where
    there is nothing but marks.
    """
    head, only_returns = b"", None
    for block in blocks:
        last = isinstance(block, End)
        if only_returns is None:
            head += b"" if isinstance(block, End) else block
            start = MARKS.sub(b"", head)
            if last and head and not start:
                raise Damaged(NOTHING_IN_IT)
            found = FIRST_END.match(start)
            if not found and not last and len(head) <= LONGEST_LINE_BYTES:
                continue
            only_returns = found["feed"] is None if found else b"\n" not in start
            block, head = start, b""
            if last:
                yield block.replace(b"\r", b"\n") if only_returns else block
                yield END
                return
        if isinstance(block, End):
            yield END
            return
        yield block.replace(b"\r", b"\n") if only_returns else block


def complete_lines(blocks: Blocks) -> Generator[bytes | ParseError | End]:
    """Blocks that end where a line ends.

    Of a line that is too long nothing is kept but that it was there.
    """
    rest, skipping, size = b"", False, 0
    for block in blocks:
        if isinstance(block, End):
            if rest:
                yield rest
            yield block
            return
        size += len(block)
        if size > LARGEST_TEXT_BYTES:
            raise Damaged(
                f"it is larger than {LARGEST_TEXT_BYTES >> 30} GiB, which is too much for one file:"
                " split it"
            )
        if skipping:
            end = block.find(b"\n") + 1
            if not end:
                continue
            block, skipping = block[end:], False
        end = block.rfind(b"\n") + 1
        if end:
            yield rest + block[:end]
            rest = b""
        rest += block[end:]
        if len(rest) > LONGEST_LINE_BYTES:
            yield too_long()
            rest, skipping = b"", True


def too_long() -> ParseError:
    return ParseError("broken_line", "", f"is longer than {LONGEST_LINE_BYTES} bytes")


def decoded(blocks: Generator[bytes | ParseError | End], codec: str, encoding: str) -> Lines:
    for block in blocks:
        if not isinstance(block, bytes):
            yield block
            continue
        try:
            text = None if b"\0" in block else block.decode(codec)
        except ValueError:
            text = None
        lines = list(io.StringIO(text, newline="\n")) if text else []
        if text is not None and len(max(lines, key=len, default="")) <= LONGEST_LINE_BYTES:
            yield lines
        else:
            for line in io.BytesIO(block):
                yield one_line(line, codec, encoding)


def one_line(line: bytes, codec: str, encoding: str) -> list[str] | ParseError:
    if len(line) > LONGEST_LINE_BYTES:
        return too_long()
    if b"\0" in line:
        return ParseError(
            "broken_line", "", "holds a NUL character: look whether the encoding is right"
        )
    try:
        return [line.decode(codec)]
    except ValueError:
        return ParseError("wrong_encoding", "", f"is not in {encoding}")
