"""Which fields of a record hold a value in the target: kept as short hashes of their names, so that
a value which becomes empty is noticed.

A name's hash has 16 bits. Two of a mapping's fields that share one make one of them look filled:
about one mapping of 40 fields in 80.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

HASH_BYTES = 2


def fields_of(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Names, with a dot where Campaign groups fields, and values."""
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from fields_of(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def filled_in(record: Mapping[str, Any]) -> bytes:
    """The hashes of the fields that hold a value, in order."""
    return b"".join(sorted({digest(name) for name, value in fields_of(record) if holds(value)}))


def cleared(update: Mapping[str, Any], filled: bytes) -> tuple[str, ...]:
    """The fields that an update empties although they held a value; none where nothing is known."""
    known = {filled[start : start + HASH_BYTES] for start in range(0, len(filled), HASH_BYTES)}
    if not known:
        return ()
    return tuple(
        name for name, value in fields_of(update) if not holds(value) and digest(name) in known
    )


def holds(value: Any) -> bool:
    return value is not None and value != ""


@lru_cache(4096)
def digest(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=HASH_BYTES).digest()
