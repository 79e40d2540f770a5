"""Why a record waits: a value, written into its ledger row's `reason` and read from there, in this
file alone.

| value         | in the row          | goes on                                                  |
|---------------|---------------------|----------------------------------------------------------|
| Transient     | target              | when sent again; a dead letter after RETRY_HOURS         |
| FlowFailed    | flow_failed         | when sent again, while its flow is paused                |
| BugMet        | fault               | alone, until the host sets its message aside             |
| ParentMissing | parent <table> <id> | when its parent is settled                               |
| NoParent      | no_parent           | when its own row changes: a required lookup is empty     |
| ChildrenFirst | children [read at]  | when its children have left the target                   |
| ContactsFirst | contacts            | when the contacts flow has come to its contact           |
| Braked        | brake               | when a person has answered what the flow asks            |
| CutOff        | cut_off             | when its delivery is repeated, or its doubt ends; a dead |
|               |                     | letter after RETRY_HOURS                                 |
"""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Wait:
    """`called_for`: whoever it waits for calls for it, so it is not sent again meanwhile.

    `counted`: it uses up an attempt.
    """

    called_for: ClassVar[bool] = False
    counted: ClassVar[bool] = False
    code: ClassVar[str] = ""

    @property
    def text(self) -> str:
        """As in the ledger's row."""
        return self.code


@dataclass(frozen=True, slots=True)
class Transient(Wait):
    """A call failed, and may succeed the next time.

    `pause`: a system asked to wait, or was not asked at all; that uses up nothing.
    """

    counted = True
    code = "target"
    pause: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class FlowFailed(Wait):
    """A person must fix the flow first."""

    code = "flow_failed"


@dataclass(frozen=True, slots=True)
class BugMet(Wait):
    """A bug of ours."""

    code = "fault"


@dataclass(frozen=True, slots=True)
class ParentMissing(Wait):
    """`table` and `record_id` are the parent's; `firm`: the link is required (not in the row)."""

    called_for = True
    code = "parent"
    table: str
    record_id: str
    firm: bool = False

    @property
    def text(self) -> str:
        return f"{self.code} {self.table} {self.record_id}"


@dataclass(frozen=True, slots=True)
class NoParent(Wait):
    """The lookup of a required link is empty."""

    called_for = True
    code = "no_parent"


@dataclass(frozen=True, slots=True)
class ChildrenFirst(Wait):
    """A record that leaves the target after its children.

    `read_at`: since when it waits, in seconds since 1970. In rows of an earlier version: when the
    children's tables had been read beyond it; None before.
    """

    code = "children"
    read_at: float | None = None

    @property
    def text(self) -> str:
        return self.code if self.read_at is None else f"{self.code} {self.read_at:.3f}"


@dataclass(frozen=True, slots=True)
class ContactsFirst(Wait):
    """An opt-out that is ahead of the flow which makes its profile."""

    called_for = True
    code = "contacts"


@dataclass(frozen=True, slots=True)
class Braked(Wait):
    """A destructive change of which there are too many to be done unasked."""

    called_for = True
    code = "brake"


@dataclass(frozen=True, slots=True)
class CutOff(Wait):
    """A record whose delivery was cut off: while it was written for the first time, or several
    times in a row (shared/pipeline/suspects.py).
    """

    counted = True
    code = "cut_off"


PLAIN: dict[str, Wait] = {
    wait.code: wait
    for wait in (
        Transient(),
        FlowFailed(),
        BugMet(),
        NoParent(),
        ChildrenFirst(),
        ContactsFirst(),
        Braked(),
        CutOff(),
    )
}

CODES = frozenset({*PLAIN, ParentMissing.code})
"""What the ledger counts by."""


def read_wait(text: str) -> Wait | None:
    """What a waiting row's `reason` says, also that of an earlier version; None for what no version
    writes.
    """
    code, _, rest = text.partition(" ")
    if code == ParentMissing.code and rest:
        table, _, record_id = rest.partition(" ")
        return ParentMissing(table, record_id)
    if code == ChildrenFirst.code and rest:
        return ChildrenFirst(float(rest))
    return PLAIN.get(text)
