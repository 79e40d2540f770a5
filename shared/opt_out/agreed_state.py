"""What the ledger remembers of a contact's opt-outs: what each side was last seen to say, and what
they agreed on.

    {"flags":    {flag: {"value", "time", "dynamics", "campaign", "modified", "rule", "winner",
    "decided_at"}},
     "dynamics": {flag: value}, "empty": [flag], "campaign": {flag: [value, time]}, "version": the
     contact's then, "seen": its newest since, "created": when it was made, "life": how many
     replays of all were ordered by then, "master": whom it was merged into, "mode": ...,
     "pairs": {flag: columns}}

`value` and `time` are the agreement; the rest of a flag tells of the last decision on it. `empty`:
the flags whose column had no value, where there are some. A side that is not there has no entry.
Contacts that never said no are not remembered: where there is no row, nothing was agreed, and
opt-out wins. What was agreed in another mode counts only where both sides said the same, and what
was agreed of another pair of columns not at all: a change of the settings must never look as if
people had opted in. A contact that was made again under its id has agreed on nothing: its deletion
may never have been seen. Where a version, or a replay of all, tells that Dynamics may have been
restored, that a contact no longer says no is nobody's word.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shared.opt_out.aliases import carried
from shared.opt_out.deciding import Agreed, Mode
from shared.opt_out.documents import Pair
from shared.opt_out.systems import Contact, Profile, instant

UNDONE = -1
"""The life of an agreement that a restore may have undone, until both sides agree again."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Under which something is remembered: the mode, and each flag's columns."""

    mode: str
    pairs: Mapping[str, str]


def scope_of(mode: Mode, pairs: Iterable[Pair]) -> Scope:
    return Scope(
        mode.value, {pair.flag: "!" * pair.inverted + "+".join(pair.columns) for pair in pairs}
    )


@dataclass(frozen=True, slots=True)
class AgreedState:
    """A view of what the ledger's row holds, as far as it counts under the scope of now.

    `doubtful`: a write may have been done, or may still be, that the row does not tell of. Then
    nothing counts as agreed: a difference between both sides ends in the opt-out.
    """

    stored: Mapping[str, Any] = field(repr=False)
    scope: Scope
    doubtful: bool = False

    @property
    def current(self) -> bool:
        return (self.stored.get("mode"), self.stored.get("pairs")) == (
            self.scope.mode,
            self.scope.pairs,
        )

    def agreed(self, flag: str) -> Agreed | None:
        entry = self.flags.get(flag)
        if (
            self.doubtful
            or entry is None
            or self.stored.get("pairs", {}).get(flag) != self.scope.pairs[flag]
        ):
            return None
        if self.stored.get("mode") != self.scope.mode and not self.alike(flag):
            return None
        return Agreed(bool(entry["value"]), str(entry["time"]))

    def alike(self, flag: str) -> bool:
        """Whether both sides were seen to say the same."""
        there = self.stored.get("campaign", {}).get(flag)
        return there is not None and self.stored.get("dynamics", {}).get(flag) == there[0]

    def saw(self, flag: str, contact: Contact, profile: Profile) -> bool:
        """Whether both sides were last seen to say of a flag what they say now."""
        there = self.stored.get("campaign", {}).get(flag)
        pair = self.stored.get("pairs", {}).get(flag)
        return (
            there is not None
            and (self.stored.get("mode"), pair) == (self.scope.mode, self.scope.pairs[flag])
            and self.stored.get("dynamics", {}).get(flag) == contact.values[flag]
            and bool(there[0]) == profile.values[flag]
            and same(there[1], profile.times[flag])
        )

    @property
    def flags(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.stored.get("flags", {})
        return found

    @property
    def version(self) -> int:
        """The contact's when both sides agreed."""
        return int(self.stored.get("version", 0))

    @property
    def seen(self) -> int:
        """The contact's newest version: what edited it since has touched no flag."""
        return int(self.stored.get("seen", self.version))

    @property
    def master(self) -> str:
        return str(self.stored.get("master", ""))

    @property
    def life(self) -> int:
        """How many replays of all were ordered when both sides agreed; or UNDONE."""
        return int(self.stored.get("life", 0))

    def may_be_undone(self, contact: Contact) -> bool:
        """Whether the contact may be back at a state from before the agreement.

        A restore of Dynamics gives versions out again: the last one seen then has other values.
        A person who says so has all replayed, whatever the versions are by then.
        """
        if self.life == UNDONE or self.life < contact.life:
            return True
        return 0 < contact.version < self.seen + (not self.knows_values(contact))

    def knows_values(self, contact: Contact) -> bool:
        """False where the same columns were seen with other values."""
        known = self.stored.get("dynamics")
        return known in (None, dict(contact.values)) or self.stored.get("pairs") != self.scope.pairs

    def is_of(self, contact: Contact) -> bool:
        """Whether this is of the contact, and not of an earlier one of its id.

        An earlier version did not remember when it was made.
        """
        created = self.stored.get("created", "")
        return not created or not contact.created_at or created == contact.created_at

    def in_life_of(self, contact: Contact | None) -> "AgreedState":
        """What counts of it for this contact; of an earlier one of its id only what other profiles
        told.
        """
        if contact is None or self.is_of(contact):
            return self
        return replace(self, stored=carried(self.stored))

    def knows_contact(self, contact: Contact) -> bool:
        """Whether this is what was last seen of the contact."""
        same_values = (
            self.stored.get("dynamics") == dict(contact.values)
            and set(self.stored.get("empty", ())) == contact.empty
        )
        same_record = self.is_of(contact) and contact.master == self.master
        return self.current and same_values and same_record

    def knows_both(self, contact: Contact) -> bool:
        """Whether the contact was last seen like this, and its profile too was there to be seen."""
        return "campaign" in self.stored and self.knows_contact(contact)

    def knows_profile(self, values: Mapping[str, bool], times: Mapping[str, str]) -> bool:
        """Whether this is what was last seen of the profile."""
        known = self.stored.get("campaign")
        if not self.current or known is None or known.keys() != values.keys():
            return False
        return all(
            bool(known[flag][0]) == value and same(known[flag][1], times[flag])
            for flag, value in values.items()
        )

    def is_as_seen(self, contact: Contact) -> bool:
        """Whether nothing is to be remembered of a contact whose flags are known."""
        tells_life = not contact.created_at or "created" in self.stored
        is_life = contact.life in (0, self.life)
        return contact.version in (0, self.seen) and tells_life and is_life

    def seen_at(self, contact: Contact) -> dict[str, Any]:
        """The same, with the contact's newer version, whose edit has touched no flag."""
        return {**self.stored, "seen": contact.version or self.seen, **made(contact)}

    def without_profile(self, contact: Contact | None, master: str) -> dict[str, Any]:
        """What is remembered of a contact with no profile to agree with: the flags wait for one."""
        stored = to_stored(self.scope, self.flags, contact, None, master)
        undone = contact and self.may_be_undone(contact) and any(self.undone_flags(contact))
        return {**stored, "life": UNDONE} if undone else stored

    def undone_flags(self, contact: Contact) -> list[str]:
        """Of a contact that may be undone, the agreed opt-outs that it no longer says. Not those
        that it was read without before.
        """
        before = {} if self.life == UNDONE else self.stored.get("dynamics", {})
        return [
            flag
            for flag, entry in self.flags.items()
            if entry["value"] and not contact.values.get(flag) and before.get(flag) is not False
        ]


def to_stored(
    scope: Scope,
    flags: Mapping[str, Any],
    contact: Contact | None,
    profile: Profile | None,
    master: str,
) -> dict[str, Any]:
    stored: dict[str, Any] = {"mode": scope.mode, "pairs": dict(scope.pairs), "flags": dict(flags)}
    if contact:
        stored |= {"dynamics": dict(contact.values), "version": contact.version, "master": master}
        stored |= {"empty": sorted(contact.empty)} if contact.empty else {}
        stored |= made(contact)
    if profile:
        stored["campaign"] = {
            flag: [value, profile.times[flag]] for flag, value in profile.values.items()
        }
    return stored


def made(contact: Contact) -> dict[str, Any]:
    created = {"created": contact.created_at} if contact.created_at else {}
    return created | ({"life": contact.life} if contact.life else {})


def same(known: str, shown: str) -> bool:
    """Whether two times are one; an export tells no parts of a second."""
    if known == shown:
        return True
    first, second = instant(known), instant(shown)
    return "/" in shown and first is not None and second is not None and int(first) == int(second)
