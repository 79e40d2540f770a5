"""Azure's table service in memory, behind the interface of its clients: ETags, conditions,
transactions, continuation tokens.

Sources: Microsoft Learn, "Understanding the Table service data model", "Performing entity group
transactions", "Query timeout and pagination". tests/contract/state/test_simulated_storage.py plays
the same script here and on Azurite.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.paging import ItemPaged
from azure.data.tables import EntityProperty, TableEntity, TableTransactionError, UpdateMode

from dev.simulation.errors import Answer
from dev.simulation.odata import partition_of, read_filter

MOST_OPERATIONS = 100
PAGE_ROWS = 1000
MOST_TEXT = 32 * 1024
MOST_BYTES = 64 * 1024
MOST_PROPERTIES = 252
INT32 = 2**31
KEY_FAULT = re.compile(r"[\x00-\x1f\x7f-\x9f/\\#?]")
REASONS: dict[int, type[HttpResponseError]] = {
    404: ResourceNotFoundError,
    409: ResourceExistsError,
    412: ResourceModifiedError,
}
Perform = Callable[[str, Callable[[], Any]], Any]


@dataclass(slots=True)
class Stored:
    """A row as the service holds it: without nulls, whatever form it came in."""

    values: dict[str, Any]
    etag: str


class Refused(Exception):
    """The service refuses an operation."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


Rows = dict[tuple[str, str], Stored]


class TableService:
    """All tables of an account.

    `perform` makes an operation an I/O: it may fail, come late, or be done without an answer.
    """

    def __init__(self, perform: Perform, page_rows: Callable[[], int] = lambda: PAGE_ROWS) -> None:
        self.perform, self.page_rows = perform, page_rows
        self.tables: dict[str, Rows] = {}
        self.number = 0

    def create_table_if_not_exists(self, table_name: str) -> "Table":
        self.perform(f"create table {table_name}", lambda: self.tables.setdefault(table_name, {}))
        return self.get_table_client(table_name)

    def get_table_client(self, table_name: str) -> "Table":
        return Table(self, table_name)

    def next_etag(self) -> str:
        self.number += 1
        return f"W/\"datetime'{self.number:08d}'\""


class Table:
    """TableClient, as far as shared/state uses it."""

    def __init__(self, service: TableService, table_name: str) -> None:
        self.service, self.table_name = service, table_name

    def get_entity(
        self, partition_key: str, row_key: str, *, select: Sequence[str] | None = None
    ) -> TableEntity:
        def work() -> TableEntity:
            if (found := self.rows().get((partition_key, row_key))) is None:
                raise Refused(404, "ResourceNotFound")
            return shown(found, select)

        entity: TableEntity = self.ask(f"get {partition_key} {row_key}", work)
        return entity

    def create_entity(self, entity: Mapping[str, Any]) -> dict[str, Any]:
        return self.one("create", entity)

    def update_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE, **condition: Any
    ) -> dict[str, Any]:
        return self.one("update", entity, mode=mode, **condition)

    def upsert_entity(
        self, entity: Mapping[str, Any], mode: UpdateMode = UpdateMode.MERGE
    ) -> dict[str, Any]:
        return self.one("upsert", entity, mode=mode)

    def delete_entity(self, partition_key: str, row_key: str, **condition: Any) -> None:
        """One that is not there is as good as deleted, as the client says."""
        try:
            self.one("delete", {"PartitionKey": partition_key, "RowKey": row_key}, **condition)
        except ResourceNotFoundError:
            pass

    def one(self, verb: str, entity: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        checked(entity)
        what = f"{verb} {entity['PartitionKey']} {entity['RowKey']}"
        answers: dict[str, Any] = self.ask(
            what, lambda: self.apply(self.rows(), verb, entity, options)
        )
        return answers

    def submit_transaction(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        """All or nothing, of one partition, no row twice, up to 100 operations."""
        listed = [(verb, entity, *more) for verb, entity, *more in operations]
        for _, entity, *_ in listed:
            checked(entity)

        def work() -> list[dict[str, Any]]:
            rows = self.rows()
            keys = [(entity["PartitionKey"], entity["RowKey"]) for _, entity, *_ in listed]
            if (
                not 0 < len(listed) <= MOST_OPERATIONS
                or len({key[0] for key in keys}) > 1
                or len(set(keys)) < len(keys)
            ):
                raise Refused(400, "InvalidInput")
            tried = {key: rows[key] for key in keys if key in rows}
            answers = [
                self.apply(tried, verb, entity, more[0] if more else {})
                for verb, entity, *more in listed
            ]
            for key in keys:
                rows.pop(key, None)
            rows.update(tried)
            return answers

        answers: list[dict[str, Any]] = self.ask(
            (
                f"transaction {listed[0][1]['PartitionKey']} of {len(listed)}"
                if listed
                else "transaction"
            ),
            work,
            transaction=True,
        )
        return answers

    def query_entities(
        self,
        query_filter: str,
        *,
        select: Sequence[str] | None = None,
        results_per_page: int | None = None,
    ) -> ItemPaged[TableEntity]:
        condition = read_filter(query_filter)

        def pages(continuation_token: str | None = None) -> "Pages":
            return Pages(
                self, query_filter, condition, select, results_per_page, continuation_token
            )

        return ItemPaged(
            page_iterator_class=lambda continuation_token=None: pages(continuation_token)
        )

    def rows(self) -> Rows:
        if (rows := self.service.tables.get(self.table_name)) is None:
            raise Refused(404, "TableNotFound")
        return rows

    def ask(self, what: str, work: Callable[[], Any], transaction: bool = False) -> Any:
        def answered() -> Any:
            try:
                return work()
            except Refused as refusal:
                return refusal

        found = self.service.perform(f"{self.table_name} {what}", answered)
        if isinstance(found, Refused):
            raise error_of(found, transaction)
        return found

    def apply(
        self, rows: Rows, verb: str, entity: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        key = (entity["PartitionKey"], entity["RowKey"])
        before = rows.get(key)
        if verb == "create" and before:
            raise Refused(409, "EntityAlreadyExists")
        if verb in ("update", "delete") and before is None:
            raise Refused(404, "ResourceNotFound")
        if (
            options.get("match_condition") == MatchConditions.IfNotModified
            and before
            and before.etag != options["etag"]
        ):
            raise Refused(412, "UpdateConditionNotSatisfied")
        if verb == "delete":
            del rows[key]
            return {}
        merges = (
            before is not None
            and verb != "create"
            and options.get("mode", UpdateMode.MERGE) == UpdateMode.MERGE
        )
        kept = before.values if before and merges else {}
        values = {
            **kept,
            **{name: plain(value) for name, value in entity.items() if value is not None},
        }
        rows[key] = Stored(values, self.service.next_etag())
        return {"etag": rows[key].etag}


class Pages(Iterator[Iterator[TableEntity]]):
    """Pages of a query: a page is an I/O. Some are empty and have a token, which is not the end."""

    def __init__(
        self,
        table: Table,
        text: str,
        condition: Callable[[Mapping[str, Any]], bool],
        select: Sequence[str] | None,
        most: int | None,
        token: str | None,
    ) -> None:
        self.table, self.text, self.condition, self.select = table, text, condition, select
        self.most, self.continuation_token, self.begun = (
            min(most or PAGE_ROWS, PAGE_ROWS),
            token,
            False,
        )
        self.after = tuple(token.split("|", 1)) if token else ("", "")

    def __next__(self) -> Iterator[TableEntity]:
        if self.begun and not self.continuation_token:
            raise StopIteration
        self.begun = True
        page: list[TableEntity] = self.table.ask(f"query {self.text}", self.work)
        return iter(page)

    def work(self) -> list[TableEntity]:
        rows, most = self.table.rows(), min(self.most, self.table.service.page_rows())
        partition = partition_of(self.text)
        found = sorted(
            key
            for key, row in rows.items()
            if (partition is None or key[0] == partition)
            and key > self.after
            and self.condition(row.values)
        )
        page = found[:most]
        if len(found) > most:
            # An empty page hands its place on: the rows behind it come with the next one.
            self.after = page[-1] if page else self.after
            self.continuation_token = "|".join(self.after)
        else:
            self.continuation_token = None
        return [shown(rows[key], self.select) for key in page]


def error_of(refusal: Refused, transaction: bool) -> HttpResponseError:
    answer: Any = Answer(refusal.status)
    kind = TableTransactionError if transaction else REASONS.get(refusal.status, HttpResponseError)
    error = kind(message=f"0:{refusal.code}", response=answer)
    error.error_code = refusal.code  # type: ignore[attr-defined]
    return error


def plain(value: Any) -> Any:
    """As it is read again: a 64-bit number keeps its type, a tuple of value and type of any other
    kind does not.
    """
    if isinstance(value, tuple) and not isinstance(value, EntityProperty):
        return EntityProperty(*value)
    return value


def checked(entity: Mapping[str, Any]) -> None:
    """ValueError or TypeError for what the client or the service refuses."""
    for name in ("PartitionKey", "RowKey"):
        if KEY_FAULT.search(entity[name]) or len(entity[name]) > 512:
            raise ValueError(f"{name} holds what no key may hold")
    if len(entity) > MOST_PROPERTIES + 2:
        raise ValueError("too many properties")
    for name, value in entity.items():
        check_value(name, value)


def check_value(name: str, value: Any) -> None:
    if isinstance(value, str) and bytes_of(value) > MOST_BYTES:
        raise ValueError(f"{name} is too long")
    if isinstance(value, bytes) and len(value) > MOST_BYTES:
        raise ValueError(f"{name} is too long")
    if type(value) is int and not -INT32 <= value < INT32:
        raise TypeError(f"{name} is too large to be cast to Edm.Int32")


def bytes_of(text: str) -> int:
    """In UTF-16, as the service counts."""
    return 2 * len(text) if text.isascii() else len(text.encode("utf-16-le"))


def shown(row: Stored, select: Sequence[str] | None) -> TableEntity:
    """Null, as the service answers, for what is selected and not there. Azurite leaves it out
    (GitHub, Azure/Azurite issue 2535).
    """
    names = row.values if select is None else select
    entity = TableEntity((name, row.values.get(name)) for name in names)
    entity._metadata = {"etag": row.etag, "timestamp": None}  # the client sets it so
    return entity
