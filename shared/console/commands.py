"""Bodies of the commands on a flow, read strictly: nothing is done by a body that means something
else.

A field's description is the sentence for a value that it does not take.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.console.reasons import why_fault
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
WHY = (
    "why must be a reason of up to 200 characters, without a line break, an e-mail address or a"
    " telephone number."
)
PLAIN = re.compile(r"[A-Za-z_]\w{0,39}", re.ASCII)
NAMES = {"MakePlan": "plan", "CarryOut": "carry_out"}
"""Of commands whose class has another name."""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class InvalidCommand(Exception):
    """The body of a command cannot be taken; the text is a sentence for whoever sent it."""


class Command(BaseModel):
    """`id` is the GUID of a record and goes with what "record" alone."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    why: str = Field("", description=WHY)

    @model_validator(mode="after")
    def says_nothing_of_a_customer(self) -> Self:
        require(not why_fault(self.why), WHY)
        return self


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


class MakePlan(Command):
    """`kind` as on the console's pages; the others as its kind needs them."""

    kind: str = Field(description="kind must be an act, such as replay_letters.")
    id: str = Field("", description="id must be the GUID of a record.")
    ids: list[str] = Field([], description="ids must be a list of ids of dead letters.")
    reason: str = Field("", description="reason must be the code that the dead letters have.")
    field: str = Field("", description="field must be the name of a field.")
    version: int = Field(0, description="version must be the number of a mapping's version.")
    since: str = Field("", description="since must be a moment, such as 2026-01-31T08:00Z.")
    until: str = Field("", description="until must be a moment, such as 2026-01-31T08:00Z.")
    checked: bool = Field(False, description="checked must be true or false.")
    deletes: Literal["", "confirm", "discard"] = Field(
        "", description='deletes must be "confirm" or "discard".'
    )
    job: str = Field("", description="job must be the id of a job.")
    file: str = Field("", description="file must be the name of a file.")
    folder: Literal["", "processed", "rejected"] = Field(
        "", description='folder must be "processed" or "rejected".'
    )

    def as_form(self, flow: str) -> list[tuple[str, str]]:
        """The fields of the form that a page would send."""
        ids = self.ids or ([self.id] if self.id else [])
        values = {
            "flow": flow,
            "kind": self.kind,
            "what": "ticked" if ids else "match",
            "reason": self.reason,
            "field": self.field,
            "version": str(self.version or ""),
            "since": self.since,
            "until": self.until,
            "checked": "1" if self.checked else "",
            "deletes": self.deletes,
            "job": self.job,
            "file": self.file,
            "folder": self.folder,
        }
        return [*values.items(), *(("id", id_) for id_ in ids)]


class CarryOut(Command):
    """Does what a plan says. `number` where the plan wants one typed."""

    plan: str = Field(description="plan must be the id that plan gave.")
    number: int = Field(0, description="number must be the number that the plan asks for.")


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
    command = NAMES.get(kind.__name__, kind.__name__.lower())
    fields = ", ".join(other for other in kind.model_fields if other != "why")
    refused = (
        f"{command} does not take {name if PLAIN.fullmatch(name) else 'a member of the body'}."
    )
    return (
        f"{refused} Its body may have {fields}, why."
        if fields
        else f"{refused} Its body may have why."
    )


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
