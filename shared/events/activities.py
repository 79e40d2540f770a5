"""From an event to the row of an activity table, and to the follow-up task that it may ask for.

Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.dataverse.batch import WritableTable
from shared.errors import Misconfigured
from shared.events.documents import COLUMNS, EventsDocument, FollowUp, KindRule
from shared.events.logs import event_id
from shared.labels import cut

SUBJECT_LENGTH = 200  # of every activity table, where its own definition says nothing else
NEEDED_LENGTHS = {"event_id": 36, "at": 20}
TEXTS = {
    "subject": "subject",
    "campaign": "campaign name",
    "delivery": "delivery name",
    "mirror_page": "mirror page URL",
    "url": "URL",
    "bounce_type": "type of bounce",
    "bounce_reason": "reason of bounce",
}
WRITTEN = ("subject", *COLUMNS)
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)
COMPLETED: dict[str, Any] = {
    "statecode": 1,
    "statuscode": 2,
}  # Completed, of every activity table by default


@dataclass(frozen=True, slots=True)
class Contact:
    """Who an event is about: the contact that is in use now, and who owns it ("systemusers(<id>)"
    or "teams(<id>)").
    """

    contact_id: str
    owner: str


def activity_of(
    document: EventsDocument,
    table: WritableTable,
    event_id: str,
    event: Mapping[str, str],
    contact: Contact,
) -> dict[str, Any]:
    """The row to create, without what the event does not have.

    A text that does not fit is cut, and the description says so.
    """
    columns: dict[Any, str] = {"subject": "subject", **document.rule(event["kind"]).columns}
    values = {**event, "event_id": event_id, "subject": subject(document, event)}
    shortened = event.get("shortened", "").split(",")
    cut_short: list[str] = []
    row: dict[str, Any] = {
        "activityid": event_id,
        "actualstart": event["at"],
        "actualend": event["at"],
        bind(table, "regardingobjectid", "contact"): f"/contacts({contact.contact_id})",
    }
    for name in WRITTEN:
        if (column := columns.get(name)) and (value := values.get(name)):
            row[column] = text = fit(table, column, value) if name in TEXTS else value
            if name in TEXTS and (text != value or name in shortened):
                cut_short.append(TEXTS[name])
    if cut_short and "description" in table.columns and "description" not in row:
        row["description"] = (
            f"Too long for Dynamics, so the end was cut off: {', '.join(cut_short)}."
        )
    return row


def fit(table: WritableTable, column: str, text: str) -> str:
    longest = table.lengths.get(column, SUBJECT_LENGTH if column == "subject" else 0)
    return cut(text, longest) if longest else text


def subject(document: EventsDocument, event: Mapping[str, str]) -> str:
    names = {
        "campaign": event.get("campaign", ""),
        "delivery": event.get("delivery", ""),
        "kind": event["kind"],
    }
    return document.subject.format(**names)


def task_of(
    follow_up: FollowUp,
    table: WritableTable,
    of_event: str,
    event: Mapping[str, str],
    contact: Contact,
) -> dict[str, Any]:
    """A task for the contact's owner.

    Its id comes from the event's, so that it too is created once.
    """
    at = datetime.fromisoformat(event["at"])
    due = min(at, LAST_DAY - timedelta(days=follow_up.due_days)) + timedelta(
        days=follow_up.due_days
    )
    row: dict[str, Any] = {
        "activityid": event_id("task", of_event),
        "subject": follow_up.subject,
        "scheduledend": due.strftime("%Y-%m-%dT%H:%M:%SZ"),
        bind(table, "regardingobjectid", "contact"): f"/contacts({contact.contact_id})",
    }
    if contact.owner:
        row[
            bind(table, "ownerid", "team" if contact.owner.startswith("teams") else "systemuser")
        ] = f"/{contact.owner}"
    return row


def bind(table: WritableTable, column: str, target: str) -> str:
    """The property that sets a lookup; its name carries the table's for activities, and metadata
    tells it.
    """
    name = table.binds.get((column, target)) or table.binds.get((column, "owner"))
    if not name:
        raise Misconfigured(
            "events document",
            f"Table {table.name} has no lookup {column} to {target}: it must be an activity table.",
        )
    return f"{name}@odata.bind"


def missing_table(document: EventsDocument, kind: str) -> str:
    path, name = f"kinds.{kind}.table", document.rule(kind).table
    return (
        f"{document.place(path)}: Dataverse has no table {name} for the activities of kind {kind}: "
        f"make the tables with `manage.py setup activities`, or correct {path}."
    )


def problems(document: EventsDocument, tables: Mapping[str, WritableTable]) -> list[str]:
    """What the tables lack that the document names, each as a sentence."""
    found = []
    for kind in ("send", "open", "click", "bounce"):
        rule = document.rule(kind)
        table = tables.get(rule.table)
        missing = [
            (key, name)
            for key, name in rule.columns.items()
            if table and rule.enabled and name not in table.columns
        ]
        found += [
            f"{document.place(f'kinds.{kind}.columns.{key}', name)}: table {rule.table} has no such"
            " column: create it with `manage.py setup activities`, or correct its name."
            for key, name in missing
        ]
        found += too_short(document, kind, rule, table) if table and rule.enabled else []
    return found


def too_short(
    document: EventsDocument, kind: str, rule: KindRule, table: WritableTable
) -> list[str]:
    """Columns that cannot hold what must not be cut."""
    columns = (
        (name, rule.columns[name], needed)
        for name, needed in NEEDED_LENGTHS.items()
        if name in rule.columns
    )
    return [
        f"{document.place(f'kinds.{kind}.columns.{name}', column)}: column {column} of table"
        f" {rule.table} holds {table.lengths[column]} characters, and {needed} are needed:"
        " lengthen it."
        for name, column, needed in columns
        if table.lengths.get(column, needed) < needed
    ]
