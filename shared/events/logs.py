"""Rows of Campaign's delivery and tracking logs, and events of the journal, as changes: one event
each, named by what happened.

Technical values and labels are both accepted, in other languages as the document translates them.
An event's id is made from the log's own id, so that what comes again, by whichever way, is the same
event. Soft and hard bounce of a message are two events: a message that came back softly is tried
again, and may come back hard.
Source: Adobe Campaign Standard documentation, "Indicator calculation", "Understanding delivery
failures".
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from shared.events.documents import EventsDocument
from shared.events.words import DENY_LISTED, NONE, channel_word, meanings, reason_text
from shared.identifiers import log_number, record_id
from shared.labels import cut, folded
from shared.records import Change, Kind
from shared.sftp.exports.delimited import columns_of
from shared.sftp.faults import ParseError
from shared.times import in_utc, instant, iso_time

NAMESPACE = uuid.UUID("8f6f0f5e-7d0c-5b83-9d0c-2b1f5b6f6a55")
SOFT_BOUNCE = "soft_bounce"  # in ids only; a hard bounce has the name that both had before
# The longest texts that travel: an event must fit one queue message, and no text column of
# Dataverse holds more.
LONGEST = {"url": 4000, "mirror_page": 4000}
LONGEST_NAME = 500
FIRST_YEAR = 1753  # of dates in Dataverse
Row = dict[str, Any]


def event_id(*names: str) -> str:
    return str(uuid.uuid5(NAMESPACE, ":".join(names)))


class EventReader(ABC):
    """What rows of the logs and events of the journal have in common.

    `names`: our name of a field -> its name at the source.
    """

    def __init__(self, document: EventsDocument, names: Mapping[str, str]) -> None:
        self.document, self.names = document, names
        self.words, self.channels = meanings(document.values.tables), document.taken_channels

    def named(self, field: str) -> str:
        return self.names.get(field, field)

    def meaning(self, field: str, text: str, rule: str, what: str) -> str:
        """What a code or a label means; ParseError for one that is not known."""
        found = self.words[field].get(folded(text))
        if found is None:
            raise ParseError(rule, self.named(field), f"has a {what} that is not known")
        return found

    def other_channel(self, row: Mapping[str, str]) -> bool:
        """Whether the row is of a channel that the document does not take: an SMS, say."""
        if "channel" not in self.names:
            return False
        name = self.named("channel")
        sentence = f"has a channel in {name} that is not known"
        found = self.words["channel"].get(folded(row["channel"])) or self.coded_channel(
            row["channel"]
        )
        if not found:
            raise ParseError("unknown_channel", name, sentence)
        return found not in self.channels

    def coded_channel(self, text: str) -> str:
        """The channel of a message type or of an XDM address; one that has no name here is another
        than e-mail.
        """
        return (
            self.words["channel"].get(channel_word(text), "other")
            if "/" in text or log_number(text)
            else ""
        )

    def bounce(self, row: Mapping[str, str]) -> Row | None:
        """Type and reason of a failure, None for one that is no bounce, or not one that is
        wanted.
        """
        given = row.get("reason", "")
        reason = self.words["reason"].get(folded(given), given)
        failure = row.get("failure_type", "")
        denied = folded(reason) in DENY_LISTED
        kind = (
            "hard"
            if denied
            else self.meaning("failure_type", failure, "unknown_failure", "type of failure")
        )
        if kind == NONE or (kind == "soft" and self.document.bounces == "hard"):
            return None
        return {"bounce_type": kind.capitalize(), "bounce_reason": reason_text(reason)}

    def number(self, row: Mapping[str, Any], field: str, needed: bool = True) -> str:
        """The digits of an id; a ParseError for anything else, so that no two rows become one
        event, nor one row two.
        """
        found, name = log_number(row.get(field)), self.named(field)
        if found is None:
            raise ParseError("bad_log_id", name, f"has no plain number in {name}")
        if needed and not found:
            raise ParseError("no_log_id", name, f"has no log id in {name}")
        return found

    def build_event(
        self, kind: str, row: Mapping[str, str], at: datetime, **more: str
    ) -> Row | None:
        """The event in our own words; None if its kind is switched off.

        `id` is what happened, whoever tells of it.
        """
        rule = self.document.rule(kind)
        if not rule.enabled:
            return None
        reaction = kind in ("open", "click")
        ids = {"log_id": self.number(row, "log_id")}
        if reaction:
            ids["broad_log_id"] = self.number(row, "broad_log_id", needed=rule.repeat == "first")
            more |= self.machine(row, at)
        name = SOFT_BOUNCE if more.get("bounce_type") == "Soft" else kind
        texts = {
            "delivery": row.get("delivery") or row.get("delivery_label", ""),
            "campaign": row.get("campaign") or row.get("campaign_label", ""),
            "mirror_page": row.get("mirror_page", ""),
            **more,
        }
        kept = self.shortened(
            texts
        )  # first: half of a character is refused here, and no id can be made of it
        return {
            "id": identity(name, rule.repeat, ids, more.get("url", "")),
            "kind": kind,
            "log_id": ids["log_id"],
            "contact": record_id(row.get("contact", "")),
            "at": shown(at),
            **kept,
        }

    def machine(self, row: Mapping[str, str], at: datetime) -> dict[str, str]:
        """What the rules for machines look at."""
        found = {"agent": row.get("user_agent", ""), "device": row.get("device", "")}
        if row.get("sent_at"):
            found["since_send"] = str(round((at - self.time(row, "sent_at")).total_seconds()))
        return found

    def shortened(self, texts: Mapping[str, str]) -> Row:
        """The texts, none longer than may travel; `shortened` names those that were."""
        long = {
            name: text
            for name, text in texts.items()
            if len(text) > LONGEST_NAME or not text.isascii()
        }
        kept = {
            name: cut(self.sound(name, text), LONGEST.get(name, LONGEST_NAME))
            for name, text in long.items()
        }
        return {
            **texts,
            **kept,
            "shortened": ",".join([name for name, text in kept.items() if text is not long[name]]),
        }

    def sound(self, name: str, text: str) -> str:
        """The text; ParseError for one with half of a character, which nobody can store."""
        if not any("\ud800" <= character <= "\udfff" for character in text):
            return text
        raise ParseError(
            "unsafe_characters", self.named(name), f"has half of a character in {self.named(name)}"
        )

    @abstractmethod
    def time(self, row: Mapping[str, str], field: str) -> datetime:
        """When it happened; ParseError for a text that is no time."""


class LogReader(EventReader):
    """Reads the lines of one file. `header` are its first line's cells."""

    def __init__(self, document: EventsDocument, tracking: bool, header: Sequence[str]) -> None:
        columns = (document.files.tracking_log if tracking else document.files.delivery_log).columns
        super().__init__(document, columns)
        self.places = columns_of(header, columns)
        self.event = self.reaction if tracking else self.message

    def read(self, cells: Sequence[str]) -> Row | None:
        """The event of a record, None for one that tells of none; ParseError for one that cannot be
        read.
        """
        row = {field: cells[place].strip() for field, place in self.places.items()}
        return None if self.other_channel(row) else self.event(row)

    def message(self, row: Mapping[str, str]) -> Row | None:
        status = self.meaning("status", row["status"], "unknown_status", "status")
        if status == "sent":
            return self.build_event("send", row, self.time(row, "at"))
        bounced = self.bounce(row) if status == "failed" else None
        when = "changed" if row.get("changed") else "at"
        return self.build_event("bounce", row, self.time(row, when), **bounced) if bounced else None

    def reaction(self, row: Mapping[str, str]) -> Row | None:
        kind = self.meaning("type", row["type"], "unknown_type", "type of URL")
        return (
            None
            if kind == NONE
            else self.build_event(kind, row, self.time(row, "at"), url=row.get("url", ""))
        )

    def time(self, row: Mapping[str, str], field: str) -> datetime:
        files, name = self.document.files, self.named(field)
        try:
            return in_range(instant(row[field], files.dates, files.time_zone), name)
        except ValueError:
            raise ParseError(
                "not_a_date", name, f"has no date of the form {files.dates} in {name}"
            ) from None


class JournalReader(EventReader):
    """Reads events of the journal, whose shape the document describes."""

    def __init__(self, document: EventsDocument) -> None:
        super().__init__(document, document.journal.fields)
        self.kinds = {kind: path.split(" > ") for kind, path in document.journal.kinds.items()}
        self.fields = {field: path.split(" > ") for field, path in document.journal.fields.items()}

    def read(self, event: Any) -> Row | None:
        """The event, None for one of another kind or channel; ParseError for one that lacks what an
        event needs.
        """
        kind = next((kind for kind, path in self.kinds.items() if at_path(event, path)), "")
        if not kind:
            return None
        values = {field: at_path(event, path) for field, path in self.fields.items()}
        row: Row = {
            field: value if field.endswith("log_id") else written(value)
            for field, value in values.items()
        }
        row["log_id"] = row.get("broad_log_id" if kind in ("send", "bounce") else "tracking_log_id")
        if row.get("channel") and self.other_channel(row):
            return None
        more = (
            self.bounce(row)
            if kind == "bounce"
            else {"url": row.get("url", "")}
            if kind == "click"
            else {}
        )
        return None if more is None else self.build_event(kind, row, self.time(row, "at"), **more)

    def named(self, field: str) -> str:
        return field

    def time(self, row: Mapping[str, str], field: str) -> datetime:
        try:
            return in_range(in_utc(iso_time(row.get(field, "").strip()), "UTC"), field)
        except ValueError:
            raise ParseError(
                "not_a_date", field, f"has no time in {field}, such as 2026-01-31T08:00:00Z"
            ) from None


def written(value: Any) -> str:
    """A text or number of JSON as a text; "" for anything else."""
    return (
        str(value)
        if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
        else ""
    )


def in_range(at: datetime, name: str) -> datetime:
    """The time; ParseError for one that no column of Dataverse holds."""
    if at.year < FIRST_YEAR:
        raise ParseError(
            "not_a_date",
            name,
            f"has a date before {FIRST_YEAR} in {name}, which Dynamics cannot hold",
        )
    return at


@lru_cache(4096)
def shown(at: datetime) -> str:
    """A time as Dataverse takes it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def identity(kind: str, repeat: str, row: Mapping[str, str], url: str) -> str:
    """With `repeat: first` all opens of a message are one event, and all clicks on a URL of it: the
    first to come stays.
    """
    if kind not in ("open", "click") or repeat != "first":
        return event_id(kind, row["log_id"])
    return event_id(kind, f"message:{row['broad_log_id']}" + (f":{url}" if kind == "click" else ""))


def change_of(row: Row, first_seen: float, origin: str = "") -> Change:
    return Change(
        str(row["id"]),
        Kind.ROW,
        row={name: value for name, value in row.items() if value and name != "id"},
        first_seen=first_seen,
        origin=origin,
    )


def at_path(event: Any, path: Sequence[str]) -> Any:
    for key in path:
        event = event.get(key) if isinstance(event, dict) else None
    return event
