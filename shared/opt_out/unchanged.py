"""Decisions on opt-outs that need no call: both systems say what they were last seen to say."""

from dataclasses import replace
from typing import Any

from shared.opt_out.agreed_state import AgreedState, to_stored
from shared.opt_out.aliases import carried
from shared.opt_out.systems import Contact, Profile
from shared.pipeline.decision import Act, Decision
from shared.records import Change, Outcome
from shared.state.ledger_rows import LedgerRow


def quiet(change: Change) -> Decision:
    return Decision(change, Act.NOTHING, Outcome.UNCHANGED, note=False)


def called_for(
    change: Change, made: Profile | None, row: LedgerRow | None, state: AgreedState
) -> Decision | None:
    """The contacts flow has come to a contact: what waits for that, or found no profile before,
    goes on; None if it must look.

    It need not where it is known with which flags the profile was `made`, and they are what
    Dynamics was seen to say: if either side says something else since, its feed tells.
    """
    if row is None or row.outcome not in (Outcome.WAITING, Outcome.FILTERED):
        return quiet(change)
    if not made or not state.current:
        return None
    agreed = first_agreed(state, made, None)
    return replace(quiet(change), note=True, agreed=agreed) if agreed else None


def seen_again(change: Change, contact: Contact, state: AgreedState) -> Decision:
    """Nothing new of a contact but perhaps its version, whose edit has touched no flag.

    A lower one is of a restored environment. An earlier version of ours did not remember when the
    contact was made.
    """
    if state.is_as_seen(contact):
        return quiet(change)
    return replace(quiet(change), note=True, agreed=state.seen_at(contact))


def first_agreed(state: AgreedState, profile: Profile, contact: Contact | None) -> dict[str, Any]:
    """What is remembered where both say the same and nothing was agreed before; {} where there is
    more to decide.

    `contact` as it was looked at, or None: as it is remembered. What Campaign's feed tells may be
    old; then it tells more, which is compared with this.
    """
    values = contact.values if contact else state.stored.get("dynamics", {})
    if (
        state.flags
        or "campaign" in state.stored
        or (contact and contact.master)
        or dict(values) != dict(profile.values)
    ):
        return {}
    flags = {
        flag: {"value": value, "time": profile.times[flag]}
        for flag, value in profile.values.items()
    }
    agreed = carried(state.stored) | to_stored(state.scope, flags, contact, profile, "")
    return agreed if contact else {**state.stored, **agreed}
