"""Envelopes: the form in which changes travel on a queue.

An envelope is one message: up to 99 changes of one ledger partition, packed (JSON, deflated) to fit
the 64 KiB of a Storage queue message. Rows too big for that travel as references and are read again
at the source.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from itertools import batched
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
)

from shared import exact_json
from shared.errors import Refusal, Rejected
from shared.records import Change, Count
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, bucket

MESSAGE_BYTES = 47_000  # 64 KiB less a third for base64, and room for the host's own

MOST_UNPACKED_BYTES = 16 << 20
"""Of the changes in one message.

They are packed to 47,000 bytes, and rows of repeated text shrink to a hundredth.
"""

LEVEL = 6  # 400 events then fit one message, and with 3 they do not; it costs 1 ms a message

FAULT = (
    "An event is larger than a queue message takes, or holds a value of another form: shorten its"
    " texts where it comes from."
)
TOO_LARGE = {"fault": {"rule": "too_large", "field": "", "sentence": FAULT}}

KeyPart = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f-\x9f/\\#?]*$", max_length=200)]
"""A name that may stand in a table's key (Microsoft Learn, "Understanding the Table service data
model").
"""

KEY_PART = TypeAdapter(KeyPart)
MOST_BUCKETS = 1_000_000

CHANGES = TypeAdapter(tuple[Change, ...])
NOTHING = (None, 0, False, "")  # is not packed: a change without it reads as such
PACKED = tuple(item.name for item in fields(Change))


def unpack(value: Any) -> Any:
    return (
        read_changes(inflated(base64.b64decode(value, validate=True)))
        if isinstance(value, str)
        else value
    )


def inflated(packed: bytes) -> bytes:
    """ValueError for what inflates to more than any message of ours, or is cut off."""
    stream = zlib.decompressobj()
    text = stream.decompress(packed, MOST_UNPACKED_BYTES)
    if not stream.eof:
        raise ValueError("more than a message holds, or less than it says")
    return text


def read_changes(text: bytes) -> tuple[Change, ...]:
    """The changes in their packed form, decimals exact; ValueError for another one."""
    return CHANGES.validate_python(exact_json.read(text))


def newest(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """A later change of a record replaces an earlier one: no transaction takes a row twice."""
    return tuple({change.record_id: change for change in changes}.values())


def pack(changes: Sequence[Change]) -> str:
    """A value of any form travels as it is: what refuses it is the mapping, for its record
    alone.
    """
    listed = [
        {name: value for name in PACKED if (value := getattr(change, name)) not in NOTHING}
        for change in changes
    ]
    text = exact_json.carried(listed)
    if len(text) > MOST_UNPACKED_BYTES:
        raise ValueError("more than a message holds")
    return base64.b64encode(zlib.compress(text, LEVEL)).decode()


class Envelope(BaseModel):
    """`mapping_version` is the one that the rows were read with.

    Unknown fields or another `v` are refused, not guessed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    flow: KeyPart
    table: KeyPart
    bucket: Annotated[int, Field(ge=0, lt=MOST_BUCKETS)]
    mapping_version: Count
    changes: Annotated[
        tuple[Change, ...], BeforeValidator(unpack), AfterValidator(newest), PlainSerializer(pack)
    ]


def read_envelope(body: bytes) -> Envelope:
    """The envelope in a message; Rejected if it is none of ours."""
    try:
        envelope = Envelope.model_validate_json(body)
        for change in envelope.changes:
            KEY_PART.validate_python(change.record_id)
        return envelope
    except (ValidationError, zlib.error, ValueError, RecursionError):
        raise Rejected(
            Refusal(
                "",
                "unreadable_envelope",
                "A queue message is no envelope of this version of the bridge.",
            )
        ) from None


def references_only(body: bytes) -> str:
    """The message without the rows of its records; as it is if it is no envelope of ours."""
    try:
        envelope = read_envelope(body)
    except Rejected:
        return body.decode("utf-8", "replace")
    references = tuple(change.as_reference() for change in envelope.changes)
    return envelope.model_copy(update={"changes": references}).model_dump_json()


def envelopes(
    flow: str, table: str, mapping_version: int, changes: Iterable[Change], together: int = 0
) -> Iterator[tuple[str, int]]:
    """Messages for these changes, with the number of changes in each; a later change of a record
    replaces an earlier one.
    """
    groups: dict[int, list[Change]] = {}
    for change in newest(tuple(changes)):
        groups.setdefault(0 if together else bucket(change.record_id), []).append(change)
    for number, group in groups.items():
        for part in batched(group, together or ROWS_PER_TRANSACTION, strict=False):
            place = bucket(part[0].record_id) if together else number
            envelope = Envelope(
                flow=flow, table=table, bucket=place, mapping_version=mapping_version, changes=part
            )
            yield from fitted(envelope, once=bool(together))


def fitted(envelope: Envelope, once: bool = False) -> Iterator[tuple[str, int]]:
    """The envelope as one message if it fits, else as several.

    A single row that does not fit becomes a reference, or, where the source is asked `once` only, a
    fault that ends as a dead letter.
    """
    text, changes = message(envelope), envelope.changes
    if 0 < len(text) <= MESSAGE_BYTES:
        yield text, len(changes)
    elif len(changes) > 1:
        for half in (changes[: len(changes) // 2], changes[len(changes) // 2 :]):
            yield from fitted(envelope.model_copy(update={"changes": half}), once)
    else:
        replaced = replace(changes[0], row=TOO_LARGE) if once else changes[0].as_reference()
        yield envelope.model_copy(update={"changes": (replaced,)}).model_dump_json(), 1


def message(envelope: Envelope) -> str:
    """The envelope as JSON; "" for one whose values have no such form: a number of thousands of
    digits, a value too deep.
    """
    try:
        return envelope.model_dump_json()
    except (ValueError, RecursionError):
        return ""
