"""What a flow is to the steps, and what the steps work with."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from shared.campaign.client import Written
from shared.deciding import Decision
from shared.handoff import Handoff
from shared.records import Change, Page
from shared.settings import Settings
from shared.state.checkpoints import Checkpoint, Checkpoints
from shared.state.deadletters import DeadLetters
from shared.state.flows import Flows
from shared.state.ledger import Ledger, LedgerRow
from shared.state.presence import Presence
from shared.state.sweeps import Sweeps
from shared.state.waiting import Waiting


class Flow(Protocol):
    """`key` names the flow in state and console; all failures are BridgeErrors, anything else is a bug."""

    @property
    def key(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def table(self) -> str: ...

    def read(self, checkpoint: Checkpoint) -> Page:
        """The next page of the source; TokenExpired if all must be read anew."""

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what the source holds of them now."""

    def existing(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the source still has."""

    def lacking(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that were read before the mapping in force and lack one of its columns."""

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """What to do with a change; Rejected if the mapping refuses it."""

    def write(self, decision: Decision, written: Written) -> None:
        """Carries a decision out; `written` tells what was done and what it cost, also when it raises."""

    def adopt(self) -> str:
        """Takes a changed mapping document into force; the problems that stand in the way, "" if none."""

    def children(self) -> Collection[str]:
        """The tables whose records are linked to this one's, and wait for them."""

    def mapping_version(self) -> int: ...

    def probe(self) -> None:
        """Raises Misconfigured while the cause of a failure is still there."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """State, queues, the writers' threads, settings and the clock (seconds since 1970); made in wiring."""

    ledger: Ledger
    presence: Presence
    checkpoints: Checkpoints
    flows: Flows
    deadletters: DeadLetters
    sweeps: Sweeps
    waiting: Waiting
    handoff: Handoff
    writers: Executor
    settings: Settings
    now: Callable[[], float]
