"""Many writes in one request: change sets in `$batch`, each all or nothing, the others going on.

Sources: Microsoft Learn, "Execute batch operations using the Web API", "Use bulk operation
messages", "Web API navigation properties".
"""

import re
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from shared import exact_json
from shared.dataverse.answers import ChangeSetAnswer, Expected, change_sets, unrecognised
from shared.dataverse.client import API, DataverseClient
from shared.dataverse.json_answers import error_message
from shared.deadlines import held
from shared.errors import BridgeError, Refusal, Rejected
from shared.http.understanding import named, understood, whole
from shared.identifiers import record_id

MOST_OPERATIONS = 1000
TYPES = "Microsoft.Dynamics.CRM."
ACTIVITY_ID = "activityid"  # the id of every activity table


@dataclass(frozen=True, slots=True)
class Operation:
    """One write; `path` is below the API's root: "acs_emailsends", "tasks(<id>)".

    `ids`: how many it answers with.
    """

    method: str
    path: str = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    ids: int | None = None

    @property
    def expected(self) -> Expected:
        rows = self.body.get("Targets", [self.body])
        named = {record_id(row.get(ACTIVITY_ID)) for row in rows} - {""}
        return Expected(
            self.method, self.ids, frozenset(named) if len(named) == len(rows) else frozenset()
        )


@dataclass(frozen=True, slots=True)
class WritableTable:
    """What a write to a table must know.

    `binds`: (lookup column, target table) -> name of the navigation property, which for
    activities carries the table's name; `many`: whether CreateMultiple and UpdateMultiple work on
    it; `lengths`: how many UTF-16 code units each text column holds.
    """

    name: str
    entity_set: str
    columns: frozenset[str]
    binds: Mapping[tuple[str, str], str]
    many: bool
    lengths: Mapping[str, int] = field(default_factory=dict)


class BatchWriter:
    """`$batch` over the client's connection. Definitions are read once and kept until `forget`."""

    def __init__(self, client: DataverseClient) -> None:
        self.client = client
        self.locks: dict[str, threading.Lock] = {}
        self.tables: dict[str, WritableTable] = {}

    def table(self, name: str) -> WritableTable:
        """Misconfigured if Dataverse has no such table.

        Who needs the same table waits for its definition; no other one does.
        """
        with held(self.locks.setdefault(name, threading.Lock())):
            tables = self.tables  # what is forgotten meanwhile is not put back
            if name not in tables:
                tables[name] = self.defined(name)
            return tables[name]

    def forget(self) -> None:
        self.tables = {}

    def defined(self, name: str) -> WritableTable:
        place = f"EntityDefinitions(LogicalName='{quote(name)}')"
        found = self.client.metadata(
            f"{place}?$select=EntitySetName&$expand=Attributes($select=LogicalName)", name
        )
        select = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
        links = self.client.metadata_list(f"{place}/ManyToOneRelationships?$select={select}", name)
        names = (
            "ReferencingAttribute",
            "ReferencedEntity",
            "ReferencingEntityNavigationPropertyName",
        )
        with understood(f"GET definition of table {name}"):
            parts = [[named(link[part]) for part in names] for link in links]
            binds = {(column, target): bind for column, target, bind in parts}
            columns = frozenset(
                named(attribute["LogicalName"]) for attribute in found["Attributes"]
            )
            entity_set = named(found["EntitySetName"])
        many = self.supports("CreateMultiple", name) and self.supports("UpdateMultiple", name)
        return WritableTable(name, entity_set, columns, binds, many, self.lengths(place, name))

    def lengths(self, place: str, name: str) -> dict[str, int]:
        """How long a text each column takes; columns of other types are not in it."""
        casts = (
            f"{place}/Attributes/{TYPES}{kind}AttributeMetadata?$select=LogicalName,MaxLength"
            for kind in ("String", "Memo")
        )
        texts = [text for cast in casts for text in self.client.metadata_list(cast, name)]
        with understood(f"GET definition of table {name}"):
            return {
                named(one["LogicalName"]): whole(one["MaxLength"])
                for one in texts
                if one.get("MaxLength")
            }

    def supports(self, message: str, table: str) -> bool:
        condition = quote(
            f"sdkmessageid/name eq '{message}' and primaryobjecttypecode eq '{table}'"
        )
        query = f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={condition}"
        url = f"{self.client.url}{API}{query}"
        return bool(self.client.listed(url, f"messages of {table}"))

    def run(self, sets: Sequence[Sequence[Operation]], what: str) -> list[BridgeError | None]:
        """What became of each change set: None if all of it was done, else why nothing of it was.

        Raises what befell all.

        Retryable, uncertain, where the answer does not say: the work may have been done.
        """
        boundary = f"batch_{uuid.uuid4()}"
        headers = {
            "Content-Type": f"multipart/mixed; boundary={boundary}",
            "Prefer": "odata.continue-on-error",
        }
        body = b"".join(written(sets, boundary))
        response = self.client.ask("POST", f"{self.client.url}{API}$batch", what, headers, body)
        if response.status not in (200, 202):
            refused = self.client.refusal(response, f"POST {what}")
            raise naming(
                refused, error_message(response), [name for one in sets for name in columns_of(one)]
            )
        expected = [[operation.expected for operation in one] for one in sets]
        found = change_sets(response, expected)
        if found is None:
            raise unrecognised(what)
        return [
            self.outcome(answer, what, columns_of(one))
            for answer, one in zip(found, sets, strict=True)
        ]

    def outcome(
        self, answer: ChangeSetAnswer, what: str, columns: Sequence[str]
    ) -> BridgeError | None:
        if answer.failure is not None:
            return naming(
                self.client.refusal(answer.failure, what), error_message(answer.failure), columns
            )
        return None if answer.done else unrecognised(what)


def create_many(table: WritableTable, rows: Sequence[Mapping[str, Any]]) -> Operation:
    return many("CreateMultiple", table, rows)


def update_many(table: WritableTable, rows: Sequence[Mapping[str, Any]]) -> Operation:
    """Each row names its id."""
    return many("UpdateMultiple", table, rows)


def many(message: str, table: WritableTable, rows: Sequence[Mapping[str, Any]]) -> Operation:
    targets = [{"@odata.type": f"{TYPES}{table.name}", **row} for row in rows]
    ids = len(rows) if message == "CreateMultiple" else None
    return Operation("POST", f"{table.entity_set}/{TYPES}{message}", {"Targets": targets}, ids)


def written(change_sets: Iterable[Sequence[Operation]], boundary: str) -> Iterator[bytes]:
    """The request's body: a change set in each part, an operation in each part of it."""
    for change_set in change_sets:
        inner = f"changeset_{uuid.uuid4()}"
        yield f"--{boundary}\r\nContent-Type: multipart/mixed; boundary={inner}\r\n\r\n".encode()
        for number, operation in enumerate(change_set, 1):
            yield from one(operation, number, inner)
        yield f"--{inner}--\r\n\r\n".encode()
    yield f"--{boundary}--\r\n".encode()


def one(operation: Operation, number: int, boundary: str) -> Iterator[bytes]:
    """A part with its own Content-Length: some versions of Dataverse refuse a body without one."""
    body = exact_json.written(operation.body)
    yield (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding:"
        f" binary\r\nContent-ID: {number}\r\n\r\n{operation.method} {API}{operation.path}"
        " HTTP/1.1\r\nContent-Type: application/json; type=entry\r\nContent-Length:"
        f" {len(body)}\r\n\r\n"
    ).encode()
    yield body
    yield b"\r\n"


def columns_of(change_set: Sequence[Operation]) -> list[str]:
    """The columns that its rows set, each once."""
    rows = (
        row for operation in change_set for row in operation.body.get("Targets", [operation.body])
    )
    return list(dict.fromkeys(name for row in rows for name in row if "@" not in name))


def naming(error: BridgeError, message: str, columns: Sequence[str]) -> BridgeError:
    """A rejection with the columns that Dataverse's message names; of the message nothing else is
    shown.
    """
    named = [
        column
        for column in dict.fromkeys(columns)
        if re.search(rf"\b{re.escape(column)}\b", message)
    ]
    if not isinstance(error, Rejected) or not named:
        return error
    return Rejected(Refusal(", ".join(named), error.reason, f"{error} Column: {', '.join(named)}."))
