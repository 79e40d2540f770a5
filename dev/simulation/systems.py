"""Dataverse and Campaign: the emulators' own cores, in this process, behind the product's `Send`.

No sockets: a request of the product becomes one of the emulator's, and its answer one of the
product's.
"""

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

import yaml
from aiohttp import web

from dev.emulators.campaign import journal
from dev.emulators.campaign.app import Gateway
from dev.emulators.campaign.model import Resource, load_model
from dev.emulators.campaign.orders import Journaling
from dev.emulators.control import Clock
from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.wire import Request as InnerRequest
from dev.emulators.dataverse.wire import error_response, split_target
from dev.simulation.network import Network
from dev.simulation.organization import Copied, publication
from dev.simulation.world import World
from shared.http.transport import Request, Response, Send

DATAVERSE = "https://contoso.crm.dynamics.com"
ORGANIZATION = "contoso"
CAMPAIGN = f"https://mc.example.org/{ORGANIZATION}/campaign"
IMS = "https://ims.example.org"
JOURNAL = f"https://events.example.org{journal.PATH}"
API_KEY, SECRET = "simulated-key", "simulated-secret"
MODELS: dict[str, dict[str, Resource]] = {}
DEFINITIONS: dict[tuple[int, str], Response] = {}
OPTIONAL = {"cardinality": "zeroOrOne"}
LINKS = {"keep": {"onDelete": "keep"}, "cascade": {"onDelete": "cascade"}}


@dataclass
class WebRequest:
    """As much of aiohttp's request as the Campaign emulator reads."""

    method: str
    raw_path: str
    headers: "Headers"
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


class Headers(dict[str, str]):
    """Names in any case."""

    def __init__(self, headers: Any) -> None:
        super().__init__(lowered(headers))

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


class Systems:
    """Both systems of one world. `metadata` counts the changes of Dataverse's definitions.

    `owners`: the contacts that each car has ever had in Campaign, by their ids.
    """

    def __init__(self, world: World, database: bytes = b"") -> None:
        self.world, self.metadata = world, 0
        self.owners = defaultdict[str, set[str]](set)
        self.network = Network(world)
        self.dataverse = Copied(database)
        self.on_delete = world.draws.of("links on deletion", tuple(LINKS))
        self.gateway = Gateway(self.model(), ORGANIZATION, API_KEY, SECRET, "standard")
        for clock in (self.dataverse.clock, self.gateway.control.clock):
            self.keep_time(clock)
        draws = world.draws
        self.gateway.journal.arrange(
            Journaling(
                duplicate=draws.of("journal doubles", (0.0, 0.3)),
                shuffle=draws.share("journal shuffles") < 0.5,
                seed=world.seed,
                limit=draws.of("journal page", (2, 7, 100)),
            )
        )
        self.administrator = self.dataverse.access.caller({})
        self.bridge = self.dataverse.access.caller({"appid": "bridge"})
        self.network.void["Campaign"] = self.gateway.ims.tokens.clear
        self.network.void["The journal"] = self.gateway.ims.tokens.clear
        self.network.cut_links["Dataverse"] = lambda: self.dataverse.api.tracking.expire_all()

    def model(self) -> dict[str, Resource]:
        """No world changes it, so that it is read once for each rule of its links."""
        if self.on_delete not in MODELS:
            MODELS[self.on_delete] = self.read_model()
        return MODELS[self.on_delete]

    def read_model(self) -> dict[str, Resource]:
        text = yaml.safe_dump(
            publication({"acs_owner": LINKS[self.on_delete], "acs_last": OPTIONAL}), sort_keys=False
        )
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            return load_model(Path(file.name), "standard")

    def keep_time(self, clock: Clock) -> None:
        """The systems' clocks are right, whatever the clock of the process that asks shows."""
        scheduler: Any = self.world.scheduler
        clock.time = lambda: scheduler.now  # type: ignore[method-assign]

    def close(self) -> None:
        self.dataverse.store.close()

    def pooled(self, system: str, timeout_seconds: float, connections: int) -> Send:
        """The product's own seam (shared/http/transport.py)."""
        handlers: dict[str, Callable[[Request], Response]] = {
            "Dataverse": self.ask_dataverse,
            "Campaign": self.ask_campaign,
            "The journal": self.ask_journal,
        }
        return self.network.connection(
            system, handlers.get(system, self.ask_identity), timeout_seconds
        )

    def ask_dataverse(self, request: Request) -> Response:
        """Definitions are the same in all worlds, and take long to write: each is asked for
        once. A world in which it is draws no more than one in which it was before.
        """
        asked = request.method == "GET" and "/EntityDefinitions" in request.url
        key = (self.metadata, request.url)
        if asked and key in DEFINITIONS:
            return DEFINITIONS[key]
        chance = self.world.draws.random.getstate() if asked else None
        answer = self.dataverse_answer(
            request.method, request.url, request.headers, request.body or b"", self.bridge
        )
        if chance and answer.status == 200:
            self.world.draws.random.setstate(chance)
            answer = Response(200, {"content-type": "application/json"}, answer.body)
            DEFINITIONS[key] = answer
        return answer

    def dataverse_answer(
        self, method: str, url: str, headers: Any, body: bytes, caller: Any
    ) -> Response:
        target = url.removeprefix(DATAVERSE)
        inner: InnerRequest | None = None
        try:
            version, path, query = split_target(target)
            place = f"{DATAVERSE}/api/data/{version}"
            inner = InnerRequest(method, path, query, lowered(headers), body, place, caller)
            answer = self.dataverse.api.handle(inner)
            answer.body = self.dataverse.api.reading.cut(answer.body)
        except ApiError as error:
            answer = error_response(error, inner)
        return Response(
            answer.status, {**lowered(answer.headers), "date": self.date()}, answer.body
        )

    def ask_campaign(self, request: Request) -> Response:
        answer = self.from_web(self.gateway.serve, request)
        if request.method in ("POST", "PATCH"):
            self.note_owners()
        return answer

    def note_owners(self) -> None:
        cars = self.gateway.engine.tables.get("cusCar")
        for car in cars.rows.values() if cars else ():
            self.owners[car["recordId"]].add(car["acs_owner_id"])

    def ask_journal(self, request: Request) -> Response:
        return self.from_web(self.gateway.journal.serve, request)

    def ask_identity(self, request: Request) -> Response:
        return self.from_web(self.gateway.ims.token, request)

    def from_web(
        self, handler: Callable[[web.Request], Coroutine[Any, Any, Any]], request: Request
    ) -> Response:
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        asked = WebRequest(request.method, target, Headers(request.headers), request.body or b"")
        answer = finished(handler(cast(web.Request, asked)))
        body = answer.body if isinstance(answer.body, bytes) else b""
        return Response(answer.status, {**lowered(answer.headers), "date": self.date()}, body)

    def date(self) -> str:
        return formatdate(self.world.scheduler.now, usegmt=True)

    def by_person(self, method: str, path: str, body: Any = None) -> Response:
        """What a person does in Dynamics; an AssertionError for what is refused."""
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        sent = b"" if body is None else json.dumps(body).encode()
        answer = self.dataverse_answer(
            method, f"{DATAVERSE}/api/data/v9.2{path}", headers, sent, self.administrator
        )
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body!r}")
        return answer

    def as_administrator(self, request: Request) -> Response:
        """A `Send` of whoever sets Dataverse up; no faults."""
        return self.dataverse_answer(
            request.method, request.url, request.headers, request.body or b"", self.administrator
        )

    def rows(self, table: str, columns: str) -> list[dict[str, Any]]:
        """What Dataverse holds."""
        cursor = self.dataverse.store.db.execute(f"SELECT {columns} FROM {table}")
        names = [part[0] for part in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def there(self, table: str, record_id: str) -> dict[str, Any] | None:
        return self.dataverse.store.fetch(table, f"{table}id", record_id)


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
