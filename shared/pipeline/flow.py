"""What a flow is to the steps, and what the steps work with."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.errors import BridgeError, Contended
from shared.pipeline.decision import Decision
from shared.records import Change, Outcome, Page, Settlement, WriteResult
from shared.settings import Settings
from shared.state.brakes import Brakes
from shared.state.checkpoints import Checkpoint, Checkpoints
from shared.state.deadletters import DeadLetters
from shared.state.flows import Flows
from shared.state.groups import Groups
from shared.state.handoff import Handoff
from shared.state.job_results import JobResults
from shared.state.jobs import Jobs
from shared.state.ledger import Ledger
from shared.state.ledger_rows import LedgerRow, View
from shared.state.presence import Presence
from shared.state.sweeps import Sweeps
from shared.state.waiting import Waiter, Waiting

Row = Mapping[str, Any]
Results = Mapping[str, WriteResult | BridgeError]


class KeptRows(Protocol):
    """For changes that tell what no source can be asked for again: when one is refused, that is
    kept beside its dead letter.
    """

    def merge(self, change: Change, kept: Row | None) -> Row | None:
        """What to keep of a refused change, with what is `kept` of others; None: nothing."""

    def includes(self, arrived: Change, kept: Row) -> bool:
        """Whether a change that has arrived tells all that is `kept` of those that were refused."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the steps treat the records of a flow. What stands here is how they treat those of most.

    `created_once`: records are created once under an id of their own, so that twice is harmless:
    the ledger keeps their counts only, and the source is not asked again. Else the ledger keeps a
    row for each, and the source can be asked for it.
    `batch_size`: how many changes go into one message and one write; 0: those of one ledger
    partition go into a message, and each is written by itself.
    `detects_missed_deletes`: the ledger holds what the source holds, so a full read ends with a
    look for missed deletions.
    `urgent`: its writes go ahead of other flows' backlogs, on threads of their own.
    `messages_per_second`: how many messages of one page become visible each second; 0: all at once.
    `max_queue_messages`: with more on the queue, a page is not read without waiting; 0: as many as
    the settings say.
    `max_wait_seconds`: how long it waits for that at most.
    `kept_rows`: its dead letters are never abandoned, and this says what is kept beside them; None:
    neither.
    `never_given_up`: a record that keeps failing is tried for ever, and never a dead letter for
    that.
    `counted_by`: the fields of its rows that outcomes are counted by too, day by day, for people;
    of flows that are `created_once`.
    """

    created_once: bool = False
    batch_size: int = 0
    detects_missed_deletes: bool = False
    urgent: bool = False
    messages_per_second: int = 0
    max_queue_messages: int = 0
    max_wait_seconds: float = 0.0
    kept_rows: KeptRows | None = None
    never_given_up: bool = False
    counted_by: tuple[str, ...] = ()


class Flow(Protocol):
    """What the steps need to know of a flow.

    Failures are BridgeErrors, anything else is a bug. PlainFlow has what most do.
    """

    @property
    def key(self) -> str:
        """Names the flow in state and console."""

    @property
    def feed(self) -> str:
        """The key of its reading: `key`, but where one of several sources may fail without the
        others.
        """

    @property
    def letters(self) -> str:
        """The key of its delivering, and of its dead letters: `key`, but where another flow
        delivers what this one reads.
        """

    @property
    def reads(self) -> bool:
        """Whether a poll of its own reads a source."""

    @property
    def read_once(self) -> str:
        """Why its source cannot be read again, a sentence; "" where it can."""

    @property
    def queue(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def policy(self) -> Policy: ...

    def read(self, checkpoint: Checkpoint) -> Page:
        """The next page of the source; TokenExpired if all must be read again."""

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what the source holds of them now."""

    def existing(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the source still has."""

    @property
    def tells_changed(self) -> bool:
        """Whether its source can be asked what was changed since a moment."""

    def changed(self, since: float, link: str) -> tuple[list[str], str]:
        """A page of the ids of what the source changed at `since` or later, in seconds since 1970,
        and the link behind it, "" at the end.
        """

    def incomplete(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that were read before the active mapping and lack one of its columns."""

    def at_rest(self, change: Change) -> Change:
        """The change as it waits on the queue: without the values that the source can be asked for
        again.
        """

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """What to do with a change; Rejected if the mapping refuses it."""

    def revise(self, delivery: "Delivery", decisions: Sequence[Decision]) -> Sequence[Decision]:
        """The decisions in view of other records, whose rows `decide` does not see."""

    def must_wait(self, delivery: "Delivery", decisions: Sequence[Decision]) -> list[Settlement]:
        """A settlement for each record that must wait for another one before it is written."""

    def write(self, decisions: Sequence[Decision]) -> Results:
        """What became of each record, by its id: of one, or of as many as the policy puts together.

        What it raises befell all.

        The clients count the calls (shared/calls.py), also where it raises.
        """

    def on_settled(self, delivery: "Delivery", settlements: Sequence[Settlement]) -> None:
        """Called after records are settled: those that waited for them go on.

        May be called more than once for a record.
        """

    def activate(self) -> str:
        """Takes a changed document into force; the problems that stand in the way, "" if none."""

    def mapping_version(self) -> int: ...

    def read_documents(self) -> None:
        """Has the next use see the documents as they are now: another process may have activated
        one a moment ago.
        """

    def metadata(self, reread: bool) -> str:
        """Names the metadata that values are judged by; `reread`: as it is now.

        "" where none refuses any value.
        """

    def probe(self, key: str) -> None:
        """Raises Misconfigured while the cause of a failure is still there; `key`: whose, the
        flow's or its feed's.
        """


class PlainFlow:
    """A flow whose records wait for none, and which asks its source for none again.

    A flow states what is different.
    """

    __slots__ = ()

    @property
    def reads(self) -> bool:
        return True

    @property
    def read_once(self) -> str:
        return ""

    def look(self, changes: Sequence[Change]) -> list[Change]:
        return list(changes)

    def existing(self, ids: Collection[str]) -> set[str]:
        return set(ids)

    @property
    def tells_changed(self) -> bool:
        return False

    def changed(self, since: float, link: str) -> tuple[list[str], str]:
        return [], ""

    def incomplete(self, changes: Iterable[Change]) -> list[Change]:
        return []

    def at_rest(self, change: Change) -> Change:
        return change

    def revise(self, delivery: "Delivery", decisions: Sequence[Decision]) -> Sequence[Decision]:
        return decisions

    def must_wait(self, delivery: "Delivery", decisions: Sequence[Decision]) -> list[Settlement]:
        return []

    def on_settled(self, delivery: "Delivery", settlements: Sequence[Settlement]) -> None:
        """Nobody waits."""

    def metadata(self, reread: bool) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Bridge:
    """State, queues, the writers' threads, settings, the clock (seconds since 1970) and its sleep;
    made in wiring.
    """

    ledger: Ledger
    presence: Presence
    checkpoints: Checkpoints
    flows: Flows
    deadletters: DeadLetters
    sweeps: Sweeps
    waiting: Waiting
    jobs: Jobs
    results: JobResults
    brakes: Brakes
    groups: Groups
    handoff: Handoff
    writers: Executor
    urgent_writers: Executor
    settings: Settings
    now: Callable[[], float]
    sleep: Callable[[float], None]


TOLD_SECONDS = 120.0
"""For so long at most between telling others of the records and claiming them."""


@dataclass(slots=True)
class Delivery:
    """An envelope's records while they are delivered.

    `view`: their rows of the ledger; `new`: those never settled before; `absent`: those that the
    ledger did not hold to be in the target; `parents_before`: whom each was linked to, or may be
    soon, as (table, id); `listed`: of these links, those that the room was told of now, and those
    that may end, as it holds them; by their place there. `doubted`: those in doubt.
    `left_behind`: rows that were being written under a claim that has ended; they are saved with
    the new claim. `writing`: the ids that are to be written. `claimed_at`: when the claim was
    taken. `told_at`: when others were first told whose children these records are, or that they
    leave. Both in seconds since 1970; 0 before. `said`: what those that stay had said of leaving,
    by ledger partition and id.
    """

    bridge: Bridge
    view: View
    new: frozenset[str]
    absent: frozenset[str] = frozenset()
    parents_before: dict[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    listed: dict[tuple[str, str, str, str], Waiter] = field(default_factory=dict)
    doubted: frozenset[str] = frozenset()
    left_behind: Sequence[LedgerRow] = ()
    writing: tuple[str, ...] = ()
    claimed_at: float = 0.0
    told_at: float = 0.0
    said: dict[tuple[str, str], Any] = field(default_factory=dict)

    def claim(self) -> None:
        """Takes the partition, once; Contended while others write there, or where others may have
        forgotten what they were told of these records.

        Who decides under the claim that a record must wait can't be overlooked: whoever releases it
        looks for the claim.
        """
        if not self.claimed_at:
            bridge, now = self.bridge, self.bridge.now()
            if self.told_at and now - self.told_at > TOLD_SECONDS:
                raise Contended(
                    "These records were delayed before they were written; they are sent again.", 1.0
                )
            self.view.header.writing = self.writing
            bridge.ledger.claim(
                self.view,
                uuid.uuid4().hex,
                now,
                bridge.settings.claim_lease_seconds,
                self.left_behind,
            )
            self.claimed_at = now

    def arrived(self, settlements: Iterable[Settlement]) -> list[Settlement]:
        """Those that are in the target now, and may not have been there before: told by what the
        write did. An uncertain one too, for an earlier delivery of it may have been cut off.
        """
        rows = self.view.rows
        return [
            s
            for s in settlements
            if (row := rows.get(s.change.record_id)) is not None
            and row.exists
            and (
                s.outcome is Outcome.CREATED
                or self.is_doubtful(s.change)
                or s.change.record_id in self.absent
            )
        ]

    def first_settled(self, settlements: Iterable[Settlement]) -> list[Settlement]:
        """Those settled for the first time; one in doubt too, for an earlier delivery of it may
        have been cut off.
        """
        there = (s for s in settlements if s.outcome is not Outcome.WAITING)
        return [s for s in there if s.change.record_id in self.new or self.is_doubtful(s.change)]

    def is_doubtful(self, change: Change) -> bool:
        """Whether more may have been done to the record than the ledger says."""
        return change.uncertain or change.record_id in self.doubted
