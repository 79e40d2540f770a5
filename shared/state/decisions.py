"""The decisions on opt-outs: what each side said, by which rule it was decided, who won.

By day, for a person to read.

Ids, flags and times only. A decision that is made again (after a crash, before it was carried out)
replaces itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from itertools import batched
from typing import Any

from azure.data.tables import TableClient

from shared.state.filters import literal


@dataclass(frozen=True, slots=True)
class OptOutDecision:
    """`dynamics` and `campaign` are what each side said (True: no), `value` what was decided;
    `dynamics_at` is the contact's last edit, `campaign_at` the flag's time, both as the systems
    write them; `decided_at` in seconds since 1970.
    """

    contact: str
    flag: str
    column: str
    dynamics: bool
    campaign: bool
    dynamics_at: str
    campaign_at: str
    value: bool
    rule: str
    winner: str
    decided_at: float

    @property
    def key(self) -> str:
        safe = "".join(
            sign if sign.isalnum() else "-" for sign in f"{self.dynamics_at}_{self.campaign_at}"
        )
        said = "".join(str(int(value)) for value in (self.dynamics, self.campaign, self.value))
        return f"{self.contact}_{self.flag}_{safe}_{said}"


class Decisions:
    """The table `decisions`, a partition for each day (UTC)."""

    def __init__(self, table: TableClient) -> None:
        self.table = table

    def put(self, decisions: Iterable[OptOutDecision]) -> None:
        """Decisions of one day, at once."""
        rows = [
            {"PartitionKey": day_of(one.decided_at), "RowKey": one.key, **asdict(one)}
            for one in decisions
        ]
        for part in batched(rows, 100, strict=False):
            self.table.submit_transaction([("upsert", row) for row in part])

    def of_day(self, day: str) -> Iterator[OptOutDecision]:
        """All decisions of a day, 2026-01-31, by contact."""
        names = [item.name for item in fields(OptOutDecision)]
        found: Iterable[Any] = self.table.query_entities(
            f"PartitionKey eq {literal(day)}", select=names
        )
        for entity in found:
            yield OptOutDecision(**{name: entity[name] for name in names})


def day_of(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
