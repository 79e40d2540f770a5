"""The ledger on a real table service: claims, fencing, settlement in one transaction, and how it
reads.
"""

import time
from collections.abc import Iterator

import pytest
from azure.data.tables import UpdateMode

from dev.bench.storage_calls import counted_storage
from dev.commands.azurite import start_azurite
from shared.errors import Contended, Retryable
from shared.records import Outcome
from shared.settings import load_storage_settings
from shared.state.checkpoints import Checkpoints
from shared.state.ledger import Ledger
from shared.state.ledger_rows import BUCKETS, HEADER, LedgerRow, View, bucket
from shared.state.presence import Presence
from shared.state.storage import Storage

IDS = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(99)]


@pytest.fixture(scope="module")
def storage() -> Iterator[Storage]:
    with start_azurite() as azurite:
        yield Storage(load_storage_settings({"AzureWebJobsStorage": azurite.connection_string}))


@pytest.fixture
def ledger(storage: Storage) -> Ledger:
    return Ledger(storage.table("ledger"))


@pytest.fixture
def partition(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name[:40].replace('[', '-')}-{time.monotonic_ns()}"


def written(view: View, ids: list[str], version: int = 2**40) -> list[LedgerRow]:
    rows = []
    for record_id in ids:
        row = view.rows.setdefault(record_id, LedgerRow(record_id))
        row.version, row.exists = version, True
        row.add_history(time.time(), Outcome.CREATED, version, "", 1)
        rows.append(row)
    view.header.rows += len(rows)
    return rows


def settled(ledger: Ledger, partition: str, ids: list[str]) -> None:
    view = ledger.view(partition, ids, time.time())
    ledger.claim(view, "me", time.time(), 30)
    ledger.settle(view, written(view, ids))


def test_what_is_settled_is_read_back(ledger: Ledger, partition: str) -> None:
    settled(ledger, partition, IDS)
    view = ledger.view(partition, IDS, time.time())
    assert set(view.rows) == set(IDS)
    assert (view.header.owner, view.header.rows) == ("", 99)
    row = view.rows[IDS[0]]
    assert (row.version, row.exists, row.outcome, row.history[0][1:]) == (
        2**40,
        True,
        "created",
        ["created", 2**40, "", 1],
    )


@pytest.mark.parametrize("rows", [99, 1_000, 1_000_000], ids=["small", "a page", "large"])
@pytest.mark.parametrize("count", [1, 2, 3, 14, 15, 60])
def test_the_same_rows_are_found_in_whichever_way_is_cheapest(
    ledger: Ledger, partition: str, count: int, rows: int
) -> None:
    settled(ledger, partition, IDS)
    asked = {*IDS[-count:], "ffffffff-0000-0000-0000-000000000000"}
    assert ledger.rows(partition, asked, rows).keys() == asked & set(IDS)


def test_what_waits_for_a_reason_is_listed_once_it_has_waited_long_enough(
    ledger: Ledger, partition: str
) -> None:
    view = ledger.view(partition, IDS[:3], time.time())
    rows = written(view, IDS[:3])
    for number, (row, reason) in enumerate(
        zip(rows, ("contacts", "contacts", "target"), strict=True)
    ):
        row.add_history(1000.0 + number, Outcome.WAITING, 1, reason, 1)
    ledger.settle(view, rows)
    assert list(ledger.waiting(partition, "contacts", 1000.5)) == IDS[:1]
    assert list(ledger.waiting(partition, "contacts", 2000.0)) == IDS[:2]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_few_rows_are_read_one_by_one_and_many_in_a_range(
    ledger: Ledger, partition: str, count: int
) -> None:
    settled(ledger, partition, IDS)
    assert set(ledger.view(partition, IDS[:count], time.time()).rows) == set(IDS[:count])
    assert ledger.view(partition, ["ffffffff-0000-0000-0000-000000000000"], time.time()).rows == {}


def test_ids_that_are_new_are_not_looked_for(ledger: Ledger, partition: str) -> None:
    settled(ledger, partition, IDS[:50])
    with counted_storage() as requests:
        view = ledger.view(partition, IDS[60:], time.time())
    assert (view.rows, requests) == ({}, ["GET"])


def test_a_partition_s_first_records_cost_no_read_of_its_ids(
    ledger: Ledger, partition: str
) -> None:
    with counted_storage() as requests:
        settled(ledger, partition, IDS[:50])
    assert requests == ["GET", "POST", "POST"], "the header, the claim, the settlement"
    assert ledger.header(partition).may_contain(IDS) >= set(IDS[:50])


def test_a_status_counts_without_the_sieves(ledger: Ledger) -> None:
    settled(ledger, "status-07", IDS[:50])
    headers = ledger.headers("status")
    assert (len(headers), headers[7].rows, headers[7].bloom_filter) == (BUCKETS, 50, None)


def test_a_partition_of_an_older_version_gets_its_sieve_with_the_next_settlement(
    ledger: Ledger, partition: str
) -> None:
    settled(ledger, partition, IDS[:50])
    header = ledger.table.get_entity(partition, HEADER)
    del header["sieve"]
    ledger.table.update_entity(header, UpdateMode.REPLACE)
    assert ledger.view(partition, IDS, time.time()).header.bloom_filter is None
    assert set(ledger.view(partition, IDS, time.time()).rows) == set(IDS[:50])
    settled(ledger, partition, IDS[70:71])
    assert ledger.header(partition).may_contain(IDS) == {*IDS[:50], IDS[70]}


def test_a_sieve_that_is_too_small_is_made_anew_from_the_rows(
    ledger: Ledger, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.state.bloom_filter.FEWEST", 10)
    settled(ledger, partition, IDS[:8])
    small = len(ledger.table.get_entity(partition, HEADER)["sieve"])
    settled(ledger, partition, IDS[8:50])
    settled(ledger, partition, IDS[50:51])
    assert len(ledger.table.get_entity(partition, HEADER)["sieve"]) > 4 * small
    assert ledger.header(partition).may_contain(IDS) >= set(IDS[:51])
    assert len(ledger.header(partition).may_contain(IDS)) < 60


def test_a_partition_of_hundreds_of_thousands_of_records_knows_who_is_new(
    ledger: Ledger, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.state.bloom_filter.FEWEST", 200_000)
    settled(ledger, partition, IDS[:10])
    header = ledger.table.get_entity(partition, HEADER)
    assert "sieve" not in header, "an earlier version would take a part for all"
    with counted_storage() as requests:
        settled(ledger, partition, IDS[10:50])
    assert requests == ["GET", "PATCH", "POST"], "the header, the claim, the settlement"
    assert ledger.header(partition).may_contain(IDS) == set(IDS[:50])


def test_parents_that_never_came_cost_a_read_of_the_header(ledger: Ledger, partition: str) -> None:
    settled(ledger, partition, IDS[:40])
    presence = Presence(ledger, time.time)
    with counted_storage() as requests:
        assert presence.there([(partition, record_id) for record_id in IDS[50:]]) == set()
    assert len(requests) == 1
    assert presence.there([(partition, record_id) for record_id in IDS]) == {
        (partition, record_id) for record_id in IDS[:40]
    }


def test_a_claim_keeps_others_off_until_its_lease_ends(ledger: Ledger, partition: str) -> None:
    now = time.time()
    ledger.claim(ledger.view(partition, IDS, time.time()), "one", now, 30)
    with pytest.raises(Retryable):
        ledger.claim(ledger.view(partition, IDS, now + 29), "two", now + 29, 30)
    ledger.claim(ledger.view(partition, IDS, now + 31), "two", now + 31, 30)


def test_what_is_claimed_is_not_read(ledger: Ledger, partition: str) -> None:
    settled(ledger, partition, IDS)
    ledger.claim(ledger.view(partition, IDS, time.time()), "one", time.time(), 30)
    with counted_storage() as requests, pytest.raises(Contended):
        ledger.view(partition, IDS, time.time())
    assert requests == ["GET"]


def test_of_two_that_claim_at_once_one_succeeds(ledger: Ledger, partition: str) -> None:
    one, two = ledger.view(partition, IDS, time.time()), ledger.view(partition, IDS, time.time())
    ledger.claim(one, "one", time.time(), 30)
    with pytest.raises(Retryable):
        ledger.claim(two, "two", time.time(), 30)


def test_one_who_lost_the_claim_can_neither_settle_nor_renew(
    ledger: Ledger, partition: str
) -> None:
    now = time.time()
    late = ledger.view(partition, IDS, time.time())
    ledger.claim(late, "late", now, 1)
    ledger.claim(ledger.view(partition, IDS, now + 2), "other", now + 2, 30)
    with pytest.raises(Retryable):
        ledger.renew(late, now + 3, 30)
    assert late.header.until == 0.0
    with pytest.raises(Retryable):
        ledger.settle(late, written(late, IDS))
    assert ledger.view(partition, IDS, now + 60).rows == {}


def test_who_claimed_nothing_loses_no_claim(ledger: Ledger, partition: str) -> None:
    """Nothing was written to the target, so nothing of it is in doubt."""
    outdated = ledger.view(partition, IDS, time.time())
    settled(ledger, partition, IDS[:1])
    with pytest.raises(Contended):
        ledger.settle(outdated, written(outdated, IDS[1:]))


def test_who_looked_before_a_settlement_cannot_claim_on_what_it_saw(
    ledger: Ledger, partition: str
) -> None:
    outdated = ledger.view(partition, IDS, time.time())
    settled(ledger, partition, IDS[:1])
    with pytest.raises(Retryable):
        ledger.claim(outdated, "late", time.time(), 30)


def test_ids_come_in_pages_without_tombstones(ledger: Ledger) -> None:
    view = ledger.view("pages-07", IDS, time.time())
    rows = written(view, IDS)
    rows[3].deleted = True
    ledger.claim(view, "me", time.time(), 30)
    ledger.settle(view, rows)
    assert ledger.ids("pages", 7) == [
        record_id for record_id in IDS if record_id != rows[3].record_id
    ]
    assert ledger.ids("pages", 7, after=IDS[-2]) == [IDS[-1]]
    assert ledger.ids("pages", 7, after=IDS[-1]) == []


def test_records_spread_evenly_over_the_buckets() -> None:
    counts = [0] * BUCKETS
    for number in range(6400):
        counts[bucket(f"{number:08x}-0000-0000-0000-000000000000")] += 1
    assert 50 < min(counts) <= max(counts) < 150


def test_of_two_polls_from_one_checkpoint_one_goes_on(storage: Storage) -> None:
    checkpoints = Checkpoints(storage.table("checkpoints"))
    one, two = checkpoints.load("contacts", "contact"), checkpoints.load("contacts", "contact")
    one.link = "one"
    checkpoints.save(one)
    with pytest.raises(Retryable):
        checkpoints.save(two)
    assert checkpoints.load("contacts", "contact").link == "one"
