"""What waits, in memory: parents, children, time, stopped flows."""

from pathlib import Path
from typing import Any

import pytest

from dev.seed.tables import Table
from shared.entities.leaving import LINKING_SECONDS
from shared.entities.parents import catch_up
from shared.errors import Contended
from shared.mapping import default_document
from shared.pipeline.flow import TOLD_SECONDS, Delivery
from shared.pipeline.replay import replay
from shared.pipeline.running import start, stop
from shared.state.deadletters import DeadLetter
from shared.state.leaving import BELIEVED_SECONDS
from shared.state.ledger_rows import bucket, partition_name
from shared.state.waiting import Waiter
from tests.unit.memory import Memory, played

ACTIVE_ONLY = """
filters: {all: [{field: statecode, is: eq, value: 0}]}
filtered_out: delete
"""
FILTERED = {"contact": default_document("contact") + ACTIVE_ONLY}
VEHICLE = """\
table: acs_vehicle
resource: cusVehicle
key:
  source: acs_vehicleid
  target: vehicleId
  lookup: filter
  filter: byVehicleid
  parameter: vehicleId_parameter
fields:
  - {source: acs_vehicle_name, target: name}
links:
  - {source: _acs_ownerid_value, target: contactId, parent: contact, required: REQUIRED}
"""


def vehicle_document(required: str) -> dict[str, str]:
    return {"acs_vehicle": VEHICLE.replace("REQUIRED", required)}


def test_three_generations_in_the_wrong_order() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        vehicle = world.vehicle("Car", owner)
        visit = world.visit("Oil", vehicle)
        assert world.sync("acs_visit") == ["waiting"]
        assert world.sync("acs_vehicle") == ["waiting"]
        assert world.sync("contact") == ["created"]
        world.run()
        assert [row["vehicleId"] for row in world.shown("acs_vehicle")] == [vehicle]
        assert [row["visitId"] for row in world.shown("acs_visit")] == [visit]

    played(body)


def test_a_table_with_a_long_queue_holds_up_no_other() -> None:
    def body(world: Memory) -> None:
        world.settings["QUEUE_LIMIT_MESSAGES"] = "3"
        world.contact()
        for number in range(6):
            world.vehicle(f"car {number}")
            world.later(5)
            world.poll("acs_vehicle")
        assert world.poll("acs_vehicle") == "queue is long"
        length = world.wiring.handoff.length("custom-entities")
        assert length > 3
        world.create("acs_visit", acs_visit_name="visit")
        world.poll("acs_visit")
        assert world.wiring.handoff.length("custom-entities") == length + 1
        world.later(700)
        assert world.poll("acs_visit") == "sweep waits for the queue", "its message is there too"
        world.deliver("custom-entities")
        assert world.poll("acs_vehicle") != "queue is long"

    played(body)


def test_the_messages_of_a_stopped_table_leave_the_queue_and_come_back_when_it_runs() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        world.sync("contact")
        vehicles = [world.vehicle(f"car {number}", owner) for number in range(5)]
        world.poll("acs_vehicle")
        flow = world.flow("acs_vehicle")
        stop(flow.key, world.wiring.bridge, by="a person")
        world.later(2)
        world.deliver("custom-entities")
        assert world.wiring.handoff.length("custom-entities") == 0
        counts = world.wiring.bridge.waiting.waiting_counts(flow.key)
        assert counts.counts == {"flow": 5}
        world.later(3600)
        world.poll("acs_vehicle")
        assert world.wiring.handoff.length("custom-entities") == 0, "nothing cycles"
        start(flow.key, world.wiring.bridge, by="a person")
        world.later(2)
        world.run(5)
        assert {row["vehicleId"] for row in world.shown("acs_vehicle")} == set(vehicles)
        assert world.wiring.bridge.waiting.waiting_counts(flow.key).counts == {}

    played(body)


def test_a_required_link_without_a_parent_waits_and_its_record_arrives_with_one() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        world.sync("contact")
        vehicle = world.vehicle("Car")
        assert world.sync("acs_vehicle") == ["waiting"]
        assert world.row("acs_vehicle", vehicle).reason == "no_parent"
        assert world.held("acs_vehicle") == []
        bind = {"acs_ownerid@odata.bind": f"/contacts({owner})"}
        world.change("acs_vehicle", vehicle, **bind)
        assert world.sync("acs_vehicle") == ["created"]
        assert [row["vehicleId"] for row in world.shown("acs_vehicle")] == [vehicle]
        world.change("acs_vehicle", vehicle, **{"acs_ownerid@odata.bind": None})
        assert world.sync("acs_vehicle") == ["waiting"]
        assert len(world.shown("acs_vehicle")) == 1, "it is not hidden"

    played(body, vehicle_document("true"))


@pytest.mark.parametrize(("required", "outcome"), [("true", "waiting"), ("false", "created")])
def test_an_optional_link_does_not_wait_for_a_parent_that_is_kept_out(
    required: str, outcome: str
) -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        world.change("contact", owner, statecode=1)
        assert world.sync("contact") == ["filtered"]
        world.vehicle("Car", owner)
        assert world.sync("acs_vehicle") == [outcome]

    played(body, FILTERED | vehicle_document(required))


@pytest.mark.parametrize("required", ["true", "false"])
def test_any_link_waits_for_a_parent_that_is_to_come(required: str) -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        world.vehicle("Car", owner)
        assert world.sync("acs_vehicle") == ["waiting"]
        world.run()
        assert len(world.shown("acs_vehicle")) == 1

    played(body, vehicle_document(required))


def test_children_of_a_parent_that_leaves_its_filter_go_first_and_come_back_with_it() -> None:
    def body(world: Memory) -> None:
        owner, stays = world.contact(), world.contact()
        vehicle, other = world.vehicle("Car", owner), world.vehicle("Bus", stays)
        visit = world.visit("Oil", vehicle)
        world.run(30)
        assert len(world.shown("acs_vehicle")) == 2
        world.change("contact", owner, statecode=1)
        world.run(120)
        assert [row["externalId"] for row in world.held("contact")] == [stays]
        assert [row["vehicleId"] for row in world.held("acs_vehicle")] == [other]
        assert world.held("acs_visit") == []
        gone = [("contact", owner), ("acs_vehicle", vehicle), ("acs_visit", visit)]
        assert [world.row(*one).exists for one in gone] == [False, False, False]
        world.change("contact", owner, statecode=0)
        world.run(60)
        assert {row["vehicleId"] for row in world.shown("acs_vehicle")} == {vehicle, other}
        assert [row["visitId"] for row in world.shown("acs_visit")] == [visit]

    played(body, FILTERED)


def test_a_parent_that_leaves_waits_for_its_own_children_alone() -> None:
    def body(world: Memory) -> None:
        childless, owner = world.contact(), world.contact()
        world.vehicle("Car", owner)
        kept_out = world.contact()
        world.change("contact", kept_out, statecode=1)
        world.vehicle("waits for ever", kept_out)
        world.run(30)
        world.delete("contact", childless)
        assert world.sync("contact") == ["deleted"]
        world.delete("contact", owner)
        assert set(world.sync("contact")) == {"waiting"}
        assert world.held("contact"), "its vehicle is there"
        world.run(30)
        assert world.held("contact") == []

    played(body, FILTERED)


def test_a_parent_that_leaves_waits_for_a_child_that_is_on_its_way() -> None:
    """The child is listed, and another instance has not settled it yet."""

    def body(world: Memory) -> None:
        owner = world.contact()
        world.run(30)
        partition = partition_name("contacts", bucket(owner))
        flow = world.flow("acs_vehicle")
        place = (flow.key, flow.queue, flow.table)
        child = "5e000000-0000-4000-8000-000000000009"
        world.wiring.bridge.waiting.linked.add([Waiter(partition, owner, *place, child, world.now)])
        world.delete("contact", owner)
        world.run(LINKING_SECONDS / 2)
        assert world.held("contact"), "the child may arrive"
        world.run(LINKING_SECONDS)
        assert world.held("contact") == [], "it has not"

    played(body)


def test_a_child_waits_while_its_parent_says_that_it_leaves() -> None:
    """Another instance has said so, and has neither read the children nor deleted the parent."""

    def body(world: Memory) -> None:
        owner = world.contact()
        world.run(30)
        partition = partition_name("contacts", bucket(owner))
        world.wiring.bridge.waiting.leaving.add(partition, [owner])
        vehicle = world.vehicle("Car", owner)
        world.run(30)
        assert world.held("acs_vehicle") == [], "its parent may go at any moment"
        assert world.row("acs_vehicle", vehicle).reason == f"parent contact {owner}"
        world.later(BELIEVED_SECONDS)  # since it was said: 30 s ago
        catch_up(world.wiring.bridge, BELIEVED_SECONDS)
        world.run(30)
        assert len(world.shown("acs_vehicle")) == 1, "whoever said so has died, and it stays"
        assert world.wiring.bridge.waiting.leaving.of({(partition, owner)}) == {}

    played(body)


def test_a_parent_that_came_back_has_children_again() -> None:
    """What it said before counts no more, though it is remembered."""

    def body(world: Memory) -> None:
        owner = world.contact()
        world.vehicle("Car", owner)
        world.run(30)
        world.change("contact", owner, statecode=1)
        world.run(120)
        assert world.held("contact") == []
        world.change("contact", owner, statecode=0)
        world.run(60)
        world.vehicle("Another car", owner)
        world.run(60)
        assert len(world.shown("acs_vehicle")) == 2

    played(body, FILTERED)


def test_who_was_held_up_after_it_told_others_tells_them_again() -> None:
    def body(world: Memory) -> None:
        view = world.wiring.bridge.ledger.view("contacts-00", ["1"], world.now)
        told_at = world.now - TOLD_SECONDS - 1
        delivery = Delivery(world.wiring.bridge, view, frozenset(), told_at=told_at)
        with pytest.raises(Contended):
            delivery.claim()

    played(body)


def test_a_profile_that_was_there_before_the_bridge_releases_its_children() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        world.sync("contact")
        for table in ("ledger", "checkpoints"):
            world.account.table.tables[table].clear()
        world.another_instance()
        vehicle = world.vehicle("Car", owner)
        assert world.sync("acs_vehicle") == ["waiting"]
        assert world.sync("contact") == ["updated"]
        world.deliver("custom-entities")
        assert [row["vehicleId"] for row in world.shown("acs_vehicle")] == [vehicle]

    played(body)


def test_the_dead_letter_of_a_missing_parent_goes_when_the_record_arrives() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        vehicle = world.vehicle("Car", owner)
        world.sync("acs_vehicle")
        world.later(8 * 86400)
        assert catch_up(world.wiring.bridge, 60) == 1
        world.deliver("custom-entities")
        assert world.letters("acs_vehicle") == ["parent_missing"]
        assert world.row("acs_vehicle", vehicle).outcome == "rejected"
        assert catch_up(world.wiring.bridge, 60) == 0
        world.sync("contact")
        replay(world.flow("acs_vehicle"), world.wiring.bridge, "dead_letters")
        world.deliver("custom-entities")
        assert world.letters("acs_vehicle") == []
        assert world.row("acs_vehicle", vehicle).outcome == "created"

    played(body)


def test_a_letter_that_an_earlier_version_left_beside_a_waiting_row_goes_too() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        vehicle = world.vehicle("Car", owner)
        world.sync("acs_vehicle")
        key = world.flow("acs_vehicle").key
        letter = DeadLetter(key, vehicle, "parent_missing", "", "Its parent is missing.", 0, 1, 1.0)
        world.wiring.bridge.deadletters.put(letter)
        world.account.table.tables["waiting"].clear()
        world.sync("contact")
        replay(world.flow("acs_vehicle"), world.wiring.bridge, "dead_letters")
        world.deliver("custom-entities")
        assert world.letters("acs_vehicle") == []

    played(body)


def test_a_child_that_nobody_released_is_found() -> None:
    def body(world: Memory) -> None:
        owner = world.contact()
        vehicle = world.vehicle("Car", owner)
        world.sync("acs_vehicle")
        parked = dict(world.account.table.tables["waiting"])
        world.sync("contact")
        world.account.queue.queues["custom-entities"].clear()
        world.account.table.tables["waiting"].update(parked)
        assert catch_up(world.wiring.bridge, 60) == 0
        world.later(120)
        assert catch_up(world.wiring.bridge, 60) == 1
        world.deliver("custom-entities")
        assert [row["vehicleId"] for row in world.shown("acs_vehicle")] == [vehicle]

    played(body)


CIRCLE = [
    Table("acs_left", {"acs_rightref": ("acs_right", "recordId")}, cardinality="zeroOrOne"),
    Table("acs_right", {"acs_leftref": ("acs_left", "recordId")}, cardinality="zeroOrOne"),
]


def pair(world: Memory) -> tuple[str, str]:
    """Two new records, each linked to the other."""
    left = world.create("acs_left", acs_left_name="left")
    bind = {"acs_leftref@odata.bind": f"/acs_lefts({left})"}
    right = world.create("acs_right", acs_right_name="right", **bind)
    world.change("acs_left", left, **{"acs_rightref@odata.bind": f"/acs_rights({right})"})
    return left, right


def test_two_that_wait_for_each_other_are_found_when_both_were_parked_at_once(
    tmp_path: Path,
) -> None:
    def body(world: Memory) -> None:
        world.shapes(CIRCLE, tmp_path)
        left, right = pair(world)
        world.poll("acs_left")
        waiting = world.wiring.bridge.waiting
        park, other = waiting.park, list[Any]()

        def meanwhile(waiters: Any) -> Any:
            """The other one is delivered from its first look to its end while this one parks."""
            if not other:
                other.append(True)
                world.sync("acs_right")
            return park(waiters)

        waiting.park = meanwhile  # type: ignore[method-assign]
        world.deliver("custom-entities")
        assert [row["recordId"] for row in world.held("acs_left")] == [left]
        assert [row["recordId"] for row in world.held("acs_right")] == [right]
        assert not [row for row in world.rows_of("waiting") if "since" in row]

    played(body)


def test_two_that_an_earlier_version_let_wait_for_each_other_are_found(tmp_path: Path) -> None:
    def body(world: Memory) -> None:
        world.shapes(CIRCLE, tmp_path)
        left, right = pair(world)
        world.poll("acs_left")
        world.poll("acs_right")
        with pytest.MonkeyPatch.context() as patch:
            for module in ("families", "parents"):
                patch.setattr(f"shared.entities.{module}.circular", lambda *_: False)
            world.deliver("custom-entities")
        assert world.held("acs_left") + world.held("acs_right") == []
        world.later(120)
        assert catch_up(world.wiring.bridge, 60) == 2
        world.run(10)
        assert [row["recordId"] for row in world.held("acs_left")] == [left]
        assert [row["recordId"] for row in world.held("acs_right")] == [right]

    played(body)


def test_a_child_whose_required_lookup_was_cleared_does_not_hold_up_its_parent() -> None:
    """As when Dynamics deletes the parent and clears the lookups to it."""

    def body(world: Memory) -> None:
        owner, another = world.contact(), world.contact()
        vehicle = world.vehicle("Car", owner)
        world.run(30)
        assert len(world.shown("acs_vehicle")) == 1
        world.change("acs_vehicle", vehicle, **{"acs_ownerid@odata.bind": None})
        world.delete("contact", owner)
        world.run(60)
        assert [row["externalId"] for row in world.held("contact")] == [another]
        assert world.held("acs_vehicle") == []
        bind = {"acs_ownerid@odata.bind": f"/contacts({another})"}
        world.change("acs_vehicle", vehicle, **bind)
        world.run(30)
        assert [row["vehicleId"] for row in world.shown("acs_vehicle")] == [vehicle]

    played(body, vehicle_document("true"))
