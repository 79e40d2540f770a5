"""Brings the two sides of one contact together: reads the profile, decides each flag, records, writes, looks again.

The record of a decision comes before its writes, so that there is never a write without one. What was written is read again:
only so is the flag's new time known, which tells our own writes from a person's. Whoever came in between is decided on anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.campaign.client import Written
from shared.errors import Retryable
from shared.opt_out.catalog import ActiveOptOut
from shared.opt_out.deciding import Mode, Rule, Seen, Verdict, decide
from shared.opt_out.memory import Memory, remember
from shared.opt_out.sides import MAYBE_ALIAS, Contact, Contacts, Profile, Profiles, later
from shared.records import Outcome
from shared.state.decisions import Decisions, OptOutDecision

NO_CONTACT, NO_PROFILE = "Dynamics has no such contact", "Campaign has no profile of it"
QUIET = frozenset({Rule.NOTHING_CHANGED, Rule.FIRST_ALIKE, Rule.OTHER_DIRECTION})


@dataclass(frozen=True, slots=True)
class Agreement:
    contacts: Contacts
    profiles: Profiles
    decisions: Decisions
    mode: Mode
    now: Callable[[], float]

    def settle(self, active: ActiveOptOut, record_id: str, contact: Contact | None, memory: Memory, written: Written) -> None:
        """Leaves in `written` what was done and what the ledger shall remember. Retryable where a side has changed meanwhile."""
        profile = self.profiles.read(active.profile, active.document.pairs, record_id, written)
        if contact is None or profile is None:
            written.outcome = Outcome.NO_CONTACT if contact is None else Outcome.FILTERED
            written.reason = NO_CONTACT if contact is None else NO_PROFILE
            master = self.passed_on(active, contact, profile, memory, written) if contact else memory.master
            written.agreed = remember(memory.terms, {} if contact is None else memory.flags, contact, profile, master)
            return
        verdicts = self.verdicts(active, contact, profile, memory)
        flags = self.recorded(active, contact, profile, memory, verdicts)
        master = self.passed_on(active, contact, profile, memory, written)
        contact, profile = self.written(active, contact, profile, verdicts, written)
        for flag, entry in flags.items():
            entry["time"] = profile.times[flag]
        written.agreed = remember(memory.terms, flags, contact, profile, master)

    def verdicts(self, active: ActiveOptOut, contact: Contact, profile: Profile, memory: Memory) -> dict[str, Verdict]:
        allow = active.document.opt_in_from_dynamics == "allow"
        clocks = (self.profiles.client.clock_ahead_seconds, self.contacts.client.clock_ahead_seconds)
        found = {}
        for flag, value in contact.values.items():
            time = profile.times[flag]
            seen = Seen(
                dynamics=value,
                campaign=profile.values[flag],
                campaign_time=time,
                held=flag in contact.held,
                empty=flag in contact.empty,
                edited=contact.version != memory.version,
                later=later(time, contact.modified_at, *clocks),
            )
            found[flag] = decide(self.mode, seen, memory.agreed(flag), allow)
        return found

    def recorded(
        self, active: ActiveOptOut, contact: Contact, profile: Profile, memory: Memory, verdicts: Mapping[str, Verdict]
    ) -> dict[str, dict[str, Any]]:
        """What is remembered of each flag; what was decided, and not only seen, goes into the table of decisions too."""
        columns = {pair.flag: pair.column for pair in active.document.pairs}
        remembered: dict[str, dict[str, Any]] = {}
        listed = []
        for flag, verdict in verdicts.items():
            before = memory.flags.get(flag, {})
            remembered[flag] = {**before, "value": verdict.agreed, "time": profile.times[flag]}
            if verdict.rule not in QUIET:
                one = self.decision(contact, profile, flag, columns[flag], verdict)
                listed.append(one)
                remembered[flag] |= told(one)
        self.decisions.put(listed)
        return remembered

    def decision(self, contact: Contact, profile: Profile, flag: str, column: str, verdict: Verdict) -> OptOutDecision:
        sides = (contact.values[flag], profile.values[flag], contact.modified_at, profile.times[flag])
        return OptOutDecision(
            contact.record_id, flag, column, *sides, verdict.agreed, verdict.rule.value, verdict.winner, self.now()
        )

    def written(
        self, active: ActiveOptOut, contact: Contact, profile: Profile, verdicts: Mapping[str, Verdict], written: Written
    ) -> tuple[Contact, Profile]:
        """Both sides as they are when each says what was decided. Campaign first: there a no counts at once."""
        pairs = active.document.pairs
        to_campaign = {flag: v.campaign for flag, v in verdicts.items() if v.campaign != profile.values[flag]}
        to_dynamics = {flag: v.dynamics for flag, v in verdicts.items() if v.dynamics != contact.values[flag]}
        if to_campaign:
            after = self.profiles.write(active.profile, pairs, contact.record_id, to_campaign, written)
            if after is None or any(after.values[flag] != verdict.campaign for flag, verdict in verdicts.items()):
                raise Retryable("The profile was changed while its opt-out was written; it is decided again.", 0.0)
            profile = after
        if to_dynamics:
            contact = self.contacts.write(active.contact, pairs, contact, to_dynamics, written)
        if to_campaign or to_dynamics:
            written.outcome = Outcome.UPDATED
        return contact, profile

    def passed_on(self, active: ActiveOptOut, contact: Contact, profile: Profile | None, memory: Memory, written: Written) -> str:
        """A contact that was merged into another passes its noes on to it, once, and each that Campaign hears later.

        Returns whom it was merged into. Nothing else is passed on: the other contact's own yes or no stands.
        """
        if not contact.master or self.mode is Mode.TO_CAMPAIGN:
            return contact.master
        heard = {flag for flag, value in profile.values.items() if value} if profile else set()
        if contact.master == memory.master:
            known = {flag: memory.agreed(flag) for flag in heard}
            new = {flag for flag, agreed in known.items() if not agreed or not agreed.value}
        else:
            new = heard | {flag for flag, value in contact.values.items() if value}
        found = self.contacts.read(active.contact, active.document.pairs, [contact.master]) if new else {}
        for master in found.values():
            self.tell(active, master, {flag for flag in new if not master.values[flag]}, Rule.MERGED, written)
        return contact.master

    def receive_alias(self, active: ActiveOptOut, contact: Contact | None, told: Mapping[str, Any], written: Written) -> bool:
        """Passes on the opt-outs of a profile whose key is the contact's id in another form. The contact's id does not find it.

        Where the form may be the file's own, only if there is no profile under the contact's id: else False.
        """
        if contact is not None and told["alias"] == MAYBE_ALIAS and written.outcome is not Outcome.FILTERED:
            return False
        if contact is not None:
            received = {flag for flag, value in told["values"].items() if value and contact.values.get(flag) is False}
            self.tell(active, contact, received, Rule.ALIAS, written)
        return True

    def tell(self, active: ActiveOptOut, master: Contact, flags: set[str], rule: Rule, written: Written) -> None:
        """Writes opt-outs of another record to a contact. From there they take their own way to Campaign."""
        if not flags:
            return
        columns = {pair.flag: pair.column for pair in active.document.pairs}
        verdict = Verdict(True, True, True, rule, "opt-out")
        nobody = Profile(dict.fromkeys(flags, True), dict.fromkeys(flags, ""))
        self.decisions.put(self.decision(master, nobody, flag, columns[flag], verdict) for flag in sorted(flags))
        self.contacts.write(active.contact, active.document.pairs, master, dict.fromkeys(flags, True), written)
        written.outcome = Outcome.UPDATED


def told(one: OptOutDecision) -> dict[str, Any]:
    return {
        "dynamics": one.dynamics,
        "campaign": one.campaign,
        "modified": one.dynamics_at,
        "changed": one.campaign_at,
        "rule": one.rule,
        "winner": one.winner,
        "decided_at": one.decided_at,
    }
