"""How often deliveries of one record were cut off in a row: a property of its ledger row."""

import json
from dataclasses import astuple, dataclass, replace


@dataclass(frozen=True, slots=True)
class CutOffs:
    """`number`: claims under which the record was to be written, and that have ended unsettled,
    since a delivery of it came to its end. `since`, `last`: when the first and the last of them
    were found, in seconds since 1970.

    `version`, `act`: what was to be written of it when it was last held back, 0 and "" before.
    `exhausted`: this is not tried any more.
    """

    number: int = 0
    since: float = 0.0
    last: float = 0.0
    version: int = 0
    act: str = ""
    exhausted: bool = False

    def one_more(self, now: float) -> "CutOffs":
        """With one more, found now. Their time begins again for what was exhausted."""
        since = now if self.exhausted or not self.number else self.since
        return replace(self, number=self.number + 1, since=since, last=now, exhausted=False)

    def about(self, version: int, act: str) -> "CutOffs":
        """With what is to be written now. The time of another act begins with the last one."""
        since = self.last if self.act not in ("", act) else self.since
        return replace(self, since=since, version=version, act=act)


NONE = CutOffs()


def read_cut_offs(text: str) -> CutOffs:
    """From a property of a row; "" where it has none."""
    return CutOffs(*json.loads(text)) if text else NONE


def written_cut_offs(cut_offs: CutOffs) -> str:
    """As `read_cut_offs` reads it."""
    return json.dumps(astuple(cut_offs))
