"""Who waits for a parent: what goes into one transaction, what is released, and in which order the
overdue are looked at.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.data.tables import TableTransactionError
from hypothesis import given
from hypothesis import strategies as st

from shared.state.ledger_rows import ROWS_PER_TRANSACTION
from shared.state.waiting import Waiter, Waiting, by_partition, entity_of, read, row_key

BEHIND = re.compile(
    r"since lt (\S+) and \(PartitionKey gt '(.*)' or \(PartitionKey eq '\2' and RowKey gt"
    r" '(.*)'\)\)"
)


def waiter(number: int, partition: str = "p", since: float = 1.5, child: str = "") -> Waiter:
    return Waiter(
        partition,
        f"parent-{number}",
        "custom_entities-acs_visit",
        "custom-entities",
        "acs_visit",
        child,
        since,
    )


class Table:
    """Rows in memory, as the service orders them; a transaction that deletes what is not there
    changes nothing.
    """

    def __init__(self, rows: Iterable[Waiter] = (), fault: int = 0) -> None:
        self.rows = {(one.partition, row_key(one)): one for one in rows}
        self.fault, self.transactions, self.deletes = fault, list[list[tuple[str, Any]]](), 0

    def submit_transaction(self, operations: Sequence[tuple[str, Any]]) -> None:
        self.transactions.append(list(operations))
        keys = [(entity["PartitionKey"], entity["RowKey"]) for _, entity in operations]
        if self.fault or any(
            verb == "delete" and key not in self.rows
            for (verb, _), key in zip(operations, keys, strict=True)
        ):
            refused = TableTransactionError(message="refused")
            refused.status_code = self.fault or 404
            raise refused
        for (verb, entity), key in zip(operations, keys, strict=True):
            if verb == "delete":
                del self.rows[key]
            else:
                self.rows[key] = read(entity)

    def delete_entity(self, partition: str, row: str) -> None:
        self.deletes += 1
        self.rows.pop((partition, row), None)

    def query_entities(self, wanted: str) -> list[dict[str, Any]]:
        found = BEHIND.fullmatch(wanted)
        assert found, wanted
        moment, behind = float(found[1]), (found[2], found[3])
        return [
            entity_of(one)
            for key, one in sorted(self.rows.items())
            if one.since < moment and key > behind
        ]


@pytest.mark.parametrize(
    ("waiters", "sizes"),
    [
        pytest.param([], [], id="none"),
        pytest.param([waiter(1), waiter(1)], [1], id="one twice"),
        pytest.param([waiter(1), waiter(1, child="another")], [2], id="two children of a parent"),
        pytest.param([waiter(1, "p"), waiter(1, "q")], [1, 1], id="two partitions"),
        pytest.param(
            [waiter(n) for n in range(ROWS_PER_TRANSACTION)],
            [ROWS_PER_TRANSACTION],
            id="a full transaction",
        ),
        pytest.param(
            [waiter(n) for n in range(ROWS_PER_TRANSACTION + 1)],
            [ROWS_PER_TRANSACTION, 1],
            id="one more",
        ),
    ],
)
def test_a_transaction_is_of_one_partition_and_holds_nobody_twice(
    waiters: list[Waiter], sizes: list[int]
) -> None:
    groups = list(by_partition(waiters))
    assert [len(group) for group in groups] == sizes
    assert all(len({one.partition for one in group}) == 1 for group in groups)
    assert {one for group in groups for one in group} == set(waiters)


def test_a_waiter_is_read_as_it_was_parked() -> None:
    table = Table()
    Waiting(table, lambda: 1000.0).park([waiter(1), waiter(1), waiter(2, "q", since=7.25)])  # type: ignore[arg-type]
    assert set(table.rows.values()) == {waiter(1), waiter(2, "q", since=7.25)}


def test_parking_again_keeps_one_row() -> None:
    table = Table([waiter(1)])
    Waiting(table, lambda: 1000.0).park([waiter(1, since=9.0)])  # type: ignore[arg-type]
    assert list(table.rows.values()) == [waiter(1, since=9.0)]


@pytest.mark.parametrize(
    ("there", "gone", "left", "deletes"),
    [
        pytest.param([1, 2, 3], [1, 2], [3], 0, id="all are there"),
        pytest.param([1, 3], [1, 2], [3], 2, id="one is not there"),
        pytest.param([3], [1, 2], [3], 2, id="none is there"),
        pytest.param([1, 3], [1], [3], 1, id="one alone"),
        pytest.param([3], [], [3], 0, id="nothing to release"),
    ],
)
def test_releasing_what_is_not_there_is_harmless(
    there: list[int], gone: list[int], left: list[int], deletes: int
) -> None:
    table = Table(map(waiter, there))
    Waiting(table, lambda: 1000.0).release(map(waiter, gone))  # type: ignore[arg-type]
    assert list(table.rows.values()) == [waiter(number) for number in left]
    assert table.deletes == deletes


def test_another_refusal_of_a_release_is_told() -> None:
    table = Table([waiter(1), waiter(2)], fault=503)
    with pytest.raises(HttpResponseError):
        Waiting(table, lambda: 1000.0).release([waiter(1), waiter(2)])  # type: ignore[arg-type]
    assert (len(table.rows), table.deletes) == (2, 0)


@given(st.integers(0, 12), st.integers(1, 5), st.integers(0, 3))
def test_the_overdue_take_turns(overdue: int, most: int, early: int) -> None:
    """Each is looked at once before any is looked at again; who has not waited long enough never
    is.
    """
    rows = [waiter(number, f"p{number % 3}") for number in range(overdue)]
    early_rows = [waiter(number, "e", since=99.0) for number in range(early)]
    waiting = Waiting(Table([*rows, *early_rows]), lambda: 1000.0)  # type: ignore[arg-type]
    looks = [waiting.some_since(50.0, most) for _ in range(overdue // most + 1)]
    assert all(len(look) <= most for look in looks)
    assert Counter(one for look in looks for one in look) == Counter(rows)
    assert waiting.some_since(50.0, most) == looks[0]
