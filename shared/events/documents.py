"""The events document: which events become activities, of which tables and columns, and how Campaign's files name things.

YAML for people, as the mapping documents are; `defaults/email_events.yaml` is the first version.
"""

from fnmatch import fnmatchcase
from importlib import resources
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from shared.mapping.documents import InvalidDocument, Part, parsed, problem

Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]*$", max_length=100)]
Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
KINDS = ("send", "open", "click", "bounce")
COLUMNS = ("event_id", "campaign", "delivery", "at", "mirror_page", "url", "bounce_type", "bounce_reason")


class FollowUp(Part):
    """A task for the contact's owner, due so many days after the event."""

    subject: str = Field(min_length=1, max_length=200)
    due_days: int = Field(3, ge=0, le=365)


class KindRule(Part):
    """One kind of event. `repeat: first` keeps the first of a message (of a message and URL for clicks)."""

    enabled: bool
    table: Name
    columns: dict[Literal["event_id", "campaign", "delivery", "at", "mirror_page", "url", "bounce_type", "bounce_reason"], Name]
    repeat: Literal["all", "first"] = "all"
    follow_up: FollowUp | None = None


class Kinds(Part):
    send: KindRule
    open: KindRule
    click: KindRule
    bounce: KindRule


class Machines(Part):
    """Opens and clicks made by programs. Patterns as file names have them (`*Proxy*`), against user agent and device."""

    user_agents: list[str] = Field(default_factory=list)
    devices: list[str] = Field(default_factory=list)

    def made(self, agent: str, device: str) -> bool:
        return any(fnmatchcase(agent, pattern) for pattern in self.user_agents) or any(
            fnmatchcase(device, pattern) for pattern in self.devices
        )


class LogFile(Part):
    """One export: its files' names as a pattern, and the header's name of each column. What has no column is left empty."""

    pattern: str = Field(min_length=1)
    columns: dict[str, Header]


class Files(Part):
    """How Campaign's extract files are written. `settled_seconds`: a file is read when its size and time have not changed for
    so long; 0 where the workflow gives a file its name only when it is complete."""

    separator: str = Field("\t", min_length=1, max_length=1)
    encoding: str = "utf-8"
    dates: str = "%Y/%m/%d %H:%M:%S"
    settled_seconds: float = Field(60, ge=0, le=86400)
    afterwards: Literal["move", "delete"] = "move"
    delivery_log: LogFile
    tracking_log: LogFile


class JournalShape(Part):
    """Where an I/O event holds what: paths of keys joined by " > ". `kinds`: the path that is there for each kind."""

    kinds: dict[str, str]
    fields: dict[str, str]


class EventsDocument(Part):
    """`bounces: hard` leaves soft bounces out. `subject` may name {campaign}, {delivery}, {kind}."""

    subject: str = Field(min_length=1, max_length=200)
    bounces: Literal["hard", "all"] = "hard"
    kinds: Kinds
    machines: Machines = Machines()
    files: Files
    journal: JournalShape

    @model_validator(mode="after")
    def sound(self) -> Self:
        self.subject.format(campaign="", delivery="", kind="")
        needed = {"log_id", "contact", "at"}
        for name, log in (("delivery_log", self.files.delivery_log), ("tracking_log", self.files.tracking_log)):
            extra = {"status"} if name == "delivery_log" else {"type", "broad_log_id"}
            if missing := sorted((needed | extra) - log.columns.keys()):
                raise ValueError(f"files.{name}.columns lacks {', '.join(missing)}")
        "".encode(self.files.encoding)
        return self

    def rule(self, kind: str) -> KindRule:
        rule: KindRule = getattr(self.kinds, kind)
        return rule


def read_events_document(text: str) -> EventsDocument:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    try:
        return EventsDocument.model_validate(parsed(text))
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(map(problem, error.errors(include_url=False))))) from None
    except (KeyError, IndexError, LookupError) as error:
        raise InvalidDocument([f"subject or encoding names something unknown: {error}."]) from None


def default_events_document() -> str:
    return resources.files("shared.events.defaults").joinpath("email_events.yaml").read_text("utf-8")
