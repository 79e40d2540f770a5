"""Plans: what a person is about to do, as they were shown it. Good for ten minutes, and once.

Table `plans`, one partition. Whoever carries a plan out deletes its row on condition of its ETag,
and writes another one, `!<id>`, in the same transaction. Of two only one succeeds, so a double
click is harmless. That row says where the act led, or why it was refused, once that is known.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import TableClient, TableTransactionError, UpdateMode

from shared.state.conditions import unchanged
from shared.state.pages import filled
from shared.state.pieces import in_pieces, together

PARTITION, TAKEN = "plans", "!"
GOOD_SECONDS = 600.0
FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan. `label` and `text` are codes of sentences (shared/console/sentences)."""

    label: str
    text: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    items: Sequence[str] = ()
    """Ids or names that are listed beneath."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan is about: JSON-ready, without a value of a record."""

    on: str
    """As it is noted in the activity log: a flow's key, a table, or an id."""
    name: str
    """What it is done on, for people."""
    lines: Sequence[Line]
    """What exactly, how many, what it costs, what was tried."""
    arguments: Mapping[str, Any] = field(repr=False)
    """What carrying it out needs."""
    back: str
    """The page to go to if it is not carried out, behind /console."""
    count: int = 0
    must_type: int = 0
    """The number that must be typed first; 0: none."""
    needs_why: bool = False
    """Whether a reason must be given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan that was shown."""

    id: str
    kind: str
    """The code of its kind (shared/console/plan_kinds.py)."""
    person: str
    """The object id in Entra of whoever made it: nobody else carries it out."""
    made_at: float
    """In seconds since 1970."""
    planned: Planned
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A plan that is carried out, or was."""

    at: float
    """In seconds since 1970."""
    kind: str
    name: str
    """What it is done on, for people."""
    back: str
    """The page that it was begun on."""
    to: str = ""
    """Where it led; "" as long as nobody knows."""
    refused: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """`status`, `code` and `arguments` of the refusal that it ended in; {} for none."""


class Plans:
    """The table `plans`."""

    def __init__(
        self,
        table: TableClient,
        now: Callable[[], float],
        token: Callable[[], str] = lambda: secrets.token_urlsafe(18),
    ) -> None:
        self.table, self.now, self.token = table, now, token

    def put(self, kind: str, person: str, planned: Planned) -> Plan:
        plan = Plan(self.token(), kind, person, self.now(), planned)
        self.table.upsert_entity(
            {
                "PartitionKey": PARTITION,
                "RowKey": plan.id,
                "kind": kind,
                "person": person,
                "made_at": float(plan.made_at),
                **in_pieces(json.dumps(asdict(planned), ensure_ascii=False)),
            }
        )
        return plan

    def get(self, plan_id: str) -> Plan | None:
        """None where there is none, it was carried out, or its ten minutes are over."""
        entity = self.found(plan_id)
        if entity is None or self.now() - entity["made_at"] > GOOD_SECONDS:
            return None
        return read_plan(entity)

    def take(self, plan: Plan) -> bool:
        """Whether this caller carries it out: True for one of them alone."""
        condition = unchanged(plan.etag)
        taken = {"PartitionKey": PARTITION, "RowKey": TAKEN + plan.id}
        planned = plan.planned
        shown = {"kind": plan.kind, "name": planned.name, "back": planned.back}
        values = {"made_at": float(self.now()), "person": plan.person, "to": "", **shown}
        try:
            self.table.submit_transaction(
                [
                    ("delete", {"PartitionKey": PARTITION, "RowKey": plan.id}, condition),
                    ("create", {**taken, **values}),
                ]
            )
        except TableTransactionError as error:
            if error.status_code not in (404, 409, 412):
                raise
            return False
        return True

    def led_to(self, plan: Plan, to: str) -> None:
        """Says for the next ten minutes where the act led, to whoever clicked twice."""
        self.tell(plan, {"to": to})

    def refused(self, plan: Plan, status: int, code: str, arguments: Mapping[str, str]) -> None:
        """Says why the act was not done, to whoever clicked twice."""
        refusal = {"status": status, "code": code, "arguments": dict(arguments)}
        self.tell(plan, {"refused": json.dumps(refusal)})

    def tell(self, plan: Plan, values: Mapping[str, str]) -> None:
        entity = {"PartitionKey": PARTITION, "RowKey": TAKEN + plan.id, **values}
        self.table.update_entity(entity, UpdateMode.MERGE)

    def taken(self, plan_id: str, person: str) -> Taken | None:
        """What became of a plan that this person carried out; None where there is none."""
        entity = self.found(TAKEN + plan_id)
        return read_taken(entity) if entity and entity["person"] == person else None

    def found(self, key: str) -> Any:
        try:
            return self.table.get_entity(PARTITION, key)
        except ResourceNotFoundError:
            return None

    def forget_old(self) -> int:
        """Removes some of those whose ten minutes are over; returns how many."""
        before = float(self.now() - GOOD_SECONDS)
        pages = self.table.query_entities(
            f"PartitionKey eq '{PARTITION}' and made_at lt {before:f}",
            select=["RowKey"],
            results_per_page=FORGOTTEN_AT_ONCE,
        ).by_page()
        rows = filled(pages)
        for row in rows:
            self.table.delete_entity(PARTITION, row["RowKey"])
        return len(rows)


def read_plan(entity: Any) -> Plan:
    values = json.loads(together(entity))
    lines = [Line(**line) for line in values.pop("lines")]
    return Plan(
        str(entity["RowKey"]),
        str(entity["kind"]),
        str(entity["person"]),
        float(entity["made_at"]),
        Planned(lines=lines, **values),
        str(entity.metadata["etag"]),
    )


def read_taken(entity: Any) -> Taken:
    """A row of before knows only where to go."""
    kind, name, back = (str(entity.get(key, "")) for key in ("kind", "name", "back"))
    refused = json.loads(entity.get("refused", "{}"))
    return Taken(float(entity["made_at"]), kind, name, back, str(entity["to"]), refused)
