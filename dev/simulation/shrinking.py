"""The shortest schedule that still breaks a rule: faults and deeds are left out as long as the rule
stays broken.

Source: A. Zeller, R. Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28
(2), 2002.
"""

from collections.abc import Callable, Sequence
from itertools import batched

from dev.simulation.runs import Report, play
from dev.simulation.scenarios import SCENARIOS

MOST_TRIES = 150


class Shrinking:
    """`breaks` is whether a schedule still breaks the rule; it is asked MOST_TRIES times at
    most.
    """

    def __init__(self, breaks: Callable[[Sequence[str]], bool], most: int = MOST_TRIES) -> None:
        self.breaks, self.left = breaks, most

    def shortest(self, schedule: Sequence[str]) -> list[str]:
        """Leaves out halves, then quarters, down to single ones."""
        kept, parts = list(schedule), 2
        while len(kept) > 1 and self.left > 0:
            size = -(-len(kept) // parts)
            shorter = next(
                (rest for rest in self.without_a_part(kept, size) if self.tried(rest)), None
            )
            if shorter is not None:
                kept, parts = shorter, max(2, parts - 1)
            elif size == 1:
                break
            else:
                parts = min(len(kept), parts * 2)
        return kept

    def without_a_part(self, kept: Sequence[str], size: int) -> list[list[str]]:
        parts = [set(part) for part in batched(kept, size, strict=False)]
        return [[label for label in kept if label not in part] for part in parts]

    def tried(self, schedule: Sequence[str]) -> bool:
        self.left -= 1
        return self.left >= 0 and self.breaks(schedule)


def shortest(report: Report, most: int = MOST_TRIES) -> Report:
    """The same seed with the fewest faults and deeds that break one of its rules."""
    rules = report.rules()
    if rules == {"unending"}:
        return report  # each try would take as long

    def again(schedule: Sequence[str]) -> Report:
        return play(report.seed, only=schedule, scenario=SCENARIOS[report.scenario])

    def breaks(schedule: Sequence[str]) -> bool:
        return bool(rules & again(schedule).rules())

    schedule = Shrinking(breaks, most).shortest(report.happened)
    found = again(schedule)
    return found if found.violations else report
