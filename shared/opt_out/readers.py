"""Both feeds of opt-outs, as the flow reads them: Dynamics' and Campaign's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from shared.dataverse import wire
from shared.dataverse.client import DataverseClient
from shared.opt_out.catalog import ActiveOptOut
from shared.opt_out.feeds import Feed
from shared.opt_out.systems import Contacts
from shared.records import Page
from shared.state.checkpoints import Checkpoint

READ_ONCE = (
    "An export of opt-outs is read once. Put it back into the export folder, and it is read again."
)


class Reader(Protocol):
    """One of the two feeds, with the active document."""

    @property
    def read_once(self) -> str:
        """Why it cannot be read again, "" where it can."""

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page: ...
    def probe(self, active: ActiveOptOut) -> None: ...


@dataclass(frozen=True, slots=True)
class DynamicsFeed:
    """Change tracking of the pairs' columns, apart from the contacts flow: a backfill there holds
    nothing up here.
    """

    dataverse: DataverseClient
    contacts: Contacts
    now: Callable[[], float]
    read_once: str = ""

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page:
        names = self.contacts.columns(active.document.pairs)
        columns = ",".join(names)
        if checkpoint.link and checkpoint.columns != columns:
            checkpoint.restart()
        checkpoint.columns = columns
        items, link, complete = self.dataverse.tracked(active.contact, names, checkpoint.link)
        changes = (
            wire.change(item, active.contact.primary_id, self.now(), checkpoint.replay)
            for item in items
        )
        return Page(tuple(changes), link, complete)

    def probe(self, active: ActiveOptOut) -> None:
        self.dataverse.who_am_i()


@dataclass(frozen=True, slots=True)
class CampaignFeed:
    feed: Feed

    @property
    def read_once(self) -> str:
        return READ_ONCE if self.feed.name == "file" else ""

    def page(self, checkpoint: Checkpoint, active: ActiveOptOut) -> Page:
        read = ",".join([self.feed.name, *(pair.flag for pair in active.document.pairs)])
        if (
            checkpoint.link and checkpoint.columns != read
        ):  # another link is another feed's, another flag was never read
            checkpoint.restart()
        checkpoint.columns = read
        page = self.feed.page(checkpoint.link, active.document, active.profile)
        changes = (replace(change, replay=checkpoint.replay) for change in page.changes)
        return replace(page, changes=tuple(changes)) if checkpoint.replay else page

    def probe(self, active: ActiveOptOut) -> None:
        self.feed.probe(active.document, active.profile)
