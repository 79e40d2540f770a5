"""The time part of the waiting room on Azurite and on the simulation's tables: what is due comes
back, what is not is not read, and the counts are those of the rows.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient, TableTransactionError

from dev.commands.azurite import start_azurite
from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.pipeline.waiting_room import AT_ONCE
from shared.records import Change, Kind
from shared.state.ledger_rows import bucket
from shared.state.waiting import Waiter, Waiting

NOW = 1_800_000_000.0
IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(250)]
CONTACTS = ("contacts", "contacts", "contact")
VISITS = ("custom_entities-acs_visit", "custom-entities", "acs_visit")


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    with start_azurite() as running:
        yield running.connection_string


@pytest.fixture(params=["simulated", "azurite"])
def waiting(request: pytest.FixtureRequest) -> Waiting:
    if request.param == "simulated":
        service: Any = Account(World(1)).table
    else:
        service = TableServiceClient.from_connection_string(request.getfixturevalue("azurite"))
    name = f"t{uuid4().hex}"
    service.create_table_if_not_exists(name)
    return Waiting(service.get_table_client(name), lambda: NOW, lambda _: None)


def taken(waiting: Waiting, flow: str, moment: float) -> list[str]:
    """Ids that were due, in their order; each is removed."""
    found: list[str] = []
    while rows := waiting.due(flow, moment):
        found += [change.record_id for row in rows for change in row.changes]
        waiting.remove(flow, rows)
    return found


def test_a_reference_comes_back_when_its_time_has_come_and_not_before(waiting: Waiting) -> None:
    waiting.park_until(NOW + 60, *CONTACTS, IDS[:1], "target")
    assert waiting.due("contacts", NOW + 59.9) == []
    assert taken(waiting, "contacts", NOW + 60) == IDS[:1]
    assert waiting.due("contacts", NOW + 60) == []


def test_the_oldest_come_first_and_each_once(waiting: Waiting) -> None:
    for place, record_id in enumerate(IDS[:9]):
        waiting.park_until(NOW + 15.0 * ((place * 7) % 9), *CONTACTS, [record_id], "target")
    expected = [IDS[place] for place in sorted(range(9), key=lambda place: (place * 7) % 9)]
    assert taken(waiting, "contacts", NOW + 200) == expected


def test_many_come_back_page_by_page(waiting: Waiting) -> None:
    waiting.park_until(NOW, *CONTACTS, IDS, "flow")
    for record_id in IDS[:150]:
        waiting.park_until(NOW, *CONTACTS, [record_id], "target")
    header = waiting.waiting_counts("contacts")
    assert header.counts == {"flow": 250, "target": 150}
    assert sorted(taken(waiting, "contacts", NOW)) == sorted([*IDS, *IDS[:150]])
    assert waiting.waiting_counts("contacts").counts == {}


def test_flows_are_apart_and_only_those_that_wait_are_listed(waiting: Waiting) -> None:
    waiting.park([Waiter("contacts-07", "p", "f", "q", "t", "c", 1.0)])
    waiting.park_until(NOW, *VISITS, IDS[:2], "flow")
    waiting.park_until(NOW, *CONTACTS, IDS[:3], "target")
    assert list(waiting.flows_waiting()) == ["contacts", "custom_entities-acs_visit"]
    assert len(taken(waiting, "contacts", NOW)) == 3
    assert list(waiting.flows_waiting()) == ["custom_entities-acs_visit"]
    assert len(waiting.page(("", ""))[0]) == 1


def test_a_reference_keeps_its_history_and_no_row(waiting: Waiting) -> None:
    change = Change(IDS[0], Kind.ROW, 7, {"lastname": "Private"}, 5.0, 3, True, True)
    waiting.park_changes(NOW, *CONTACTS, [change], "target")
    (row,) = waiting.due("contacts", NOW)
    assert row.changes == (
        Change(IDS[0], Kind.REFERENCE, first_seen=5.0, attempts=3, replay=True, uncertain=True),
    )
    assert (row.queue, row.table, row.reason) == ("contacts", "contact", "target")
    assert all(
        "Private" not in str(value)
        for entity in waiting.table.query_entities("PartitionKey ge ''")
        for value in entity.values()
    )


def test_one_record_parked_twice_at_once_is_one_reference(waiting: Waiting) -> None:
    changes = [
        Change(IDS[0], Kind.REFERENCE, first_seen=5.0, attempts=1),
        Change(IDS[0], Kind.REFERENCE, first_seen=9.0, attempts=2, replay=True),
    ]
    waiting.park_changes(NOW, *CONTACTS, changes, "target")
    (row,) = waiting.due("contacts", NOW)
    assert row.changes == (Change(IDS[0], Kind.REFERENCE, first_seen=5.0, attempts=2, replay=True),)


def test_releasing_what_another_run_has_released_is_harmless(waiting: Waiting) -> None:
    for record_id in IDS[:5]:
        waiting.park_until(NOW, *CONTACTS, [record_id], "target")
    rows = waiting.due("contacts", NOW)
    waiting.remove("contacts", rows[1:3])
    waiting.remove("contacts", rows)
    assert waiting.due("contacts", NOW) == []
    assert waiting.waiting_counts("contacts").counts == {}


def test_what_is_parked_again_before_it_is_removed_stays(waiting: Waiting) -> None:
    """It was handed off and taken from the queue meanwhile, and could not be delivered."""
    waiting.park_until(AT_ONCE, *CONTACTS, IDS[:1], "flow")
    waiting.park_until(NOW, *CONTACTS, IDS[1:2], "flow")
    rows = waiting.due("contacts", NOW)
    again = [Change(IDS[0], Kind.REFERENCE, replay=True)]
    waiting.park_changes(AT_ONCE, *CONTACTS, again, "flow")
    waiting.remove("contacts", rows)
    (left,) = waiting.due("contacts", NOW)
    assert [(one.record_id, one.replay) for one in left.changes] == [(IDS[0], True)]
    assert waiting.waiting_counts("contacts").counts == {"flow": 1}
    waiting.remove("contacts", [left])
    assert waiting.waiting_counts("contacts").counts == {}


def test_who_parks_meanwhile_is_counted(waiting: Waiting) -> None:
    """Two instances change one header: the one that comes second reads it anew."""
    real, raced = waiting.table.submit_transaction, list[int]()

    def submit(operations: Any) -> Any:
        if not raced:
            raced.append(1)
            waiting.park_until(NOW, *CONTACTS, IDS[1:3], "flow")
        return real(operations)

    waiting.table.submit_transaction = submit  # type: ignore[method-assign]
    waiting.park_until(NOW, *CONTACTS, IDS[:1], "flow")
    assert waiting.waiting_counts("contacts").counts == {"flow": 3}
    assert sorted(taken(waiting, "contacts", NOW)) == IDS[:3]


def test_since_when_the_oldest_waits(waiting: Waiting) -> None:
    waiting.park_until(NOW, *CONTACTS, IDS[:1], "flow")
    changes = [Change(IDS[1], Kind.REFERENCE, first_seen=NOW - 50)]
    waiting.park_changes(NOW + 5, *CONTACTS, changes, "flow")
    assert waiting.waiting_counts("contacts").since == {"flow": NOW - 50}


def test_another_refusal_is_told(waiting: Waiting) -> None:
    waiting.park_until(NOW, *CONTACTS, IDS[:1], "flow")
    rows = waiting.due("contacts", NOW)

    def refuse(operations: Any) -> Any:
        error = TableTransactionError(message="refused")
        error.status_code = 400
        raise error

    waiting.table.submit_transaction = refuse  # type: ignore[method-assign]
    with pytest.raises(TableTransactionError):
        waiting.remove("contacts", rows)


def test_the_same_records_parked_again_wait_once(waiting: Waiting) -> None:
    """As by a message that is delivered twice: the next copies come back together."""
    ids = [record_id for record_id in IDS if bucket(record_id) == bucket(IDS[0])][:3]
    for seconds in (61.0, 61.5, 63.0):
        waiting.park_until(NOW + seconds, *CONTACTS, ids, "target")
    assert waiting.waiting_counts("contacts").counts == {"target": 3}
    change = Change(IDS[0], Kind.REFERENCE, first_seen=NOW, uncertain=True)
    others = [Change(record_id, Kind.REFERENCE, first_seen=NOW) for record_id in ids[1:]]
    waiting.park_changes(NOW + 64, *CONTACTS, [change, *others], "target")
    (row,) = waiting.due("contacts", NOW + 75)
    assert [one.uncertain for one in row.changes] == [True, False, False]
    assert len(taken(waiting, "contacts", NOW + 75)) == 3
    assert waiting.waiting_counts("contacts").counts == {}


@pytest.mark.parametrize("delay", [60.0, 61.0, 119.0, 600.0, 3600.0])
def test_a_time_is_never_earlier_and_at_most_a_quarter_later(
    waiting: Waiting, delay: float
) -> None:
    waiting.park_until(NOW + delay, *CONTACTS, IDS[:1], "target")
    assert waiting.due("contacts", NOW + delay - 0.5) == []
    assert len(waiting.due("contacts", NOW + delay + max(15.0, delay / 4))) == 1
