"""The events document: which events become activities, of which tables and columns, and how
Campaign's files name things.

YAML for people, as the mapping documents are; `defaults/email_events.yaml` is the first version.
"""

from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase
from importlib import resources
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, StringConstraints, field_validator, model_validator

from shared.documents.kinds import DocumentKind
from shared.events.words import MEANINGS, table_problems
from shared.labels import folded
from shared.mapping.documents import placeholders
from shared.mapping.reading import Document, Misplaced, Part, read
from shared.mapping.syntax import InvalidDocument
from shared.sftp.exports.forms import Encoding, Separator, StableSeconds
from shared.times import DEFAULT_FORM, TimeZone, form_fault, form_problem

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=100)]
Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
SUBJECT_NAMES = ("campaign", "delivery", "kind")
KINDS = ("send", "open", "click", "bounce")
Column = Literal[
    "event_id",
    "campaign",
    "delivery",
    "at",
    "mirror_page",
    "url",
    "bounce_type",
    "bounce_reason",
]
COLUMNS: tuple[str, ...] = get_args(Column)
DESCRIBED = (
    "contact",
    "at",
    "channel",
    "delivery",
    "delivery_label",
    "campaign",
    "campaign_label",
    "mirror_page",
)
DELIVERY_FIELDS = frozenset({*DESCRIBED, "log_id", "status", "failure_type", "reason", "changed"})
TRACKING_FIELDS = frozenset(
    {*DESCRIBED, "log_id", "broad_log_id", "type", "url", "user_agent", "device", "sent_at"}
)
JOURNAL_FIELDS = (DELIVERY_FIELDS | TRACKING_FIELDS | {"tracking_log_id"}) - {
    "log_id",
    "status",
    "type",
    "changed",
}


class FollowUp(Part):
    """A task for the contact's owner, due so many days after the event."""

    subject: str = Field(min_length=1, max_length=200)
    due_days: int = Field(3, ge=0, le=365)


class KindRule(Part):
    """One kind of event.

    `repeat: first` keeps the first of a message (of a message and URL for clicks).
    """

    enabled: bool
    table: Name
    columns: dict[Column, Name]
    repeat: Literal["all", "first"] = "all"
    follow_up: FollowUp | None = None


class Kinds(Part):
    send: KindRule
    open: KindRule
    click: KindRule
    bounce: KindRule


class Machines(Part):
    """Opens and clicks made by programs.

    Patterns as file names have them (`*Proxy*`), without case, on user agent and device.

    `seconds_since_send`: what happens no more than so many seconds apart from the send is a
    machine's; 0 is the same second.
    """

    user_agents: list[str] = Field(default_factory=list)
    devices: list[str] = Field(default_factory=list)
    seconds_since_send: int | None = Field(default=None, ge=0, le=86400)

    def matches(self, agent: str, device: str, since_send: int | None = None) -> bool:
        """`since_send` in seconds, None where it is not known when the message was sent."""
        if (
            since_send is not None
            and self.seconds_since_send is not None
            and abs(since_send) <= self.seconds_since_send
        ):
            return True
        return fits(agent, self.user_agents) or fits(device, self.devices)


def fits(text: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(folded(text), folded(pattern)) for pattern in patterns)


class LogFile(Part):
    """One export: its files' names as a pattern, and the header's name of each column.

    What has no column is left empty.
    """

    pattern: str = Field(min_length=1)
    columns: dict[str, Header]


class Files(Part):
    """How Campaign's extract files are written.

    `stable_seconds`: a file is read when its size and time have not changed for
    so long; 0 where the workflow gives a file its name only when it is complete. `time_zone`: whose
    clocks the dates show.
    """

    separator: Separator = "\t"
    encoding: Encoding = "utf-8"
    dates: str = Field(DEFAULT_FORM, max_length=100)
    time_zone: TimeZone = "UTC"
    stable_seconds: StableSeconds = 60
    afterwards: Literal["move", "delete"] = "move"
    delivery_log: LogFile
    tracking_log: LogFile

    @field_validator("dates")
    @classmethod
    def readable(cls, form: str) -> str:
        if found := form_fault(form):
            raise ValueError(f"the form {found}")
        return form


class JournalShape(Part):
    """Where an I/O event holds what: paths of keys joined by " > ".

    `kinds`: the path that is there for each kind.
    """

    kinds: dict[str, str]
    fields: dict[str, str]


Labels = dict[str, str]


class Values(Part):
    """Labels of another language, and what each of them means: the technical value or the English
    label.
    """

    status: Labels = Field(default_factory=dict)
    failure_type: Labels = Field(default_factory=dict)
    reason: Labels = Field(default_factory=dict)
    type: Labels = Field(default_factory=dict)
    channel: Labels = Field(default_factory=dict)

    @model_validator(mode="after")
    def sound(self) -> Self:
        if found := list(table_problems(self.tables)):
            raise ValueError("; ".join(found))
        return self

    @property
    def tables(self) -> dict[str, Labels]:
        return {field: getattr(self, field) for field in MEANINGS}


def names_known(subject: str) -> None:
    """Misplaced for a subject with anything else in braces: a width, say, could ask for more memory
    than there is.
    """
    try:
        names = [name for _, name in placeholders(subject) if name]
    except ValueError as error:
        raise Misplaced(str(error), "subject") from None
    if unknown := [name for name in names if name not in SUBJECT_NAMES]:
        raise Misplaced(
            f"names {', '.join(unknown)}, and may name {', '.join(SUBJECT_NAMES)}", "subject"
        )


class EventsDocument(Document):
    """`bounces: hard` leaves soft bounces out.

    `subject` may name {campaign}, {delivery}, {kind}. `channels`: whose messages are
    taken; it needs the column `channel` in files, and the field `channel` in the journal.
    """

    subject: str = Field(min_length=1, max_length=200)
    bounces: Literal["hard", "all"] = "hard"
    kinds: Kinds
    machines: Machines = Machines()
    channels: list[str] = Field(default_factory=lambda: ["email"], min_length=1)
    values: Values = Values()
    files: Files
    journal: JournalShape

    @model_validator(mode="after")
    def sound(self) -> Self:
        names_known(self.subject)
        needed = {"log_id", "contact", "at"}
        for name, log in (
            ("delivery_log", self.files.delivery_log),
            ("tracking_log", self.files.tracking_log),
        ):
            extra = {"status"} if name == "delivery_log" else {"type", "broad_log_id"}
            if missing := sorted((needed | extra) - log.columns.keys()):
                raise ValueError(f"files.{name}.columns lacks {', '.join(missing)}")
        if unknown := [name for name in self.channels if folded(name) not in MEANINGS["channel"]]:
            what = (
                f"names {', '.join(unknown)}, which is no channel: use email, sms, phone, paper,"
                " fax, push, other"
            )
            raise Misplaced(what, "channels")
        if self.machines.seconds_since_send is not None and not self.knows_sends:
            what = "needs the column sent_at in files.tracking_log.columns: add it there"
            raise Misplaced(what, "machines", "seconds_since_send")
        return self

    @property
    def knows_sends(self) -> bool:
        """Whether any source tells of an open or click when its message was sent."""
        return "sent_at" in self.files.tracking_log.columns or "sent_at" in self.journal.fields

    @property
    def taken_channels(self) -> frozenset[str]:
        return frozenset(MEANINGS["channel"][folded(name)] for name in self.channels)

    def rule(self, kind: str) -> KindRule:
        rule: KindRule = getattr(self.kinds, kind)
        return rule


def read_events_document(text: str) -> EventsDocument:
    """The document in a YAML text; InvalidDocument with every problem that it has.

    A form of dates that loses a part of the time is one for a new document. Active versions go on
    with theirs.
    """
    document = read(text, EventsDocument)
    if found := form_problem(document.files.dates):
        raise InvalidDocument(
            [
                f"{document.place('files.dates')}:"
                f" {found if found.startswith('%') else f'the form {found}'}."
            ]
        )
    return document


def misnamed(document: EventsDocument) -> Iterator[str]:
    """Names that the document gives and nothing reads, and those that the journal's events lack,
    each as a sentence.

    Active documents may have some: they stop no flow.
    """
    if lacking := sorted(needed_fields(document.journal.kinds) - document.journal.fields.keys()):
        what = (
            f"lacks {', '.join(lacking)}, which the kinds of journal.kinds need: add their paths."
        )
        yield f"{document.place('journal.fields')}: {what}"
    for place, given, allowed in (
        ("files.delivery_log.columns", document.files.delivery_log.columns, DELIVERY_FIELDS),
        ("files.tracking_log.columns", document.files.tracking_log.columns, TRACKING_FIELDS),
        ("journal.kinds", document.journal.kinds, frozenset(KINDS)),
        ("journal.fields", document.journal.fields, JOURNAL_FIELDS),
    ):
        for name in sorted(given.keys() - allowed):
            what = f"{name} is no name that is known here. Use one of {', '.join(sorted(allowed))}."
            yield f"{document.place(f'{place}.{name}')}: {what}"


def needed_fields(kinds: Collection[str]) -> set[str]:
    """The fields without which no event of these kinds can be read from the journal."""
    messages, reactions = {"send", "bounce"} & set(kinds), {"open", "click"} & set(kinds)
    ids = ({"broad_log_id"} if messages else set()) | ({"tracking_log_id"} if reactions else set())
    return ids | ({"contact", "at"} if ids else set())


def default_events_document() -> str:
    return (
        resources.files("shared.events.defaults").joinpath("email_events.yaml").read_text("utf-8")
    )


KIND = DocumentKind(
    folder="events",
    model=EventsDocument,
    setting="events document",
    title=lambda name: "events document",
    packaged=lambda name: default_events_document(),
)
EMAIL_EVENTS = KIND.id("email_events")
