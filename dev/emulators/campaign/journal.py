"""The journal of Adobe I/O Events: pages of events behind a position, at least once and in no order
that is promised.

Source: Adobe I/O Events documentation, "Journaling API". What the settings say about duplicates and
order is applied to events when they are first read; from then on their positions stay.
"""

import json
import random
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from dev.emulators.campaign import errors, xdm
from dev.emulators.campaign.errors import GatewayError
from dev.emulators.campaign.ims import Ims
from dev.emulators.campaign.logs import BroadLog, Reason, TrackingLog
from dev.emulators.campaign.orders import Journaling
from dev.emulators.control import Clock

ORGANIZATION, CREDENTIAL, REGISTRATION = "105979", "70849", "5b8ed4a2-8f5c-4bd1-9a6f-3c0a3f1c2d7e"
IMS_ORGANIZATION = "6EEF12345678901234567890@AdobeOrg"
PATH = f"/events/organizations/{ORGANIZATION}/integrations/{CREDENTIAL}/{REGISTRATION}"
TEMPLATE = "/events/organizations/{organization}/integrations/{credential}/{registration}"
RETENTION_SECONDS = 7 * 24 * 3600
ANSWER_BYTES = 1_500_000
RETRY_AFTER_SECONDS = 10
DURATION = re.compile(
    r"-P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
QUERY = {"since", "latest", "limit", "seek"}


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An event; `entered` is when the journal got it."""

    kind: str
    row: BroadLog | TrackingLog
    at: float
    entered: float
    failure: tuple[int, Reason] | None


class Journal:
    """Entry n stands at `entries[n - 1]`; the first `expired` of them are gone.

    Position 0 is before all.

    Where all are gone a gap (None) follows. So a reader who begins again has a position that is not
    expired itself.
    """

    def __init__(self, clock: Clock, ims: Ims, api_key: str) -> None:
        self.clock, self.ims, self.api_key = clock, ims, api_key
        self.reset()

    def reset(self) -> None:
        self.entries: list[Entry | None] = []
        self.pending: list[Entry] = []
        self.expired, self.generation = 0, secrets.token_hex(8)
        self.duplicate, self.shuffle, self.limit, self.chance = 0.0, False, 0, random.Random(1)

    def add(self, kind: str, row: BroadLog | TrackingLog) -> None:
        failure = (
            (row.failure_type, row.reason)
            if kind == "bounce" and isinstance(row, BroadLog) and row.reason
            else None
        )
        at = row.at if isinstance(row, TrackingLog) else row.changed
        self.pending.append(Entry(kind, row, at, self.clock.time(), failure))

    def arrange(self, order: Journaling) -> dict[str, Any]:
        """POST /_emulator/journal; the answer tells how many events are readable and how many
        gone.
        """
        self.settle()
        if order.expire:
            self.expire(len(self.entries) if order.expire is True else self.number(order.expire))
        self.duplicate = self.duplicate if order.duplicate is None else order.duplicate
        self.shuffle = self.shuffle if order.shuffle is None else order.shuffle
        self.chance = self.chance if order.seed is None else random.Random(order.seed)
        self.limit = order.limit or self.limit
        return {"events": len(self.entries) - self.expired, "expired": self.expired}

    def settle(self) -> None:
        """Gives what is pending its positions, some of it twice and in another order if so
        asked.
        """
        self.pending += [entry for entry in self.pending if self.chance.random() < self.duplicate]
        if self.shuffle:
            self.chance.shuffle(self.pending)
        self.entries += self.pending
        self.pending = []
        oldest = self.clock.time() - RETENTION_SECONDS
        kept = range(self.expired, len(self.entries))
        self.expire(next((n for n in kept if self.entered(n) >= oldest), len(self.entries)))

    def expire(self, count: int) -> None:
        """The first `count` entries are gone."""
        self.expired = max(count, self.expired)
        if self.expired == len(self.entries) > 0 and self.entries[-1]:
            self.entries.append(None)
            self.expired += 1

    def entered(self, number: int) -> float:
        entry = self.entries[number]
        return entry.entered if entry else 0.0

    def position(self, number: int) -> str:
        return f"camel:{self.generation}.{number:012d}"

    def number(self, position: str) -> int:
        """Of another start or before a reset: expired. Not from here at all: a mistake."""
        found = re.fullmatch(r"camel:([0-9a-f]{16})\.(\d{12})", position)
        if not found:
            raise GatewayError(
                400, {"error_code": "400000", "message": f"The position {position} is not valid"}
            )
        number = int(found[2])
        if found[1] != self.generation or number > len(self.entries):
            raise expired_position()
        return number

    async def serve(self, request: web.Request) -> web.Response:
        try:
            self.admit(request)
            return self.page(request)
        except GatewayError as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except errors.NotDone as refusal:
            return web.Response(text=str(refusal), status=501)

    def admit(self, request: web.Request) -> None:
        if not self.ims.valid(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            raise errors.bad_token()
        if request.headers.get("x-api-key") != self.api_key:
            raise errors.bad_api_key()
        if request.headers.get("x-ims-org-id") != IMS_ORGANIZATION:
            raise GatewayError(
                403,
                {"error_code": "403025", "message": "Profile is not valid for this organization"},
            )
        if request.path != PATH:
            raise GatewayError(
                404, {"error_code": "404000", "message": "There is no such registration"}
            )
        if unknown := request.query.keys() - QUERY:
            raise errors.NotDone(
                f"The emulator's journal does not know {', '.join(sorted(unknown))}."
            )

    def page(self, request: web.Request) -> web.Response:
        self.settle()
        limit, start = limit_of(request), self.start(request)
        shown = self.shown(start, min(limit or ANSWER_BYTES, self.limit or ANSWER_BYTES))
        last = self.position(start + len(shown))
        following = urlencode({"since": last, **({"limit": limit} if limit else {})})
        headers = {"Link": f'<{PATH}?{following}>; rel="next"'}
        if not shown:
            validate = f'<{PATH}/validate?{urlencode({"since": last})}>; rel="validate"'
            more = {
                "Link": f"{headers['Link']}, {validate}",
                "Retry-After": str(RETRY_AFTER_SECONDS),
            }
            return web.Response(status=204, headers=more)
        page = json.dumps({"last": last, "count": len(shown)})
        text = f'{{"events":[{",".join(shown)}],"_page":{page}}}'
        return web.Response(body=text.encode(), headers=headers, content_type="application/json")

    def start(self, request: web.Request) -> int:
        """How many entries stand before the page."""
        query = request.query
        if "since" in query and "seek" in query:
            raise GatewayError(
                400, {"error_code": "400001", "message": "seek cannot be combined with since"}
            )
        if query.get("latest") == "true":
            return len(self.entries)
        if "seek" in query:
            return self.sought(query["seek"])
        if "since" not in query:
            return self.expired
        number = self.number(query["since"])
        if number < self.expired or (number == self.expired > 0 and self.entries[number - 1]):
            raise expired_position()
        return number

    def sought(self, duration: str) -> int:
        found = DURATION.fullmatch(duration)
        if not found:
            raise GatewayError(
                400,
                {
                    "error_code": "400002",
                    "message": f"{duration} is not a negative ISO 8601 duration",
                },
            )
        since = self.clock.now() - timedelta(
            **{name: int(value or 0) for name, value in found.groupdict().items()}
        )
        wanted = (
            n
            for n in range(self.expired, len(self.entries))
            if self.entered(n) >= since.timestamp()
        )
        return next(wanted, len(self.entries))

    def shown(self, start: int, limit: int) -> list[str]:
        """The entries behind `start` as JSON, as many as one answer may hold."""
        texts: list[str] = []
        size = 0
        for number in range(start, min(start + limit, len(self.entries))):
            text = self.written(number)
            size += len(text.encode()) + 1
            if texts and size > ANSWER_BYTES - 200:
                break
            texts.append(text)
        return texts

    def written(self, number: int) -> str:
        entry = self.entries[number]
        assert entry
        event = xdm.event(entry.kind, entry.row, entry.at, entry.failure)
        return json.dumps(
            {"position": self.position(number + 1), "event": event}, ensure_ascii=False
        )


def limit_of(request: web.Request) -> int:
    text = request.query.get("limit", "")
    if text and (not text.isdigit() or int(text) < 1):
        raise GatewayError(400, {"error_code": "400003", "message": f"{text} is not a limit"})
    return int(text or 0)


def expired_position() -> GatewayError:
    return GatewayError(
        410, {"error_code": "410000", "message": "The requested position has expired"}
    )
