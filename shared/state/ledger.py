"""The ledger: one row per record with what was last written and what became of it, in partitions of
one flow's records.

A partition has a header row. It carries the claim: who is writing records of this partition, and
until when. Taking the claim is one conditional write of that row, and settling writes all records
and gives the claim back in one transaction conditional on it. So two instances never write records
of one partition at once, an instance that lost its claim cannot settle, and one that died is waited
for no longer than its lease. The claim names the records that are written under it: whoever takes
over one that has ended puts them in doubt. The header counts the partition's records by outcome,
exactly, at no extra cost, and holds a Bloom filter of their ids, so that a record which is new is
not looked for.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import batched
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode

from shared.errors import ClaimLost, Contended, Retryable
from shared.records import Outcome
from shared.state.bloom_filter import BloomFilter
from shared.state.conditions import unchanged
from shared.state.filters import literal
from shared.state.ledger_rows import (
    BUCKETS,
    COUNTED,
    HEADER,
    SELECTED,
    Header,
    LedgerRow,
    View,
    Waits,
    header_entity,
    partition_name,
    read_header,
    read_row,
    row_entity,
    waits_begin,
)
from shared.state.pages import filled
from shared.threads import ThreadPool
from shared.waits import read_wait

# what the service answers at most (Microsoft Learn, "Query timeout and pagination")
ROWS_PER_PAGE = 1000
# a filter takes 15 comparisons (Microsoft Learn, "Querying tables and entities"); one is the
# partition's
NAMED = 14
NAMED_QUERIES = 4
COUNT_ATTEMPTS = 20
OWN_WRITES = 3  # of one claim whose answers were lost
WRITING = "Another instance is writing records of this partition; they are sent again."
LOST = "Another instance took the records of this partition; they are sent again."


class Ledger:
    """Reads and writes the table `ledger`.

    A lost race is Retryable: the records are looked at again.
    """

    def __init__(self, table: TableClient) -> None:
        self.table = table
        self.pool = ThreadPool(16, "ledger")
        self.scans = threading.Semaphore(
            2
        )  # a page of 1,000 rows is megabytes; more at once cost memory and gain no time

    def view(self, partition: str, ids: Collection[str], now: float) -> View:
        """The header and the rows of these ids that exist: one read where all are new, two where
        the partition is small or
        the ids are few. With them those that were being written under a claim that has ended.
        Contended, before the rows are read, while somebody writes there `now`.
        """
        view = View(partition, self.header(partition), {})
        self.check_free(view, now)
        if held := view.header.may_contain({*ids, *view.header.writing}):
            view.rows = self.rows(partition, held, view.header.rows)
        return view

    def header(self, partition: str, select: list[str] | None = None) -> Header:
        try:
            return read_header(self.table.get_entity(partition, HEADER, select=select))
        except ResourceNotFoundError:
            return Header()

    def rows(
        self, partition: str, ids: Collection[str], partition_rows: int
    ) -> dict[str, LedgerRow]:
        # A query over a range costs a call per 1,000 rows that it passes, and brings them all;
        # those that name their rows bring
        # only those, but pass the whole partition each: it must be small. Single reads cost a call
        # each, side by side.
        if len(ids) <= 2:
            found = [self.row(partition, record_id) for record_id in ids]
            return {row.record_id: row for row in found if row}
        if len(ids) <= NAMED * NAMED_QUERIES and len(ids) * 4 < partition_rows <= ROWS_PER_PAGE:
            return self.named(partition, ids)
        if len(ids) * 20 < partition_rows:
            return self.singly(partition, ids)
        return self.queried(
            partition, ids, f"RowKey ge {literal(min(ids))} and RowKey le {literal(max(ids))}"
        )

    def singly(self, partition: str, ids: Iterable[str]) -> dict[str, LedgerRow]:
        found = self.pool.map(lambda record_id: self.row(partition, record_id), ids)
        return {row.record_id: row for row in found if row}

    def named(self, partition: str, ids: Collection[str]) -> dict[str, LedgerRow]:
        found: dict[str, LedgerRow] = {}
        for part in batched(ids, NAMED, strict=False):
            found |= self.queried(
                partition,
                part,
                " or ".join(f"RowKey eq {literal(record_id)}" for record_id in part),
            )
        return found

    def queried(self, partition: str, ids: Collection[str], condition: str) -> dict[str, LedgerRow]:
        with self.scans:
            entities = self.table.query_entities(
                f"PartitionKey eq {literal(partition)} and ({condition})", select=SELECTED
            )
            return {
                entity["RowKey"]: read_row(entity) for entity in entities if entity["RowKey"] in ids
            }

    def row(self, partition: str, record_id: str) -> LedgerRow | None:
        try:
            return read_row(self.table.get_entity(partition, record_id, select=SELECTED))
        except ResourceNotFoundError:
            return None

    def claim(
        self,
        view: View,
        owner: str,
        now: float,
        lease_seconds: float,
        changed: Collection[LedgerRow] = (),
    ) -> None:
        """Takes the partition for `owner`, and writes the changed rows with it.

        Contended while somebody else writes in it or has settled since it was read.
        """
        self.check_free(view, now)
        view.header.owner, view.header.until = owner, now + lease_seconds
        if changed:
            self.save_all(view, changed)
        else:
            self.save_header(view, view.header.until)
        view.owner = owner

    def check_free(self, view: View, now: float) -> None:
        if view.header.owner and view.header.until > now:
            raise Contended(WRITING, 1.0, view.header.until - now)

    def renew(self, view: View, now: float, lease_seconds: float) -> None:
        """Holds the claim longer.

        ClaimLost if somebody took it over, and then the view's claim has ended at once. After any
        other failure it ends when it would have ended.
        """
        try:
            self.save_header(view, now + lease_seconds)
        except Contended as lost:
            view.header.until = 0.0
            raise ClaimLost(str(lost)) from None
        view.header.until = now + lease_seconds

    def save_header(self, view: View, until: float) -> None:
        """Writes the header without its Bloom filter, with the claim's end."""
        view.header.begin_write()
        entity = header_entity(view.partition, replace(view.header, until=until))

        def write() -> Any:
            if not view.header.etag:
                return self.table.create_entity(entity)
            return self.table.update_entity(entity, UpdateMode.MERGE, **unchanged(view.header.etag))

        self.conditional(view, write)

    def settle(self, view: View, changed: Iterable[LedgerRow]) -> None:
        """Writes the rows and gives the claim back, all or nothing; ClaimLost if the claim was lost
        meanwhile. Contended where nothing was claimed, so nothing was written to the target, and
        others have settled since the view was read, or since this was done without an answer.
        """
        view.header.owner, view.header.until, view.header.writing = "", 0.0, ()
        try:
            self.save_all(view, list(changed))
        except Contended:
            if not view.owner:
                raise
            raise ClaimLost(
                "The claim on these records ended before they were settled; they are sent again."
            ) from None

    def save_all(self, view: View, changed: Collection[LedgerRow]) -> None:
        """Writes the rows and the header, all or nothing."""
        bloom_filter = self.bloom_filter(view, len(changed))
        bloom_filter.add(row.record_id for row in changed)
        view.header.begin_write()
        rows: list[Any] = [
            ("upsert", row_entity(view.partition, row), {"mode": UpdateMode.REPLACE})
            for row in changed
        ]
        header = {**header_entity(view.partition, view.header), **bloom_filter.properties()}

        def write() -> Any:
            condition = {"mode": UpdateMode.REPLACE, **unchanged(view.header.etag)}
            last = ("update", header, condition) if view.header.etag else ("create", header)
            return self.table.submit_transaction([*rows, last])[-1]

        self.conditional(view, write)

    def conditional(self, view: View, write: Callable[[], Any]) -> None:
        """One write on condition that nobody else has written the header.

        The service may have done it and answered that it failed: its repetition is then refused.
        """
        for _ in range(OWN_WRITES):
            try:
                view.header.etag = write()["etag"]
                return
            except (ResourceModifiedError, ResourceExistsError, TableTransactionError) as error:
                if error.status_code not in (409, 412):
                    raise
            if self.was_done(view):
                return
        raise Contended(LOST, 0.5)

    def was_done(self, view: View) -> bool:
        """Whether a write that was refused had been done before.

        False if an earlier one of the same claim was, and it may be made again. Contended if
        somebody else has written the header; after a write that holds nothing others may have.
        """
        there = self.header(view.partition, select=COUNTED)
        if not view.header.owner and view.header.stamp in there.earlier:
            return True
        own = view.owner != "" and there.owner == view.owner
        if there.stamp != view.header.stamp and not own:
            raise Contended(LOST, 0.5)
        view.header.etag = there.etag
        return there.stamp == view.header.stamp

    def bloom_filter(self, view: View, changed: int) -> BloomFilter:
        """The partition's Bloom filter; made again from the ids of its rows where it is missing or
        too small. Where it has no more rows than are changed now, these are all, and none is read.
        """
        known, rows = view.header.bloom_filter, view.header.rows
        if known is None or not known.has_capacity(rows):
            ids = self.keys(view.partition) if rows > changed else ()
            known = view.header.bloom_filter = BloomFilter.of(rows, ids)
        return known

    def keys(self, partition: str) -> Iterator[str]:
        condition = f"PartitionKey eq {literal(partition)} and RowKey gt '{HEADER}'"
        return (
            entity["RowKey"] for entity in self.table.query_entities(condition, select=["RowKey"])
        )

    def count(self, partition: str, outcomes: Counter[str], calls: Mapping[str, int]) -> None:
        """Adds to the totals of a partition whose rows are not kept.

        Retryable if others keep coming first.
        """
        for _ in range(COUNT_ATTEMPTS):
            view = View(partition, self.header(partition), {})
            view.header.totals.update(outcomes)
            view.header.calls.update(calls)
            try:
                self.save_header(view, view.header.until)
            except Contended:
                continue
            return
        raise Retryable(
            "Too many instances count in one partition; the records are sent again.", 1.0
        )

    def ids(self, flow: str, number: int, after: str = "") -> list[str]:
        """Up to 1,000 ids of one bucket without a tombstone, in order, from behind `after`; [] at
        the end.
        """
        name = literal(partition_name(flow, number))
        condition = (
            f"PartitionKey eq {name} and RowKey gt {literal(after or HEADER)} and deleted eq false"
        )
        pages = self.table.query_entities(
            condition, select=["RowKey"], results_per_page=ROWS_PER_PAGE
        ).by_page()
        return [entity["RowKey"] for entity in filled(pages)]

    def existing_from(self, partition: str, first: str) -> tuple[list[str], str]:
        """The ids of one page of a partition, from `first` on, that are in the target; and the last
        id of the page, "" if
        the partition ends in it.
        """
        condition = f"PartitionKey eq {literal(partition)} and RowKey ge {literal(first)}"
        pages: Any = self.table.query_entities(
            condition, select=["RowKey", "exists"], results_per_page=ROWS_PER_PAGE
        ).by_page()
        page = filled(pages)
        end = page[-1]["RowKey"] if page and pages.continuation_token else ""
        return [entity["RowKey"] for entity in page if entity["exists"]], end

    def waiting(self, partition: str, reason: str, before: float) -> Iterator[str]:
        """The ids of a partition that have waited for this since before a moment."""
        condition = (
            f"PartitionKey eq {literal(partition)} and outcome eq '{Outcome.WAITING}' and reason eq"
            f" {literal(reason)}"
        )
        entities = self.table.query_entities(
            f"{condition} and settled_at lt {before:f}", select=["RowKey"]
        )
        return (entity["RowKey"] for entity in entities)

    def waits(self, partition: str) -> Waits:
        """Who waits in a partition, by the code of the wait, as its rows say: for a header of an
        earlier version.
        """
        condition = f"PartitionKey eq {literal(partition)} and outcome eq '{Outcome.WAITING}'"
        found: Waits = {}
        for entity in self.table.query_entities(condition, select=["reason", "first_seen"]):
            wait = read_wait(entity["reason"])
            waits_begin(found, wait.code if wait else "", entity["first_seen"])
        return found

    def headers(self, flow: str) -> list[Header]:
        """All headers of a flow without their Bloom filters, for its status."""
        partitions = [partition_name(flow, number) for number in range(BUCKETS)]
        return list(self.pool.map(partial(self.header, select=COUNTED), partitions))
