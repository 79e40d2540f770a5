"""Who is polled first, where one timer polls several tables."""

from collections.abc import Sequence

TURN_SECONDS = 20.0
"""Of a table, while others wait: then no page is begun any more."""

LEAST_SECONDS = 120.0
"""That a table may last: a page of 5,000 rows takes 30, and a table that does not answer 60."""


class Turns:
    """Each run begins with another table, so that none is always the last one.

    In memory: a process that starts begins with the first.
    """

    def __init__(self) -> None:
        self.run = 0

    def order(self, tables: Sequence[str]) -> list[str]:
        """The tables in their order of this run."""
        first = self.run % len(tables) if tables else 0
        self.run += 1
        return [*tables[first:], *tables[:first]]


def share(left_seconds: float, waiting: int) -> float:
    """How long a table may last: a fair share of what is left, but long enough for a page.

    `waiting`: how many tables come after it.
    """
    fair = left_seconds / (waiting + 2)  # and a share for what is done after all tables
    return max(fair, min(LEAST_SECONDS, left_seconds / 2))
