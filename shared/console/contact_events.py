"""E-mail events about one contact, as their activities in Dynamics tell them, newest first."""

from collections.abc import Mapping
from typing import Any

from shared.console.visit import Services
from shared.dataverse.searching import Search, search
from shared.events.documents import KINDS, KindRule

MOST_OF_A_KIND = 50
SHOWN = ("at", "delivery", "campaign", "bounce_type")
REGARDING = "_regardingobjectid_value"


def events_of(services: Services, contact_id: str) -> list[dict[str, Any]]:
    """Up to MOST_OF_A_KIND of each kind, in one request. `delivery` and `campaign` are values: they
    are shown by a logged look alone.
    """
    document = services.events_catalog.active().document
    rules = {kind: document.rule(kind) for kind in KINDS if document.rule(kind).enabled}
    searches = [search_of(services, rule, contact_id) for rule in rules.values()]
    found = search(services.dataverse, searches, "events of a contact")
    events = [
        event_of(kind, rule, row)
        for (kind, rule), rows in zip(rules.items(), found, strict=True)
        for row in rows
    ]
    return sorted(events, key=lambda event: str(event["at"]), reverse=True)


def search_of(services: Services, rule: KindRule, contact_id: str) -> Search:
    table = services.batch.table(rule.table)
    named = named_columns(rule)
    columns = ["activityid", *(named[name] for name in SHOWN if name in named)]
    order = f"{rule.columns.get('at', 'createdon')} desc"
    condition = f"{REGARDING} eq {contact_id}"
    return Search(table.entity_set, columns, condition, MOST_OF_A_KIND, order)


def event_of(kind: str, rule: KindRule, row: Mapping[str, Any]) -> dict[str, Any]:
    """`at` as Dataverse writes it."""
    columns = named_columns(rule)
    return {"kind": kind, **{name: row.get(columns.get(name, "")) for name in SHOWN}}


def named_columns(rule: KindRule) -> dict[str, str]:
    return {str(name): column for name, column in rule.columns.items()}
