"""What is wrong with an exported file, or with one line of it, and the dead letter that comes of
it.
"""

import uuid
from typing import Protocol

from shared.records import Change, Kind

NAMESPACE = uuid.UUID("8f6f0f5e-7d0c-5b83-9d0c-2b1f5b6f6a55")


class ParseError(Exception):
    """A record that cannot be read: `rule` is a code; the sentence names file, line and column,
    never a value.
    """

    def __init__(self, rule: str, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.rule, self.field, self.sentence = rule, field, sentence


class BadHeader(Exception):
    """The header lacks columns that the document names, or has one of them twice; the message
    completes "its header ...".
    """


class Damaged(Exception):
    """The rest of a file cannot be read; the message completes "File ...: "."""


class OfFile(Protocol):
    """Which file of a name something is of."""

    @property
    def size(self) -> int: ...
    @property
    def changed_at(self) -> float: ...
    @property
    def sample(self) -> str: ...


def unreadable(
    origin: str, error: ParseError, first_seen: float, file: OfFile | None = None
) -> Change:
    """What cannot be read travels too, so that it ends as a dead letter like everything that is
    refused.

    `origin` is where it stands, such as "deliveryLogs_1.txt:3"; the dead letter's id is made from
    it and from size and time of the file: another file of its name overwrites none of its letters.
    """
    fault = {"rule": error.rule, "field": error.field, "sentence": error.sentence}
    which = f":{file.size}@{file.changed_at:.0f}" if file else ""
    record_id = str(uuid.uuid5(NAMESPACE, f"fault:{origin}{which}"))
    row = {"fault": fault}
    return Change(
        record_id,
        Kind.ROW,
        row=row,
        first_seen=first_seen,
        origin=origin,
        sample=file.sample if file else "",
    )
