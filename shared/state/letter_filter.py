"""Which dead letters of a flow are meant: those that are ticked, or all that match."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from shared.state.deadletters import DeadLetter, DeadLetters

MOST_TICKED = 500
"""The filter rests in one property of the job's row, which holds 32,000 characters."""
LETTERS_READ = 1000


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """What is left at its default matches every letter. Moments in seconds since 1970."""

    ids: tuple[str, ...] = ()
    """Those that are ticked, and no others."""
    reason: str = ""
    field: str = ""
    version: int = 0
    """Of the mapping that refused them."""
    since: float = 0.0
    until: float = 0.0
    """Letters that were refused later are not meant."""

    def fits(self, letter: DeadLetter) -> bool:
        return (
            (not self.ids or letter.record_id in self.ids)
            and (not self.reason or letter.reason == self.reason)
            and (not self.field or letter.field == self.field)
            and (not self.version or letter.mapping_version == self.version)
            and (not self.since or letter.rejected_at >= self.since)
            and (not self.until or letter.rejected_at <= self.until)
        )

    @property
    def is_everything(self) -> bool:
        return self == LetterFilter(until=self.until)

    def as_text(self) -> str:
        """For a job's row; "" for all letters."""
        values = asdict(self)
        kept = {item.name: values[item.name] for item in fields(self) if values[item.name]}
        return json.dumps(kept, sort_keys=True) if kept else ""

    @property
    def digest(self) -> str:
        """Equal for the same letters: what is ordered twice is one job."""
        return hashlib.sha256(self.as_text().encode()).hexdigest()[:12]


def read_filter(text: str) -> LetterFilter:
    values: Mapping[str, Any] = json.loads(text) if text else {}
    return LetterFilter(**{**values, "ids": tuple(values.get("ids", ()))})


def page_of(
    letters: DeadLetters, flow: str, wanted: LetterFilter, after: str, most: int
) -> tuple[list[DeadLetter], str]:
    """Letters that match, of the next `most` that are looked at, and the id to go on behind.

    "" where the flow has no more.
    """
    if wanted.ids:
        named = sorted(id_ for id_ in wanted.ids if id_ > after)[:most]
        found = [letter for id_ in named if (letter := letters.get(flow, id_))]
        last = named[-1] if named else ""
    else:
        found = letters.page(flow, after, most)
        last = found[-1].record_id if len(found) == most else ""
    return [letter for letter in found if wanted.fits(letter)], last


def first_of(
    letters: DeadLetters, flow: str, wanted: LetterFilter, most: int
) -> tuple[list[DeadLetter], bool]:
    """Letters that match among the first `most` of a flow; True where there are more to look at."""
    found: list[DeadLetter] = []
    after, looked_at = "", 0
    while looked_at < most:
        some, after = page_of(letters, flow, wanted, after, LETTERS_READ)
        found += some
        looked_at += LETTERS_READ
        if not after:
            return found, False
    return found, True
