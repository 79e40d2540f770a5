"""With `bounces: all` an earlier version gave soft and hard bounce of a message one id: nothing is
doubled or lost after it.
"""

import pytest

from shared.events.flow import KEY, QUEUE
from shared.events.logs import event_id
from shared.records import Change, Kind
from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World
from tests.contract.events.test_bad_files import HEADER, line, put

TYPES = {"Soft": "1", "Hard": "2"}


@pytest.fixture
def ana(world: World) -> str:
    world.document(lambda text: text.replace("bounces: hard ", "bounces: all "))
    return world.contact("Ana")


def of_before(world: World, contact: str, bounce: str) -> list[str]:
    """A message of the earlier version, which wrote it or left it on the queue."""
    row = {
        "kind": "bounce",
        "contact": contact,
        "at": "2026-05-04T10:00:00Z",
        "log_id": "7",
        "bounce_type": bounce,
    }
    change = Change(event_id("bounce", "7"), Kind.ROW, row=row, first_seen=1.0)
    world.wiring.handoff.put(QUEUE, KEY, "journal", 1, [change], together=400)
    return outcomes(world.files.drain())


def reported(world: World, contact: str, bounce: str) -> list[str]:
    cells = line(7, contact, status="2").split("\t")
    cells[4], cells[5] = TYPES[bounce], "5"
    put(world, f"deliveryLogs_{bounce}.txt", HEADER, "\t".join(cells))
    return outcomes(world.files.sync())


def types(world: World) -> list[str]:
    return sorted(row["acs_bouncetype"] for row in world.activities("bounce"))


@pytest.mark.parametrize("before", ["Soft", "Hard"])
@pytest.mark.parametrize("order", [("Soft", "Hard"), ("Hard", "Soft")], ids="-".join)
def test_each_bounce_is_there_once(
    world: World, ana: str, before: str, order: tuple[str, str]
) -> None:
    assert of_before(world, ana, before) == ["created"]
    first = {bounce: reported(world, ana, bounce) for bounce in order}
    assert first == {bounce: ["unchanged" if bounce == before else "created"] for bounce in order}
    assert [reported(world, ana, bounce) for bounce in order] == [["unchanged"]] * 2
    assert types(world) == ["Hard", "Soft"]


def test_a_soft_one_that_was_still_on_the_queue_is_not_written_again(
    world: World, ana: str
) -> None:
    assert reported(world, ana, "Soft") == ["created"]
    assert of_before(world, ana, "Soft") == ["unchanged"]
    assert types(world) == ["Soft"]
