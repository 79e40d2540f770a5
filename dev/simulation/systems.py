"""Dataverse and Campaign: the emulators' own cores, in this process, behind the product's `Send`.

No sockets: a request of the product becomes one of the emulator's, and its answer one of the
product's.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from dev.emulators.campaign.app import Gateway
from dev.emulators.campaign.model import load_model
from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.server import Emulator
from dev.emulators.dataverse.wire import Request as InnerRequest
from dev.emulators.dataverse.wire import error_response, split_target
from dev.simulation.faults import REQUEST_FAULTS
from dev.simulation.world import World
from shared.errors import Retryable
from shared.http.transport import Request, Response, Send

DATAVERSE = "https://contoso.crm.dynamics.com"
ORGANIZATION = "contoso"
CAMPAIGN = f"https://mc.example.org/{ORGANIZATION}/campaign"
IMS = "https://ims.example.org"
API_KEY, SECRET = "simulated-key", "simulated-secret"
PUBLICATION = Path(__file__).parent / "publication.yaml"
MISLEADING = (
    "deadlock detected: UPDATE NmsRecipient SET sEmail='x'",
    "the query took too long",
    "An error has occurred.",
    "<html>502 Bad Gateway</html>",
)
LATEST_SECONDS = 600.0
DEFINITIONS: dict[str, Response] = {}
WRITES = ("POST", "PATCH", "DELETE", "PUT")


@dataclass
class WebRequest:
    """As much of aiohttp's request as the Campaign emulator reads."""

    method: str
    raw_path: str
    headers: dict[str, str]
    body: bytes
    scheme: str = "https"
    host: str = "mc.example.org"
    match_info: dict[str, str] = field(default_factory=lambda: {"organization": ORGANIZATION})

    @property
    def path(self) -> str:
        return self.raw_path.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw_path.partition("?")[2], keep_blank_values=True))

    async def read(self) -> bytes:
        return self.body

    async def post(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


class Systems:
    """Both systems of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.throttled_until = 0.0
        self.dataverse = Emulator(":memory:", "unused", None, 5.0)
        self.gateway = Gateway(
            load_model(PUBLICATION, "standard"), ORGANIZATION, API_KEY, SECRET, "standard"
        )
        self.administrator = self.dataverse.access.caller({})
        self.bridge = self.dataverse.access.caller({"appid": "bridge"})

    def close(self) -> None:
        self.dataverse.store.close()

    def pooled(self, system: str, timeout_seconds: float, connections: int) -> Send:
        """The product's own seam (shared/http/transport.py)."""
        handlers: dict[str, Callable[[Request], Response]] = {
            "Dataverse": self.ask_dataverse,
            "Campaign": self.ask_campaign,
        }
        return partial(self.send, system, handlers.get(system, self.ask_identity), timeout_seconds)

    def send(
        self,
        system: str,
        handler: Callable[[Request], Response],
        timeout_seconds: float,
        request: Request,
    ) -> Response:
        world, parts = self.world, urlsplit(request.url)
        name = f"{system} {request.method} {parts.path.rpartition('/campaign/')[2]}"[:120]
        fault = self.fault(name, request.method) if world.process else ""
        world.step(f"{name} {fault}" if fault else name)
        if system == "Campaign" and self.throttled_until > world.scheduler.now:
            return Response(429, {"retry-after": "1"}, b"")
        if fault:
            return self.failed(fault, name, system, handler, timeout_seconds, request)
        answer = handler(request)
        world.note(f"answered {answer.status}")
        return answer

    def fault(self, name: str, method: str) -> str:
        """Requests are rarer than calls of the storage, and writes rarer still: they fail more
        often.
        """
        rate = self.world.faults.rate * (4.0 if method in WRITES else 2.0)
        return self.world.faults.at(name, (*REQUEST_FAULTS, "late", "late", "no_answer_done"), rate)

    def failed(
        self,
        fault: str,
        name: str,
        system: str,
        handler: Callable[[Request], Response],
        timeout_seconds: float,
        request: Request,
    ) -> Response:
        """The answer, or what the product's connection pool raises."""
        draw = self.world.draws.name(f"{fault} {name}")
        if fault == "unreachable":
            raise Retryable(
                f"{system} could not be reached for {request.route}; the call is made again."
            )
        if fault == "slow":
            self.world.sleep(self.world.draws.between(draw, 0.3, 0.95) * timeout_seconds)
            return handler(request)
        if fault in ("no_answer_done", "gateway_done"):
            handler(request)
        if fault == "late" and request.method in WRITES:
            self.carry_out_later(
                self.world.draws.between(draw, 1.0, LATEST_SECONDS), handler, request
            )
        if fault in ("no_answer", "no_answer_done", "late"):
            self.world.sleep(timeout_seconds if fault == "late" else 0.5)
            raise Retryable(
                f"{system} gave no answer to {request.route}; the call is made again.",
                uncertain=True,
            )
        return self.refused(fault, draw)

    def refused(self, fault: str, draw: str) -> Response:
        draws = self.world.draws
        if fault == "throttled_for":
            return Response(429, {"retry-after": str(1 + int(30 * draws.share(draw)))}, b"")
        if fault == "server_error":
            return Response(500, {}, draws.of(draw, MISLEADING).encode())
        statuses = {"throttled": 429, "unavailable": 503}
        return Response(statuses.get(fault, draws.of(draw, (502, 504))), {}, b"")

    def carry_out_later(
        self, seconds: float, handler: Callable[[Request], Response], request: Request
    ) -> None:
        world = self.world
        world.late += 1

        def carry_out() -> None:
            world.late -= 1
            answer = handler(request)
            world.note(f"late {request.method} {answer.status}")

        world.scheduler.at(world.scheduler.now + seconds, carry_out)

    def ask_dataverse(self, request: Request) -> Response:
        """Definitions are the same in all worlds, and take long to write: each is asked for
        once.
        """
        key = request.url if request.method == "GET" and "/EntityDefinitions" in request.url else ""
        if key in DEFINITIONS:
            return DEFINITIONS[key]
        answer = self.bridge_answer(request)
        if key and answer.status == 200:
            DEFINITIONS[key] = Response(200, {"content-type": "application/json"}, answer.body)
        return answer

    def bridge_answer(self, request: Request) -> Response:
        return self.dataverse_answer(
            request.method, request.url, request.headers, request.body or b"", self.bridge
        )

    def dataverse_answer(
        self, method: str, url: str, headers: Any, body: bytes, caller: Any
    ) -> Response:
        target = url.removeprefix(DATAVERSE)
        inner: InnerRequest | None = None
        try:
            version, path, query = split_target(target)
            lower = {name.lower(): value for name, value in headers.items()}
            inner = InnerRequest(
                method, path, query, lower, body, f"{DATAVERSE}/api/data/{version}", caller
            )
            answer = self.dataverse.api.handle(inner)
            answer.body = self.dataverse.api.reading.cut(answer.body)
        except ApiError as error:
            answer = error_response(error, inner)
        return Response(
            answer.status, {**lowered(answer.headers), "date": self.date()}, answer.body
        )

    def ask_campaign(self, request: Request) -> Response:
        return self.from_web(self.gateway.serve, request)

    def ask_identity(self, request: Request) -> Response:
        return self.from_web(self.gateway.ims.token, request)

    def from_web(
        self, handler: Callable[[web.Request], Coroutine[Any, Any, Any]], request: Request
    ) -> Response:
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        asked = WebRequest(request.method, target, dict(request.headers), request.body or b"")
        answer = finished(handler(cast(web.Request, asked)))
        body = answer.body if isinstance(answer.body, bytes) else b""
        return Response(answer.status, {**lowered(answer.headers), "date": self.date()}, body)

    def date(self) -> str:
        return formatdate(self.world.scheduler.now, usegmt=True)

    def told(self, method: str, path: str, body: Any = None) -> Response:
        """What a person does in Dynamics; an AssertionError for what is refused."""
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.dataverse_answer(
            method, f"{DATAVERSE}/api/data/v9.2{path}", headers, sent, self.administrator
        )
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body!r}")
        return answer


class Identity:
    """azure.identity's credential of the app: a token for the asking."""

    def __init__(self, **_: object) -> None: ...

    def get_token(self, *_: str) -> Any:
        return SimpleNamespace(token="simulated", expires_on=4_000_000_000)


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a handler that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("an emulator's handler waits for something outside of the simulation")


def lowered(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
