"""Opt-ins pass the brake: what takes an opt-out back, in either system, may have to wait for a
person.

Opt-outs never wait: of a contact that has both, the opt-outs are written.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from shared.errors import BridgeError
from shared.opt_out.agreed_state import AgreedState
from shared.opt_out.deciding import OPT_OUT, FlagDecision, Rule
from shared.opt_out.systems import Contact, Profile
from shared.pipeline.brake import OPTED_IN, permitted, take_back
from shared.pipeline.flow import Bridge, Flow

HELD = "too many opt-ins"
SENTENCE = "A person must allow this opt-in first: the flow asks about many of them."


class Answer(Enum):
    """What may become of the opt-ins of one contact."""

    COUNTED = "counted"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class OptInBrake:
    """`allow` counts the opt-in of one contact, if it may be done; `take_back` one that was not."""

    allow: Callable[[], bool] = lambda: True
    take_back: Callable[[], None] = lambda: None

    def ask(self, is_confirmed: bool, is_refused: bool) -> Answer:
        if is_confirmed:
            return Answer.CONFIRMED
        if is_refused:
            return Answer.REFUSED
        return Answer.COUNTED if self.allow() else Answer.HELD

    @contextmanager
    def counting(self, answer: Answer) -> Iterator[None]:
        """An opt-in that fails is counted when it is tried again."""
        try:
            yield
        except BridgeError:
            if answer is Answer.COUNTED:
                self.take_back()
            raise


def opt_in_brake(flow: Callable[[], Flow], bridge: Callable[[], Bridge]) -> OptInBrake:
    """Counts the opt-ins of one contact each, in the flow's row."""
    return OptInBrake(
        lambda: permitted(flow(), bridge(), {OPTED_IN: 1}),
        lambda: take_back(flow(), bridge(), {OPTED_IN: 1}),
    )


def opt_ins(
    contact: Contact, profile: Profile, flag_decisions: Mapping[str, FlagDecision]
) -> frozenset[str]:
    """The flags whose opt-out is taken back on one side at least."""
    return frozenset(
        flag
        for flag, one in flag_decisions.items()
        if (contact.values[flag] and not one.dynamics)
        or (profile.values[flag] and not one.campaign)
    )


def left_refused(
    flags: Iterable[str], contact: Contact, profile: Profile, state: AgreedState
) -> dict[str, FlagDecision]:
    """Those of the flags whose opt-in a person has refused, and that say on both sides what they
    said then: as they are, and as it is remembered. Their opt-in is no new one, whatever else of
    the contact changes.
    """
    values = {flag: (contact.values[flag], profile.values[flag]) for flag in flags}
    return {
        flag: FlagDecision(*sides, True, Rule.NOTHING_CHANGED, OPT_OUT)
        for flag, sides in values.items()
        if state.flags.get(flag, {}).get("rule") == Rule.REFUSED
        and state.saw(flag, contact, profile)
    }


def undecided(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What was agreed of a flag that is asked about now: an answer of before is not one to this."""
    return {name: entry[name] for name in entry if name != "rule"}


def without(
    flags: frozenset[str],
    contact: Contact,
    profile: Profile,
    flag_decisions: Mapping[str, FlagDecision],
) -> dict[str, FlagDecision]:
    """With these flags left on both sides as they are; the opt-out stays agreed."""
    left = {
        flag: FlagDecision(contact.values[flag], profile.values[flag], True, Rule.REFUSED, OPT_OUT)
        for flag in flags
    }
    return {**flag_decisions, **left}
