"""Whether each flow is running, stopped by a person, or failed with a cause; known to every
instance within seconds.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.deadlines import held, seconds_to_end
from shared.errors import Retryable
from shared.state.conditions import unchanged
from shared.state.texts import kept

RUNNING, STOPPED, FAILED = "running", "stopped", "failed"
BRIDGE = "bridge"
"""Who changed a flow, where no person did."""
CACHE_SECONDS = 1.0
CHANGE_ATTEMPTS = 50
LOST = (ResourceModifiedError, ResourceExistsError, ResourceNotFoundError)


@dataclass(frozen=True, slots=True)
class FlowState:
    """`reason` is a sentence for a person; `setting` what to change; times in seconds since 1970.

    `polled_at` is the end of the last poll, `caught_up_at` the start of the last one that read all
    that the source had. `trouble`: why the last poll was interrupted, "" if it was not.
    `failing_since`: since when the source has given answers that no poll can use; 0: it gives
    others. `failures`: polls in a row that failed the flow.
    `word` counts the changes of `status`, so that two equal ones are told apart; `replays` how
    often a person had all read again. `reread_at`: when all of its table was last read again from
    the start. `mapping_version`: the newest that rows which it delivers were read for.
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
    word: int = 0
    replays: int = 0
    reread_at: float = 0.0
    mapping_version: int = 0

    def is_same_word(self, other: "FlowState") -> bool:
        """Whether nobody has started, stopped or failed the flow in between.

        `word` alone does not tell: the version before this one does not count it.
        """
        return self.last_word == other.last_word

    @property
    def last_word(self) -> tuple[int, str, str, float]:
        return self.word, self.status, self.by, self.since


Values = Mapping[str, str | float]
Decide = Callable[[FlowState], Values | None]


class Flows:
    """The table `flows`, read through a cache of one second."""

    def __init__(
        self,
        table: TableClient,
        now: Callable[[], float],
        noted: Callable[[str, FlowState], None] = lambda *_: None,
    ) -> None:
        """`noted` is called after the bridge itself has changed a flow's status."""
        self.table, self.now, self.noted = table, now, noted
        self.locks: dict[str, threading.Lock] = {}
        self.cache: dict[str, tuple[float, FlowState]] = {}
        self.readers: dict[str, object] = {}

    def state(self, flow: str) -> FlowState:
        """As it was a second ago at most. Who asks for another flow waits for no slow row."""
        if cached := self.cached(flow):
            return cached
        with held(self.locks.setdefault(flow, threading.Lock()), seconds_to_end):
            if cached := self.cached(flow):
                return cached
            state = self.read(flow)
            self.cache[flow] = (self.now(), state)
            return state

    @contextmanager
    def reading(self, source: str) -> Iterator[bool]:
        """Whether nobody else in this process reads the source while the block runs."""
        mine = object()
        alone = self.readers.setdefault(source, mine) is mine
        try:
            yield alone
        finally:
            if alone:
                del self.readers[source]

    def cached(self, flow: str) -> FlowState | None:
        at, state = self.cache.get(flow, (-CACHE_SECONDS, FlowState()))
        return state if self.now() - at < CACHE_SECONDS else None

    def read(self, flow: str) -> FlowState:
        return self.found(flow)[0]

    def found(self, flow: str) -> tuple[FlowState, str]:
        """The flow's row with its ETag, "" while there is none."""
        try:
            entity = self.table.get_entity("flows", flow)
        except ResourceNotFoundError:
            return FlowState(), ""
        return read_state(entity), str(entity.metadata["etag"])

    def all(self) -> dict[str, FlowState]:
        """Every flow that has a row, by its key; none before the first."""
        try:
            rows = list(self.table.query_entities("PartitionKey eq 'flows'"))
        except ResourceNotFoundError:
            return {}
        return {row["RowKey"]: read_state(row) for row in rows}

    def change(self, flow: str, decide: Decide) -> FlowState | None:
        """Changes the row to what `decide` makes of it, and asks again where somebody came first.

        Returns the row as it then is; None where `decide` gives None, for nothing is to be done.
        Retryable if others keep coming first.
        """
        wanted: FlowState | None = None
        for _ in range(CHANGE_ATTEMPTS):
            state, etag = self.found(flow)
            if wanted and state.is_same_word(wanted):
                return state  # ours, whose answer was lost
            values = decide(state)
            if values is None:
                return None
            changed = replace(state, **cut(values))
            if "status" in values:
                changed = wanted = replace(changed, word=state.word + 1)
            if self.saved(flow, {**values, "word": changed.word}, etag):
                if "status" in values and changed.by == BRIDGE:
                    self.noted(flow, changed)
                return changed
        raise Retryable("Others keep changing this flow; give the command again.")

    def saved(self, flow: str, values: Values, etag: str) -> bool:
        """Whether nobody has changed the row since it was read."""
        entity = {"PartitionKey": "flows", "RowKey": flow, **cut(values)}
        same = unchanged(etag)
        try:
            if etag:
                self.table.update_entity(entity, UpdateMode.MERGE, **same)
            else:
                self.table.create_entity(entity)
        except LOST:
            return False
        finally:
            self.forget(flow)
        return True

    def observe(self, flow: str, **values: str | float) -> None:
        """Notes what the bridge has seen of a flow: never its status, which `change` changes."""
        self.table.upsert_entity({"PartitionKey": "flows", "RowKey": flow, **cut(values)})
        self.forget(flow)

    def forget(self, flow: str) -> None:
        self.cache.pop(flow, None)


def cut(values: Values) -> dict[str, Any]:
    """The values at a length that a table keeps."""
    return {
        name: kept(value) if isinstance(value, str) else value for name, value in values.items()
    }


def read_state(entity: Mapping[str, Any]) -> FlowState:
    return FlowState(**{name: entity[name] for name in FlowState.__slots__ if name in entity})
