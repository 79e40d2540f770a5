"""Opt-out as a flow: what the steps need to know of it. Two feeds tell whom to look at; both sides are then read and decided on.

A change is a wake-up, however old: what is decided on is read anew under the claim on the contact's partition, Dynamics for a
whole envelope in one request, Campaign for each contact that may differ. What both sides were last seen to say is remembered, so
that the bridge's own writes, which come back through both feeds, cost nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from shared.campaign.client import Written
from shared.dataverse import wire
from shared.dataverse.client import DataverseClient
from shared.deciding import Act, Decision
from shared.errors import Refusal, Rejected
from shared.opt_out.agreeing import Agreement
from shared.opt_out.catalog import ActiveOptOut, OptOutCatalog
from shared.opt_out.feeds import Feed
from shared.opt_out.memory import Memory, terms_of
from shared.opt_out.sides import Contact, Contacts, contact_of
from shared.records import Change, Kind, Outcome, Page
from shared.state.checkpoints import Checkpoint
from shared.state.ledger import LedgerRow

KEY, QUEUE = "opt_out", "opt-out"
PACE = 20  # messages a second that the feeds bring: a webhook's message waits for no more than a few of them
FROM_DYNAMICS, FROM_CAMPAIGN = "opt_out-from-dynamics", "opt_out-from-campaign"


class Reader(Protocol):
    """One of the two feeds, with the document in force."""

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page: ...
    def probe(self, active: ActiveOptOut) -> None: ...


@dataclass(frozen=True, slots=True)
class DynamicsFeed:
    """Change tracking of the pairs' columns, apart from the contacts flow: a backfill there holds nothing up here."""

    dataverse: DataverseClient
    contacts: Contacts
    now: Callable[[], float]

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page:
        names = self.contacts.columns(active.document.pairs)
        columns = ",".join(names)
        if checkpoint.link and checkpoint.columns != columns:
            checkpoint.restart()
        checkpoint.columns = columns
        items, link, complete = self.dataverse.tracked(active.contact, names, checkpoint.link)
        changes = (wire.change(item, active.contact.primary_id, self.now(), checkpoint.replay) for item in items)
        return Page(tuple(changes), link, complete)

    def probe(self, active: ActiveOptOut) -> None:
        self.dataverse.who_am_i()


@dataclass(frozen=True, slots=True)
class CampaignFeed:
    feed: Feed

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page:
        read = ",".join([self.feed.name, *(pair.flag for pair in active.document.pairs)])
        if checkpoint.link and checkpoint.columns != read:  # another link is another feed's, another flag was never read
            checkpoint.restart()
        checkpoint.columns = read
        page = self.feed.page(checkpoint.link, active.document, active.profile)
        changes = (replace(change, replay=checkpoint.replay) for change in page.changes)
        return replace(page, changes=tuple(changes)) if checkpoint.replay else page

    def probe(self, active: ActiveOptOut) -> None:
        self.feed.probe(active.document, active.profile)


@dataclass(frozen=True, slots=True)
class OptOutFlow:
    """The flow that delivers, and for each feed one that polls: so a feed that fails stops neither the other nor deliveries.

    `key` names it in state and console; `table` says whose changes it reads.
    """

    key: str
    table: str
    reader: Reader
    catalog: OptOutCatalog
    agreement: Agreement
    queue: str = QUEUE
    swept: bool = False
    urgent: bool = True
    pace: int = PACE

    def active(self) -> ActiveOptOut:
        return self.catalog.active()

    def read(self, checkpoint: Checkpoint) -> Page:
        active = self.active()
        checkpoint.mapping_version = active.version
        return self.reader.page(checkpoint, active)

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what Dynamics holds of their contacts now; Campaign is read when it is decided."""
        active = self.active()
        found = self.agreement.contacts.read(active.contact, active.document.pairs, [change.record_id for change in changes])
        return [replace(change, kind=Kind.REFERENCE, row=looked(change, found)) for change in changes]

    def existing(self, ids: Collection[str]) -> set[str]:
        return self.agreement.contacts.client.existing(self.active().contact, ids)

    def lacking(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that were read for an older document."""
        names = self.active().document.columns
        rows = ((change, change.row) for change in changes if change.row is not None)
        return [change for change, row in rows if not row.keys() & {"campaign", "fault"} and any(n not in row for n in names)]

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """Nothing where both feeds tell what is known; else look, and then settle it between the two sides."""
        told: Mapping[str, Any] = change.row or {}
        if fault := told.get("fault"):
            raise Rejected(Refusal(fault["field"], fault["rule"], fault["sentence"]))
        memory = self.memory(row.agreed if row else {})
        if change.kind is Kind.ROW and not change.replay:
            return self.known(change, row, memory) or Decision(change, Act.LOOK)
        if change.kind is Kind.ROW:
            return Decision(change, Act.LOOK)
        if row is None and not change.replay and not any_no(told):
            return Decision(change, Act.NOTHING, Outcome.UNCHANGED, note=False)
        return Decision(change, Act.SAVE, agreed=memory.held)

    def known(self, change: Change, row: LedgerRow | None, memory: Memory) -> Decision | None:
        """The decision on a change that tells nothing new; None if it does. A record that is waiting or was refused is new."""
        quiet = Decision(change, Act.NOTHING, Outcome.UNCHANGED, note=False)
        told: Mapping[str, Any] = change.row or {}
        if row and row.outcome in (Outcome.WAITING, Outcome.REJECTED):
            return None
        if profile := told.get("campaign"):
            if row is None:
                return None if any(profile["values"].values()) else quiet
            return quiet if memory.knows_profile(profile["values"], profile["times"]) else None
        contact = contact_of({**told, "@odata.etag": f'W/"{change.version}"'}, self.active().document.pairs)
        if row is None:
            return None if any(contact.values.values()) else quiet
        if not memory.knows_contact(contact):
            return None
        return replace(quiet, note=True, agreed=memory.seen_at(change.version)) if change.version > memory.version else quiet

    def write(self, decision: Decision, written: Written) -> None:
        """Reads the profile, decides each flag, writes what must be written on either side."""
        contact = contact_in(decision.change.row or {})
        self.agreement.settle(self.active(), decision.change.record_id, contact, self.memory(decision.agreed), written)

    def memory(self, held: Mapping[str, Any]) -> Memory:
        return Memory(held, terms_of(self.agreement.mode, self.active().document.pairs))

    def created(self, ids: Sequence[str]) -> None:
        """Nobody waits for an opt-out."""

    def children(self) -> Collection[str]:
        return ()

    def adopt(self) -> str:
        return self.catalog.adopt()

    def mapping_version(self) -> int:
        return self.catalog.document()[0]

    def probe(self) -> None:
        """Raises Misconfigured while the cause of a failure is still there."""
        self.catalog.forget()
        self.reader.probe(self.active())


def looked(change: Change, found: Mapping[str, Contact]) -> dict[str, Any]:
    """What a change carries when Dynamics has been asked: its contact, None where it is gone, and what Campaign told."""
    contact, told = found.get(change.record_id), (change.row or {}).get("campaign")
    held = {**asdict(contact), "held": sorted(contact.held)} if contact else None
    return {"dynamics": held, **({"campaign": told} if told else {})}


def contact_in(told: Mapping[str, Any]) -> Contact | None:
    row = told.get("dynamics")
    return Contact(**{**row, "held": frozenset(row["held"])}) if row else None


def any_no(told: Mapping[str, Any]) -> bool:
    """Whether either side says no, as far as a change tells."""
    return any(any((told.get(side) or {"values": {}})["values"].values()) for side in ("campaign", "dynamics"))
