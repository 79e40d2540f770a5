"""Opt-out as a flow: what the steps need to know of it.

Two feeds name the contacts. Both systems are then read, and each flag is decided.

A change is a wake-up, however old. What is decided on is read again under the claim on the
contact's partition: Dynamics for a whole envelope in one request, Campaign for each contact that
may differ. The last values of both systems are remembered. So the bridge's own writes, which come
back through both feeds and the webhook, cost no call to Campaign. Nor does a new contact: the
contacts flow creates its profile with its opt-outs. Campaign's answer or its feed then shows that
both systems agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.errors import Rejected, Retryable
from shared.opt_out.agreed_state import AgreedState, scope_of
from shared.opt_out.agreeing import Reconciler
from shared.opt_out.aliases import (
    OWED,
    AliasRows,
    alias_flags,
    carried,
    passed_on,
    passed_on_before,
)
from shared.opt_out.catalog import ActiveOptOut, OptOutCatalog
from shared.opt_out.gate import AHEAD_SECONDS, ContactsFlow
from shared.opt_out.opt_ins import HELD, SENTENCE
from shared.opt_out.readers import Reader
from shared.opt_out.rows import (
    Columns,
    Flags,
    OptOutRow,
    ProfileMade,
    Refetched,
    Unreadable,
    flags_in,
    read_row,
)
from shared.opt_out.systems import ALIAS, CREATED, Contact, contact_of
from shared.opt_out.unchanged import called_for, first_agreed, quiet, seen_again
from shared.opt_out.unseen import news
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Delivery, PlainFlow, Policy, Results
from shared.records import Change, Kind, Outcome, Page, Settlement, WriteResult, waiting
from shared.sftp.next_steps import refusal_of
from shared.state.checkpoints import Checkpoint
from shared.state.ledger_rows import LedgerRow
from shared.waits import Braked, ContactsFirst

KEY, QUEUE = "opt_out", "opt-out"
# A webhook's message waits for no more than a few of those that the feeds bring, however much there
# is to read.
POLICY = Policy(
    urgent=True,
    messages_per_second=8,
    max_queue_messages=24,
    max_wait_seconds=2.0,
    kept_rows=AliasRows(),
    never_given_up=True,
)
# Webhooks have brought most of what Dynamics' feed brings. While their messages are on the queue,
# it would bring them once more and make the queue longer. What they have not brought can wait.
BEHIND_WEBHOOKS = replace(POLICY, messages_per_second=4, max_wait_seconds=60.0)
SEEN_BY_BOTH = (Outcome.UPDATED, Outcome.UNCHANGED)
FROM_DYNAMICS, FROM_CAMPAIGN = "opt_out-from-dynamics", "opt_out-from-campaign"


@dataclass(frozen=True, slots=True)
class OptOutFlow(PlainFlow):
    """The flow that delivers, and for each feed one that polls: so a feed that fails stops neither
    the other nor deliveries.

    `key` names it in state and console; `table` says whose changes it reads. `reads`: false for the
    one that delivers.
    """

    key: str
    table: str
    reader: Reader
    catalog: OptOutCatalog
    reconciler: Reconciler
    contacts_flow: ContactsFlow
    queue: str = QUEUE
    policy: Policy = POLICY
    reads: bool = True

    @property
    def feed(self) -> str:
        return self.key

    @property
    def letters(self) -> str:
        return KEY

    @property
    def read_once(self) -> str:
        return self.reader.read_once if self.reads else ""

    def active(self) -> ActiveOptOut:
        return self.catalog.active()

    def read(self, checkpoint: Checkpoint) -> Page:
        """The next page, without what is known already: a message for that would only stand before
        others.
        """
        active = self.active()
        checkpoint.mapping_version = active.version
        page = self.reader.page(checkpoint, active)
        found = news(KEY, self.contacts_flow.ledger, self.decide, self.reconciler.now, page.changes)
        return replace(page, changes=tuple(change for change, _ in found))

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The changes with what Dynamics holds of their contacts now; Campaign is read when it is
        decided.
        """
        active = self.active()
        found = self.reconciler.contacts.read(
            active.contact, active.document.pairs, [change.record_id for change in changes]
        )
        return [refetched(change, found) for change in changes]

    def incomplete(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that were read for an older document, or by an earlier version."""
        return [change for change in changes if self.lacks(read_row(change.row))]

    def lacks(self, observation: OptOutRow) -> bool:
        names = [*self.active().document.columns, CREATED]
        return isinstance(observation, Columns) and any(
            name not in observation.values for name in names
        )

    def at_rest(self, change: Change) -> Change:
        """A reference, for both systems can be asked again, unless a file or another form of the
        id alone tells of it.

        Of what Campaign reported the wish to ask there stays: it may be an opt-out.
        """
        observation = read_row(change.row)
        flags = flags_in(observation)
        if isinstance(observation, Unreadable) or (flags and flags.alias):
            return change
        return replace(change.as_reference(), replay=change.replay or flags is not None)

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """Nothing where both feeds tell what is known; else look, and then settle it between the
        two sides.
        """
        observation = read_row(change.row)
        if isinstance(observation, Unreadable):
            raise Rejected(refusal_of(observation.fault, change.origin))
        if self.lacks(observation):  # a newer document came since `incomplete` was asked
            return Decision(change, Act.LOOK)
        state, flags = self.agreed_state(row.agreed if row else {}), flags_in(observation)
        if flags and flags.alias == ALIAS and not flags.is_alias:
            return quiet(change)
        doubtful = change.uncertain or (row is not None and row.in_doubt)
        asks = change.replay or doubtful
        found = None if asks else self.nothing_new(change, observation, row, state)
        if found is None and change.kind is Kind.ROW:
            return Decision(change, Act.LOOK)
        return found or Decision(change, Act.SAVE, agreed=state.stored, doubtful=doubtful)

    def nothing_new(
        self,
        change: Change,
        observation: OptOutRow,
        row: LedgerRow | None,
        state: AgreedState,
    ) -> Decision | None:
        """The decision where both feeds tell what is known; None where more must be looked at."""
        flags = flags_in(observation)
        if flags and flags.is_alias:
            return self.known_alias(change, flags, row, state)
        if isinstance(observation, Refetched):
            return self.as_seen(change, observation, row, state)
        return self.known(change, observation, row, state)

    def known_alias(
        self, change: Change, flags: Flags, row: LedgerRow | None, state: AgreedState
    ) -> Decision | None:
        """The decision on opt-outs that were passed on before; None where they must be."""
        settled = row is not None and row.outcome not in (Outcome.WAITING, Outcome.REJECTED)
        return quiet(change) if settled and passed_on_before(flags, state.stored) else None

    def as_seen(
        self,
        change: Change,
        observation: Refetched,
        row: LedgerRow | None,
        state: AgreedState,
    ) -> Decision | None:
        """The decision on a contact that has been looked at, where Campaign need not be asked; None
        where it must be.
        """
        contact, flags = observation.contact, observation.flags
        if row is None and not observation.any_opt_out:
            return quiet(change)
        if contact is None:
            return None
        if flags:
            agreed = first_agreed(state, flags.profile, contact)
            return replace(quiet(change), note=True, agreed=agreed) if agreed else None
        if row is None or row.outcome not in SEEN_BY_BOTH or not state.knows_both(contact):
            return None
        return seen_again(change, contact, state)

    def known(
        self,
        change: Change,
        observation: Columns | Flags | ProfileMade | Unreadable,
        row: LedgerRow | None,
        state: AgreedState,
    ) -> Decision | None:
        """The decision on a change that tells nothing new; None if it does.

        A record that is waiting or was refused is new.
        """
        if isinstance(observation, ProfileMade):
            return called_for(change, observation.profile, row, state)
        if isinstance(observation, Unreadable) or (
            row and row.outcome in (Outcome.WAITING, Outcome.REJECTED)
        ):
            return None
        if isinstance(observation, Flags):
            if row is None:
                return None if any(observation.values.values()) else quiet(change)
            return (
                quiet(change)
                if state.knows_profile(observation.values, observation.times)
                else None
            )
        contact = contact_of(
            {**observation.values, "@odata.etag": f'W/"{change.version}"'},
            self.active().document.pairs,
        )
        if row is None:
            return None if any(contact.values.values()) else quiet(change)
        if 0 < contact.version < state.seen or not state.knows_contact(contact):
            return None  # what was queued is outdated, or Dynamics was restored: it is read again
        return seen_again(change, contact, state)

    def must_wait(self, delivery: Delivery, decisions: Sequence[Decision]) -> list[Settlement]:
        """What Dynamics' feed brings of contacts that the contacts flow has not come to waits for
        it; a webhook's never does.

        Asked under the claim: that flow, which calls for what waits, then finds it (OptOut.wake).
        """
        delivery.claim()
        to_come = self.contacts_flow.to_come(
            [one.change.record_id for one in decisions if may_wait(one)]
        )
        # The contacts flow calls for them. Where its word is lost, they come back by themselves.
        delivery.bridge.waiting.ahead.park_until(
            self.reconciler.now() + AHEAD_SECONDS,
            *(KEY, QUEUE, "contact"),
            sorted(to_come),
            ContactsFirst.code,
        )
        return [
            self.waits(decision) for decision in decisions if decision.change.record_id in to_come
        ]

    def waits(self, decision: Decision) -> Settlement:
        contact = contact_in(decision.change)
        state = self.agreed_state(decision.agreed).in_life_of(contact)
        agreed = carried(state.stored) | state.without_profile(contact, state.master)
        sentence = (
            "Waits until the contacts flow has processed the contact. That flow creates its"
            " profile."
        )
        return waiting(decision.change, ContactsFirst(), sentence, agreed=agreed)

    def write(self, decisions: Sequence[Decision]) -> Results:
        return {decision.change.record_id: self.reconcile(decision) for decision in decisions}

    def reconcile(self, decision: Decision) -> WriteResult:
        """Reads the profile, decides each flag, writes what must be written on either side."""
        active, flags = self.active(), flags_in(read_row(decision.change.row))
        contact, version = contact_in(decision.change), self.mapping_version()
        if contact and contact.values.keys() != {pair.flag for pair in active.document.pairs}:
            raise Retryable("The pairs were changed since this contact was read; it is read again.")
        state = replace(self.agreed_state(decision.agreed), doubtful=decision.doubtful)
        result = self.reconciler.reconcile(
            active,
            decision.change.record_id,
            contact,
            state,
            is_confirmed=decision.change.confirmed == version,
            is_refused=decision.change.spared == version,
        )
        aliases = carried(state.stored)
        if (flags and flags.is_alias) or (contact and OWED in aliases):
            received = self.reconciler.receive_alias(
                active, contact, alias_flags(flags, state.stored), result
            )
            aliases = (
                passed_on(flags, state.stored, there=contact is not None) if received else aliases
            )
            result = received or result
        result = replace(result, agreed={**aliases, **result.agreed})
        return replace(result, wait=Braked(), reason=SENTENCE) if result.reason == HELD else result

    def agreed_state(self, stored: Mapping[str, Any]) -> AgreedState:
        return AgreedState(stored, scope_of(self.reconciler.mode, self.active().document.pairs))

    def activate(self) -> str:
        return self.catalog.activate()

    def mapping_version(self) -> int:
        return self.catalog.number()

    def read_documents(self) -> None:
        self.catalog.keeper.newest_listing()

    def probe(self, key: str) -> None:
        """Raises Misconfigured while the cause of a failure is still there."""
        self.catalog.forget()
        self.reader.probe(self.active())


def may_wait(decision: Decision) -> bool:
    """False for a merged contact, whose opt-outs must be passed on, and for a known profile."""
    observation = read_row(decision.change.row)
    contact = (
        observation.contact if isinstance(observation, Refetched) and observation.fed else None
    )
    return bool(contact and not contact.master and "campaign" not in decision.agreed)


def refetched(change: Change, found: Mapping[str, Contact]) -> Change:
    """The change when Dynamics has been asked."""
    observation, contact = read_row(change.row), found.get(change.record_id)
    fed = change.kind is Kind.ROW and isinstance(observation, Columns)
    row = Refetched(contact, flags_in(observation), fed).as_row()
    version = contact.version if contact else 0
    return replace(change, kind=Kind.REFERENCE, row=row, version=version)


def contact_in(change: Change) -> Contact | None:
    observation = read_row(change.row)
    return observation.contact if isinstance(observation, Refetched) else None
