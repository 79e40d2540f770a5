"""How often deliveries of one record were cut off in a row: a property of its ledger row."""

import json
from dataclasses import astuple, dataclass, field, fields, replace

SERIES_SECONDS = 3 * 3600.0
"""Longer than any wait between two attempts: what was cut off before has nothing to do with what is
cut off now.
"""


@dataclass(frozen=True, slots=True)
class CutOffs:
    """`number`: claims under which the record was to be written, and that have ended unsettled,
    since a delivery of it came to its end. `since`, `last`: when the first and the last of them
    were found, in seconds since 1970.

    `fingerprint`, `act`: what was to be written of it when it was last held back, "" before.
    `exhausted`: this is not tried any more.
    """

    number: int = 0
    since: float = 0.0
    last: float = 0.0
    fingerprint: str = field(default="", repr=False)
    act: str = ""
    exhausted: bool = False

    def one_more(self, now: float) -> "CutOffs":
        """With one more, found now: the first of a series if the last one is long ago."""
        if now - self.last > SERIES_SECONDS:
            return CutOffs(1, now, now)
        return replace(self, number=self.number + 1, last=now, exhausted=False)

    def about(self, fingerprint: str, act: str, is_replay: bool) -> "CutOffs":
        """With what is to be written now. Anything else than before has a time of its own."""
        is_same = self.act == "" or (self.fingerprint, self.act) == (fingerprint, act)
        since = self.since if is_same and not is_replay else self.last
        return replace(self, since=since, fingerprint=fingerprint, act=act)


NONE = CutOffs()


def read_cut_offs(text: str) -> CutOffs:
    """From a property of a row; "" where it has none. A later version may have written more."""
    return CutOffs(*json.loads(text)[: len(fields(CutOffs))]) if text else NONE


def written_cut_offs(cut_offs: CutOffs) -> str:
    """As `read_cut_offs` reads it."""
    return json.dumps(astuple(cut_offs))
