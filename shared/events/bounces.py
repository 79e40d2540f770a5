"""Bounces of an earlier version, which gave soft and hard bounce of a message one id: the one that
came first was written.

Only documents with `bounces: all` have both. What stands under that id tells which came: a soft
bounce there is not written again, and the hard one goes under an id of its own.
"""

from collections.abc import Iterable, Mapping

from shared.calls import called
from shared.dataverse.batch import WritableTable
from shared.dataverse.client import DataverseClient
from shared.events.documents import KindRule
from shared.events.logs import SOFT_BOUNCE, event_id
from shared.labels import folded
from shared.mapping import SourceTable
from shared.records import Change

BOUNCE, HARD_BOUNCE = "bounce", "hard_bounce"


def written_as(
    dataverse: DataverseClient, rule: KindRule, table: WritableTable, bounces: Iterable[Change]
) -> Mapping[str, str]:
    """The id to write a bounce under, by its change's, where it is another; "" where the bounce is
    there already.
    """
    column = rule.columns.get("bounce_type")
    known = {change.record_id: change for change in bounces}
    if not column:
        return {}
    source = SourceTable(table.name, table.entity_set, "activityid", {})
    wanted = {
        event_id(name, number(change))
        for change in known.values()
        for name in (BOUNCE, SOFT_BOUNCE, HARD_BOUNCE)
    }
    called(f"GET {table.name}")
    rows = dataverse.rows(source, ["activityid", column], sorted(wanted))
    there = {str(row["activityid"]).lower(): folded(str(row.get(column) or "")) for row in rows}
    return {
        record_id: found
        for record_id, change in known.items()
        if (found := place(change, there)) != record_id
    }


def place(change: Change, there: Mapping[str, str]) -> str:
    """`there`: the type of the bounce that stands under an id."""
    once, hard = event_id(BOUNCE, number(change)), event_id(HARD_BOUNCE, number(change))
    soft_there = there.get(once) == "soft"
    if (change.row or {}).get("bounce_type") != "Hard":
        return (
            "" if soft_there or event_id(SOFT_BOUNCE, number(change)) in there else change.record_id
        )
    if hard in there:
        return ""
    return hard if soft_there else change.record_id


def number(change: Change) -> str:
    return str((change.row or {}).get("log_id") or "")


def numbered(change: Change) -> bool:
    return bool((change.row or {}).get("kind") == BOUNCE and number(change))
