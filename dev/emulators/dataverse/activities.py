"""Activities: tables that share their columns, their privileges and a base row.

An activity's base row stands in `activitypointer` under the same id. Here that table is a view over
all activity tables, so a base row comes and goes with its activity and costs nothing. It is read,
filtered and deleted like any other, but not written.

Deleting a contact deletes the activities regarding it, merging one moves them to the master:
`Delete: Cascade, Merge: Cascade` in the cascade configurations of Contact_Emails,
Contact_Phonecalls and their kin, which a custom activity's relationship is like.
Source: Microsoft Learn, "Custom activities", "Contact table/entity reference" (one-to-many
relationships).
"""

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.problems import ApiError

BASE = "activitypointer"
Document = dict[str, Any]


def activity_document(document: Document, common: Mapping[str, Any]) -> Document:
    """`document` with what all activities have (`common`, of tables/activity.yaml); what it
    declares itself wins.
    """
    declared = {schema.lower() for schema in document["columns"]}
    columns = copy.deepcopy(
        {
            schema: body
            for schema, body in common["columns"].items()
            if schema.lower() not in declared
        }
    )
    if not document.get("abstract"):
        columns["ActivityTypeCode"]["default"] = document["logical"]
        columns["ActivityId"]["targets"] = {"activityid": BASE}
    states = {"states": common["states"], "statuses": common["statuses"]}
    own: Document = {
        "id": "activityid",
        "name": "subject",
        "privilege": "Activity",
        "ownership": "UserOwned",
    }
    own["bulk"] = not document.get("abstract")
    return {
        **states,
        **own,
        "activity": True,
        **document,
        "columns": {**columns, **document["columns"]},
    }


def own_navigation(document: Document) -> None:
    """Navigation properties and relationships under the table's own name: ownerid_task,
    contact_tasks.
    """
    table = document["logical"]
    for schema, column in document["columns"].items():
        if "targets" in column:
            column["targets"] = {
                f"{navigation}_{table}": target for navigation, target in column["targets"].items()
            }
        if schema == "RegardingObjectId":
            column["relationships"] = {
                target: f"{target}_{table}s" for target in column["targets"].values()
            }


def base_view(base: Table, activities: Iterable[Table]) -> str:
    """The statement that makes the base rows a view over `activities`."""
    columns = ", ".join(f'"{name}"' for name in stored_names(base))
    rows = " UNION ALL ".join(
        f'SELECT versionnumber, {columns} FROM "{table.logical}"' for table in activities
    )
    return f'CREATE VIEW "{base.logical}" AS {rows}'


def stored_names(table: Table) -> Iterator[str]:
    for column in table.columns.values():
        if column.name != "versionnumber":
            yield column.name
        if column.polymorphic:
            yield f"{column.name}__type"


def refuse_bad_activity(body: Mapping[str, Any]) -> None:
    """What a table definition with IsActivity must keep to; the codes are those of the platform's
    error list.
    """
    for broken, code, rule in broken_rules(body):
        if broken:
            raise ApiError(400, code, f"A custom entity defined as an activity must {rule}.")


def broken_rules(body: Mapping[str, Any]) -> Iterator[tuple[bool, str, str]]:
    primary = [
        str(a.get("SchemaName", "")).lower()
        for a in body.get("Attributes") or []
        if a.get("IsPrimaryName")
    ]
    yield (
        body.get("OwnershipType", "UserOwned") != "UserOwned",
        "0x8004F120",
        "be user or team owned",
    )
    yield bool(body.get("HasActivities")), "0x8004F121", "not have a relationship with Activities"
    yield not body.get("IsAvailableOffline"), "0x8004F122", "have Offline Availability"
    yield not body.get("HasNotes"), "0x8004F123", "have a relationship to Notes by default"
    yield mail_merge(body), "0x8004F124", "not have MailMerge enabled"
    yield primary != ["subject"], "0x8004F126", "have the primary attribute Subject"


def mail_merge(body: Mapping[str, Any]) -> bool:
    given = body.get("IsMailMergeEnabled")
    return bool(given.get("Value") if isinstance(given, dict) else given)
