"""The table service does a write and answers that it failed; its repetition is refused with 412 or
409.

Whoever made the write recognises it. Played on a real table service: each write is sent twice.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dev.commands.azurite import start_azurite
from shared.errors import ClaimLost, Retryable
from shared.pipeline import doubt
from shared.records import Outcome
from shared.settings import load_storage_settings
from shared.state.ledger import Ledger
from shared.state.ledger_rows import LedgerRow, View
from shared.state.storage import Storage

ID, OTHER = "00000001-0000-0000-0000-000000000000", "00000002-0000-0000-0000-000000000000"
LEASE = 30.0
WRITES = ("create_entity", "update_entity", "submit_transaction")


class Repeated:
    """A table whose writes are done, answered with 500, and sent again.

    `lost`: the next repetitions have no answer either. `between`: what others do before the next
    repetition.
    """

    def __init__(self, table: Any) -> None:
        self.table, self.lost = table, 0
        self.between: Callable[[], None] | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.table, name)
        if name not in WRITES:
            return method

        def twice(*arguments: Any, **named: Any) -> Any:
            method(*arguments, **named)
            others, self.between = self.between, None
            if others:
                others()
            if self.lost:
                self.lost -= 1
                raise Retryable("The storage account did not answer.", uncertain=True)
            return method(*arguments, **named)

        return twice


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with start_azurite() as azurite:
        yield Storage(load_storage_settings({"AzureWebJobsStorage": azurite.connection_string}))


@pytest.fixture
def table(storage: Storage) -> Repeated:
    return Repeated(storage.table("ledger"))


@pytest.fixture
def ledger(table: Repeated) -> Ledger:
    return Ledger(table)  # type: ignore[arg-type]


@pytest.fixture
def plain(storage: Storage) -> Ledger:
    return Ledger(storage.table("ledger"))


@pytest.fixture
def partition(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name[:40].replace('[', '-').rstrip(']')}-{time.monotonic_ns()}"


def row(view: View, record_id: str = ID) -> LedgerRow:
    found = view.rows.setdefault(record_id, LedgerRow(record_id))
    found.add_history(time.time(), Outcome.CREATED, 1, "", 1)
    return found


def claimed(ledger: Ledger, partition: str, *writing: str) -> View:
    view = ledger.view(partition, [ID], time.time())
    view.header.writing = writing
    ledger.claim(view, "me", time.time(), LEASE)
    return view


def renew(ledger: Ledger, view: View) -> None:
    ledger.renew(view, time.time(), LEASE)


def settle(ledger: Ledger, view: View) -> None:
    ledger.settle(view, [row(view)])


@pytest.mark.parametrize("work", [renew, settle])
@pytest.mark.parametrize("exists", [False, True], ids=["a new partition", "one that is there"])
def test_ones_own_write_is_recognised(
    ledger: Ledger, plain: Ledger, partition: str, work: Callable[..., None], exists: bool
) -> None:
    if exists:
        plain.count(partition, Counter(created=1), {})
    view = claimed(ledger, partition)
    work(ledger, view)
    if work is renew:
        settle(ledger, view)
    after = plain.view(partition, [ID], time.time())
    assert (after.header.owner, after.rows.keys()) == ("", {ID})


def test_a_claim_whose_renewal_was_never_answered_is_still_ones_own(
    ledger: Ledger, table: Repeated, plain: Ledger, partition: str
) -> None:
    view = claimed(ledger, partition)
    until, table.lost = view.header.until, 1
    with pytest.raises(Retryable) as failed:
        ledger.renew(view, time.time() + 5, LEASE)
    assert not isinstance(failed.value, ClaimLost)
    assert view.header.until == until, "it ends when it would have ended"
    settle(ledger, view)
    assert plain.row(partition, ID) is not None


def test_counts_are_added_once(ledger: Ledger, plain: Ledger, partition: str) -> None:
    for _ in range(2):
        ledger.count(partition, Counter(created=3), {"POST": 1})
    header = plain.header(partition)
    assert (header.totals["created"], header.calls["POST"]) == (6, 2)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("is_claimed", [False, True], ids=["without a claim", "claimed"])
def test_a_settlement_is_recognised_though_others_wrote_since(
    ledger: Ledger, table: Repeated, plain: Ledger, partition: str, is_claimed: bool, count: int
) -> None:
    """What follows a settlement is done once, and its records are in no doubt."""
    if is_claimed:
        view = claimed(ledger, partition, ID)
    else:
        view = ledger.view(partition, [ID], time.time())
    table.between = lambda: others_settle(plain, partition, count)
    settle(ledger, view)
    after = plain.view(partition, [ID], time.time())
    assert (after.header.owner, after.rows.keys()) == ("", {ID})
    assert after.header.totals["created"] == count


def others_settle(ledger: Ledger, partition: str, count: int) -> None:
    for _ in range(count):
        ledger.count(partition, Counter(created=1), {})


def test_counts_are_added_once_though_others_count_since(
    ledger: Ledger, table: Repeated, plain: Ledger, partition: str
) -> None:
    table.between = lambda: others_settle(plain, partition, 2)
    ledger.count(partition, Counter(created=3), {})
    assert plain.header(partition).totals["created"] == 5


def test_a_claim_that_somebody_took_over_is_lost(ledger: Ledger, partition: str) -> None:
    view = claimed(ledger, partition, ID)
    later = time.time() + LEASE + 1
    other = ledger.view(partition, [OTHER], later)
    ledger.claim(other, "other", later, LEASE)
    with pytest.raises(ClaimLost) as lost:
        renew(ledger, view)
    assert lost.value.uncertain
    assert view.header.until == 0
    with pytest.raises(ClaimLost):
        settle(ledger, view)
    ledger.settle(other, [row(other, OTHER)])


@pytest.mark.parametrize("known", [False, True], ids=["never settled", "settled before"])
def test_who_takes_a_claim_over_puts_its_records_in_doubt_with_it(
    ledger: Ledger, plain: Ledger, partition: str, known: bool
) -> None:
    if known:
        settle(plain, claimed(plain, partition))
    claimed(ledger, partition, ID)
    later = time.time() + LEASE + 1
    view = ledger.view(partition, [OTHER], later)
    assert view.header.writing == (ID,)
    rows = doubt.take_over(view, 5000.0, later)
    view.header.writing = (OTHER,)
    ledger.claim(view, "other", later, LEASE, rows)
    there = plain.row(partition, ID)
    assert there is not None
    assert (there.doubt_until, there.outcome) == (5000.0, "created" if known else "waiting")
    header = plain.header(partition)
    assert (header.owner, header.writing) == ("other", (OTHER,))
    assert header.counts[Outcome.WAITING] == header.rows == (0 if known else 1)
    ledger.settle(view, [row(view, OTHER)])
    assert plain.header(partition).writing == ()
