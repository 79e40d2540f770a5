"""How many records of a flow had which outcome, day by day and by group: e-mail events by campaign
and delivery.

Figures for people. They are added while records are settled, so a delivery that was cut off may be
in them twice. Counts and the groups' names only.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableClient, UpdateMode

from shared.records import Outcome, Settlement
from shared.state.conditions import unchanged
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
DAY = 86_400
MOST_AT_ONCE, MOST_REQUESTS = 2, 30
"""Requests for all days together, and for one day after the other where that is not enough. One
brings 1,000 rows: 62 groups of a day.
"""
MOST_REMOVED = 500


@dataclass(frozen=True, slots=True)
class GroupCount:
    """`day`: as 2026-11-27, in UTC. `outcomes`: records by outcome."""

    day: str
    group: Group
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class GroupsRead:
    """`whole_from`: the first day from which on all is there; "" where nothing is left out, and
    where no day is there wholly (`is_whole`).
    """

    counts: Sequence[GroupCount]
    whole_from: str = ""
    is_whole: bool = True
    """Whether nothing is left out."""


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
                    row, UpdateMode.REPLACE, **unchanged(str(entity.metadata["etag"]))
                )
        except LOST:
            return False
        return True

    def since(self, flow: str, moment: float, now: float) -> GroupsRead:
        """The groups of the day of `moment` to that of `now`, the newest day first; none where that
        is later.

        Few rows are read at once, many day by day, until MOST_REQUESTS are used up.
        """
        days = [day_of(at) for at in range(int(now), int(moment - moment % DAY) - 1, -DAY)]
        if not days:
            return GroupsRead(())
        rows, _, is_whole = self.read(flow, days[-1], days[0], MOST_AT_ONCE)
        if is_whole:
            return GroupsRead(added_up(rows))
        rows, left, whole_from = [], MOST_REQUESTS, ""
        for day in days:
            found, asked, is_whole = self.read(flow, day, day, left)
            rows, left = rows + found, left - asked
            if not is_whole:
                return GroupsRead(added_up(rows), whole_from, is_whole=False)
            whole_from = day
        return GroupsRead(added_up(rows))

    def read(self, flow: str, first: str, last: str, most: int) -> tuple[list[Any], int, bool]:
        """Rows of some days by up to `most` requests, how many it took, and whether it is all."""
        pages: Any = self.table.query_entities(
            f"PartitionKey ge {literal(partition(flow, first))}"
            f" and PartitionKey le {literal(partition(flow, last))}"
        ).by_page()
        rows: list[Any] = []
        for asked, page in enumerate(islice(pages, most), 1):
            rows += page
            if not pages.continuation_token:
                return rows, asked, True
        return rows, most, False

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


def added_up(rows: Iterable[Mapping[str, Any]]) -> list[GroupCount]:
    """The shards of each day and group together."""
    together: defaultdict[tuple[str, Group], Counter[str]] = defaultdict(Counter)
    for row in rows:
        day = str(row["PartitionKey"]).rpartition("|")[2]
        together[day, tuple(json.loads(row["names"]))].update(json.loads(row["outcomes"]))
    return [GroupCount(day, group, outcomes) for (day, group), outcomes in together.items()]


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
