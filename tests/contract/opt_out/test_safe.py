"""Safe to send: no while a no is anywhere on its way; yes when all is settled."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.errors import Misconfigured
from shared.pipeline.running import fail, start, stop
from shared.state.flows import FAILED
from tests.contract.battery.kit import Killed, KilledAt
from tests.contract.opt_out.kit import FLAG, World

SAFE = {"safe": True, "reasons": []}


def said(world: World) -> str:
    answer = world.safe()
    assert not answer["safe"]
    return " ".join(answer["reasons"])


def unread_in_dynamics(world: World, person: str) -> str:
    world.in_dynamics(person, no=True)
    return "Changes of opt-outs in Dynamics that have not been read: 1"


def unread_in_campaign(world: World, person: str) -> str:
    world.in_campaign(person, no=True)
    return "Changes of opt-outs in Campaign that have not been read: 1"


def on_the_queue(world: World, person: str) -> str:
    world.in_dynamics(person, no=True)
    world.from_dynamics.poll()
    return "Messages with opt-outs that are on their way: 1"


def in_work(world: World, person: str) -> str:
    on_the_queue(world, person)
    assert len(world.from_dynamics.messages()) == 1
    return "Messages with opt-outs that are on their way: 1"


def died_in_work(world: World, person: str) -> str:
    on_the_queue(world, person)
    (message,) = world.from_dynamics.messages()
    world.from_dynamics.kill_while_delivering(message, "ledger", "claim", after=True)
    return "Messages with opt-outs that are on their way: 1"


def died_while_reading(world: World, person: str) -> str:
    world.in_campaign(person, no=True)
    side = world.from_campaign
    with pytest.raises(Killed):
        side.poll(replace(side.bridge, handoff=KilledAt(side.bridge.handoff, "put")))
    return "Changes of opt-outs in Campaign that have not been read: 1"


def poisoned(world: World, person: str) -> str:
    on_the_queue(world, person)
    (message,) = world.from_dynamics.messages()
    world.wiring.handoff.send("opt-out-poison", message.content)
    world.from_dynamics.complete(message)
    return "Replay the dead letters of opt_out"


def refused(world: World, person: str) -> str:
    world.dynamics.faults(
        {
            "match": {"method": "PATCH"},
            "action": {"status": 400, "body": {"error": {"code": "0x80040265"}}},
        }
    )
    world.in_campaign(person, no=True)
    world.sync()
    world.dynamics.faults()
    return "Opt-outs that were refused: 1"


def waiting(world: World, person: str) -> str:
    world.dynamics.faults(
        {"match": {"method": "PATCH"}, "action": {"status": 503, "headers": {"Retry-After": "60"}}}
    )
    world.in_campaign(person, no=True)
    world.from_campaign.poll()
    for message in world.from_campaign.messages():
        world.from_campaign.deliver(message)
    world.dynamics.faults()
    return "Opt-outs that wait to be written"


def stopped(world: World, person: str) -> str:
    world.in_dynamics(person, no=True)
    stop("opt_out", world.wiring.bridge, by="a test")
    return "Flow opt_out is stopped: stopped by a person"


def failed(world: World, person: str) -> str:
    world.in_campaign(person, no=True)
    fail(
        world.from_campaign.poller.key, world.wiring.bridge, Misconfigured("filter", "Publish it.")
    )
    assert world.wiring.bridge.flows.read("opt_out-from-campaign").status == FAILED
    return "Flow opt_out-from-campaign is failed: Publish it."


def a_late_poller(world: World, person: str) -> str:
    world.in_campaign(person, no=True)
    world.ahead += 20 * 60
    return "was last read to the end 20 min ago"


STATES: list[Callable[[World, str], str]] = [
    unread_in_dynamics,
    unread_in_campaign,
    on_the_queue,
    in_work,
    died_in_work,
    died_while_reading,
    poisoned,
    refused,
    waiting,
    stopped,
    failed,
    a_late_poller,
]


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
def test_not_safe_wherever_a_no_is(world: World, state: Callable[[World, str], str]) -> None:
    person, _ = world.person(), world.person(profile=True)
    world.quiet()
    assert world.safe() == SAFE
    sentence = state(world, person)
    assert sentence in said(world)


def test_safe_again_when_what_was_in_the_way_is_gone(world: World) -> None:
    person = world.person()
    world.quiet()
    stopped(world, person)
    start("opt_out", world.wiring.bridge, by="a test")
    world.quiet()
    assert world.safe() == SAFE


def test_other_edits_do_not_stand_in_the_way(world: World) -> None:
    people = [world.person(profile=True) for _ in range(3)]
    world.quiet()
    for person in people:
        world.dynamics.change_contact(person, quietly=True, firstname="Edited")
        world.campaign.http.json(
            "PATCH", f"/profileAndServicesExt/profile/{person}", {"firstName": "Edited"}
        )
    assert world.safe() == SAFE


def test_before_the_first_read_and_after_an_expired_token_it_cannot_be_safe(world: World) -> None:
    world.person(profile=True)
    assert "is being read as a whole" in said(world)
    world.quiet()
    world.dynamics.expire_change_tokens()
    assert "change token has expired" in said(world)


def test_a_system_that_does_not_answer_is_told(world: World) -> None:
    world.quiet()
    world.campaign.faults({"action": {"status": 500, "body": "RST-360011 An error has occurred."}})
    assert "It is not known now" in said(world)


def test_an_export_that_has_come_and_one_that_does_not(new_world: Callable[..., World]) -> None:
    world = new_world("both", OPT_OUT_SOURCE="file")
    world.document("stable_seconds: 60", "stable_seconds: 0")
    person = world.person()
    world.campaign.emulator.json("POST", "/export", {"log": "optOut"})
    world.quiet()
    assert world.safe() == SAFE
    world.in_campaign(person, no=True)
    world.campaign.emulator.json("POST", "/export", {"log": "optOut"})
    assert "Changes of opt-outs in Campaign that have not been read: 1" in said(world)
    world.quiet()
    profile = world.campaign.profile(person)
    assert profile is not None
    assert profile[FLAG]
    assert world.safe() == SAFE
    world.ahead += 30 * 3600
    world.sync()
    assert "No export of opt-outs has come for 30 h" in said(world)
