"""What a change tells of a contact's opt-outs: five shapes of its row, each a type, read and
written in this file alone.

| type        | the row                                             | comes from          |
|-------------|-----------------------------------------------------|---------------------|
| Columns     | {column: value}                                     | Dynamics' feed      |
| Flags       | {"campaign": {"values", "times", ...}}              | Campaign's feed     |
| ProfileMade | {"settled": {"values", "times"} or null}            | the contacts flow   |
| Refetched   | {"dynamics": contact or null, "campaign"?, "feed"?} | a look at Dynamics  |
| Unreadable  | {"fault": ...}                                      | a line of an export |

`Flags` may also hold "changed" and "alias". A `Refetched` row {} is of nobody.

The rows travel in queue messages, so an earlier version's are read too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.opt_out.systems import Contact, Profile

FAULT, SETTLED = "fault", "settled"


@dataclass(frozen=True, slots=True)
class Columns:
    """A contact's columns, as Dynamics' feed brings them."""

    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Flags:
    """A profile's flags, True for an opt-out, with the time of each; `changed`: when the profile
    was.

    Times are Campaign's texts.

    `alias`: ALIAS or MAYBE_ALIAS where the profile's key is the contact's id in another form, else
    "".
    """

    values: Mapping[str, bool] = field(repr=False)
    times: Mapping[str, str] = field(repr=False)
    changed: str = ""
    alias: str = ""

    @property
    def is_alias(self) -> bool:
        """Whether these are opt-outs of a profile that the contact's id does not find.

        The ledger's row is of another profile.
        """
        return bool(self.alias) and any(self.values.values())

    @property
    def since(self) -> dict[str, str]:
        """The flags that opt out, and since when: as the profile was changed where Campaign tells
        no more.
        """
        return {
            flag: self.times[flag] or self.changed for flag, value in self.values.items() if value
        }

    @property
    def profile(self) -> Profile:
        return Profile(self.values, self.times)

    def as_entry(self) -> dict[str, Any]:
        entry = {"values": dict(self.values), "times": dict(self.times), "changed": self.changed}
        return entry | ({"alias": self.alias} if self.alias else {})

    def as_row(self) -> dict[str, Any]:
        return {"campaign": self.as_entry()}


@dataclass(frozen=True, slots=True)
class ProfileMade:
    """The contacts flow has come to the contact; `profile`: the flags with which it made its
    profile, None if it has not.
    """

    profile: Profile | None

    def as_row(self) -> dict[str, Any]:
        made = self.profile
        return {SETTLED: {"values": dict(made.values), "times": dict(made.times)} if made else None}


@dataclass(frozen=True, slots=True)
class Refetched:
    """`contact` as Dynamics holds it now, None where it is gone; what Campaign reported.

    `fed`: Dynamics' feed brought the change.
    """

    contact: Contact | None = None
    flags: Flags | None = None
    fed: bool = False

    @property
    def any_opt_out(self) -> bool:
        """Whether either side opts out, as far as it tells."""
        return any(any(side.values.values()) for side in (self.flags, self.contact) if side)

    def as_row(self) -> dict[str, Any]:
        contact, flags = self.contact, self.flags
        held = (
            {**asdict(contact), "held": sorted(contact.held), "empty": sorted(contact.empty)}
            if contact
            else None
        )
        for name in ("created_at", "life"):
            if held and not held[name]:
                del held[name]
        return {
            "dynamics": held,
            **(flags.as_row() if flags else {}),
            **({"feed": True} if self.fed else {}),
        }


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line or a file that could not be read; `fault` says why (shared/sftp)."""

    fault: Any = field(repr=False)


OptOutRow = Columns | Flags | ProfileMade | Refetched | Unreadable


def read_row(row: Mapping[str, Any] | None) -> OptOutRow:
    """The row of a change; None is of nobody."""
    observation: Mapping[str, Any] = row or {}
    if FAULT in observation:
        return Unreadable(observation[FAULT])
    if SETTLED in observation:
        made = observation[SETTLED]
        return ProfileMade(Profile(made["values"], made["times"]) if made else None)
    if not observation or "dynamics" in observation:
        flags = flags_of(observation["campaign"]) if observation.get("campaign") else None
        return Refetched(
            contact_of_row(observation.get("dynamics")), flags, bool(observation.get("feed"))
        )
    return (
        flags_of(observation["campaign"]) if observation.get("campaign") else Columns(observation)
    )


def flags_of(entry: Mapping[str, Any]) -> Flags:
    return Flags(entry["values"], entry["times"], entry.get("changed", ""), entry.get("alias", ""))


def contact_of_row(row: Mapping[str, Any] | None) -> Contact | None:
    return (
        Contact(**{**row, "held": frozenset(row["held"]), "empty": frozenset(row.get("empty", ()))})
        if row
        else None
    )


def flags_in(observation: OptOutRow) -> Flags | None:
    """What Campaign reported, None where the change tells nothing of it."""
    return (
        observation
        if isinstance(observation, Flags)
        else observation.flags
        if isinstance(observation, Refetched)
        else None
    )
