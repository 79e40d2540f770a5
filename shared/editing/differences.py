"""What changes between two documents, line by line."""

import difflib
from collections.abc import Iterator
from typing import NamedTuple

ADDED, REMOVED, SAME, GAP = "added", "removed", "same", "gap"
KINDS = {"+": ADDED, "-": REMOVED, " ": SAME}
AROUND = 2
"""Lines that stay the same and are shown before and after a change."""


class DiffLine(NamedTuple):
    """`kind`: added, removed, same, or gap where lines are left out."""

    kind: str
    text: str


def difference(before: str, after: str, around: int = AROUND) -> list[DiffLine]:
    """[] where both say the same."""
    return list(lines(before, after, around))


def lines(before: str, after: str, around: int) -> Iterator[DiffLine]:
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=around)
    for number, line in enumerate(found):
        if number < 2:
            continue  # the names of both texts
        if line.startswith("@@"):
            if number > 2:
                yield DiffLine(GAP, "")
            continue
        yield DiffLine(KINDS[line[0]], line[1:])


def counted(found: list[DiffLine]) -> tuple[int, int]:
    """How many lines were added, and how many taken out."""
    kinds = [line.kind for line in found]
    return kinds.count(ADDED), kinds.count(REMOVED)
