"""What a flow decides to do with one change."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from shared.mapping import Altered, Mapped
from shared.records import Change, Outcome


class Act(Enum):
    """What the decision asks for."""

    NOTHING = "nothing"
    SAVE = "save"
    DELETE = "delete"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Decision:
    """`known`: the record is in the target (True), was never written (False), or may be there
    (None).

    An outcome without
    an act is final; `note` says whether the ledger must be told of it. `agreed` is what it
    remembers of both sides; `doubtful`: that may be outdated, for a write may still be carried out.
    """

    change: Change
    act: Act
    outcome: Outcome = Outcome.UNCHANGED
    reason: str = ""
    known: bool | None = None
    mapped: Mapped | None = None
    fingerprint: str = ""
    note: bool = True
    agreed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cleared: tuple[str, ...] = ()  # fields that held a value and become empty
    # hashes of the fields that hold a value once it is done; b"": not known
    filled: bytes = field(default=b"", repr=False)
    doubtful: bool = False
    never_given: tuple[
        Altered, ...
    ] = ()  # left out or cut by the creation, and no update sends them

    @property
    def parents(self) -> tuple[tuple[str, str], ...] | None:
        """Table and id of whom the record is linked to; None where nothing was mapped."""
        if self.mapped is None:
            return None
        return tuple((parent.table, parent.record_id) for parent in self.mapped.parents)

    def altered(self, created: bool = False) -> tuple[Altered, ...]:
        """What the target lacks or has cut. A creation sends all that the mapping gives."""
        left_out = self.mapped.altered if self.mapped else ()
        return left_out if created else left_out + self.never_given
