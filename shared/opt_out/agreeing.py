"""Brings the two sides of one contact together: reads the profile, decides each flag, records,
writes, looks again.

The record of a decision comes before its writes, so that there is never a write without one. What
was written is read again:
only so is the flag's new time known, which tells our own writes from a person's. Whoever came in
between is decided again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from shared.errors import Retryable
from shared.opt_out.agreed_state import AgreedState, to_stored
from shared.opt_out.catalog import ActiveOptOut
from shared.opt_out.deciding import (
    Agreed,
    FlagDecision,
    Mode,
    Rule,
    Seen,
    decide,
    kept_opt_out,
)
from shared.opt_out.opt_ins import (
    HELD,
    Answer,
    OptInBrake,
    left_refused,
    opt_ins,
    undecided,
    without,
)
from shared.opt_out.rows import Flags
from shared.opt_out.systems import MAYBE_ALIAS, Contact, Contacts, Profile, Profiles, instant, later
from shared.records import Outcome, WriteResult
from shared.state.decisions import Decisions, OptOutDecision

NO_CONTACT, NO_PROFILE = "Dynamics has no such contact", "Campaign has no profile of it"
QUIET = frozenset({Rule.NOTHING_CHANGED, Rule.FIRST_ALIKE, Rule.OTHER_DIRECTION})


@dataclass(frozen=True, slots=True)
class Reconciler:
    contacts: Contacts
    profiles: Profiles
    decisions: Decisions
    mode: Mode
    now: Callable[[], float]
    brake: OptInBrake = field(default_factory=OptInBrake)

    def reconcile(
        self,
        active: ActiveOptOut,
        record_id: str,
        contact: Contact | None,
        state: AgreedState,
        is_confirmed: bool = False,
        is_refused: bool = False,
    ) -> WriteResult:
        """What was done and what the ledger shall remember.

        Retryable where a side has changed meanwhile. `is_confirmed`, `is_refused`: a person's word
        on its opt-ins. The result's reason is HELD where they wait for one.
        """
        state = state.in_life_of(contact)
        profile = self.profiles.read(active.profile, active.document.pairs, record_id)
        if contact is None:
            agreed = to_stored(state.scope, {}, None, profile, state.master)
            return WriteResult(Outcome.NO_CONTACT, NO_CONTACT, agreed)
        if profile is None:
            passed_on = self.pass_on(active, contact, None, state)
            stored = state.without_profile(contact, contact.master)
            outcome = Outcome.UPDATED if passed_on else Outcome.FILTERED
            return WriteResult(outcome, NO_PROFILE, stored)
        ask = partial(self.brake.ask, is_confirmed, is_refused)
        return self.agree(active, contact, profile, state, ask)

    def agree(
        self,
        active: ActiveOptOut,
        contact: Contact,
        profile: Profile,
        state: AgreedState,
        ask: Callable[[], Answer],
    ) -> WriteResult:
        """Decides each flag of both sides and writes it. `ask`: whether opt-ins may be done."""
        flag_decisions = self.flag_decisions(active, contact, profile, state)
        taken_back = opt_ins(contact, profile, flag_decisions)
        refused = left_refused(taken_back, contact, profile, state)
        flag_decisions, taken_back = flag_decisions | refused, taken_back - refused.keys()
        answer = ask() if taken_back else Answer.CONFIRMED
        if answer in (Answer.HELD, Answer.REFUSED):
            flag_decisions = without(taken_back, contact, profile, flag_decisions)
        held = taken_back if answer is Answer.HELD else frozenset()
        with self.brake.counting(answer):
            listed = {flag: flag_decisions[flag] for flag in flag_decisions if flag not in held}
            flags = self.recorded(active, contact, profile, state, listed)
            changed = self.pass_on(active, contact, profile, state)
            contact_now, profile_now = self.written(active, contact, profile, flag_decisions)
        changed |= contact_now is not contact or profile_now is not profile
        for flag, entry in flags.items():
            entry["time"] = profile_now.times[flag]
        waits = {flag: undecided(state.flags[flag]) for flag in held & state.flags.keys()}
        agreed = to_stored(state.scope, flags | waits, contact_now, profile_now, contact.master)
        outcome = Outcome.UPDATED if changed else Outcome.UNCHANGED
        return WriteResult(outcome, HELD if held else "", agreed)

    def flag_decisions(
        self, active: ActiveOptOut, contact: Contact, profile: Profile, state: AgreedState
    ) -> dict[str, FlagDecision]:
        allow = active.document.opt_in_from_dynamics == "allow"
        clocks = (
            self.profiles.client.clock_ahead_seconds,
            self.contacts.client.clock_ahead_seconds,
        )
        undone = state.may_be_undone(contact)
        lost = state.undone_flags(contact)
        found = {}
        for flag, value in contact.values.items():
            time = profile.times[flag]
            is_later = later(time, contact.modified_at, *clocks)
            seen = Seen(
                dynamics=value,
                campaign=profile.values[flag],
                campaign_time=time,
                held=flag in contact.held,
                empty=flag in contact.empty,
                edited=undone or is_edited(contact, state, is_later),
                later=is_later,
            )
            found[flag] = (
                decide_undone(self.mode, seen, state, flag, flag in lost, allow)
                if undone
                else decide(self.mode, seen, state.agreed(flag), allow)
            )
        return found

    def recorded(
        self,
        active: ActiveOptOut,
        contact: Contact,
        profile: Profile,
        state: AgreedState,
        flag_decisions: Mapping[str, FlagDecision],
    ) -> dict[str, dict[str, Any]]:
        """What is remembered of each flag; what was decided, and not only seen, goes into the table
        of decisions too.
        """
        columns = {pair.flag: pair.column for pair in active.document.pairs}
        remembered: dict[str, dict[str, Any]] = {}
        listed = []
        for flag, flag_decision in flag_decisions.items():
            before = state.flags.get(flag, {})
            remembered[flag] = {
                **before,
                "value": flag_decision.agreed,
                "time": profile.times[flag],
            }
            if flag_decision.rule not in QUIET:
                one = self.decision(contact, profile, flag, columns[flag], flag_decision)
                listed.append(one)
                remembered[flag] |= as_entry(one)
        self.decisions.put(listed)
        return remembered

    def decision(
        self,
        contact: Contact,
        profile: Profile,
        flag: str,
        column: str,
        flag_decision: FlagDecision,
    ) -> OptOutDecision:
        sides = (
            contact.values[flag],
            profile.values[flag],
            contact.modified_at,
            profile.times[flag],
        )
        return OptOutDecision(
            contact.record_id,
            flag,
            column,
            *sides,
            flag_decision.agreed,
            flag_decision.rule.value,
            flag_decision.winner,
            self.now(),
        )

    def written(
        self,
        active: ActiveOptOut,
        contact: Contact,
        profile: Profile,
        flag_decisions: Mapping[str, FlagDecision],
    ) -> tuple[Contact, Profile]:
        """Both sides as they are when each says what was decided; the same objects where nothing
        was to be written.

        Campaign first: there an opt-out counts at once.
        """
        pairs = active.document.pairs
        to_campaign = {
            flag: v.campaign
            for flag, v in flag_decisions.items()
            if v.campaign != profile.values[flag]
        }
        to_dynamics = {
            flag: v.dynamics
            for flag, v in flag_decisions.items()
            if v.dynamics != contact.values[flag]
        }
        if to_campaign:
            after = self.profiles.write(active.profile, pairs, contact.record_id, to_campaign)
            if after is None or any(
                after.values[flag] != flag_decision.campaign
                for flag, flag_decision in flag_decisions.items()
            ):
                raise Retryable(
                    "The profile was changed while its opt-out was written; it is decided again.",
                    0.0,
                )
            profile = after
        if to_dynamics:
            contact = self.contacts.write(active.contact, pairs, contact, to_dynamics)
        return contact, profile

    def pass_on(
        self,
        active: ActiveOptOut,
        contact: Contact,
        profile: Profile | None,
        state: AgreedState,
    ) -> bool:
        """A contact that was merged into another passes its opt-outs on to it, once, and each that
        Campaign hears later.

        Returns whether there were any. Nothing else is passed on: the other contact's own yes or no
            stands.
        """
        if not contact.master or self.mode is Mode.TO_CAMPAIGN:
            return False
        heard = {flag for flag, value in profile.values.items() if value} if profile else set()
        if contact.master == state.master:
            agreed_before = {flag: state.agreed(flag) for flag in heard}
            new = {flag for flag, agreed in agreed_before.items() if not agreed or not agreed.value}
        else:
            new = heard | {flag for flag, value in contact.values.items() if value}
        found = (
            self.contacts.read(active.contact, active.document.pairs, [contact.master])
            if new
            else {}
        )
        missing = [
            (master, {flag for flag in new if not master.values[flag]}) for master in found.values()
        ]
        results = [self.tell(active, master, flags, Rule.MERGED) for master, flags in missing]
        return any(results)

    def receive_alias(
        self, active: ActiveOptOut, contact: Contact | None, flags: Flags, own: WriteResult
    ) -> WriteResult | None:
        """Passes on the opt-outs of a profile that the contact's id does not find: its key is the
        id in another form, or it was deleted.

        Where the form may be the file's own, only if there is no profile under the contact's id:
        else None. `own`: what became of the contact's own profile.
        """
        if contact is None:
            return own
        if flags.alias == MAYBE_ALIAS and own.outcome is not Outcome.FILTERED:
            return None
        now = own.agreed.get("dynamics", contact.values)
        received = {
            flag for flag, value in flags.values.items() if value and now.get(flag) is False
        }
        return (
            replace(own, outcome=Outcome.UPDATED)
            if self.tell(active, contact, received, Rule.ALIAS)
            else own
        )

    def tell(self, active: ActiveOptOut, master: Contact, flags: set[str], rule: Rule) -> bool:
        """Writes opt-outs of another record to a contact; False if there are none.

        From there they take their own way to
        Campaign.
        """
        if not flags:
            return False
        columns = {pair.flag: pair.column for pair in active.document.pairs}
        flag_decision = FlagDecision(True, True, True, rule, "opt-out")
        nobody = Profile(dict.fromkeys(flags, True), dict.fromkeys(flags, ""))
        self.decisions.put(
            self.decision(master, nobody, flag, columns[flag], flag_decision)
            for flag in sorted(flags)
        )
        self.contacts.write(
            active.contact, active.document.pairs, master, dict.fromkeys(flags, True)
        )
        return True


def as_entry(one: OptOutDecision) -> dict[str, Any]:
    return {
        "dynamics": one.dynamics,
        "campaign": one.campaign,
        "modified": one.dynamics_at,
        "changed": one.campaign_at,
        "rule": one.rule,
        "winner": one.winner,
        "decided_at": one.decided_at,
    }


def decide_undone(
    mode: Mode, seen: Seen, state: AgreedState, flag: str, is_lost: bool, allow: bool
) -> FlagDecision:
    """The decision where a restore may have undone the agreement. That Dynamics no longer says no
    is nobody's opt-in, as far as is known. `is_lost`: nor was it read before.
    """
    agreed = state.agreed(flag)
    if agreed is None or not agreed.value or seen.dynamics:
        return decide(mode, seen, agreed, allow)
    if is_lost and not seen.campaign and not is_taken_back(state, seen, agreed):
        return kept_opt_out(mode, seen)
    return decide(mode, seen, None, allow)


def is_taken_back(state: AgreedState, seen: Seen, agreed: Agreed) -> bool:
    """Whether a person has taken an agreed no back in Campaign. A profile that was made again does
    not say no either, and nobody has said so.
    """
    since, before = instant(seen.campaign_time), instant(agreed.campaign_time)
    is_newer = since is not None and before is not None and since > before
    return "campaign" in state.stored and is_newer


def is_edited(contact: Contact, state: AgreedState, is_later: bool | None) -> bool:
    """Whether the contact was edited since both agreed. An edit that touched no flag may have said
    the same once more, so it counts where the times tell which came later.
    """
    if contact.version == state.version:
        return False
    return contact.version != state.seen or is_later is not None
