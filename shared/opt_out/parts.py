"""The opt-out flow's parts together: who delivers, who polls, who is woken; by mode."""

from collections.abc import Callable, Sequence

from shared.errors import Misconfigured
from shared.handoff import Handoff
from shared.opt_out.agreeing import Agreement
from shared.opt_out.catalog import OptOutCatalog
from shared.opt_out.deciding import Mode
from shared.opt_out.feeds import Feed
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, KEY, QUEUE, CampaignFeed, DynamicsFeed, OptOutFlow
from shared.records import Change, Kind


class OptOut:
    """One for a process: its feeds remember what they have handed off. `new_feed` makes Campaign's, True to look only."""

    def __init__(self, catalog: OptOutCatalog, agreement: Agreement, new_feed: Callable[[bool], Feed], handoff: Handoff) -> None:
        self.catalog, self.agreement, self.new_feed, self.handoff = catalog, agreement, new_feed, handoff
        self.mode = agreement.mode
        self.campaign = CampaignFeed(new_feed(False)) if self.reads_campaign else None

    @property
    def reads_campaign(self) -> bool:
        return self.mode in (Mode.FROM_CAMPAIGN, Mode.BOTH)

    @property
    def writes_campaign(self) -> bool:
        return self.mode in (Mode.TO_CAMPAIGN, Mode.BOTH)

    def deliver(self) -> OptOutFlow:
        """Misconfigured while the mode is disabled."""
        if self.mode is Mode.DISABLED:
            raise Misconfigured("OPT_OUT_MODE", "Opt-outs are not carried while OPT_OUT_MODE is disabled: set it to both.")
        return OptOutFlow(KEY, "contact", self.dynamics_feed(), self.catalog, self.agreement)

    def dynamics_feed(self) -> DynamicsFeed:
        return DynamicsFeed(self.agreement.contacts.client, self.agreement.contacts, self.agreement.now)

    def polls(self) -> list[OptOutFlow]:
        """A flow for each side that the mode reads."""
        return self.flows(self.campaign)

    def all(self) -> list[OptOutFlow]:
        """Who delivers and who polls; none while the mode is disabled."""
        return [self.deliver(), *self.polls()] if self.mode is not Mode.DISABLED else []

    def peeks(self) -> list[OptOutFlow]:
        """The same, with feeds that remember nothing: to look without handing off."""
        return self.flows(CampaignFeed(self.new_feed(True)) if self.reads_campaign else None)

    def flows(self, campaign: CampaignFeed | None) -> list[OptOutFlow]:
        found = []
        if self.writes_campaign:
            found.append(OptOutFlow(FROM_DYNAMICS, "contact", self.dynamics_feed(), self.catalog, self.agreement))
        if campaign:
            found.append(OptOutFlow(FROM_CAMPAIGN, "profile", campaign, self.catalog, self.agreement))
        return found

    def wake(self, ids: Sequence[str]) -> None:
        """Contacts whose profiles are new: a no that came before the profile is written to it now."""
        now = self.agreement.now()
        changes = [Change(record_id, Kind.REFERENCE, first_seen=now) for record_id in ids]
        self.handoff.put(QUEUE, KEY, "contact", 0, changes)
