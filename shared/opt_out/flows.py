"""The opt-out flow's parts together: who delivers, who polls, who is woken; by mode."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

from shared.campaign.client import Address
from shared.errors import Misconfigured
from shared.opt_out.agreed_state import AgreedState, scope_of
from shared.opt_out.agreeing import Reconciler
from shared.opt_out.catalog import OptOutCatalog
from shared.opt_out.deciding import Mode
from shared.opt_out.documents import Pair
from shared.opt_out.feeds import Feed
from shared.opt_out.flow import (
    BEHIND_WEBHOOKS,
    FROM_CAMPAIGN,
    FROM_DYNAMICS,
    KEY,
    QUEUE,
    SEEN_BY_BOTH,
    OptOutFlow,
)
from shared.opt_out.gate import ContactsFlow, call_again, left_behind
from shared.opt_out.readers import CampaignFeed, DynamicsFeed, Reader
from shared.opt_out.rows import Flags, ProfileMade
from shared.opt_out.systems import ALIAS, Profile, profile_of
from shared.pipeline.flow import Bridge
from shared.records import Change, Kind, Settlement
from shared.state.handoff import Handoff
from shared.state.ledger_rows import bucket, partition_name


class OptOut:
    """One for a process: its feeds remember what they have handed off.

    `new_feed` makes Campaign's, True to look only.
    """

    def __init__(
        self,
        catalog: OptOutCatalog,
        reconciler: Reconciler,
        new_feed: Callable[[bool], Feed],
        handoff: Handoff,
        contacts_flow: ContactsFlow,
    ) -> None:
        self.catalog, self.reconciler, self.new_feed, self.handoff = (
            catalog,
            reconciler,
            new_feed,
            handoff,
        )
        self.contacts_flow, self.mode, self.caught_up_at = contacts_flow, reconciler.mode, 0.0
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
            raise Misconfigured(
                "OPT_OUT_MODE",
                "Opt-outs are not carried while OPT_OUT_MODE is disabled: set it to both.",
            )
        return self.delivery()

    def delivery(self) -> OptOutFlow:
        """The flow that delivers, whatever the mode."""
        return replace(self.flow(KEY, "contact", self.dynamics_feed()), reads=False)

    def flow(self, key: str, table: str, reader: Reader) -> OptOutFlow:
        return OptOutFlow(key, table, reader, self.catalog, self.reconciler, self.contacts_flow)

    def dynamics_feed(self) -> DynamicsFeed:
        return DynamicsFeed(
            self.reconciler.contacts.client, self.reconciler.contacts, self.reconciler.now
        )

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
            feed = self.flow(FROM_DYNAMICS, "contact", self.dynamics_feed())
            found.append(replace(feed, policy=BEHIND_WEBHOOKS))
        if campaign:
            found.append(self.flow(FROM_CAMPAIGN, "profile", campaign))
        return found

    def catch_up(self, bridge: Bridge) -> int:
        """Calls, now and then, for what waits for the contacts flow whose word was lost.

        Returns how many.
        """
        pace = BEHIND_WEBHOOKS.messages_per_second
        earlier = [] if self.caught_up_at else left_behind(bridge, KEY, self.contacts_flow)
        self.caught_up_at = bridge.now()
        self.handoff.put(QUEUE, KEY, "contact", 0, earlier, pace=pace)
        rows = bridge.waiting.ahead.due(KEY, bridge.now())
        changes = call_again(bridge, self.contacts_flow, rows)
        self.handoff.put(QUEUE, KEY, "contact", 0, changes, pace=pace)
        bridge.waiting.ahead.remove(KEY, rows)
        return len(earlier) + len(changes)

    def wake(self, settlements: Sequence[Settlement]) -> None:
        """The contacts flow has come to these contacts for the first time: the opt-outs that wait
        for that go on.
        """
        now, pairs = self.reconciler.now(), self.catalog.pairs()
        waiting = self.may_wait([settlement.change.record_id for settlement in settlements])
        made = (
            (s.change.record_id, made_with(s.answer, pairs))
            for s in settlements
            if s.change.record_id in waiting
        )
        changes = [
            Change(record_id, Kind.ROW, row=ProfileMade(profile).as_row(), first_seen=now)
            for record_id, profile in made
        ]
        self.handoff.put(QUEUE, KEY, "contact", 0, changes)

    def before_deletion(self, profiles: Address, record_id: str) -> None:
        """A profile is about to be deleted, and its contact stays: what it says goes with it.

        Opt-outs that were not decided yet are passed on to the contact, as those of a profile that
        the contact's id does not find.
        """
        pairs = self.catalog.pairs()
        profile = self.reconciler.profiles.read(profiles, pairs, record_id)
        if profile is None or not any(profile.values.values()) or self.knows(record_id, profile):
            return
        flags = Flags(profile.values, profile.times, alias=ALIAS)
        change = Change(record_id, Kind.ROW, row=flags.as_row(), first_seen=self.reconciler.now())
        self.handoff.put(QUEUE, KEY, "contact", 0, [change])

    def knows(self, record_id: str, profile: Profile) -> bool:
        """Whether what the profile says was decided on."""
        partition = partition_name(KEY, bucket(record_id))
        row = self.contacts_flow.ledger.row(partition, record_id)
        if row is None or row.outcome not in SEEN_BY_BOTH or row.in_doubt:
            return False
        state = AgreedState(row.agreed, scope_of(self.mode, self.catalog.pairs()))
        return state.knows_profile(profile.values, profile.times)

    def may_wait(self, ids: Sequence[str]) -> set[str]:
        """Those of the contacts, all of one bucket, whose opt-outs may wait; all of them while
        somebody writes there.
        """
        header = self.contacts_flow.ledger.header(partition_name(KEY, bucket(ids[0])))
        claimed = header.owner and header.until > self.reconciler.now()
        return set(ids) if claimed else header.may_contain(ids)


def made_with(answer: bytes, pairs: Sequence[Pair]) -> Profile | None:
    """A profile's flags as Campaign answered its creation; None if it was not created, or its
    answer tells nothing.
    """
    try:
        return profile_of(json.loads(answer), pairs)
    except (ValueError, AttributeError):
        return None
