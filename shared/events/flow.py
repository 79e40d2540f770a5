"""E-mail events as a flow: what the steps need to know of it.

Each event is created once, under an id of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from shared.dataverse.client import DataverseClient
from shared.documents.keeper import Kept
from shared.errors import Rejected
from shared.events.catalog import ActiveEvents
from shared.events.documents import EventsDocument
from shared.events.writing import ActivityWriter
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import PlainFlow, Policy, Results
from shared.records import Change, Outcome, Page, WriteResult
from shared.sftp.next_steps import refusal_of
from shared.state.checkpoints import Checkpoint
from shared.state.ledger_rows import LedgerRow

KEY, QUEUE = "email_events", "email-events"
POLICY = Policy(created_once=True, batch_size=400, counted_by=("campaign", "delivery"))
READ_ONCE = (
    "An exported file is read once. Put it back into the export folder, and it is read again."
)


class Source(Protocol):
    """Where events come from: pages behind a link that is the source's own."""

    def page(self, link: str, document: EventsDocument) -> Page: ...
    def probe(self) -> None:
        """Raises a BridgeError while the source cannot be reached."""


class NoSource:
    """No events, for whoever has to do with those that were read before."""

    def page(self, link: str, document: EventsDocument) -> Page:
        return Page((), link, complete=True)

    def probe(self) -> None:
        """Nothing can be unreachable."""


@dataclass(frozen=True, slots=True)
class EventsFlow(PlainFlow):
    """`table` names the source, "files" or "journal"; both hand off to one queue, and what both
    tell of is written once.

    Each source fails by itself, under the name of its feed: the other one and what is on the queue
    go on.
    """

    table: str
    source: Source
    catalog: Kept[EventsDocument, ActiveEvents]
    writer: ActivityWriter
    dataverse: DataverseClient
    key: str = KEY
    queue: str = QUEUE
    policy: Policy = POLICY

    @property
    def feed(self) -> str:
        return f"{self.key}-from-{self.table}"

    @property
    def letters(self) -> str:
        return self.key

    @property
    def reads(self) -> bool:
        return bool(self.table)

    @property
    def read_once(self) -> str:
        return READ_ONCE if self.table == "files" else ""

    def read(self, checkpoint: Checkpoint) -> Page:
        active = self.catalog.active()
        checkpoint.mapping_version = active.version
        return self.source.page(checkpoint.link, active.document)

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """Create it, or leave it out; Rejected for what could not be read."""
        event: Mapping[str, Any] = change.row or {}
        if fault := event.get("fault"):
            raise Rejected(refusal_of(fault, change.origin))
        document = self.catalog.active().document
        since_send = int(event["since_send"]) if "since_send" in event else None
        if document.machines.matches(event.get("agent", ""), event.get("device", ""), since_send):
            return Decision(change, Act.NOTHING, Outcome.FILTERED, "made by a machine")
        return Decision(change, Act.SAVE)

    def write(self, decisions: Sequence[Decision]) -> Results:
        """What became of each, a failure as its error; raises only what is a bug."""
        results = self.writer.write(
            self.catalog.active().document, [decision.change for decision in decisions]
        )
        return {
            id_: WriteResult(found) if isinstance(found, Outcome) else found
            for id_, found in results.items()
        }

    def activate(self) -> str:
        return self.catalog.activate()

    def mapping_version(self) -> int:
        return self.catalog.number()

    def read_documents(self) -> None:
        self.catalog.keeper.newest_listing()

    def probe(self, key: str) -> None:
        """Raises Misconfigured while the cause of a failure is still there: at the target, and for
        its feed at the source too.
        """
        self.catalog.forget()
        self.dataverse.who_am_i()
        self.catalog.active()
        if key == self.feed:
            self.source.probe()
