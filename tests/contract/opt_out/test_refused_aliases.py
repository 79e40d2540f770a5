"""A no of a profile under another form of the contact's id, which Dynamics refused: Campaign tells
it once, so it stays until it has arrived.
"""

import pytest

from shared.opt_out.flow import FROM_DYNAMICS
from shared.opt_out.systems import ALIAS
from shared.pipeline.replay import replay
from shared.records import Change, Kind
from tests.contract.opt_out.kit import COLUMN, World
from tests.contract.opt_out.test_aliases import PHONE, alias_of

FLOW = "opt_out"
REFUSED = {"status": 400, "body": {"error": {"code": "0x80040265", "message": "It was refused."}}}


def refuse(world: World, contact: str) -> None:
    world.dynamics.faults({"match": {"method": "PATCH", "path": contact}, "action": REFUSED})


def refused_alias(world: World, own: bool) -> str:
    """A contact, perhaps with its own profile, whose alias said no and was refused."""
    contact = world.person() if own else world.contact()
    world.quiet()
    refuse(world, contact)
    world.profile(alias_of(contact), no=True)
    world.sync()
    assert world.wiring.bridge.deadletters.get(FLOW, contact)
    assert not world.dynamics.contact(contact)[COLUMN]
    world.dynamics.faults()
    return contact


def has_arrived(world: World, contact: str) -> bool:
    return (
        bool(world.dynamics.contact(contact)[COLUMN])
        and world.wiring.bridge.deadletters.get(FLOW, contact) is None
    )


@pytest.mark.parametrize("own", [True, False], ids=["own profile", "no own profile"])
def test_the_next_delivery_of_its_contact_passes_it_on(world: World, own: bool) -> None:
    contact = refused_alias(world, own)
    bridge = world.wiring.bridge
    bridge.handoff.put(
        "opt-out", FLOW, "contact", 1, [Change(contact, Kind.REFERENCE, first_seen=bridge.now())]
    )
    world.from_campaign.drain()
    assert has_arrived(world, contact)


@pytest.mark.parametrize("column", [COLUMN, "donotphone"])
def test_a_no_of_the_contact_itself_passes_it_on(world: World, column: str) -> None:
    contact = refused_alias(world, own=True)
    world.in_dynamics(contact, no=True, column=column)
    world.sync()
    assert has_arrived(world, contact)


def test_a_later_refusal_does_not_take_its_place(world: World) -> None:
    contact = refused_alias(world, own=True)
    fault = {
        "match": {"method": "PATCH", "route": "^/profileAndServicesExt/profile"},
        "action": {"status": 400},
    }
    world.campaign.faults(fault)
    world.in_dynamics(contact, no=True, column="donotphone")
    world.sync(FROM_DYNAMICS)
    world.campaign.faults()
    assert handed_off_again(world) == 1
    assert has_arrived(world, contact)


def test_two_aliases_that_were_refused_are_both_heard(world: World) -> None:
    contact = refused_alias(world, own=True)
    refuse(world, contact)
    bridge = world.wiring.bridge
    flags = [pair.flag for pair in world.wiring.opt_out_catalog.pairs()]
    reported = {
        "values": {flag: flag == PHONE for flag in flags},
        "times": dict.fromkeys(flags, ""),
        "changed": "",
    }
    change = Change(contact, Kind.ROW, 0, {"campaign": {**reported, "alias": ALIAS}}, bridge.now())
    bridge.handoff.put("opt-out", FLOW, "contact", 1, [change])
    world.from_campaign.drain()
    world.dynamics.faults()
    assert handed_off_again(world) == 1
    assert has_arrived(world, contact)
    assert world.dynamics.contact(contact)["donotphone"]


def handed_off_again(world: World) -> int:
    """A person replays what was refused, and it is delivered; returns how many letters that
    were.
    """
    count = replay(world.from_campaign.flow, world.wiring.bridge, "dead_letters").count
    world.from_campaign.drain()
    return count
