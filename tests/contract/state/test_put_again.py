"""What is put again while it is taken away stays, on Azurite and on the simulation's storage: who
waits for a parent, the children of a parent, dead letters and the rows that are kept beside them.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from dev.commands.azurite import start_azurite
from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.state.deadletters import DeadLetter, DeadLetters
from shared.state.ledger_rows import bucket, partition_name
from shared.state.waiting import Waiter, Waiting

NOW = 1_800_000_000.0
FLOW = "custom_entities-acs_visit"
IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(4)]
ROW = {"acs_visitid": IDS[0]}


class Meanwhile:
    """A client of the service; `deed` happens once, just before the next deletion."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.deed: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        if name in ("delete_entity", "submit_transaction", "delete_blob"):
            deed, self.deed = self.deed, lambda: None
            deed()
        return getattr(self.client, name)


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    with start_azurite() as running:
        yield running.connection_string


@pytest.fixture(params=["simulated", "azurite"])
def services(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    if request.param == "simulated":
        account = Account(World(1))
        return account.table, account.blob
    secret = request.getfixturevalue("azurite")
    tables = TableServiceClient.from_connection_string(secret)
    return tables, BlobServiceClient.from_connection_string(secret)


@pytest.fixture
def table(services: tuple[Any, Any]) -> Meanwhile:
    name = f"t{uuid4().hex}"
    services[0].create_table_if_not_exists(name)
    return Meanwhile(services[0].get_table_client(name))


@pytest.fixture
def bodies(services: tuple[Any, Any]) -> Meanwhile:
    container = services[1].get_container_client(f"c{uuid4().hex}")
    container.create_container()
    return Meanwhile(container)


def waiter(child: int, since: float = 1.5) -> Waiter:
    partition = partition_name("contacts", bucket(IDS[0]))
    return Waiter(partition, IDS[0], FLOW, "custom-entities", "acs_visit", IDS[child], since)


def children(waiting: Waiting) -> set[str]:
    return {one.child for one in waiting.of(waiter(0).partition, [IDS[0]])}


@pytest.mark.parametrize(
    ("taken", "again", "left"),
    [
        pytest.param([1], [], set(), id="one"),
        pytest.param([1, 2], [], set(), id="two"),
        pytest.param([1], [1], {1}, id="one that is put again"),
        pytest.param([1, 2], [1], {1}, id="two, one is put again"),
        pytest.param([1, 2], [2], {2}, id="two, the other is put again"),
        pytest.param([1, 2], [1, 2], {1, 2}, id="both are put again"),
        pytest.param([1, 2], [3], {3}, id="another one is put"),
    ],
)
def test_who_is_parked_again_while_a_release_is_under_way_waits(
    table: Meanwhile, taken: list[int], again: list[int], left: set[int]
) -> None:
    waiting = Waiting(table, lambda: NOW, lambda _: None)  # type: ignore[arg-type]
    parked = waiting.park(map(waiter, taken))
    table.deed = lambda: void(waiting.park(waiter(child, since=9.0) for child in again))
    waiting.release(parked)
    assert children(waiting) == {IDS[child] for child in left}


@pytest.mark.parametrize("taken", [[1], [1, 2]], ids=["one", "two"])
def test_who_was_listed_is_taken_away_as_it_was_read(table: Meanwhile, taken: list[int]) -> None:
    waiting = Waiting(table, lambda: NOW, lambda _: None)  # type: ignore[arg-type]
    waiting.park(map(waiter, taken))
    read = waiting.of(waiter(0).partition, [IDS[0]])
    assert all(one.etag for one in read)
    waiting.park([waiter(1)])
    waiting.release(read)
    assert children(waiting) == {IDS[1]}, "though it is the same to the letter"


def test_what_was_neither_read_nor_written_is_taken_away_as_it_is(table: Meanwhile) -> None:
    waiting = Waiting(table, lambda: NOW, lambda _: None)  # type: ignore[arg-type]
    waiting.park([waiter(1), waiter(2)])
    waiting.release([waiter(1), waiter(2), waiter(3)])
    assert children(waiting) == set()


def letter(rejected_at: float = 100.0) -> DeadLetter:
    return DeadLetter(FLOW, IDS[0], "too_long", "name", "Shorten it.", 1, 1, rejected_at)


@pytest.fixture
def letters(table: Meanwhile, bodies: Meanwhile) -> DeadLetters:
    return DeadLetters(table, bodies, bodies)  # type: ignore[arg-type]


@pytest.mark.parametrize("row", [None, ROW], ids=["no row", "a row"])
def test_a_letter_is_discarded_with_its_row(letters: DeadLetters, row: Any) -> None:
    letters.put(letter(), row)
    assert letters.discard(FLOW, [IDS[0], IDS[1]]) == 1
    assert (letters.get(FLOW, IDS[0]), letters.row(FLOW, IDS[0])) == (None, None)


@pytest.mark.parametrize("rejected_at", [200.0, 99.0], ids=["later", "by a clock behind"])
@pytest.mark.parametrize(
    ("row", "at"),
    [
        pytest.param(None, "table", id="no row"),
        pytest.param(ROW, "table", id="a row, before the letter is taken away"),
        pytest.param(ROW, "bodies", id="a row, before it is taken away"),
    ],
)
def test_a_letter_that_is_put_again_while_it_is_discarded_stays_with_its_row(
    letters: DeadLetters,
    table: Meanwhile,
    bodies: Meanwhile,
    row: Any,
    at: str,
    rejected_at: float,
) -> None:
    letters.put(letter(), row)
    newer, kept = letter(rejected_at), row and {**ROW, "acs_visit_name": "newer"}
    {"table": table, "bodies": bodies}[at].deed = lambda: letters.put(newer, kept)
    letters.discard(FLOW, [IDS[0]])
    assert letters.get(FLOW, IDS[0]) == newer
    assert letters.row(FLOW, IDS[0]) == kept


def test_a_mark_on_a_letter_does_not_keep_it(letters: DeadLetters, table: Meanwhile) -> None:
    """A replay that hands it off at the same time, or notes its metadata, refuses nothing anew."""
    letters.put(letter())
    table.deed = lambda: letters.replayed(FLOW, [IDS[0]], "job", NOW)
    letters.discard(FLOW, [IDS[0]])
    assert letters.get(FLOW, IDS[0]) is None


def test_a_letter_that_others_discard_first_is_gone(letters: DeadLetters, table: Meanwhile) -> None:
    letters.put(letter(), ROW)
    table.deed = lambda: void(letters.discard(FLOW, [IDS[0]]))
    assert letters.discard(FLOW, [IDS[0]]) == 1
    assert letters.get(FLOW, IDS[0]) is None


def test_a_mark_is_not_put_on_what_has_arrived(letters: DeadLetters) -> None:
    letters.put(letter())
    letters.arrived(FLOW, [IDS[0]])
    letters.sent_again(FLOW, IDS[0], "metadata")
    letters.replayed(FLOW, [IDS[0]], "job", NOW)
    assert letters.get(FLOW, IDS[0]) is None


def test_an_older_letter_stays_apart_from_a_newer_one(letters: DeadLetters) -> None:
    letters.put(replace(letter(), origin="deliveryLogs_1.txt:3", first_seen=50.0))
    letters.put(replace(letter(200.0), origin="deliveryLogs_1.txt:3", first_seen=150.0))
    assert letters.remove_from(FLOW, "deliveryLogs_1.txt", 100.0, "") == 0
    assert letters.get(FLOW, IDS[0])


def void(_: object) -> None:
    """The result is of no interest."""
