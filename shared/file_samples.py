"""Whether two files of one name are the same one: read again, or put back when it was fixed.

A sample is size and time, and a few checksums of 32 bits, from which no value can be read: of whole
rows, and of the ids of rows where the rows have some. A file of yesterday and one of today may have
one name; they share hardly a row.
"""

import zlib
from collections.abc import Iterable, Sequence

MOST_ROWS, MOST_CHARACTERS, KEPT = 200, 1 << 20, 8


def sample(size: int, changed_at: float, rows: Iterable[Sequence[str]], keys: Iterable[str]) -> str:
    file = f"{size}@{changed_at:.0f}" if size >= 0 and changed_at else ""
    return ";".join((file, smallest("\x1f".join(cells) for cells in rows), smallest(keys)))


def smallest(texts: Iterable[str]) -> str:
    """The smallest checksums: two lists that share most of their texts share most of these."""
    found = {zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts}
    return ",".join(f"{number:08x}" for number in sorted(found)[:KEPT])


def is_same_file(before: str, now: str) -> bool:
    """Whether most of the rows, or of their ids, that were sampled before are there now.

    In doubt it is not.
    """
    old, new = before.split(";"), now.split(";")
    if len(old) != len(new) or not now:
        return False
    if old[0] and old[0] == new[0]:
        return True
    pairs = [
        (set(filter(None, a.split(","))), set(b.split(",")))
        for a, b in zip(old[1:], new[1:], strict=True)
    ]
    return any(2 * len(was & is_) > len(was) for was, is_ in pairs)
