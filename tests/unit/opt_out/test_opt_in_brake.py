"""Opt-ins pass the brake; opt-outs of the same contact never wait for it."""

from typing import Any

import pytest

from shared.campaign.client import CampaignClient
from shared.errors import Retryable
from shared.opt_out.agreed_state import AgreedState, scope_of
from shared.opt_out.agreeing import Reconciler
from shared.opt_out.catalog import ActiveOptOut
from shared.opt_out.deciding import Mode
from shared.opt_out.opt_ins import HELD, OptInBrake
from shared.opt_out.systems import Profiles
from shared.records import WriteResult
from tests.unit.mapping.metadata import CONTACT, ID
from tests.unit.opt_out.test_never_undone import (
    ADDRESS,
    DOCUMENT,
    Campaign,
    Clock,
    Contacts,
    Decisions,
)
from tests.unit.opt_out.test_owned import PAIRS

OUT, IN = PAIRS[0], PAIRS[1]
BOTH = pytest.mark.parametrize("side", ["Dynamics", "Campaign"])


class World:
    """A contact that is opted out of the second flag on both sides, as agreed."""

    def __init__(self, mode: Mode = Mode.BOTH) -> None:
        clock = Clock()
        self.campaign, self.mode, self.state = Campaign(clock), mode, dict[str, Any]()
        self.client = CampaignClient(
            "https://mc.example.org/org/campaign", "key", self.campaign, self.campaign
        )  # type: ignore[arg-type]
        self.contacts = Contacts(clock, self.campaign)
        self.contacts.change(**{IN.column: True})
        self.campaign.create({"externalId": ID, IN.flag: True})
        self.counted, self.allowed = 0, True
        self.settle()

    def allow(self) -> bool:
        self.counted += self.allowed
        return self.allowed

    def take_back(self) -> None:
        self.counted -= 1

    def settle(self, **word: bool) -> WriteResult:
        brake = OptInBrake(self.allow, self.take_back)
        reconciler = Reconciler(
            self.contacts,  # type: ignore[arg-type]
            Profiles(self.client),
            Decisions(),  # type: ignore[arg-type]
            self.mode,
            float,
            brake,
        )
        active = ActiveOptOut(1, DOCUMENT, CONTACT, ADDRESS)
        state = AgreedState(self.state, scope_of(self.mode, PAIRS))
        result = reconciler.reconcile(active, ID, self.contacts.now(), state, **word)
        self.state = dict(result.agreed) or self.state
        return result

    def opt_in(self, side: str) -> None:
        if side == "Dynamics":
            self.contacts.change(**{IN.column: False})
        else:
            self.campaign.change({IN.flag: False})

    def says(self, flag: str) -> tuple[bool, bool]:
        return self.contacts.now().values[flag], bool(self.campaign.profile[flag])


@BOTH
def test_an_opt_in_is_counted_and_done(side: str) -> None:
    world = World()
    world.opt_in(side)
    assert world.settle().reason == ""
    assert (world.says(IN.flag), world.counted) == ((False, False), 1)


@BOTH
def test_an_opt_in_beyond_the_brake_waits_and_is_done_when_a_person_confirms(side: str) -> None:
    world = World()
    world.opt_in(side)
    world.allowed = False
    for _ in range(2):
        assert world.settle().reason == HELD
        assert sorted(world.says(IN.flag)) == [False, True]
    assert world.settle(is_confirmed=True).reason == ""
    assert world.says(IN.flag) == (False, False)


@BOTH
def test_an_opt_in_that_a_person_refuses_is_left_and_not_asked_about_again(side: str) -> None:
    world = World()
    world.opt_in(side)
    world.allowed = False
    assert world.settle(is_refused=True).reason == ""
    assert sorted(world.says(IN.flag)) == [False, True]
    assert world.state["flags"][IN.flag]["value"] is True


@BOTH
@pytest.mark.parametrize("elsewhere", ["Dynamics", "Campaign", "nothing"])
def test_an_opt_in_that_was_refused_is_no_new_one_when_something_else_changes(
    side: str, elsewhere: str
) -> None:
    world = World()
    world.opt_in(side)
    world.settle(is_refused=True)
    refused = world.says(IN.flag)
    assert True in refused
    if elsewhere == "Dynamics":
        world.contacts.change(**{OUT.column: True})
    elif elsewhere == "Campaign":
        world.campaign.change({OUT.flag: True})
    for _ in range(2):
        world.settle()
        now = world.says(IN.flag)
        assert now in (refused, (True, True))  # an edit since may be an opt-out
    assert world.counted == 0
    assert world.says(OUT.flag) == (elsewhere != "nothing",) * 2


def test_an_opt_in_after_a_refused_one_is_done_when_a_person_confirms_it() -> None:
    """It is another one: the contact has opted out in between."""
    world = World()
    world.opt_in("Dynamics")
    world.settle(is_refused=True)
    world.contacts.change(**{IN.column: True})
    world.settle()
    world.opt_in("Dynamics")
    world.allowed = False
    for _ in range(2):
        assert world.settle().reason == HELD
    world.settle(is_confirmed=True)
    assert world.says(IN.flag) == (False, False)


def test_a_refused_opt_in_stays_so_when_another_pair_gets_other_columns() -> None:
    world = World()
    world.opt_in("Dynamics")
    world.settle(is_refused=True)
    world.state["pairs"][OUT.flag] = "another column"
    world.settle()
    assert (world.says(IN.flag), world.counted) == ((False, True), 0)


def test_who_opts_out_and_in_again_since_a_refusal_is_opted_in() -> None:
    world = World()
    world.opt_in("Dynamics")
    world.settle(is_refused=True)
    world.contacts.change(**{IN.column: True})
    world.settle()
    world.opt_in("Dynamics")
    world.settle()
    assert (world.says(IN.flag), world.counted) == ((False, False), 1)


@BOTH
def test_an_opt_out_beside_an_opt_in_that_waits_is_written_at_once(side: str) -> None:
    world = World()
    world.contacts.change(**{OUT.column: OUT.column_value(True)})
    world.opt_in(side)
    world.allowed = False
    assert world.settle().reason == HELD
    assert world.says(OUT.flag) == (True, True)
    world.settle(is_confirmed=True)
    assert (world.says(OUT.flag), world.says(IN.flag)) == ((True, True), (False, False))


def test_an_opt_in_that_fails_is_taken_back() -> None:
    world = World()
    world.opt_in("Dynamics")
    send = world.campaign.send

    def fails(request: Any) -> Any:
        if request.method == "PATCH":
            raise Retryable("no answer")
        return send(request)

    world.campaign.send = fails  # type: ignore[method-assign]
    with pytest.raises(Retryable):
        world.settle()
    assert world.counted == 0


def test_opt_outs_are_not_counted() -> None:
    world = World()
    world.allowed = False
    world.contacts.change(**{OUT.column: OUT.column_value(True)})
    assert world.settle().reason == ""
    assert world.says(OUT.flag) == (True, True)
