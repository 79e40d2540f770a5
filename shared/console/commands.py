"""Bodies of the commands on a flow, read strictly: nothing is done by a body that means something
else.

A field's description is the sentence for a value that it does not take.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.identifiers import record_id

BY = (
    "by is not taken from a body: call with a key that carries your name (docs/operating.md,"
    ' "Keys").'
)
NO_LENGTH = (
    "The body came without Content-Length, and Azure hands on nothing of such a body: send it with"
    " its length."
)
NOT_AN_OBJECT = "The body must be a JSON object, or empty."
TWICE = "A member stands twice in the body: take one of them out."
PLAIN = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InvalidCommand(Exception):
    """The body of a command cannot be taken; the text is a sentence for whoever sent it."""


class Command(BaseModel):
    """`id` is the GUID of a record and goes with what "record" alone."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Start(Command):
    """`discard` is another word for `skip`: what was asked about is not done."""

    deletes: Literal["confirm", "skip", "discard"] | None = Field(
        None, description='deletes must be "confirm", "skip" or "discard".'
    )


class Stop(Command):
    pass


class Cancel(Command):
    """Names the job that ends."""

    job: str = Field(description="job must be the id of a job of this flow.")


class Replay(Command):
    """Names what it replays: a body that arrives empty replays nothing."""

    what: Literal["all", "record", "dead_letters"] = Field(
        description='what must be "all", "record" or "dead_letters".'
    )
    id: str = Field("", description="id must be the GUID of the record to replay.")

    @model_validator(mode="after")
    def fits(self) -> Self:
        require(self.what == "record" or not self.id, 'id goes with what "record" only.')
        require(
            self.what != "record" or bool(self.record),
            "id must be the GUID of the record to replay.",
        )
        return self

    @property
    def record(self) -> str:
        return record_id(self.id)


class Discard(Command):
    """Names what it discards: an empty body discards nothing."""

    what: Literal["record", "reason", "dead_letters"] = Field(
        description=(
            'what must be "record" with id, "reason" with reason, or "dead_letters" for all of the'
            " flow."
        )
    )
    id: str = Field("", description="id must be the GUID of the dead letter's record.")
    reason: str = Field(
        "", description="reason must be the code that the dead letters have, such as broken_line."
    )
    checked: bool = Field(False, description="checked must be true or false.")

    @model_validator(mode="after")
    def fits(self) -> Self:
        require(self.what == "record" or not self.id, 'id goes with what "record" only.')
        require(self.what == "reason" or not self.reason, 'reason goes with what "reason" only.')
        require(
            self.what != "record" or bool(self.value),
            "id must be the GUID of the dead letter's record.",
        )
        require(
            self.what != "reason" or bool(self.value),
            "reason must be the code that the dead letters have, such as broken_line.",
        )
        return self

    @property
    def value(self) -> str:
        """The id or the reason that is discarded."""
        return record_id(self.id) if self.what == "record" else self.reason


def read_command[Body: Command](kind: type[Body], body: bytes) -> Body:
    """An empty body is {}. InvalidCommand with one sentence for any other than this command's."""
    text = body.removeprefix(BYTE_ORDER_MARK).strip() or b"{}"
    try:
        order = kind.model_validate_json(text)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise InvalidCommand(
            min((sentence(kind, problem) for problem in problems), key=lambda said: said != BY)
        ) from None
    members: list[tuple[str, Any]] = json.loads(text.decode(), object_pairs_hook=list)
    if len(members) > len(dict(members)):
        raise InvalidCommand(TWICE)
    return order


def check_length(headers: Mapping[str, str]) -> None:
    """InvalidCommand for a chunked body: in Azure it arrives empty, and what it asked for would be
    lost.
    """
    names = {name.lower() for name in headers}
    if "transfer-encoding" in names and "content-length" not in names:
        raise InvalidCommand(NO_LENGTH)


def sentence(kind: type[Command], problem: Any) -> str:
    if problem["type"] == "json_invalid":
        return "The body must be JSON, or empty."
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if not problem["loc"]:
        return NOT_AN_OBJECT
    name = str(problem["loc"][0])
    return (
        unknown(kind, name)
        if problem["type"] == "extra_forbidden"
        else str(kind.model_fields[name].description)
    )


def unknown(kind: type[Command], name: str) -> str:
    if name == "by":
        return BY
    command, fields = kind.__name__.lower(), ", ".join(kind.model_fields)
    refused = (
        f"{command} does not take {name if PLAIN.fullmatch(name) else 'a member of the body'}."
    )
    return (
        f"{refused} Its body may have {fields}." if fields else f"{refused} Its body must be empty."
    )


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
