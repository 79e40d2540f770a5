"""The rules: what both sides say of one flag, what they last agreed on, and so what each shall say.
Pure.

Both ways. "Changed" is another value than agreed; for Campaign another time of the flag as well,
which tells of a no that was taken back and given again in between.

| agreed | Dynamics  | Campaign          | result                                           |
|--------|-----------|-------------------|--------------------------------------------------|
| none   | the same  | the same          | that value                                       |
| none   | differ    |                   | no: opt-out wins                                 |
| any    | the same  | the same          | that value                                       |
| no     | yes       | unchanged         | yes (`opt_in_from_dynamics: ignore`: no)         |
| yes    | no        | unchanged         | no                                               |
| yes    | unchanged | no                | no                                               |
| no     | unchanged | yes               | yes, if no edit came since or Campaign is later  |
| no     | unchanged | yes, edited later | no: opt-out wins, the edit may have been a no    |
| no     | yes       | no, given again   | no                                               |
| yes    | no        | yes, taken back   | yes, if Campaign is later than the edit; else no |

An empty column says nothing: it gives no opt-out, and takes none back that was agreed.
"Later" needs both times. Where one is not known, opt-out wins. One way, the side that is read is
copied when it has changed, the other keeps what it says until then; an opt-in is copied over a no
only if that no has not been given again.
"""

from dataclasses import dataclass, replace
from enum import StrEnum


class Mode(StrEnum):
    """OPT_OUT_MODE."""

    DISABLED = "disabled"
    TO_CAMPAIGN = "to-campaign"
    FROM_CAMPAIGN = "from-campaign"
    BOTH = "both"


class Rule(StrEnum):
    """Why a decision fell as it did, in words for its record."""

    NOTHING_CHANGED = "nothing has changed"
    FIRST_ALIKE = "no value was agreed yet, both say the same"
    FIRST_OPT_OUT = "no value was agreed yet, so opt-out wins"
    ALIKE = "both changed alike"
    DYNAMICS_CHANGED = "only Dynamics changed"
    CAMPAIGN_CHANGED = "only Campaign changed"
    CAMPAIGN_LATER = "both changed, and Campaign later"
    OPT_OUT_WINS = "both changed, and Campaign is not known to be later, so opt-out wins"
    EDITED_SINCE = (
        "the contact was edited since, and Campaign is not known to be later, so opt-out wins"
    )
    OPT_IN_IGNORED = "opt_in_from_dynamics is ignore"
    EMPTY = "the column is empty, and an empty column takes no opt-out back"
    HELD = "another column of the contact says no"
    OTHER_DIRECTION = "only the other direction is on"
    MERGED = "the contact was merged into this one"
    REFUSED = "too many opt-ins came at once, and a person has refused them"
    UNDONE = "a restore may have undone the opt-out, and nobody has taken it back since"
    ALIAS = "a profile that the contact's id does not find is opted out"


DYNAMICS, CAMPAIGN, BOTH, OPT_OUT = "dynamics", "campaign", "both", "opt-out"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed on: the value, and the flag's time at Campaign as it then read."""

    value: bool
    campaign_time: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What both say now.

    `held`: Dynamics says no by a column that is not ours to change. `edited`: the contact was
    changed, by
    anything, since the agreement. `later`: Campaign's flag changed later than the contact, None
    where that is not known.
    `empty`: the column in Dynamics has no value.
    """

    dynamics: bool
    campaign: bool
    campaign_time: str = ""
    held: bool = False
    edited: bool = True
    later: bool | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class FlagDecision:
    """What each side shall say, what is agreed by it, the rule, and whose value it is."""

    dynamics: bool
    campaign: bool
    agreed: bool
    rule: Rule
    winner: str


def decide(mode: Mode, seen: Seen, agreed: Agreed | None, allow_opt_in: bool) -> FlagDecision:
    """The decision on one flag of one contact."""
    if mode is Mode.FROM_CAMPAIGN:
        return from_campaign(seen, agreed)
    kept = seen.empty and agreed is not None and agreed.value
    meant = replace(seen, dynamics=True) if kept else seen
    if mode is Mode.TO_CAMPAIGN:
        return replace(to_campaign(meant, agreed, allow_opt_in), dynamics=seen.dynamics)
    value, rule, winner = both_ways(meant, agreed, allow_opt_in)
    if kept and rule is Rule.NOTHING_CHANGED:
        value, rule, winner = True, Rule.EMPTY, OPT_OUT
    if seen.held and not value:
        value, rule, winner = True, Rule.HELD, DYNAMICS
    return FlagDecision(value, value, value, rule, winner)


def kept_opt_out(mode: Mode, seen: Seen) -> FlagDecision:
    """On an opt-out that was agreed, and that neither side says any more though nobody has taken it
    back: a restore has undone it in Dynamics, and the profile was made again since.
    """
    to_dynamics, to_campaign = mode is not Mode.TO_CAMPAIGN, mode is not Mode.FROM_CAMPAIGN
    agreed = to_dynamics and to_campaign
    return FlagDecision(
        to_dynamics or seen.dynamics, to_campaign or seen.campaign, agreed, Rule.UNDONE, OPT_OUT
    )


def both_ways(seen: Seen, agreed: Agreed | None, allow_opt_in: bool) -> tuple[bool, Rule, str]:
    if seen.dynamics == seen.campaign:
        return seen.dynamics, alike(seen, agreed), BOTH
    if agreed is None:
        return True, Rule.FIRST_OPT_OUT, OPT_OUT
    if seen.dynamics != agreed.value:
        if seen.campaign_time != agreed.campaign_time:
            return conflict(seen, Rule.OPT_OUT_WINS)
        if not seen.dynamics and not allow_opt_in:
            return True, Rule.OPT_IN_IGNORED, CAMPAIGN
        return seen.dynamics, Rule.DYNAMICS_CHANGED, DYNAMICS
    if seen.campaign or not seen.edited:
        return seen.campaign, Rule.CAMPAIGN_CHANGED, CAMPAIGN
    return conflict(seen, Rule.EDITED_SINCE)


def alike(seen: Seen, agreed: Agreed | None) -> Rule:
    if agreed is None:
        return Rule.FIRST_ALIKE
    return Rule.NOTHING_CHANGED if seen.dynamics == agreed.value else Rule.ALIKE


def conflict(seen: Seen, otherwise: Rule) -> tuple[bool, Rule, str]:
    return (
        (seen.campaign, Rule.CAMPAIGN_LATER, CAMPAIGN) if seen.later else (True, otherwise, OPT_OUT)
    )


def to_campaign(seen: Seen, agreed: Agreed | None, allow_opt_in: bool) -> FlagDecision:
    """Dynamics is read, Campaign written; agreed is what was last read in Dynamics."""
    flag_decision = FlagDecision(
        seen.dynamics, seen.campaign, seen.dynamics, Rule.NOTHING_CHANGED, BOTH
    )
    if seen.dynamics == seen.campaign:
        return replace(flag_decision, rule=alike(seen, agreed))
    if seen.dynamics and (agreed is None or not agreed.value):
        rule = Rule.DYNAMICS_CHANGED if agreed else Rule.FIRST_OPT_OUT
        return replace(flag_decision, campaign=True, rule=rule, winner=DYNAMICS)
    if agreed is None or seen.dynamics == agreed.value:
        return replace(flag_decision, rule=Rule.OTHER_DIRECTION, winner=CAMPAIGN)
    if seen.campaign_time != agreed.campaign_time:
        return replace(flag_decision, rule=Rule.OPT_OUT_WINS, winner=OPT_OUT)
    if not allow_opt_in:
        return replace(flag_decision, rule=Rule.OPT_IN_IGNORED, winner=CAMPAIGN)
    return replace(flag_decision, campaign=False, rule=Rule.DYNAMICS_CHANGED, winner=DYNAMICS)


def from_campaign(seen: Seen, agreed: Agreed | None) -> FlagDecision:
    """Campaign is read, Dynamics written; agreed is what was last read in Campaign."""
    flag_decision = FlagDecision(
        seen.dynamics, seen.campaign, seen.campaign, Rule.NOTHING_CHANGED, BOTH
    )
    changed = agreed is not None and (seen.campaign, seen.campaign_time) != (
        agreed.value,
        agreed.campaign_time,
    )
    if seen.dynamics == seen.campaign:
        return replace(flag_decision, rule=alike(seen, agreed))
    if seen.campaign and (agreed is None or changed):
        rule = Rule.CAMPAIGN_CHANGED if agreed else Rule.FIRST_OPT_OUT
        return replace(flag_decision, dynamics=True, rule=rule, winner=CAMPAIGN)
    if not changed:
        return replace(flag_decision, rule=Rule.OTHER_DIRECTION, winner=DYNAMICS)
    if seen.held:
        return replace(flag_decision, rule=Rule.HELD, winner=DYNAMICS)
    if (seen.edited or not (agreed and agreed.value)) and not seen.later:
        return replace(flag_decision, rule=Rule.EDITED_SINCE, winner=OPT_OUT)
    return replace(flag_decision, dynamics=False, rule=Rule.CAMPAIGN_CHANGED, winner=CAMPAIGN)
