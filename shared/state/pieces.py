"""Long texts in a row of a table: cut into properties, and put together again.

A property holds 32,000 characters, a row 1 MiB (Microsoft Learn, "Understanding the Table service
data model").
"""

from collections.abc import Mapping
from typing import Any

PIECE_LETTERS = 30_000


def in_pieces(text: str) -> dict[str, Any]:
    """`parts` and `part0`, `part1`, ... of an entity."""
    pieces = [text[i : i + PIECE_LETTERS] for i in range(0, len(text), PIECE_LETTERS)]
    return {
        "parts": len(pieces),
        **{f"part{number}": piece for number, piece in enumerate(pieces)},
    }


def together(entity: Mapping[str, Any]) -> str:
    return "".join(entity[f"part{number}"] for number in range(entity["parts"]))
