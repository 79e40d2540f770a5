"""Which children a parent has, in memory: a link ends with the write that ends it, and stays where
it was listed again meanwhile.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from shared import calls
from shared.errors import Cause, Retryable
from shared.mapping import default_document
from shared.records import Outcome
from shared.state.ledger_rows import bucket, partition_name
from tests.unit.memory import Memory, played

ACTIVE_ONLY = f"""{default_document("contact")}
filters: {{all: [{{field: statecode, is: eq, value: 0}}]}}
filtered_out: delete
"""


def children(world: Memory, owner: str) -> list[str]:
    """As the room knows them."""
    partition = partition_name("contacts", bucket(owner))
    return [one.child for one in world.wiring.bridge.waiting.linked.of(partition, [owner])]


def owned_by(world: Memory, vehicle: str, owner: str) -> None:
    world.change("acs_vehicle", vehicle, **{"acs_ownerid@odata.bind": f"/contacts({owner})"})


def just_before_links_go(world: Memory, deed: Callable[[], None]) -> None:
    """Does it once, when the room is about to be told that children are none any more."""
    service: Any = world.account.table
    perform, deeds = service.perform, [deed]

    def interrupted(what: str, work: Callable[[], Any]) -> Any:
        if deeds and what.startswith("waiting delete children|"):
            deeds.pop()()
        return perform(what, work)

    service.perform = interrupted


def test_a_child_that_has_another_parent_now_is_no_child_of_the_first() -> None:
    def body(world: Memory) -> None:
        first, second = world.contact(), world.contact()
        vehicle = world.vehicle("Car", first)
        world.run(30)
        assert children(world, first) == [vehicle]
        owned_by(world, vehicle, second)
        world.run(30)
        assert (children(world, first), children(world, second)) == ([], [vehicle])
        world.delete("acs_vehicle", vehicle)
        world.run(30)
        assert children(world, second) == []

    played(body)


@pytest.mark.parametrize("is_deleted", [False, True], ids=["another parent", "deleted"])
def test_a_link_that_is_listed_again_while_it_is_forgotten_stays(is_deleted: bool) -> None:
    """By another instance, which has written it too: the parent has the child in Campaign."""

    def body(world: Memory) -> None:
        first, second = world.contact(), world.contact()
        vehicle = world.vehicle("Car", first)
        world.run(30)
        again: list[str] = []

        def meanwhile() -> None:
            world.another_instance()
            if is_deleted:
                columns = {"acs_vehicleid": vehicle, "acs_vehicle_name": "Car"}
                bind = {"acs_ownerid@odata.bind": f"/contacts({first})"}
                world.create("acs_vehicle", **columns, **bind)
            else:
                owned_by(world, vehicle, first)
            again.extend(world.sync("acs_vehicle"))

        just_before_links_go(world, meanwhile)
        if is_deleted:
            world.delete("acs_vehicle", vehicle)
        else:
            owned_by(world, vehicle, second)
        world.run(30)
        assert again == ["created" if is_deleted else "updated"]
        assert children(world, first) == [vehicle]
        assert [row["vehicleId"] for row in world.held("acs_vehicle")] == [vehicle]

    played(body)


def test_a_link_of_which_the_room_knows_nothing_ends_too() -> None:
    def body(world: Memory) -> None:
        first, second = world.contact(), world.contact()
        vehicle = world.vehicle("Car", first)
        world.run(30)
        bridge = world.wiring.bridge
        partition = partition_name("contacts", bucket(first))
        bridge.waiting.linked.remove(bridge.waiting.linked.of(partition, [first]))
        owned_by(world, vehicle, second)
        world.run(30)
        assert (children(world, first), children(world, second)) == ([], [vehicle])

    played(body)


def unanswered(world: Memory, table: str) -> None:
    """The next record of the table is written, and no answer comes."""
    campaign: Any = world.flow(table).campaign
    save, times = campaign.save, [1]

    def without_answer(*given: Any) -> Any:
        result = save(*given)
        if times and times.pop():
            raise Retryable("No answer came.", uncertain=True, cause=Cause.OUTAGE)
        return result

    campaign.save = without_answer


def family_in_doubt(world: Memory) -> tuple[str, str, str]:
    """A contact, its car and the car's visit, whose creation had no answer."""
    owner = world.contact()
    vehicle = world.vehicle("Car", owner)
    world.run(30)
    unanswered(world, "acs_visit")
    visit = world.visit("Oil", vehicle)
    assert world.sync("acs_visit") == ["waiting"]
    return owner, vehicle, visit


def test_a_child_whose_creation_had_no_answer_goes_before_its_parent() -> None:
    """It may be there: below a parent that is gone nobody could delete it."""

    def body(world: Memory) -> None:
        owner, _, visit = family_in_doubt(world)
        assert len(world.held("acs_visit")) == 1
        world.change("contact", owner, statecode=1)
        assert world.sync("contact") == ["waiting"]
        world.deliver("custom-entities")
        assert world.held("acs_vehicle"), "its visit is there"
        world.later(60.0)
        world.sync("acs_visit")
        world.run(1800)
        tables = ("contact", "acs_vehicle", "acs_visit")
        assert [world.held(table) for table in tables] == [[], [], []]
        world.change("contact", owner, statecode=0)
        world.run(120)
        assert [row["visitId"] for row in world.shown("acs_visit")] == [visit]

    played(body, {"contact": ACTIVE_ONLY})


def test_a_parent_stays_until_a_creation_below_it_can_no_longer_be_carried_out() -> None:
    """Carried out below a parent that is gone, the child would be hidden for good."""

    def body(world: Memory) -> None:
        world.settings["CAMPAIGN_DOUBT_SECONDS"] = "1800"
        owner = world.contact()
        vehicle = world.vehicle("Car", owner)
        world.run(30)
        campaign: Any = world.flow("acs_visit").campaign
        save, late = campaign.save, list[Callable[[], Any]]()

        def not_yet(*given: Any) -> Any:
            if late:
                return save(*given)
            late.append(lambda: save(*given))
            calls.unanswered()
            raise Retryable("No answer came.", uncertain=True, cause=Cause.OUTAGE)

        campaign.save = not_yet
        visit = world.visit("Oil", vehicle)
        assert world.sync("acs_visit") == ["waiting"]
        world.change("contact", owner, statecode=1)
        world.run(1200)
        assert world.row("acs_visit", visit).outcome == Outcome.FILTERED, "it was made to go"
        late[0]()
        world.run(2400)
        tables = ("contact", "acs_vehicle", "acs_visit")
        assert [world.held(table) for table in tables] == [[], [], []]

    played(body, {"contact": ACTIVE_ONLY})


def test_while_both_are_in_doubt_a_parent_that_leaves_and_its_child_do_not_wake_each_other() -> (
    None
):
    """Each look of the parent would send for the child, and the child would wait for it again."""

    def body(world: Memory) -> None:
        owner, vehicle, visit = family_in_doubt(world)
        unanswered(world, "acs_vehicle")
        world.change("acs_vehicle", vehicle, acs_vehicle_name="Van")
        world.sync("acs_vehicle")
        world.change("contact", owner, statecode=1)
        seen = Counter[str]()
        for _ in range(100):
            for table in ("contact", "acs_vehicle", "acs_visit"):
                world.poll(table)
            settled = [*world.deliver("contacts"), *world.deliver("custom-entities")]
            seen.update(s.change.record_id for s in settled if s.outcome is Outcome.WAITING)
            world.later(5.0)
        assert seen[owner] > 5, "it looks for its children"
        assert seen[visit] < 0.7 * seen[owner]

    played(body, {"contact": ACTIVE_ONLY})
