"""Profiles whose key is a contact's id in another form, such as {8F0E...}. The contact's id does not find them. Pure.

Their opt-outs are passed on to the contact, once each: what was seen of them is remembered beside what its own profile said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.opt_out.sides import ALIAS, instant
from shared.records import Change, Kind

# In what the ledger remembers: {flag: since when, of what was passed on}, and the flags that wait for a contact to be there.
HELD, OWED = "aliases", "owed"


def campaign_in(told: Mapping[str, Any] | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (told or {}).get("campaign") or {}
    return found


def is_alias(told: Mapping[str, Any]) -> bool:
    """Whether these are opt-outs of a profile that the contact's id does not find. The ledger's row is of another profile."""
    campaign = campaign_in(told)
    return bool(campaign.get("alias")) and any(campaign["values"].values())


def noes(told: Mapping[str, Any]) -> dict[str, str]:
    """The flags by which an alias says no, and since when: as its profile was changed where Campaign tells no more."""
    campaign = campaign_in(told)
    return {flag: campaign["times"][flag] or campaign["changed"] for flag, value in campaign["values"].items() if value}


def passed_on_before(told: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether every no of an alias was passed on before; not where nobody tells since when it stands."""
    known = held.get(HELD, {})
    return all(flag in known and second(time) and second(time) <= second(known[flag]) for flag, time in noes(told).items())


def second(time: str) -> int:
    """An export tells no parts of a second; 0 where no time is told."""
    return int(instant(time) or 0)


def carried(held: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on to be remembered of aliases."""
    return {name: held[name] for name in (HELD, OWED) if name in held}


def passed_on(told: Mapping[str, Any], held: Mapping[str, Any], there: bool) -> dict[str, Any]:
    """What is remembered of aliases after theirs was passed on, or will be when the contact is `there`."""
    known, since = held.get(HELD, {}), noes(told) if is_alias(told) else {}
    known = {**known, **{flag: max(time, known.get(flag, ""), key=second) for flag, time in since.items()}}
    owed = [] if there else sorted({*held.get(OWED, []), *since})
    return {**({HELD: known} if known else {}), **({OWED: owed} if owed else {})}


def told_by_aliases(told: Mapping[str, Any], held: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is to be passed on: what an alias says now, and what was owed to a contact that was not there."""
    owed = dict.fromkeys(held.get(OWED, []), True)
    if not is_alias(told):
        return {"alias": ALIAS, "values": owed}
    campaign = campaign_in(told)
    return {**campaign, "values": {**campaign["values"], **owed}}


def one_each(changes: Iterable[Change]) -> list[Change]:
    """One change for each record: the newest one of its own profile, or the opt-outs of all its aliases.

    Rows of a file come in any order: the time of the change tells which is the newest, and of one second the last.

    An alias that says no goes before: whoever passes it on reads the contact's own profile too. One that says none is nobody's.
    """
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.record_id, []).append(change)
    return [group[0] if len(group) == 1 else merged(group) for group in groups.values()]


def together(record_id: str, *told: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The noes of several aliases of one contact as one row; None if no alias says no."""
    found = [Change(record_id, Kind.ROW, row={"campaign": campaign_in(one)}) for one in told if one and is_alias(one)]
    return one_each(found)[0].row if found else None


def noes_of_aliases(told: Mapping[str, Any]) -> set[str]:
    """The flags by which an alias says no; none where a row is no alias'."""
    return set(noes(told)) if is_alias(told) else set()


class AliasRows:
    """What is kept beside the dead letter of an opt-out: a line that could not be read, or opt-outs of profiles that the
    contact's id does not find. For the rest Campaign can be asked."""

    def merge(self, change: Change, kept: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        told = change.row or {}
        return told if "fault" in told else together(change.record_id, kept, told)

    def includes(self, arrived: Change, kept: Mapping[str, Any]) -> bool:
        return noes_of_aliases(kept) <= noes_of_aliases(arrived.row or {})


def merged(group: Sequence[Change]) -> Change:
    aliases = [change for change in group if is_alias(change.row or {})]
    own = [change for change in group if not campaign_in(change.row).get("alias")]
    if not aliases:
        return max(reversed(own or group), key=lambda change: second(str(campaign_in(change.row).get("changed", ""))))
    told = [campaign_in(change.row) for change in aliases]
    flags = dict.fromkeys(flag for one in told for flag in one["values"])
    values = {flag: any(one["values"].get(flag) for one in told) for flag in flags}
    times = {flag: max((noes(change.row or {}).get(flag, "") for change in aliases), key=second) for flag in values}
    certain = own or any(one["alias"] == ALIAS for one in told)  # both forms stand there: they are two profiles
    campaign = {**told[-1], "values": values, "times": times, **({"alias": ALIAS} if certain else {})}
    return replace(aliases[-1], row={"campaign": campaign})
