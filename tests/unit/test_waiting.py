"""Who waits for a parent: what goes into one transaction, what is found and released, and what it
costs.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableTransactionError

from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.errors import Contended, Retryable
from shared.state.due import ATTEMPTS, RACE_SECONDS
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, bucket, partition_name
from shared.state.waiting import Waiter, Waiting, by_parent_flow

NOW = 1_800_000_000.0


class Room:
    """The waiting room on simulated tables, which counts what is asked of them."""

    def __init__(self) -> None:
        self.account = Account(World(1))
        service: Any = self.account.table
        service.create_table_if_not_exists("waiting")
        perform = service.perform

        def counted(what: str, work: Any) -> Any:
            self.operations.append(what)
            return perform(what, work)

        service.perform = counted
        self.operations: list[str] = []
        self.waiting = Waiting(service.get_table_client("waiting"), lambda: NOW, lambda _: None)

    @property
    def rows(self) -> dict[tuple[str, str], Any]:
        return self.account.table.tables["waiting"]


def waiter(parent: int, child: int = 0, flow: str = "contacts", since: float = 1.5) -> Waiter:
    record_id = f"00000000-0000-4000-8000-{parent:012d}"
    return Waiter(
        partition_name(flow, bucket(record_id)),
        record_id,
        "custom_entities-acs_visit",
        "custom-entities",
        "acs_visit",
        f"child-{child}",
        since,
    )


def in_one_partition(number: int) -> list[int]:
    """Numbers of parents of one ledger partition."""
    wanted = waiter(0).partition
    return [one for one in range(64 * number * 3) if waiter(one).partition == wanted][:number]


@pytest.mark.parametrize(
    ("waiters", "sizes"),
    [
        pytest.param([], [], id="none"),
        pytest.param([waiter(1), waiter(1)], [1], id="one twice"),
        pytest.param([waiter(1), waiter(1, 2)], [2], id="two children of a parent"),
        pytest.param([waiter(1), waiter(2)], [2], id="two parents, wherever their ledger rows are"),
        pytest.param([waiter(1), waiter(1, flow="f")], [1, 1], id="parents of two flows"),
        pytest.param(
            [waiter(1, n) for n in range(ROWS_PER_TRANSACTION + 1)],
            [ROWS_PER_TRANSACTION, 1],
            id="more than a transaction",
        ),
    ],
)
def test_a_transaction_is_of_one_flow_of_parents_and_holds_nobody_twice(
    waiters: list[Waiter], sizes: list[int]
) -> None:
    groups = list(by_parent_flow(waiters))
    assert [len(group) for group in groups] == sizes
    assert {one for group in groups for one in group} == set(waiters)


def test_an_envelope_of_children_is_parked_by_one_operation() -> None:
    room = Room()
    room.waiting.park(waiter(number, number) for number in range(99))
    assert len(room.operations) == 1


def test_a_waiter_is_read_as_it_was_parked_and_parking_again_keeps_one() -> None:
    room = Room()
    room.waiting.park([waiter(1), waiter(1), waiter(2, since=7.25)])
    room.waiting.park([waiter(1, since=9.0)])
    found, _ = room.waiting.page(("", ""))
    assert set(found) == {waiter(1, since=9.0), waiter(2, since=7.25)}


def test_the_children_of_some_parents_are_found_and_no_others() -> None:
    room, numbers = Room(), in_one_partition(5)
    listed = [waiter(number, child) for number in numbers for child in range(3)]
    room.waiting.park(listed)
    wanted = {waiter(number).parent for number in (numbers[1], numbers[3])}
    found = room.waiting.of(waiter(0).partition, wanted)
    assert set(found) == {one for one in listed if one.parent in wanted}


@pytest.mark.parametrize("parked", [10, 20_000])
def test_those_of_a_parent_are_found_without_passing_the_others(parked: int) -> None:
    room, numbers = Room(), in_one_partition(3)
    room.waiting.park(waiter(1_000_000 + number) for number in range(parked))
    room.waiting.park(waiter(number) for number in numbers)
    room.operations.clear()
    found = room.waiting.of(waiter(0).partition, [waiter(numbers[1]).parent])
    assert (found, len(room.operations)) == ([waiter(numbers[1])], 1)


def test_a_parent_with_many_children_is_read_page_by_page_and_up_to_a_number() -> None:
    room, (few, many) = Room(), in_one_partition(2)
    room.waiting.linked.add(waiter(few, child) for child in range(2))
    room.waiting.linked.add(waiter(many, child) for child in range(2500))
    parents = [waiter(few).parent, waiter(many).parent]
    partition = waiter(few).partition
    assert len(room.waiting.linked.of(partition, parents)) == 2502
    assert len(room.waiting.linked.of(partition, parents, 5)) == 7


@pytest.mark.parametrize(
    ("there", "gone", "left"),
    [
        pytest.param([1, 2, 3], [1, 2], [3], id="all are there"),
        pytest.param([1, 3], [1, 2], [3], id="one is not there"),
        pytest.param([3], [1, 2], [3], id="none is there"),
        pytest.param([1, 3], [1], [3], id="one alone"),
        pytest.param([3], [], [3], id="nothing to release"),
    ],
)
def test_releasing_what_is_not_there_is_harmless(
    there: list[int], gone: list[int], left: list[int]
) -> None:
    room = Room()
    room.waiting.park(map(waiter, there))
    room.waiting.release(map(waiter, gone))
    found, _ = room.waiting.page(("", ""))
    assert found == [waiter(number) for number in left]


def test_another_refusal_of_a_release_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room()
    room.waiting.park([waiter(1), waiter(2)])

    def refuse(operations: Sequence[Any]) -> None:
        error = TableTransactionError(message="refused")
        error.status_code = 503
        raise error

    monkeypatch.setattr(room.waiting.parked.table, "submit_transaction", refuse)
    with pytest.raises(HttpResponseError):
        room.waiting.release([waiter(1), waiter(2)])


def test_all_who_wait_are_looked_through_page_by_page() -> None:
    room = Room()
    listed = [waiter(number) for number in range(2100)]
    listed += [waiter(number, flow="f") for number in range(3)]
    room.waiting.park(listed)
    room.waiting.park_until(NOW, "contacts", "contacts", "contact", ["x"], "target")
    room.waiting.linked.add([waiter(1, 7)])
    found, position = list[Waiter](), ("", "")
    while True:
        page, position = room.waiting.page(position)
        found += page
        if not position[0]:
            break
    assert (sorted(found, key=repr), len(found)) == (sorted(listed, key=repr), len(listed))


def test_where_the_last_look_ended_is_kept() -> None:
    room = Room()
    assert room.waiting.position() == ("", "")
    room.waiting.save_position(("parked|contacts", "a|b|c"))
    assert room.waiting.position() == ("parked|contacts", "a|b|c")


def test_those_whom_an_earlier_version_parked_are_moved() -> None:
    room = Room()
    listed = [waiter(number) for number in range(5)]
    for one in listed:
        key = {"PartitionKey": one.partition, "RowKey": f"{one.parent}|{one.flow}|{one.child}"}
        values = {"queue": one.queue, "table": one.table, "since": one.since}
        room.waiting.table.upsert_entity({**key, **values})
    assert set(room.waiting.earlier()) == set(listed)
    room.waiting.move(room.waiting.earlier())
    assert room.waiting.earlier() == []
    found, _ = room.waiting.page(("", ""))
    assert set(found) == set(listed)
    assert len(room.rows) == len(listed)


def test_who_loses_every_race_to_park_pauses_in_between_and_is_sent_again() -> None:
    """Contended would say that nothing was written to the target."""
    room, pauses = Room(), list[float]()
    table: Any = room.account.table.get_table_client("waiting")
    waiting = Waiting(Raced(table), lambda: NOW, pauses.append)  # type: ignore[arg-type]
    with pytest.raises(Retryable) as lost:
        waiting.park_until(NOW + 60, "contacts", "contacts", "contact", ["a"], "doubt")
    assert not isinstance(lost.value, Contended)
    assert len(pauses) == ATTEMPTS
    assert all(0 <= one <= RACE_SECONDS * number for number, one in enumerate(pauses, 1))
    assert sum(pauses) > 0
    assert room.waiting.waiting_counts("contacts").counts == {"busy": 1}, "the others' alone"


class Raced:
    """A table in which others change the header before each transaction."""

    def __init__(self, table: Any) -> None:
        self.table = table

    def __getattr__(self, name: str) -> Any:
        return getattr(self.table, name)

    def submit_transaction(self, operations: Any) -> Any:
        others = Waiting(self.table, lambda: NOW, lambda _: None)
        others.park_until(NOW + 60, "contacts", "contacts", "contact", ["b"], "busy")
        return self.table.submit_transaction(operations)
