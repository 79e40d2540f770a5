"""A batch that is refused is narrowed down to the rows that are to blame; all others are written,
once.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from math import ceil, log2
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calls import counting
from shared.dataverse.batch import MOST_OPERATIONS, Operation, WritableTable
from shared.errors import BridgeError, Misconfigured, Refusal, Rejected, Retryable
from shared.events.activities import COMPLETED
from shared.events.writing import ActivityWriter, Group, Item, RowResults
from shared.records import Outcome

MANY, SINGLE = (
    WritableTable("acs_emailopen", "acs_emailopens", frozenset(), {}, many, {})
    for many in (True, False)
)
TASKS = WritableTable("task", "tasks", frozenset(), {}, True, {})


class Dataverse:
    """A change set is done as a whole or not at all.

    `bad` rows are refused, `there` are taken ids, `fault` befalls a request.
    """

    def __init__(
        self,
        bad: Collection[int] = (),
        there: Collection[int] = (),
        fault: BridgeError | None = None,
    ) -> None:
        self.bad, self.there, self.fault = (
            {str(one) for one in bad},
            {str(one) for one in there},
            fault,
        )
        self.created, self.done, self.tasks, self.largest = (
            Counter[str](),
            Counter[str](),
            Counter[str](),
            0,
        )

    def table(self, name: str) -> WritableTable:
        return TASKS

    def run(self, sets: Sequence[Sequence[Operation]], what: str) -> list[BridgeError | None]:
        self.largest = max(self.largest, sum(map(len, sets)))
        if self.fault:
            raise self.fault
        return [self.one(operations) for operations in sets]

    def one(self, operations: Sequence[Operation]) -> BridgeError | None:
        rows = [
            row
            for operation in operations
            for row in operation.body.get("Targets", [operation.body])
        ]
        created = [str(row["activityid"]) for row in rows if "subject" in row]
        if set(created) & self.there:
            return Rejected(Refusal("", "duplicate_key", "An id is taken."))
        if set(created) & self.bad:
            return Rejected(Refusal("", "access_denied", "A row is refused."))
        self.created.update(created)
        self.tasks.update(str(row["of"]) for row in rows if "of" in row)
        self.done["rows"] += len([row for row in rows if COMPLETED.items() <= row.items()])
        return None

    def existing(self, source: object, ids: Collection[str]) -> set[str]:
        return set(ids) & self.there


def item(number: int, task: bool = False) -> Item:
    row: dict[str, Any] = {"activityid": str(number), "subject": "An open"}
    return Item(
        str(number), row, {"of": str(number)} if task else None, f"open of log row {number}"
    )


def written(
    dataverse: Dataverse, table: WritableTable, items: Sequence[Item]
) -> tuple[RowResults, Counter[str]]:
    contacts: Any = type("Contacts", (), {"dataverse": dataverse})
    writer = ActivityWriter(dataverse, contacts)  # type: ignore[arg-type]
    results: RowResults = {}
    with counting() as calls:
        writer.create([Group(table, list(items))], results)
    return results, calls


@pytest.mark.parametrize("table", [MANY, SINGLE], ids=["bulk", "single"])
@given(st.data())
def test_each_row_has_its_own_result(table: WritableTable, data: st.DataObject) -> None:
    numbers = range(data.draw(st.integers(1, 40)))
    bad, there = (
        data.draw(st.sets(st.sampled_from(numbers))),
        data.draw(st.sets(st.sampled_from(numbers))),
    )
    dataverse = Dataverse(bad, there)
    results, _ = written(
        dataverse, table, [item(number, task=number % 3 == 0) for number in numbers]
    )
    good = {str(number) for number in numbers} - dataverse.bad - dataverse.there
    assert {key for key, result in results.items() if result is Outcome.CREATED} == good
    assert {
        key for key, result in results.items() if result is Outcome.UNCHANGED
    } == dataverse.there
    assert {
        key for key, result in results.items() if isinstance(result, Rejected)
    } == dataverse.bad - dataverse.there
    assert dataverse.created == Counter(good)
    assert dataverse.tasks == Counter(key for key in good if int(key) % 3 == 0)
    assert dataverse.done["rows"] == len(good)


@pytest.mark.parametrize("rows", [1, 2, 3, 400, 1000])
@pytest.mark.parametrize("place", ["first", "last"])
def test_one_bad_row_costs_a_few_requests(rows: int, place: str) -> None:
    bad = 0 if place == "first" else rows - 1
    results, calls = written(Dataverse([bad]), MANY, [item(number) for number in range(rows)])
    assert (
        Counter(type(result) for result in results.values())
        == Counter({Outcome: rows - 1, Rejected: 1}) - Counter()
    )
    assert calls["POST $batch"] <= 1 + ceil(log2(rows))


def test_a_rejection_names_its_event() -> None:
    results, _ = written(Dataverse([2]), MANY, [item(number) for number in range(4)])
    assert str(results["2"]).startswith("The open of log row 2 was not written. A row is refused.")
    assert isinstance(results["2"], Rejected)
    assert results["2"].reason == "access_denied"


def test_taken_ids_are_looked_up_once() -> None:
    results, calls = written(Dataverse(there=[1, 3]), MANY, [item(number) for number in range(8)])
    assert {key for key, result in results.items() if result is Outcome.UNCHANGED} == {"1", "3"}
    assert calls == {"POST $batch": 2, "GET acs_emailopen": 1}


@pytest.mark.parametrize("table", [MANY, SINGLE], ids=["bulk", "single"])
@pytest.mark.parametrize("rows", [1, 8])
def test_an_event_that_another_instance_writes_after_the_look_is_there(
    table: WritableTable, rows: int
) -> None:
    class Raced(Dataverse):
        def existing(self, source: object, ids: Collection[str]) -> set[str]:
            found = super().existing(source, ids)
            self.there |= {"0"}
            return found

    dataverse = Raced(there=[rows - 1] if rows > 1 else [])
    writer = ActivityWriter(dataverse, SimpleNamespace(dataverse=dataverse))  # type: ignore[arg-type]
    results: RowResults = {}
    looked_up = [item(number) for number in range(rows)]
    looked = Group(table, looked_up, existing_removed=True)
    dataverse.existing(None, [one.event_id for one in looked_up])
    writer.create([looked], results)
    assert results["0"] is Outcome.UNCHANGED
    assert {type(result) for result in results.values()} == {Outcome}
    assert set(dataverse.created) == {str(number) for number in range(1, rows - 1)}


@pytest.mark.parametrize(
    "fault",
    [Retryable("no answer", uncertain=True), Misconfigured("DATAVERSE_URL", "no access")],
    ids=str,
)
def test_what_befalls_the_request_is_the_result_of_all_and_nothing_is_narrowed(
    fault: BridgeError,
) -> None:
    results, calls = written(Dataverse(fault=fault), MANY, [item(number) for number in range(8)])
    assert (set(map(str, range(8))), {id(fault)}) == (
        set(results),
        {id(result) for result in results.values()},
    )
    assert calls == {"POST $batch": 1}


@pytest.mark.parametrize("task", [False, True], ids=["alone", "with tasks"])
def test_a_request_never_holds_more_operations_than_dataverse_takes(task: bool) -> None:
    dataverse = Dataverse()
    written(dataverse, SINGLE, [item(number, task) for number in range(1000)])
    assert dataverse.largest <= MOST_OPERATIONS
    assert len(dataverse.created) == 1000


@pytest.mark.parametrize("gone", [True, False])
def test_an_event_whose_contact_was_deleted_meanwhile_has_no_contact(gone: bool) -> None:
    class Refusing(Dataverse):
        def one(self, operations: Sequence[Operation]) -> BridgeError | None:
            return Rejected(Refusal("", "not_found", "A row that it refers to does not exist."))

    contacts: Any = SimpleNamespace(dataverse=None, is_gone=lambda contact_id: gone)
    writer = ActivityWriter(Refusing(), contacts)  # type: ignore[arg-type]
    results: RowResults = {}
    writer.create([Group(MANY, [replace(item(1), contact="c1"), item(2)])], results)
    assert (results["1"] is Outcome.NO_CONTACT) is gone
    assert isinstance(results["2"], Rejected), "it names no contact"


def test_an_event_whose_contact_is_made_again_meanwhile_is_written() -> None:
    """Refused while the contact was gone; asked afterwards, Dynamics has it."""

    class GoneAtFirst(Dataverse):
        refusals = 0

        def one(self, operations: Sequence[Operation]) -> BridgeError | None:
            self.refusals += 1
            if self.refusals == 1:
                return Rejected(Refusal("", "not_found", "A row that it refers to does not exist."))
            return super().one(operations)

    dataverse = GoneAtFirst()
    contacts: Any = SimpleNamespace(dataverse=None, is_gone=lambda contact_id: False)
    results: RowResults = {}
    writer = ActivityWriter(dataverse, contacts)  # type: ignore[arg-type]
    writer.create([Group(MANY, [replace(item(1), contact="c1")])], results)
    assert results == {"1": Outcome.CREATED}
    assert dataverse.created == {"1": 1}
