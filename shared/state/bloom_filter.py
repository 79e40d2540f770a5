"""Which ids a ledger partition may hold: a Bloom filter in the partition's header, so that a new
record costs no read.

Of an id that was never written it says so, but for one in a hundred; of one that was written it
never says that it was not. It is written in the same transaction as the rows, so it is as true as
they are. Source: B. H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", CACM 13
(7), 1970; the filter is the rbloom package's.
"""

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from rbloom import Bloom

FALSE_POSITIVES = 0.01
BITS_PER_ID = -math.log(FALSE_POSITIVES) / math.log(2) ** 2  # 9.6
FEWEST, MOST = 1_000, 250_000  # ids; 64 partitions of MOST are 16 million records of a table
PROPERTY_BYTES = 60_000  # a property of a table's row takes 64 KiB, and a row 1 MiB
PROPERTY, PARTS = "sieve", "bloom_filter_"
"""One property, as long as it is enough; else several, which no earlier version takes for all."""


def digest(record_id: str) -> int:
    """The same in every process and version, unlike Python's own hash; 128 bits, signed, as the
    package wants.
    """
    return int.from_bytes(blake2b(record_id.encode(), digest_size=16).digest(), signed=True)


class BloomFilter:
    """Made for twice as many ids as there are; when these are too many it is made again.

    Beyond MOST it errs more often.
    """

    def __init__(self, bloom: Bloom) -> None:
        self.bloom = bloom

    @classmethod
    def of(cls, rows: int, ids: Iterable[str]) -> "BloomFilter":
        bloom_filter = cls(Bloom(min(MOST, max(FEWEST, 2 * rows)), FALSE_POSITIVES, digest))
        bloom_filter.add(ids)
        return bloom_filter

    @classmethod
    def read(cls, entity: Mapping[str, Any]) -> "BloomFilter | None":
        """From the properties of a header; None where it has none."""
        names = [f"{PARTS}{number}" for number in range(len(entity))]
        parts = [entity[name] for name in names if entity.get(name)]
        data = b"".join(parts) or entity.get(PROPERTY)
        return cls(Bloom.load_bytes(data, digest)) if data else None

    def properties(self) -> dict[str, bytes]:
        """As `read` reads it."""
        data = self.bloom.save_bytes()
        if len(data) <= PROPERTY_BYTES:
            return {PROPERTY: data}
        starts = range(0, len(data), PROPERTY_BYTES)
        return {
            f"{PARTS}{number}": data[start : start + PROPERTY_BYTES]
            for number, start in enumerate(starts)
        }

    def has_capacity(self, rows: int) -> bool:
        """Whether it is large enough for so many ids, or as large as it gets."""
        capacity = self.bloom.size_in_bits / BITS_PER_ID
        return rows <= capacity or capacity > MOST - 100

    def add(self, ids: Iterable[str]) -> None:
        self.bloom.update(ids)

    def __contains__(self, record_id: str) -> bool:
        return record_id in self.bloom
