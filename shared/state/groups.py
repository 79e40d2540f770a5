"""How many records of a flow had which outcome, day by day and by group: e-mail events by campaign
and delivery.

Figures for people. They are added while records are settled, so a delivery that was cut off may be
in them twice. Counts and the groups' names only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.records import Outcome, Settlement
from shared.state.filters import literal

LOST = (ResourceModifiedError, ResourceExistsError, ResourceNotFoundError)
Group = tuple[str, ...]
Counts = Mapping[Group, Mapping[str, int]]

OTHERS = "…"
"""The name of the group that holds what is too much to be counted by itself."""
MOST_GROUPS = 20
"""Of one message."""
SHARDS = 16
"""Rows of one group and day: so many instances may add to it without coming in each other's way."""
ATTEMPTS = 10
LETTERS = 250
"""Of a group's name."""
KEPT_DAYS = 35
MOST_READ, MOST_REMOVED = 20_000, 500


@dataclass(frozen=True, slots=True)
class GroupCount:
    """`day`: as 2026-11-27, in UTC. `outcomes`: records by outcome."""

    day: str
    group: Group
    outcomes: Mapping[str, int]


class Groups:
    """The groups' rows of the table `figures`."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def add(self, flow: str, moment: float, shard: int, counts: Counts) -> None:
        """Adds what one message settled at `moment`, in seconds since 1970.

        What others keep coming first to is left out: figures hold no record up.
        """
        for group, outcomes in fewer(counts).items():
            key = f"{name_of(group)}-{shard % SHARDS:02d}"
            for _ in range(ATTEMPTS):
                if self.add_once(partition(flow, day_of(moment)), key, group, outcomes):
                    break

    def add_once(self, day: str, key: str, group: Group, outcomes: Mapping[str, int]) -> bool:
        """False if somebody else came first."""
        try:
            entity = self.table.get_entity(day, key)
        except ResourceNotFoundError:
            entity = None
        before = json.loads(entity["outcomes"]) if entity else {}
        row = {
            "PartitionKey": day,
            "RowKey": key,
            "names": json.dumps(list(group), ensure_ascii=False),
            "outcomes": json.dumps(Counter(before) + Counter(outcomes)),
        }
        try:
            if entity is None:
                self.table.create_entity(row)
            else:
                self.table.update_entity(
                    row,
                    UpdateMode.REPLACE,
                    etag=entity.metadata["etag"],
                    match_condition=MatchConditions.IfNotModified,
                )
        except LOST:
            return False
        return True

    def since(self, flow: str, moment: float) -> Iterator[GroupCount]:
        """The groups of the day of `moment` and of the days after it, the oldest day first."""
        condition = (
            f"PartitionKey ge {literal(partition(flow, day_of(moment)))}"
            f" and PartitionKey lt {literal(partition(flow, '~'))}"
        )
        together: dict[tuple[str, Group], Counter[str]] = {}
        for entity in islice(self.table.query_entities(condition), MOST_READ):
            day = str(entity["PartitionKey"]).rpartition("|")[2]
            group = tuple(json.loads(entity["names"]))
            together.setdefault((day, group), Counter()).update(json.loads(entity["outcomes"]))
        for (day, group), outcomes in together.items():
            yield GroupCount(day, group, outcomes)

    def remove_old(self, flow: str, now: float) -> int:
        """Takes away what is older than KEPT_DAYS. Returns how many rows."""
        first = datetime.fromtimestamp(now, UTC) - timedelta(days=KEPT_DAYS)
        condition = (
            f"PartitionKey ge {literal(partition(flow, ''))}"
            f" and PartitionKey lt {literal(partition(flow, f'{first:%Y-%m-%d}'))}"
        )
        old = self.table.query_entities(condition, select=["PartitionKey", "RowKey"])
        removed = 0
        for entity in islice(old, MOST_REMOVED):
            self.table.delete_entity(entity["PartitionKey"], entity["RowKey"])
            removed += 1
        return removed


def fewer(counts: Counts) -> Counts:
    """The largest groups, and the others as one."""
    largest = sorted(counts, key=lambda group: (-sum(counts[group].values()), group))
    found = {group: counts[group] for group in largest[:MOST_GROUPS]}
    rest = largest[MOST_GROUPS:]
    return {**found, **together_of(counts, rest)} if rest else found


def together_of(counts: Counts, groups: Collection[Group]) -> Counts:
    outcomes = Counter[str]()
    for group in groups:
        outcomes.update(counts[group])
    return {(OTHERS,) * max(map(len, groups)): outcomes}


def counted(settlements: Iterable[Settlement], names: Collection[str]) -> Counts:
    """Outcomes by group; `names`: the fields of a row that name its group. {} without names."""
    found: defaultdict[Group, Counter[str]] = defaultdict(Counter)
    for settlement in settlements if names else ():
        if settlement.outcome is not Outcome.WAITING:
            row = settlement.change.row or {}
            group = tuple(str(row.get(name) or "")[:LETTERS] for name in names)
            found[group][settlement.outcome.value] += 1
    return found


def partition(flow: str, day: str) -> str:
    return f"groups|{flow}|{day}"


def day_of(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def name_of(group: Group) -> str:
    """No name of a delivery is a table's key: it may hold any character."""
    return blake2b("\0".join(group).encode(), digest_size=16).hexdigest()
