"""What the control routes for deliveries, exports and the journal take; a field that is not here is
refused with 501.
"""

import codecs
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from dev.emulators.campaign import errors


def seconds(value: Any) -> float:
    """An ISO 8601 time, of UTC unless it says otherwise, as seconds since 1970."""
    when = datetime.fromisoformat(str(value))
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def known_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise ValueError(str(error)) from None


def known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, OSError) as error:
        raise ValueError(f"there is no time zone {name}") from error


Instant = Annotated[float, BeforeValidator(seconds)]
Share = Annotated[float, Field(ge=0, le=1)]


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, frozen=True)


class Send(Order):
    """To `external_ids`, or to all profiles that have an external id and an address of the channel.

    `machine_opens`: a mail provider's proxy opens each message as it arrives.
    """

    name: str = ""
    label: str = ""
    campaign: str = ""
    campaign_label: str = ""
    channel: Literal["email", "sms", "push"] = "email"
    machine_opens: bool = False
    external_ids: list[str] | None = None
    at: Instant | None = None


class React(Order):
    """`url_type` 10 and 11 are counted as clicks too.

    `user_agent` is the browser's text; the log holds its number.
    """

    delivery: str | int
    kind: Literal["open", "click", "unsubscribe", "mirror"]
    external_id: str
    url: str = ""
    url_type: Literal[0, 1, 10, 11] = 0
    user_agent: str = ""
    at: Instant | None = None


class Bounce(Order):
    """`reason` as the logs name it ("user unknown") or as events do ("unknown_user")."""

    delivery: str | int
    external_id: str
    type: Literal["hard", "soft"]
    reason: str = ""
    at: Instant | None = None


class Generate(Order):
    """Each share is that of the recipients who do it at least once.

    Equal seeds make equal events.
    """

    delivery: str | int
    seed: int = 1
    opens: Share = 0.4
    clicks: Share = 0.1
    bounces: Share = 0.02
    unsubscribes: Share = 0.0


class Export(Order):
    """`since` replaces the instant of the last run; `finish: false` leaves the file cut in the
    middle of a line.

    `labels` are those of `language`; times are of the clocks in `time_zone`; `qualifier` puts every
    cell into quotes, also in the header; `more` are columns that the workflow has beside its usual
    ones.
    """

    log: Literal["delivery", "tracking", "both", "optOut"] = "both"
    separator: Literal["\t", ";", ","] = "\t"
    encoding: Annotated[str, AfterValidator(known_encoding)] = "utf-8"
    gzip: bool = False
    labels: bool = False
    language: Literal["en", "fr", "de", "ja"] = "en"
    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    qualifier: bool = False
    more: tuple[Literal["messageType", "sentDate"], ...] = ()
    header: bool = True
    when_empty: bool = False
    finish: bool = True
    since: Instant | None = None


class Journaling(Order):
    """How the journal treats what is not yet read: `duplicate` is the share of events that come
    twice.

    `expire` is a position, or true for all there are; `limit` is the most that one answer holds.
    """

    duplicate: Share | None = None
    shuffle: bool | None = None
    seed: int | None = None
    limit: Annotated[int, Field(ge=1)] | None = None
    expire: str | bool = False


def route[O: Order](kind: type[O], act: Callable[[O], Any]) -> Callable[[web.Request], Any]:
    """A handler that reads an order, acts and answers JSON; what is refused is shown in
    {"error"}.
    """

    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(act(kind.model_validate_json(await request.read() or b"{}")))
        except ValidationError as error:
            return refused(*explained(kind, error))
        except errors.EngineError as error:
            return refused(error.status, error.text)
        except errors.NotDone as error:
            return refused(501, str(error))

    return handle


def explained(kind: type[Order], error: ValidationError) -> tuple[int, str]:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return 501, f"The emulator knows no {place} of {kind.__name__.lower()}."
    return 400, f"{place}: {first['msg']}"


def refused(status: int, sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=status)
