"""What a flow is to the steps, and what the steps work with."""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from shared.errors import BridgeError
from shared.pipeline.decision import Decision
from shared.records import Change, Outcome, Page, Settlement, WriteResult
from shared.settings import Settings
from shared.state.checkpoints import Checkpoint, Checkpoints
from shared.state.deadletters import DeadLetters
from shared.state.flows import Flows
from shared.state.handoff import Handoff
from shared.state.ledger import Ledger, LedgerRow, View
from shared.state.presence import Presence
from shared.state.sweeps import Sweeps
from shared.state.waiting import Waiting

Row = Mapping[str, Any]


class AnyFlow(Protocol):
    """`key` names the flow in state and console; all failures are BridgeErrors, anything else is a bug."""

    @property
    def key(self) -> str: ...
    @property
    def feed(self) -> str:
        """What its reading goes by in the state: `key`, but where one of several sources may fail without the others."""

    @property
    def letters(self) -> str:
        """The key that its dead letters are kept under: that of the flow that delivers."""

    @property
    def keeps_letters(self) -> bool:
        """Whether its dead letters are never given up: that of a record stays until the record has arrived."""

    @property
    def queue(self) -> str: ...
    @property
    def table(self) -> str: ...
    @property
    def pace(self) -> int:
        """How many messages of one page become visible each second; 0: all at once."""

    @property
    def room(self) -> int:
        """How many messages may be on the queue when a page is read without waiting a little; 0: as many as the settings say."""

    @property
    def room_seconds(self) -> float:
        """How long it waits for that at most."""

    def read(self, checkpoint: Checkpoint) -> Page:
        """The next page of the source; TokenExpired if all must be read anew."""

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """What to do with a change; Rejected if the mapping refuses it."""

    def adopt(self) -> str:
        """Takes a changed document into force; the problems that stand in the way, "" if none."""

    def mapping_version(self) -> int: ...

    def at_rest(self, change: Change) -> Change:
        """The change as it waits on the queue: without the values that the source can be asked for again."""

    def probe(self) -> None:
        """Raises Misconfigured while the cause of a failure is still there."""


class KeptFlow(AnyFlow, Protocol):
    """Records that change: the ledger keeps a row for each, and the source can be asked for it again."""

    @property
    def urgent(self) -> bool:
        """Whether its writes go ahead of other flows' backlogs, on threads of their own."""

    @property
    def swept(self) -> bool:
        """Whether the ledger holds what the source holds, so that a full read ends with a look for missed deletions."""

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what the source holds of them now."""

    def existing(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the source still has."""

    def told_once(self, change: Change, kept: Row | None) -> Row | None:
        """What a refused change tells that no source can be asked for again, with what is `kept` of others; None: nothing."""

    def heard(self, change: Change, kept: Row) -> bool:
        """Whether a change that has arrived told all that is `kept` of those that were refused."""

    def lacking(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that were read before the mapping in force and lack one of its columns."""

    def write(self, decision: Decision) -> WriteResult:
        """Carries a decision out. The clients count its calls (shared/calls.py), also where it raises."""

    def must_wait(self, delivery: "Delivery", decisions: Sequence[Decision]) -> list[Settlement]:
        """A settlement for each record that must wait for another one before it is written."""

    def on_settled(self, delivery: "Delivery", settlements: Sequence[Settlement]) -> None:
        """Called after records are settled: those that waited for them go on. May be called more than once for a record."""

    def metadata(self, anew: bool) -> str:
        """Names the metadata that values are judged by; `anew`: as it is now. "" where none refuses any value."""


@runtime_checkable
class OnceFlow(AnyFlow, Protocol):
    """Records that are created once under an id of their own: twice is harmless, so the ledger keeps their counts only, and
    the source is not asked again."""

    @property
    def together(self) -> int:
        """How many changes go into one message and one write."""

    def probe_feed(self) -> None:
        """Raises Misconfigured while the cause is still there why its source can't be read; `probe` looks at the target."""

    def write_together(self, decisions: Sequence[Decision]) -> "WrittenTogether":
        """What became of each, a failure as its error; raises only what is a bug."""


class WrittenTogether(Protocol):
    """What became of each record, by its id, and the calls that it took."""

    @property
    def verdicts(self) -> Mapping[str, Outcome | BridgeError]: ...
    @property
    def calls(self) -> Mapping[str, int]: ...


Flow = KeptFlow | OnceFlow


@dataclass(frozen=True, slots=True)
class Bridge:
    """State, queues, the writers' threads, settings, the clock (seconds since 1970) and its sleep; made in wiring."""

    ledger: Ledger
    presence: Presence
    checkpoints: Checkpoints
    flows: Flows
    deadletters: DeadLetters
    sweeps: Sweeps
    waiting: Waiting
    handoff: Handoff
    writers: Executor
    urgent_writers: Executor
    settings: Settings
    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(slots=True)
class Delivery:
    """An envelope's records while they are delivered. `view`: their rows of the ledger; `new`: those never settled before."""

    bridge: Bridge
    view: View
    new: frozenset[str]
    claimed: bool = False

    def claim(self) -> None:
        """Takes the partition, once; Contended while others write there.

        Who decides under the claim that a record must wait can't be overlooked: whoever releases it looks for the claim.
        """
        if not self.claimed:
            bridge = self.bridge
            bridge.ledger.claim(self.view, uuid.uuid4().hex, bridge.now(), bridge.settings.claim_lease_seconds)
            self.claimed = True

    def first_settled(self, settlements: Iterable[Settlement]) -> list[Settlement]:
        """Those settled for the first time; an uncertain one too, for an earlier delivery of it may have been cut off."""
        there = (s for s in settlements if s.outcome is not Outcome.WAITING)
        return [s for s in there if s.change.record_id in self.new or s.change.uncertain]
