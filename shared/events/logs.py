"""Rows of Campaign's delivery and tracking logs, and events of the journal, as changes: one event each, named by what happened.

Technical values and labels are both accepted (Adobe Campaign Standard documentation: "Indicator calculation", "Understanding
delivery failures"). An event's id is made from the log's own id, so that what comes again, by whichever way, is the same event.
"""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shared.events.documents import EventsDocument
from shared.records import Change, Kind
from shared.sftp.delimited import columns_of
from shared.sftp.faults import ParseError

NAMESPACE = uuid.UUID("8f6f0f5e-7d0c-5b83-9d0c-2b1f5b6f6a55")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SENT, FAILED = frozenset({"1", "sent", "delivered"}), frozenset({"2", "failed"})
NOT_SENT = frozenset({"", "0", "3", "4", "5", "6", "7", "8", "9", "ignored", "pending", "prepared", "excluded", "scheduled"})
HARD, SOFT, IGNORED = frozenset({"2", "hard"}), frozenset({"1", "soft"}), frozenset({"", "0", "3", "ignored"})
DENY_LISTED = frozenset({"8", "address on denylist", "on denylist", "blacklisted"})
CLICKS, OPENS = frozenset({"1", "10", "11", "email click", "click"}), frozenset({"2", "open"})
NO_EVENTS = frozenset({"3", "6", "opt-out", "unsubscribe", "mirror page"})
REASONS = {
    "0": "Not defined", "1": "User unknown", "2": "Invalid domain", "3": "Unreachable", "4": "Account disabled",
    "5": "Mailbox full", "6": "Not connected", "8": "Address on denylist", "20": "Refused",
}  # fmt: skip
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
Row = dict[str, Any]


def event_id(*names: str) -> str:
    return str(uuid.uuid5(NAMESPACE, ":".join(names)))


class LogReader:
    """Reads the lines of one file. `header` are its first line's cells."""

    def __init__(self, document: EventsDocument, tracking: bool, header: Sequence[str]) -> None:
        columns = (document.files.tracking_log if tracking else document.files.delivery_log).columns
        self.document, self.places = document, columns_of(header, columns)
        self.event: Callable[[Mapping[str, str]], Row | None] = self.reaction if tracking else self.message

    def read(self, cells: Sequence[str]) -> Row | None:
        """The event of a record, None for one that tells of none; ParseError for one that cannot be read."""
        return self.event({field: cells[place].strip() for field, place in self.places.items()})

    def message(self, row: Mapping[str, str]) -> Row | None:
        status = row["status"].casefold()
        if status in SENT:
            return made(self.document, "send", row, self.at(row, "at"))
        if status in FAILED:
            bounced = bounce(self.document, row)
            when = "changed" if row.get("changed") else "at"
            return made(self.document, "bounce", row, self.at(row, when), **bounced) if bounced else None
        if status in NOT_SENT:
            return None
        raise ParseError("unknown_status", self.named("status", False), "has a status that is not known")

    def reaction(self, row: Mapping[str, str]) -> Row | None:
        kind = row["type"].casefold()
        if kind in CLICKS or kind in OPENS:
            name = "click" if kind in CLICKS else "open"
            return made(self.document, name, row, self.at(row, "at"), url=row.get("url", ""))
        if kind in NO_EVENTS:
            return None
        raise ParseError("unknown_type", self.named("type", True), "has a type of URL that is not known")

    def at(self, row: Mapping[str, str], field: str) -> str:
        try:
            return instant(row[field], self.document.files.dates)
        except ValueError:
            raise ParseError("not_a_date", field, f"has no date of the form {self.document.files.dates} in {field}") from None

    def named(self, field: str, tracking: bool) -> str:
        files = self.document.files
        return (files.tracking_log if tracking else files.delivery_log).columns[field]


@lru_cache(4096)
def instant(text: str, form: str) -> str:
    """A time in UTC as Dataverse takes it."""
    return datetime.strptime(text, form).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007  # exports are in UTC


def bounce(document: EventsDocument, row: Mapping[str, str]) -> Row | None:
    """Type and reason of a failure, None for one that is no bounce, or not one that is wanted."""
    kind, reason = row.get("failure_type", "").casefold(), row.get("reason", "")
    hard = kind in HARD or reason.casefold() in DENY_LISTED
    if not hard and kind not in SOFT:
        if kind in IGNORED:
            return None
        raise ParseError("unknown_failure", "failure_type", "has a type of failure that is not known")
    if not hard and document.bounces == "hard":
        return None
    text = REASONS.get(reason, reason.replace("_", " ").capitalize())
    return {"bounce_type": "Hard" if hard else "Soft", "bounce_reason": text}


def made(document: EventsDocument, kind: str, row: Mapping[str, str], at: str, **more: str) -> Row | None:
    """The event in our own words; None if its kind is switched off. `id` is what happened, whoever tells of it."""
    rule = document.rule(kind)
    if not rule.enabled:
        return None
    contact = row["contact"].lower()
    return {
        "id": identity(kind, rule.repeat, row, more.get("url", "")),
        "kind": kind,
        "contact": contact if GUID.fullmatch(contact) else "",
        "at": at,
        "delivery": row.get("delivery") or row.get("delivery_label", ""),
        "campaign": row.get("campaign") or row.get("campaign_label", ""),
        "mirror_page": row.get("mirror_page", ""),
        **({"agent": row.get("user_agent", ""), "device": row.get("device", "")} if kind in ("open", "click") else {}),
        **more,
    }


def identity(kind: str, repeat: str, row: Mapping[str, str], url: str) -> str:
    """With `repeat: first` all opens of a message are one event, and all clicks on a URL of it: the first to come stays."""
    if kind in ("send", "bounce"):
        number = row["log_id"]
    elif repeat == "first":
        number = f"message:{row['broad_log_id']}" + (f":{url}" if kind == "click" else "")
    else:
        number = row["log_id"]
    if not row["log_id"]:
        raise ParseError("no_log_id", "log_id", "has no log id")
    return event_id(kind, number)


def change_of(row: Row, first_seen: float, origin: str = "") -> Change:
    return Change(
        str(row["id"]),
        Kind.ROW,
        row={name: value for name, value in row.items() if value and name != "id"},
        first_seen=first_seen,
        origin=origin,
    )


class JournalReader:
    """Reads events of the journal, whose shape the document describes."""

    def __init__(self, document: EventsDocument) -> None:
        self.document = document
        self.kinds = {kind: path.split(" > ") for kind, path in document.journal.kinds.items()}
        self.fields = {field: path.split(" > ") for field, path in document.journal.fields.items()}

    def read(self, event: Any) -> Row | None:
        """The event, None for one of another kind; ParseError for one that lacks what an event needs."""
        kind = next((kind for kind, path in self.kinds.items() if at_path(event, path)), "")
        if not kind:
            return None
        row = {field: str(at_path(event, path) or "") for field, path in self.fields.items()}
        if halves := [field for field, value in row.items() if LONE_SURROGATE.search(value)]:
            raise Fault("unsafe_characters", halves[0], f"holds half of a character (a lone surrogate) in {', '.join(halves)}")
        row["log_id"] = row.get("broad_log_id" if kind in ("send", "bounce") else "tracking_log_id", "")
        try:
            at = datetime.fromisoformat(row.get("at", "")).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            raise ParseError("not_a_date", "at", "has no time") from None
        if kind != "bounce":
            return made(self.document, kind, row, at, **({"url": row.get("url", "")} if kind == "click" else {}))
        bounced = bounce(self.document, row)
        return made(self.document, kind, row, at, **bounced) if bounced else None


def at_path(event: Any, path: Sequence[str]) -> Any:
    for key in path:
        event = event.get(key) if isinstance(event, dict) else None
    return event
