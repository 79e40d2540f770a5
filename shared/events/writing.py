"""Writes events as activities: created under an id of their own and completed, all or nothing,
hundreds in a request.

A batch that is refused is narrowed down: ids that are there already are taken out first, then it is
halved until the refused row stands alone. All narrowed parts go in one request again, so that one
bad row among hundreds costs a few requests.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any

from shared.calls import called
from shared.dataverse import wire
from shared.dataverse.batch import (
    MOST_OPERATIONS,
    BatchWriter,
    Operation,
    WritableTable,
    create_many,
    update_many,
)
from shared.dataverse.client import DataverseClient
from shared.errors import BridgeError, Refusal, Rejected
from shared.events.activities import COMPLETED, Contact, activity_of, task_of
from shared.events.bounces import BOUNCE, numbered, written_as
from shared.events.documents import EventsDocument
from shared.mapping import SourceTable
from shared.records import Change, Outcome

CONTACT = SourceTable("contact", "contacts", "contactid", {})
COLUMNS = ("contactid", "_masterid_value", "_ownerid_value")
LONGEST_MERGE_CHAIN = 5
RowResult = Outcome | BridgeError
RowResults = dict[str, RowResult]


@dataclass(frozen=True, slots=True)
class Item:
    """An event as the rows to create; `task` is None where it asks for none.

    `title` names it to a person. `contact` is the id of the contact that it regards.
    """

    event_id: str
    row: dict[str, Any] = field(repr=False)
    task: dict[str, Any] | None = field(repr=False)
    title: str
    contact: str = ""


@dataclass(slots=True)
class Group:
    """Items of one table that are written together.

    `existing_removed`: those there already are out. `contact_seen`: asked again, it is there.
    """

    table: WritableTable
    items: list[Item]
    existing_removed: bool = False
    contact_seen: bool = False


class Contacts:
    """Who a contact is now: itself, or the one that it was merged into.

    Remembered for a while, and never more than so many.
    """

    def __init__(
        self,
        dataverse: DataverseClient,
        now: Callable[[], float],
        most: int = 100_000,
        seconds: float = 300,
    ) -> None:
        self.dataverse, self.now, self.most, self.seconds = dataverse, now, most, seconds
        self.cached: OrderedDict[str, tuple[float, Contact | None]] = OrderedDict()
        self.lock = threading.Lock()

    def of(self, ids: Collection[str]) -> Mapping[str, Contact | None]:
        """The contact in use for each id, None where Dynamics has none."""
        with self.lock:
            fresh = self.now() - self.seconds
            found = {
                key: self.cached[key][1]
                for key in ids
                if key in self.cached and self.cached[key][0] > fresh
            }
        looked = self.look([key for key in ids if key not in found])
        with self.lock:
            self.cached.update({key: (self.now(), contact) for key, contact in looked.items()})
            while len(self.cached) > self.most:
                self.cached.popitem(last=False)
        return {**found, **looked}

    def is_gone(self, contact_id: str) -> bool:
        """Whether Dynamics has the contact no more, read now; then nobody remembers it."""
        with self.lock:
            self.cached.pop(contact_id, None)
        return self.of([contact_id])[contact_id] is None

    def look(self, ids: Collection[str]) -> dict[str, Contact | None]:
        """Follows merges from each id to the contact that is left."""
        now_at = {key: key for key in ids}
        rows: dict[str, Mapping[str, Any]] = {}
        for _ in range(LONGEST_MERGE_CHAIN):
            wanted = {key for key in now_at.values() if key not in rows}
            if not wanted:
                break
            called("GET contacts")
            listed = self.dataverse.rows(CONTACT, COLUMNS, wanted, lookup_tables=True)
            rows |= {key: {} for key in wanted} | {
                str(row["contactid"]).lower(): row for row in listed
            }
            now_at = {
                key: str(rows[at].get("_masterid_value") or at).lower()
                for key, at in now_at.items()
            }
        return {key: contact_of(rows.get(at) or {}) for key, at in now_at.items()}


def contact_of(row: Mapping[str, Any]) -> Contact | None:
    if not row:
        return None
    owner, kind = row.get("_ownerid_value"), wire.lookup_table(row, "_ownerid_value")
    return Contact(str(row["contactid"]).lower(), f"{kind}s({owner})" if owner and kind else "")


class ActivityWriter:
    """Writes changes whose rows are events."""

    def __init__(self, batch: BatchWriter, contacts: Contacts) -> None:
        self.batch, self.contacts = batch, contacts

    def write(self, document: EventsDocument, changes: Sequence[Change]) -> RowResults:
        """What became of each event.

        What befalls the request as a whole is the result of all events in it.
        """
        results: RowResults = {}
        wanted = {
            change.row["contact"] for change in changes if change.row and change.row.get("contact")
        }
        people = self.contacts.of(wanted) if wanted else {}
        groups: dict[str, Group] = {}
        unsure = any(change.uncertain for change in changes)
        moved = self.moved(document, changes)
        for change in changes:
            event: Mapping[str, Any] = change.row or {}
            contact = people.get(event.get("contact", ""))
            event_id = moved.get(change.record_id, change.record_id)
            if contact is None or not event_id:
                results[change.record_id] = Outcome.UNCHANGED if contact else Outcome.NO_CONTACT
                continue
            name = document.rule(event["kind"]).table
            group = groups.setdefault(name, Group(self.batch.table(name), []))
            item = self.item(document, group.table, event_id, event, contact)
            if refused := unwritable(item):
                results[event_id] = refused
            else:
                group.items.append(item)
        self.create(
            [
                Group(group.table, self.not_there(group, results)) if unsure else group
                for group in groups.values()
            ],
            results,
        )
        results |= {record_id: results[at] for record_id, at in moved.items() if at in results}
        return results

    def moved(self, document: EventsDocument, changes: Sequence[Change]) -> Mapping[str, str]:
        """Bounces that stand, or go, under another id."""
        bounces = [change for change in changes if numbered(change)]
        if document.bounces != "all" or not bounces:
            return {}
        table = self.batch.table(document.rule(BOUNCE).table)
        return written_as(self.contacts.dataverse, document.rule(BOUNCE), table, bounces)

    def item(
        self,
        document: EventsDocument,
        table: WritableTable,
        event_id: str,
        event: Mapping[str, Any],
        contact: Contact,
    ) -> Item:
        rule = document.rule(event["kind"])
        wanted = rule.follow_up and (
            event["kind"] != "bounce" or event.get("bounce_type") == "Hard"
        )
        task = (
            task_of(rule.follow_up, self.batch.table("task"), event_id, event, contact)
            if rule.follow_up and wanted
            else None
        )
        title = (
            f"{event['kind']} of log row {event['log_id']}"
            if event.get("log_id")
            else event["kind"]
        )
        row = activity_of(document, table, event_id, event, contact)
        return Item(event_id, row, task, title, contact.contact_id)

    def create(self, groups: Iterable[Group], results: RowResults) -> None:
        """Round by round: what was refused in one is narrowed down for the next."""
        pending = [part for group in groups for part in in_writes(group) if part.items]
        while pending:
            again: list[Group] = []
            for together in requests(pending):
                for group, result in zip(together, self.run(together), strict=True):
                    again += self.narrow(group, result, results)
            pending = again

    def run(self, groups: Sequence[Group]) -> Sequence[BridgeError | None]:
        called("POST $batch")
        try:
            return self.batch.run([self.operations(group) for group in groups], "activities")
        except BridgeError as error:
            return [error] * len(groups)

    def operations(self, group: Group) -> list[Operation]:
        """Create, complete, and the tasks."""
        tasks = [item.task for item in group.items if item.task]
        if group.table.many:
            done = [{"activityid": item.event_id, **COMPLETED} for item in group.items]
            made = [
                create_many(group.table, [item.row for item in group.items]),
                update_many(group.table, done),
            ]
            return made + ([create_many(self.batch.table("task"), tasks)] if tasks else [])
        (item,) = group.items
        created = Operation("POST", group.table.entity_set, item.row)
        done_one = Operation("PATCH", f"{group.table.entity_set}({item.event_id})", COMPLETED)
        return [created, done_one, *(Operation("POST", "tasks", task) for task in tasks)]

    def narrow(self, group: Group, result: BridgeError | None, results: RowResults) -> list[Group]:
        """Notes what became of the group; returns what is to be tried again, narrowed down."""
        if isinstance(result, Rejected) and (narrower := self.narrower(group, result, results)):
            return narrower
        for item in group.items:
            results[item.event_id] = titled(item, self.outcome(group.table, item, result))
        return []

    def narrower(self, group: Group, refusal: Rejected, results: RowResults) -> list[Group]:
        """What is tried again after a refusal, for a taken key may be that of a task, or of another
        row; nothing if the refusal counts.
        """
        if refusal.reason == "duplicate_key" and not group.existing_removed:
            return [self.without_existing(group, results)]
        if len(group.items) > 1:
            middle = len(group.items) // 2
            return [
                Group(group.table, part, group.existing_removed)
                for part in (group.items[:middle], group.items[middle:])
            ]
        if refusal.reason == "not_found" and group.items[0].contact and not group.contact_seen:
            return [self.with_contact(group, results)]
        return []

    def outcome(self, table: WritableTable, item: Item, result: BridgeError | None) -> RowResult:
        """Another instance may have written the event since: then it is there."""
        reason = result.reason if isinstance(result, Rejected) else ""
        if reason == "duplicate_key" and self.existing(table, [item]):
            return Outcome.UNCHANGED
        return result or Outcome.CREATED

    def without_existing(self, group: Group, results: RowResults) -> Group:
        return Group(group.table, self.not_there(group, results), existing_removed=True)

    def with_contact(self, group: Group, results: RowResults) -> Group:
        """The group's one item, if its contact is there now. A contact may be deleted after it was
        looked up: then the event has none.
        """
        (item,) = group.items
        if self.contacts.is_gone(item.contact):
            results[item.event_id] = Outcome.NO_CONTACT
            return Group(group.table, [])
        return replace(group, contact_seen=True)

    def not_there(self, group: Group, results: RowResults) -> list[Item]:
        """The group's items without those that are there already."""
        there = self.existing(group.table, group.items)
        results |= dict.fromkeys(there, Outcome.UNCHANGED)
        return [item for item in group.items if item.event_id not in there]

    def existing(self, table: WritableTable, items: Sequence[Item]) -> Collection[str]:
        source = SourceTable(table.name, table.entity_set, "activityid", {})
        called(f"GET {table.name}")
        return self.contacts.dataverse.existing(source, [item.event_id for item in items])


def unwritable(item: Item) -> Rejected | None:
    """The refusal of an event whose texts no request can carry: half of a surrogate pair has no
    form in UTF-8.
    """
    rows = [item.row, *([item.task] if item.task else [])]
    columns = [
        name
        for row in rows
        for name, value in row.items()
        if isinstance(value, str) and not encodable(value)
    ]
    if not columns:
        return None
    sentence = (
        "A text holds half of a character (a lone surrogate): correct it where it comes from."
    )
    return Rejected(
        Refusal(", ".join(columns), "unsafe_characters", f"{', '.join(columns)}: {sentence}")
    )


def encodable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def titled(item: Item, result: RowResult) -> RowResult:
    """A rejection that says of which event."""
    if not isinstance(result, Rejected):
        return result
    return Rejected(
        Refusal(result.field, result.reason, f"The {item.title} was not written. {result}")
    )


def in_writes(group: Group) -> list[Group]:
    """A table without the bulk messages takes each event by itself, many of them in a request."""
    return (
        [group]
        if group.table.many
        else [Group(group.table, [item], group.existing_removed) for item in group.items]
    )


def requests(groups: Sequence[Group]) -> Iterable[tuple[Group, ...]]:
    """As many groups to a request as its operations allow: three for each."""
    return batched([group for group in groups if group.items], MOST_OPERATIONS // 3, strict=False)
