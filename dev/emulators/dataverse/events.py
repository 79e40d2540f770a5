"""What a committed write tells those who listen."""

from dataclasses import dataclass
from typing import Any, Protocol

from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.store import Row
from dev.emulators.dataverse.wire import Caller


@dataclass(frozen=True)
class Event:
    """One Create, Update or Delete of one row, with stored values.

    `target` is what the operation carried and what the platform added to it; `row` the whole row
    afterwards (before, of a deletion); `before` the row before it, None for a Create; `sent` the
    columns that stood in the request.
    """

    message: str
    table: Table
    row_id: str
    target: dict[str, Any]
    row: Row
    before: Row | None
    sent: frozenset[str]
    version: int
    caller: Caller
    request_id: str
    bypass: frozenset[str]
    bypass_steps: frozenset[str]
    tag: str | None
    time: float


class EventSink(Protocol):
    def listens(self, message: str, table: str) -> bool: ...

    def publish(self, event: Event) -> None: ...
