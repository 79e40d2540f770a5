"""One seed decides everything.

What is drawn has a name, so that leaving one fault out changes no other draw.
"""

import random
import uuid
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

SPAN = 2.0**64


class Draws:
    """Numbers from the seed, a name and how often that name has been drawn before."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.key = seed.to_bytes(16, "big")
        self.times: Counter[str] = Counter()
        self.random = random.Random(seed)

    def name(self, text: str) -> str:
        """The name with its number: equal names are told apart by their order."""
        self.times[text] += 1
        return f"{text} #{self.times[text]}"

    def share(self, name: str) -> float:
        """From 0 to 1, the same for the same name."""
        return (
            int.from_bytes(blake2b(name.encode(), digest_size=8, key=self.key).digest(), "big")
            / SPAN
        )

    def between(self, name: str, low: float, high: float) -> float:
        return low + (high - low) * self.share(name)

    def of[Item](self, name: str, items: Sequence[Item]) -> Item:
        return items[int(self.share(name) * len(items))]

    def bytes(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def uuid4(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.bytes(16), version=4)
