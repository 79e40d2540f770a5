"""A contact leaves the filter of its document, and its profile is deleted: what people said to
Campaign alone is passed on to the contact, and comes back with the profile. In memory.
"""

from typing import Any

import pytest

from shared.opt_out.deciding import Rule
from shared.pipeline.deliver import deliver
from shared.records import Change, Kind
from tests.unit.memory import Memory, played
from tests.unit.test_waiting_records import FILTERED

COLUMN, FLAG = "donotbulkemail", "blackListEmail"
OPT_OUT = "opt-out"


def profile(world: Memory) -> dict[str, Any]:
    (found,) = world.held("contact")
    return found


def says_in_campaign(world: Memory, value: bool) -> None:
    table = world.systems.gateway.engine.tables["profile"]
    number = table.by_key(profile(world)["externalId"])
    assert number
    world.systems.gateway.engine.change(table.resource, number, {FLAG: value})


def opt_outs(world: Memory) -> list[str]:
    """Delivers what is on the opt-outs' queue; the outcomes."""
    bridge, flow, found = world.wiring.bridge, world.wiring.opt_out.deliver(), list[str]()
    while message := bridge.handoff.receive(OPT_OUT, 600.0):
        settled = deliver(flow, bridge, message.content.encode(), message.receipts)
        bridge.handoff.complete(OPT_OUT, message)
        found += [one.outcome.value for one in settled]
    return found


def look(world: Memory, contact: str) -> None:
    """As Campaign's feed calls for it."""
    change = Change(contact, Kind.REFERENCE, first_seen=world.now, replay=True)
    world.wiring.bridge.handoff.put(OPT_OUT, "opt_out", "contact", 0, [change])
    opt_outs(world)


def column(world: Memory, contact: str) -> bool:
    row = world.systems.there("contact", contact)
    assert row
    return bool(row[COLUMN])


@pytest.mark.parametrize("mode", ["both", "from-campaign"])
def test_an_opt_out_that_campaign_alone_knew_comes_back_with_its_profile(mode: str) -> None:
    def body(world: Memory) -> None:
        world.settings["OPT_OUT_MODE"] = mode
        contact = world.contact()
        world.sync("contact")
        says_in_campaign(world, True)
        world.change("contact", contact, statecode=1)
        world.sync("contact")
        assert world.held("contact") == []
        assert opt_outs(world) == ["updated"]
        assert column(world, contact)
        rules = [row["rule"] for row in world.rows_of("decisions") if "rule" in row]
        assert set(rules) == {Rule.ALIAS.value}
        world.change("contact", contact, statecode=0)
        world.sync("contact")
        assert profile(world)[FLAG]

    played(body, FILTERED)


def test_an_opt_out_is_passed_on_before_its_profile_is_deleted() -> None:
    """Whoever is cut off in between does both once more."""

    def body(world: Memory) -> None:
        world.settings["OPT_OUT_MODE"] = "both"
        contact = world.contact()
        world.sync("contact")
        says_in_campaign(world, True)
        flow = world.flow("contact")
        flow.leaves(flow.active().address, contact)
        assert world.held("contact")
        assert opt_outs(world) == ["updated"]
        flow.leaves(flow.active().address, contact)
        assert opt_outs(world) == [], "it is known by now"

    played(body, FILTERED)


@pytest.mark.parametrize(
    ("mode", "value", "is_known"),
    [
        pytest.param("both", False, False, id="no opt-out"),
        pytest.param("both", True, True, id="an opt-out that was decided on"),
        pytest.param("to-campaign", True, False, id="a mode that does not read Campaign"),
        pytest.param("disabled", True, False, id="no opt-outs are carried"),
    ],
)
def test_what_is_known_or_nobodys_opt_out_is_not_passed_on(
    mode: str, value: bool, is_known: bool
) -> None:
    def body(world: Memory) -> None:
        world.settings["OPT_OUT_MODE"] = mode
        contact = world.contact()
        world.sync("contact")
        says_in_campaign(world, value)
        if is_known:
            look(world, contact)
            assert column(world, contact)
        world.change("contact", contact, statecode=1)
        world.sync("contact")
        assert world.held("contact") == []
        assert world.wiring.bridge.handoff.length(OPT_OUT) == 0

    played(body, FILTERED)


def test_the_opt_outs_of_a_deleted_contact_go_with_it() -> None:
    def body(world: Memory) -> None:
        world.settings["OPT_OUT_MODE"] = "both"
        contact = world.contact()
        world.sync("contact")
        says_in_campaign(world, True)
        world.delete("contact", contact)
        world.sync("contact")
        assert world.held("contact") == []
        assert world.wiring.bridge.handoff.length(OPT_OUT) == 0

    played(body, FILTERED)
