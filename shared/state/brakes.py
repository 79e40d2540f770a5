"""How many destructive acts a flow has done lately, and what it asks a person about.

One row for each flow in table `brakes`, changed by compare-and-set. Counts only.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.errors import Retryable
from shared.state.conditions import unchanged

PARTITION = "brakes"
MINUTE_SECONDS, DAY_SECONDS = 60.0, 86_400.0
MINUTES = 60
ATTEMPTS = 50
LOST = (ResourceModifiedError, ResourceExistsError, ResourceNotFoundError)
Counts = Mapping[int, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class BrakeState:
    """`minutes`: acts by kind and minute of the last hour. `days`: those that the document causes,
    under `version`, by day.

    `asking`: the kinds that wait for a person's answer. `asked_at`, `total_at`: seconds since 1970.
    `total`: how many records the flow had at `total_at`.
    """

    version: int = 0
    minutes: Counts = field(default_factory=dict)
    days: Counts = field(default_factory=dict)
    asking: tuple[str, ...] = ()
    asked_at: float = 0.0
    total: int = 0
    total_at: float = 0.0

    def counted(
        self, now: float, version: int, acts: Mapping[str, int], days_of: Mapping[str, int]
    ) -> "BrakeState":
        """With these acts, done now; fewer than none where they are taken back.

        `days_of`: how many days a kind is counted under one version.
        """
        minute, day = int(now / MINUTE_SECONDS), int(now / DAY_SECONDS)
        days = self.days if self.version == version else {}
        caused = {kind: count for kind, count in acts.items() if kind in days_of}
        return replace(
            self,
            version=version,
            minutes=added(self.minutes, minute, lambda _: MINUTES, acts),
            days=added(days, day, lambda kind: days_of.get(kind, 0), caused),
        )

    def most(self, kinds: frozenset[str]) -> int:
        """Acts of these kinds: in the hour, or under the version, whichever is more."""
        return max(total_of(self.minutes, kinds), total_of(self.days, kinds))

    def without(self, kinds: frozenset[str]) -> "BrakeState":
        """Counts of these kinds begin again: a person has answered."""
        return replace(
            self,
            minutes=without(self.minutes, kinds),
            days=without(self.days, kinds),
            asking=(),
        )


def added(
    counts: Counts, slot: int, slots: Callable[[str], int], acts: Mapping[str, int]
) -> Counts:
    """The counts of the last slots, as many as a kind has, with these acts in the newest."""
    kept = {
        number: Counter({kind: n for kind, n in found.items() if number > slot - slots(kind)})
        for number, found in counts.items()
    }
    kept.setdefault(slot, Counter()).update(acts)
    return {number: found for number, found in kept.items() if found}


def total_of(counts: Counts, kinds: frozenset[str]) -> int:
    return sum(found.get(kind, 0) for found in counts.values() for kind in kinds)


def without(counts: Counts, kinds: frozenset[str]) -> Counts:
    return {
        slot: {kind: count for kind, count in found.items() if kind not in kinds}
        for slot, found in counts.items()
    }


class Brakes:
    """The table `brakes`."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def read(self, flow: str) -> BrakeState:
        return self.found(flow)[0]

    def found(self, flow: str) -> tuple[BrakeState, str]:
        try:
            entity = self.table.get_entity(PARTITION, flow)
        except ResourceNotFoundError:
            return BrakeState(), ""
        return read_state(entity), str(entity.metadata["etag"])

    def change(self, flow: str, decide: Callable[[BrakeState], BrakeState | None]) -> BrakeState:
        """The row as `decide` makes it, asked again where somebody came first; None: as it is.

        Retryable if others keep coming first.
        """
        for _ in range(ATTEMPTS):
            before, etag = self.found(flow)
            after = decide(before)
            if after is None:
                return before
            if self.saved(flow, after, etag):
                return after
        raise Retryable("Too many instances count the acts of one flow; tried again.", 1.0)

    def saved(self, flow: str, state: BrakeState, etag: str) -> bool:
        entity = entity_of(flow, state)
        same = unchanged(etag)
        try:
            if etag:
                self.table.update_entity(entity, UpdateMode.REPLACE, **same)
            else:
                self.table.create_entity(entity)
        except LOST:
            return False
        return True


def entity_of(flow: str, state: BrakeState) -> dict[str, Any]:
    return {
        "PartitionKey": PARTITION,
        "RowKey": flow,
        "version": state.version,
        "minutes": json.dumps(state.minutes),
        "days": json.dumps(state.days),
        "asking": json.dumps(state.asking),
        "asked_at": float(state.asked_at),
        "total": state.total,
        "total_at": float(state.total_at),
    }


def read_state(entity: Mapping[str, Any]) -> BrakeState:
    return BrakeState(
        entity["version"],
        by_slot(entity["minutes"]),
        by_slot(entity["days"]),
        tuple(json.loads(entity["asking"])),
        entity["asked_at"],
        entity["total"],
        entity["total_at"],
    )


def by_slot(text: str) -> Counts:
    return {int(slot): counts for slot, counts in json.loads(text).items()}
