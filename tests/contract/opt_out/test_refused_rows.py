"""One contact that the bridge may not write: its opt-out is a dead letter that names the privilege,
all others go on.
"""

from typing import Any

import pytest

from shared.pipeline.replay import replay
from shared.state.flows import FAILED, RUNNING
from tests.contract.battery.kit import outcomes
from tests.contract.opt_out.kit import World

FLOW = "opt_out"


def refused(world: World, contact: str) -> tuple[str, str]:
    letter = world.wiring.bridge.deadletters.get(FLOW, contact)
    assert letter
    return letter.reason, letter.sentence


@pytest.mark.parametrize("wording", ["record", "privilege"])
def test_a_row_of_another_business_unit_stops_nobody_else(world: World, wording: str) -> None:
    secured, *others = [world.person() for _ in range(3)]
    world.quiet()
    for contact in (secured, *others):
        world.in_campaign(contact, True)
    world.dynamics.emulator.json("POST", "/access", {"secured": {secured: wording}})
    assert sorted(outcomes(world.sync())).count("rejected") == 1
    assert [world.says(contact) for contact in others] == [(True, True)] * 2
    reason, sentence = refused(world, secured)
    assert reason == "access_denied"
    assert "prvWriteContact" in sentence
    assert world.wiring.bridge.flows.read(FLOW).status == RUNNING
    assert not world.safe()["safe"]
    world.dynamics.emulator.json("POST", "/access", {})
    replay(world.from_campaign.flow, world.wiring.bridge, "dead_letters")
    world.from_campaign.drain()
    assert world.says(secured) == (True, True)
    assert world.wiring.bridge.deadletters.get(FLOW, secured) is None


def test_a_table_that_may_not_be_written_pauses_the_flow_and_names_the_privilege(
    world: World,
) -> None:
    contact = world.person()
    world.quiet()
    world.in_campaign(contact, True)
    world.dynamics.emulator.json("POST", "/access", {"privileges": {"prvWriteContact": "None"}})
    world.from_campaign.poll()
    for message in world.from_campaign.messages():
        world.from_campaign.deliver(message)
    state = world.wiring.bridge.flows.read(FLOW)
    assert (state.status, state.setting) == (FAILED, "security role")
    assert "prvWriteContact" in state.reason


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        pytest.param(400, "0x80040265", "refused_value", id="a plug-in"),
        pytest.param(412, "0x80040333", "duplicate_found", id="duplicate detection"),
        pytest.param(400, "0x80048408", "refused_value", id="a state"),
    ],
)
def test_a_refusal_of_one_row_is_a_dead_letter(
    world: World, status: int, code: str, reason: str
) -> None:
    one, other = world.person(), world.person()
    world.quiet()
    body: dict[str, Any] = {"error": {"code": code, "message": "It was refused."}}
    world.dynamics.faults(
        {"match": {"method": "PATCH", "path": one}, "action": {"status": status, "body": body}}
    )
    world.in_campaign(one, True)
    world.in_campaign(other, True)
    world.sync()
    assert refused(world, one)[0] == reason
    assert world.says(other) == (True, True)
    assert world.wiring.bridge.flows.read(FLOW).status == RUNNING
