"""Long texts in a row of a table: cut into properties, and put together again.

A property holds 64 KiB of UTF-16, a row 1 MiB (Microsoft Learn, "Understanding the Table service
data model"). A letter takes two bytes, a rare one such as an emoji four.
"""

from collections.abc import Mapping
from typing import Any

PIECE_LETTERS = 16_000


def in_pieces(text: str) -> dict[str, Any]:
    """`parts` and `part0`, `part1`, ... of an entity; half a letter becomes a question mark."""
    text = text.encode("utf-8", "replace").decode()
    pieces = [text[i : i + PIECE_LETTERS] for i in range(0, len(text), PIECE_LETTERS)]
    return {
        "parts": len(pieces),
        **{f"part{number}": piece for number, piece in enumerate(pieces)},
    }


def together(entity: Mapping[str, Any]) -> str:
    return "".join(entity[f"part{number}"] for number in range(entity["parts"]))
