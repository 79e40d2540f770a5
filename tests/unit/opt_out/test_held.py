"""A contact whose opt-in waits for a person's answer, and whose other opt-out does not."""

import pytest

from shared.opt_out.documents import default_opt_out_document
from shared.pipeline import running
from shared.pipeline.answering import answer_parked
from shared.pipeline.jobs import carry_on_all
from shared.pipeline.replay import WORKS
from shared.pipeline.waiting_room import release_due
from shared.records import Change, Kind
from shared.state.ledger_rows import bucket, partition_name
from tests.unit.memory import Memory, played

HOUR = 3600.0
SETTINGS = {
    "OPT_OUT_MODE": "both",
    "OPT_OUT_SOURCE": "filter",
    "DELETE_BRAKE_RECORDS": "0",
    "DELETE_BRAKE_PERCENT": "0",
}


@pytest.mark.parametrize(
    ("confirm", "out_of_email"),
    [pytest.param(True, False, id="confirmed"), pytest.param(False, True, id="refused")],
)
def test_a_held_opt_in_waits_for_its_answer_also_beside_an_opt_out(
    confirm: bool, out_of_email: bool
) -> None:
    """What was written of it was answered, so nothing of it is in doubt: else opt-out would win."""

    def body(world: Memory) -> None:
        world.settings |= SETTINGS
        container = world.account.blob.get_container_client("config")
        container.upload_blob("opt-out/opt_out.yaml", default_opt_out_document(), overwrite=True)
        contact = world.contact(donotemail=True)
        world.sync("contact")
        deliver_for(world, contact, 60)
        world.change("contact", contact, donotemail=False, donotphone=True)
        deliver_for(world, contact, HOUR)
        row = world.wiring.bridge.ledger.row(partition_name("opt_out", bucket(contact)), contact)
        assert row is not None
        assert (row.outcome, row.reason, row.in_doubt) == ("waiting", "brake", False)
        assert flags(world) == (True, True)
        answer(world, confirm)
        deliver_for(world, contact, HOUR)
        assert flags(world) == (out_of_email, True)
        assert not world.systems.there("contact", contact)["donotemail"]

    played(body)


def deliver_for(world: Memory, contact: str, seconds: float) -> None:
    """A webhook tells of the contact; then timers and queues go on for so long."""
    bridge, ends = world.wiring.bridge, world.now + seconds
    told = Change(contact, Kind.REFERENCE, first_seen=world.now)
    bridge.handoff.put("opt-out", "opt_out", "contact", 0, [told])
    while world.now < ends:
        release_due(bridge, ["opt_out"])
        world.deliver_opt_outs()
        world.later(15)


def answer(world: Memory, confirm: bool) -> None:
    bridge, flow = world.wiring.bridge, world.wiring.opt_out.deliver()
    answer_parked(flow, bridge, confirm, "a person")
    running.start("opt_out", bridge, "a person")
    world.later(2)
    carry_on_all({"opt_out": flow}, bridge, 60, WORKS)


def flags(world: Memory) -> tuple[bool, bool]:
    """Of e-mail and phone, in Campaign."""
    [profile] = world.held("contact")
    return profile["blackListEmail"], profile["blackListPhone"]
