"""What travels between the steps: a change, a page of them, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, InstanceOf

from shared.waits import Wait

Count = Annotated[int, Field(ge=0, lt=2**31 - 1)]
"""What a table keeps as Edm.Int32 (Microsoft Learn, "Understanding the Table service data model"),
and one more of it.
"""

Version = Annotated[int, Field(ge=0, lt=2**63)]
Moment = Annotated[float, Field(ge=0, lt=253_402_300_800)]
"""Seconds since 1970, before the year 10000."""


class Outcome(StrEnum):
    """What became of a change."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    STALE = "stale"
    FILTERED = "filtered"
    WAITING = "waiting"
    REJECTED = "rejected"
    NO_CONTACT = "no_contact"  # an event about somebody whom Dynamics does not have


class Kind(StrEnum):
    """ROW carries the record's new state; DELETED tells of its end; REFERENCE is only an id: read
    the rest at the source.
    """

    ROW = "row"
    DELETED = "deleted"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Change:
    """One record's new state or deletion.

    `version` is the row's version number at the source, 0 where the source tells none (deletions,
    references).
    `first_seen` is when the bridge first learned of it, in seconds since 1970. `replay` writes even
    what has not changed.
    `uncertain` marks an earlier attempt that may have reached the target without an answer.
    `origin` is where it stands at its source, such as "deliveryLogs_1.txt:3", "" where the source
    keeps it under its id. `sample`: which file of that name it is of, for what could not be read
    (shared/file_samples.py).
    `failing_since`: since when each attempt has failed, in seconds since 1970, without the time
    that a system asked to wait; 0: it does not fail. `cut_off`: how often it was sent by itself
    because deliveries of its message did not come to an end.
    `confirmed`, `spared`: the version of the document under which a person has allowed what it
    destroys, or has refused it; 0: nobody was asked.
    `parent_leaves`: a child, looked at because a parent of it leaves.
    """

    record_id: str
    kind: Kind
    version: Version = 0
    row: InstanceOf[Mapping[str, Any]] | None = field(default=None, repr=False)
    first_seen: Moment = 0.0
    attempts: Count = 0
    replay: bool = False
    uncertain: bool = False
    origin: str = ""
    sample: str = ""
    failing_since: Moment = 0.0
    cut_off: Count = 0
    confirmed: Count = 0
    spared: Count = 0
    parent_leaves: bool = False

    def failed(self, at: float) -> "Change":
        """The same change after an attempt that failed at a time."""
        return self if self.failing_since else replace(self, failing_since=at)

    def paused(self, seconds: float) -> "Change":
        """The same change, to be tried again after a pause that uses up nothing."""
        if not self.failing_since:
            return self
        return replace(self, failing_since=self.failing_since + seconds)

    def again(self, uncertain: bool) -> "Change":
        """The same change for its next attempt, after one that came to its end."""
        return replace(
            self,
            attempts=self.attempts + 1,
            uncertain=self.uncertain or uncertain,
            cut_off=0,
        )

    def as_reference(self) -> "Change":
        return replace(self, kind=Kind.REFERENCE, version=0, row=None)


Finished = tuple[str, float, str]


@dataclass(frozen=True, slots=True)
class Page:
    """What one read of the source returned.

    `link` is where the next read begins; `complete` ends the read.

    `finished`: what was read to its end before and handed off, by its name as in `origin`, when
    that reading began (seconds since 1970), and its sample: dead letters of this very file that are
    older have had their second chance. `passed_over`: how many records were read that are nobody's.
    """

    changes: tuple[Change, ...]
    link: str = field(repr=False)
    complete: bool
    finished: Finished | None = None
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did to one record; what it cost is counted beside it, for a write that fails
    costs too (shared/calls.py).

    `agreed`: what the ledger shall remember of both sides. `answer`: what the target said of a
    record that was created. `wait`: what the rest of it waits for, if it does; `reason` is the
    sentence then.
    """

    outcome: Outcome
    reason: str = ""
    agreed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    answer: bytes = field(default=b"", repr=False)
    wait: Wait | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of one change, and what it cost.

    `fields` and `sentence` are for a person and hold no value
    of the record.

    `altered`: the fields that were left out or cut, each (field, "omitted" or "cut", rule).
    `metadata`: the metadata that a value was refused by, "" where none had a say.

    `quiet`: the ledger knows already. `agreed`: what it shall remember of both sides. `answer`:
    what the target said of a record that was created, as it came.
    `filled`: hashes of the fields that hold a value now, b"" where that is not known.
    `parents`: table and id of those it is linked to; None where that was not looked at.
    `written`: what it says was found by calls to the target, and not by the ledger alone.
    `unanswered`: a write may still be carried out.
    `fault`: our own bug, to be raised when the others have been settled. `wait`: what it waits for,
    if it waits.
    """

    change: Change
    outcome: Outcome
    reason: str = ""
    fields: str = ""
    sentence: str = ""
    fingerprint: str = ""
    retry_after_seconds: float | None = None
    calls: Mapping[str, int] = field(default_factory=dict)
    duration_ms: float = 0.0
    quiet: bool = False
    fault: Exception | None = None
    agreed: Mapping[str, Any] = field(default_factory=dict, repr=False)
    answer: bytes = field(default=b"", repr=False)
    altered: Sequence[tuple[str, str, str]] = ()
    metadata: str = ""
    wait: Wait | None = None
    filled: bytes = field(default=b"", repr=False)
    parents: Sequence[tuple[str, str]] | None = None
    written: bool = False
    unanswered: bool = False


def waiting(change: Change, wait: Wait, sentence: str, **more: Any) -> Settlement:
    """The settlement of a record that waits."""
    return Settlement(change, Outcome.WAITING, wait.text, sentence=sentence, wait=wait, **more)
