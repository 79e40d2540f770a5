"""Finds records by id, e-mail address or business key. What is looked for stands in no address,
log, table or message: Dynamics is asked in the body of a request (shared/dataverse/searching.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from shared.console.patience import Missing, ask
from shared.console.story import LEDGER
from shared.console.visit import Services
from shared.console.with_records import with_records
from shared.dataverse.searching import Search, equal_to_any, search
from shared.entities.compiling import Active
from shared.entities.flow import TableFlow
from shared.identifiers import record_id, trimmed
from shared.mapping import SourceTable
from shared.state.ledger_rows import bucket, partition_name

LONGEST_TEXT = 200
MOST_COLUMNS = 12
MOST_FOUND = 20
"""Of each table."""
WHOLE_TYPES = frozenset({"Integer", "BigInt"})
MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Hit:
    """A record. `outcome`: what last became of it, "" where the bridge has not seen it."""

    flow: str
    record_id: str
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    hits: Sequence[Hit] = ()
    missing: Sequence[Missing] = ()
    problem: str = ""
    """The code of a sentence, where nothing was looked for."""


Condition = Callable[[TableFlow, Active], str]
"""What rows of a table must fit; "" where none of them can."""


def find(services: Services, text: str) -> Found:
    wanted = trimmed(text)
    if not wanted or len(wanted) > LONGEST_TEXT or not wanted.isprintable():
        return Found(problem="nothing_to_find")
    flows = tables(services)
    if found_id := record_id(wanted):
        return by_id(services, flows, found_id)
    if "@" in wanted:
        return in_dynamics(services, flows, partial(has_address, wanted))
    return in_dynamics(services, flows, partial(has_key, wanted))


def tables(services: Services) -> Mapping[str, TableFlow]:
    """The flows whose records have a story."""
    flows = services.flows()
    return {key: found for key, flow in flows.items() if (found := with_records(flow))}


def by_id(services: Services, flows: Mapping[str, TableFlow], wanted: str) -> Found:
    """In the ledger; else in Dynamics, for the bridge may not have read it yet."""
    asked = ask(LEDGER, partial(outcomes, services, [(key, wanted) for key in flows]))
    known = asked.result()
    if isinstance(known, Missing):
        return Found(missing=[known])
    if hits := [hit for hit in known if hit.outcome]:
        return Found(hits)
    return in_dynamics(services, flows, partial(has_id, wanted))


def outcomes(services: Services, places: Sequence[tuple[str, str]]) -> list[Hit]:
    """Each with what last became of it: a read of one row each, side by side."""
    ledger = services.bridge.ledger

    def of(place: tuple[str, str]) -> Hit:
        flow, wanted = place
        row = ledger.row(partition_name(flow, bucket(wanted)), wanted)
        return Hit(flow, wanted, row.outcome if row else "")

    return list(ledger.pool.map(of, places))


def in_dynamics(services: Services, flows: Mapping[str, TableFlow], condition: Condition) -> Found:
    """Asked in each table by itself: one whose mapping cannot be used hides no other's records."""
    asked = [ask(flow.table, partial(rows_of, key, flow, condition)) for key, flow in flows.items()]
    results = [one.result() for one in asked]
    missing = [one for one in results if isinstance(one, Missing)]
    places = [place for one in results if not isinstance(one, Missing) for place in one]
    known = ask(LEDGER, partial(outcomes, services, places)).result() if places else []
    if isinstance(known, Missing):
        return Found([Hit(*place) for place in places], [*missing, known])
    return Found(known, missing)


def rows_of(key: str, flow: TableFlow, condition: Condition) -> list[tuple[str, str]]:
    active = flow.active()
    fitting, source = condition(flow, active), active.source
    if not fitting:
        return []
    wanted = Search(source.entity_set, [source.primary_id], fitting, MOST_FOUND)
    (rows,) = search(flow.dataverse, [wanted], f"rows of {flow.table}")
    return [(key, str(row[source.primary_id]).lower()) for row in rows]


def has_id(wanted: str, flow: TableFlow, active: Active) -> str:
    return f"{active.source.primary_id} eq {wanted}"


def has_address(wanted: str, flow: TableFlow, active: Active) -> str:
    """Dataverse compares texts without case."""
    columns = [
        name
        for name, column in sorted(active.source.columns.items())
        if column.type == "String" and "email" in name
    ]
    return equal_to_any(columns[:MOST_COLUMNS], wanted)


def has_key(wanted: str, flow: TableFlow, active: Active) -> str:
    """By the table's alternate keys of one column, and by its name; a contact's name is no key."""
    names = key_columns(flow, active.source)
    texts = [name for name in names if type_of(active.source, name) == "String"]
    whole = [name for name in names if type_of(active.source, name) in WHOLE_TYPES]
    fitting = [equal_to_any(texts[:MOST_COLUMNS], wanted)] if texts else []
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= MOST_DIGITS:
        fitting += [f"{name} eq {int(wanted)}" for name in whole[:MOST_COLUMNS]]
    return " or ".join(fitting)


def type_of(source: SourceTable, name: str) -> str:
    column = source.columns.get(name)
    return column.type if column else ""


def key_columns(flow: TableFlow, source: SourceTable) -> list[str]:
    """Source: Microsoft Learn, "Define alternate keys for a table"."""
    path = (
        f"EntityDefinitions(LogicalName='{quote(flow.table)}')"
        "?$select=PrimaryNameAttribute&$expand=Keys($select=KeyAttributes)"
    )
    found = flow.dataverse.metadata(path, flow.table)
    keys = [key["KeyAttributes"] for key in found.get("Keys") or []]
    name = "" if flow.table == "contact" else found.get("PrimaryNameAttribute") or ""
    return list(dict.fromkeys([*(key[0] for key in keys if len(key) == 1), *filter(None, [name])]))
