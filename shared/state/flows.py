"""Whether each flow is running, stopped by a person, or failed with a cause; known to every
instance within seconds.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient

from shared.deadlines import held, seconds_to_end
from shared.state.texts import kept

RUNNING, STOPPED, FAILED = "running", "stopped", "failed"
CACHE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FlowState:
    """`reason` is a sentence for a person; `setting` what to change; times in seconds since 1970.

    `polled_at` is the end of the last poll, `caught_up_at` the start of the last one that read all
    that the source had. `trouble`: why the last poll was interrupted, "" if it was not.
    `failing_since`: since when the source has given answers that no poll can use; 0: it gives
    others. `failures`: polls in a row that failed the flow.
    """

    status: str = RUNNING
    reason: str = ""
    setting: str = ""
    by: str = ""
    since: float = 0.0
    checked_at: float = 0.0
    mapping_problem: str = ""
    polled_at: float = 0.0
    caught_up_at: float = 0.0
    trouble: str = ""
    failing_since: float = 0.0
    failures: int = 0


class Flows:
    """The table `flows`, read through a cache of one second."""

    def __init__(self, table: TableClient, now: Callable[[], float]) -> None:
        self.table, self.now = table, now
        self.lock = threading.Lock()
        self.cache: dict[str, tuple[float, FlowState]] = {}

    def state(self, flow: str) -> FlowState:
        with held(self.lock, seconds_to_end):
            at, state = self.cache.get(flow, (0.0, FlowState()))
            if self.now() - at >= CACHE_SECONDS:
                state = self.read(flow)
                self.cache[flow] = (self.now(), state)
            return state

    def read(self, flow: str) -> FlowState:
        try:
            entity = self.table.get_entity("flows", flow)
        except ResourceNotFoundError:
            return FlowState()
        return read_state(entity)

    def all(self) -> dict[str, FlowState]:
        """Every flow that has a row, by its key; none before the first."""
        try:
            rows = list(self.table.query_entities("PartitionKey eq 'flows'"))
        except ResourceNotFoundError:
            return {}
        return {row["RowKey"]: read_state(row) for row in rows}

    def change(self, flow: str, **values: str | float) -> None:
        """Merges the values given into the flow's row; the last one to write wins, as between
        people.
        """
        told = {
            name: kept(value) if isinstance(value, str) else value for name, value in values.items()
        }
        self.table.upsert_entity({"PartitionKey": "flows", "RowKey": flow, **told})
        with held(self.lock, seconds_to_end):
            self.cache.pop(flow, None)


def read_state(entity: Mapping[str, Any]) -> FlowState:
    return FlowState(**{name: entity[name] for name in FlowState.__slots__ if name in entity})
