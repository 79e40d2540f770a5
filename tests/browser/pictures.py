"""Pictures of pages for docs/console.md, each with the words of its page inside the file.

The words are a text chunk of the PNG (W3C, "PNG Specification", 11.3.3): a test compares them with
those of the page today, so that a picture stays true without being the same point by point.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from dev.commands.processes import ROOT

FOLDER = ROOT / "docs" / "console"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"Page\0\0\0\0\0"
WORDS = """() => [...document.querySelectorAll(
  "nav.main a, main h1, main h2, main th[scope=col], main dt, main label, main button, main legend"
)].filter((one) => one.checkVisibility()).map((one) =>
  one.innerText.replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\\d+/g, "").trim())"""
"""Headings, columns, labels and buttons, without ids and numbers."""


def with_words(png: bytes, words: list[str]) -> bytes:
    """The picture with a chunk before the last, which ends it."""
    content = KEYWORD + "\n".join(words).encode()
    check = zlib.crc32(b"iTXt" + content)
    chunk = struct.pack(">I", len(content)) + b"iTXt" + content + struct.pack(">I", check)
    return png[:-12] + chunk + png[-12:]


def words_in(path: Path) -> list[str]:
    """Those that the picture was taken with; [] for a picture without."""
    for kind, content in chunks(path.read_bytes()):
        if kind == b"iTXt" and content.startswith(KEYWORD):
            return content.removeprefix(KEYWORD).decode().split("\n")
    return []


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(SIGNATURE)
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += length + 12
