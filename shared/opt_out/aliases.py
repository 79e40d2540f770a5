"""Profiles whose key is a contact's id in another form, such as {8F0E...}.

The contact's id does not find them. Pure.

Their opt-outs are passed on to the contact, once each: what was seen of them is remembered beside
what its own profile said.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.opt_out.rows import FAULT, Flags, flags_in, read_row
from shared.opt_out.systems import ALIAS, instant
from shared.records import Change, Kind

# In what the ledger remembers: {flag: since when, of what was passed on}, and the flags that wait
# for a contact to be there.
HELD, OWED = "aliases", "owed"


def passed_on_before(flags: Flags, stored: Mapping[str, Any]) -> bool:
    """Whether every opt-out of an alias was passed on before; not where nobody tells since when it
    stands.
    """
    passed = stored.get(HELD, {})
    return all(
        flag in passed and second(time) and second(time) <= second(passed[flag])
        for flag, time in flags.since.items()
    )


def second(time: str) -> int:
    """An export tells no parts of a second; 0 where there is no time."""
    return int(instant(time) or 0)


def carried(stored: Mapping[str, Any]) -> dict[str, Any]:
    """What goes on to be remembered of aliases."""
    return {name: stored[name] for name in (HELD, OWED) if name in stored}


def passed_on(flags: Flags | None, stored: Mapping[str, Any], there: bool) -> dict[str, Any]:
    """What is remembered of aliases after theirs was passed on, or will be when the contact is
    `there`.
    """
    passed, since = stored.get(HELD, {}), flags.since if flags and flags.is_alias else {}
    passed = {
        **passed,
        **{flag: max(time, passed.get(flag, ""), key=second) for flag, time in since.items()},
    }
    owed = [] if there else sorted({*stored.get(OWED, []), *since})
    return {**({HELD: passed} if passed else {}), **({OWED: owed} if owed else {})}


def alias_flags(flags: Flags | None, stored: Mapping[str, Any]) -> Flags:
    """What is to be passed on: what an alias says now, and what was owed to a contact that was not
    there.
    """
    owed = dict.fromkeys(stored.get(OWED, []), True)
    if flags and flags.is_alias:
        return replace(flags, values={**flags.values, **owed})
    return Flags(owed, {}, alias=ALIAS)


def one_each(changes: Iterable[Change]) -> list[Change]:
    """One change for each record: the newest one of its own profile, or the opt-outs of all its
    aliases.

    Rows of a file come in any order: the time of the change tells which is the newest, and of one
    second the last.

    An alias that opts out goes before: whoever passes it on reads the contact's own profile too.
    One that does not is nobody's.
    """
    groups: dict[str, list[Change]] = {}
    for change in changes:
        groups.setdefault(change.record_id, []).append(change)
    return [group[0] if len(group) == 1 else merged(group) for group in groups.values()]


def together(record_id: str, *rows: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The opt-outs of several aliases of one contact as one row; None if no alias opts out."""
    aliases = [flags for one in rows if one and (flags := alias_in(one))]
    changes = [Change(record_id, Kind.ROW, row=flags.as_row()) for flags in aliases]
    return one_each(changes)[0].row if changes else None


def alias_in(row: Mapping[str, Any] | None) -> Flags | None:
    """The flags of an alias that opts out; None where a row is no alias'."""
    flags = flags_in(read_row(row))
    return flags if flags and flags.is_alias else None


class AliasRows:
    """What is kept beside the dead letter of an opt-out: a line that could not be read, or opt-outs
    of profiles that the
    contact's id does not find. For the rest Campaign can be asked.
    """

    def merge(self, change: Change, kept: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        arrived = change.row or {}
        return arrived if FAULT in arrived else together(change.record_id, kept, arrived)

    def includes(self, arrived: Change, kept: Mapping[str, Any]) -> bool:
        there, here = alias_in(kept), alias_in(arrived.row)
        return set(there.since if there else ()) <= set(here.since if here else ())


def merged(group: Sequence[Change]) -> Change:
    observed = [(change, flags_in(read_row(change.row)) or Flags({}, {})) for change in group]
    own = [(change, flags) for change, flags in observed if not flags.alias]
    aliases = [(change, flags) for change, flags in observed if flags.is_alias]
    if not aliases:
        return max(reversed(own or observed), key=lambda one: second(one[1].changed))[0]
    all_flags, newest = [flags for _, flags in aliases], aliases[-1]
    names = dict.fromkeys(flag for flags in all_flags for flag in flags.values)
    values = {name: any(flags.values.get(name) for flags in all_flags) for name in names}
    times = {
        name: max((flags.since.get(name, "") for flags in all_flags), key=second) for name in names
    }
    certain = own or any(
        flags.alias == ALIAS for flags in all_flags
    )  # both forms stand there: they are two profiles
    alias = ALIAS if certain else newest[1].alias
    return replace(
        newest[0], row=replace(newest[1], values=values, times=times, alias=alias).as_row()
    )
