"""The HTTP side: gateway first (token, API key, organization), then the engine.

Beside the routes that every emulator has: POST /_emulator/secret, /_emulator/tokens/expire,
/_emulator/latency {"milliseconds"}, /_emulator/options {"bigTable", "truncate", "errorsAsJson",
"database"}, GET /_emulator/dump?api=profile[&externalId=...] (JSON lines) and what `orders`
describes: POST /_emulator/deliveries, events, bounce, generate, export, export/finish and journal.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from dev.emulators.campaign import errors, journal, metadata, orders
from dev.emulators.campaign.database import CAUSES, Database
from dev.emulators.campaign.engine import Engine
from dev.emulators.campaign.exports import Exports
from dev.emulators.campaign.ims import Ims
from dev.emulators.campaign.listing import Listing
from dev.emulators.campaign.marketing import Marketing
from dev.emulators.campaign.model import Resource
from dev.emulators.control import Control

APIS = ("profileAndServices", "profileAndServicesExt", "customResources")
BODY_LIMIT_BYTES = 16 * 1024 * 1024


def route_of(request: web.Request) -> str:
    """The route template, without the organization: /profileAndServicesExt/profile/{key}."""
    if request.path.startswith("/events/"):
        return journal.TEMPLATE
    parts = request.path.strip("/").split("/")
    if len(parts) < 3 or parts[1] != "campaign":
        return request.path
    rest = [part for part in parts[2:] if part]
    if len(rest) > 2 and rest[1] != "resourceType" and rest[2] not in ("metadata", "_count"):
        rest[2:] = [
            "{filter}" if request.method == "GET" and rest[2][:2] == "by" else "{key}",
            *rest[3:],
        ]
    return "/" + "/".join(rest)


class Gateway:
    """One organization's API."""

    def __init__(
        self,
        resources: dict[str, Resource],
        organization: str,
        client_id: str,
        client_secret: str,
        flavor: str,
        exports: Path | None = None,
    ) -> None:
        self.control = Control(route_of, self.reset)
        self.engine = Engine(resources, self.control.clock, flavor)
        self.database = Database()
        self.listing = Listing(self.engine)
        self.ims = Ims(self.control.clock, client_id, client_secret)
        self.journal = journal.Journal(self.control.clock, self.ims, client_id)
        self.marketing = Marketing(self.engine, self.journal.add)
        self.exports = Exports(self.marketing, exports)
        self.organization = organization
        self.api_key = client_id
        self.latency_seconds = 0.0
        self.errors_as_json = False

    def app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        self.control.attach(app)
        app.router.add_post("/ims/token/v3", self.ims.token)
        app.router.add_post("/_emulator/secret", self.ims.change_secret)
        app.router.add_post("/_emulator/tokens/expire", self.ims.expire)
        app.router.add_post("/_emulator/latency", self.set_latency)
        app.router.add_post("/_emulator/options", self.set_options)
        app.router.add_post("/_emulator/unpublish", self.unpublish)
        app.router.add_post("/_emulator/hide", self.hide)
        app.router.add_get("/_emulator/dump", self.dump)
        for path, handler in (
            ("deliveries", orders.route(orders.Send, self.marketing.send)),
            ("events", orders.route(orders.React, self.marketing.react)),
            ("bounce", orders.route(orders.Bounce, self.marketing.bounce)),
            ("generate", orders.route(orders.Generate, self.marketing.generate)),
            ("export", orders.route(orders.Export, self.exports.run)),
            ("export/finish", orders.route(orders.Order, lambda _: self.exports.finish())),
            ("journal", orders.route(orders.Journaling, self.journal.arrange)),
        ):
            app.router.add_post(f"/_emulator/{path}", handler)
        app.router.add_get("/events/{path:.*}", self.journal.serve)
        app.router.add_route("*", "/{organization}/campaign/{path:.*}", self.serve)
        return app

    def reset(self) -> None:
        """Empties the resources, logs, exports and the journal; tokens and the accepted secret
        stay.
        """
        for part in (self.engine, self.database, self.marketing, self.exports, self.journal):
            part.reset()
        self.engine.truncate = False
        self.listing.big_table = 100_000
        self.latency_seconds = 0.0
        self.errors_as_json = False
        self.listing.page_lines, self.listing.empty_pages = 0, 0

    async def hide(self, request: web.Request) -> web.Response:
        """{"resource": "profile", "key": "<its key>"}: an organizational unit hides a row from the
        API from now on.
        """
        body = await request.json()
        try:
            self.engine.hide(str(body.get("resource", "profile")), str(body.get("key")))
        except KeyError:
            return web.json_response({"error": "There is no such row."}, status=404)
        return web.Response(status=204)

    async def unpublish(self, request: web.Request) -> web.Response:
        """A resource is published again without one of its fields."""
        body = await request.json()
        resource = self.engine.resources.get(str(body.get("resource")))
        if resource is None or resource.attributes.pop(str(body.get("field")), None) is None:
            return web.json_response({"error": "There is no such field."}, status=404)
        return web.Response(status=204)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        try:
            self.admit(request)
            return await self.dispatch(request)
        except errors.GatewayError as refusal:
            return web.json_response(refusal.body, status=refusal.status)
        except errors.EngineError as refusal:
            if self.errors_as_json:
                return web.json_response(refusal.text, status=refusal.status)
            return web.Response(text=refusal.text, status=refusal.status)
        except errors.NotDone as refusal:
            return web.Response(text=str(refusal), status=501)

    def admit(self, request: web.Request) -> None:
        if not self.ims.valid(request.headers.get("Authorization", "").removeprefix("Bearer ")):
            raise errors.bad_token()
        if request.headers.get("X-Api-Key") != self.api_key:
            raise errors.bad_api_key()
        if request.match_info["organization"] != self.organization:
            raise errors.unknown_tenant()

    async def dispatch(self, request: web.Request) -> web.Response:
        raw = request.raw_path.partition("?")[0].split("/campaign/", 1)[1]
        parts = [part for part in raw.split("/") if part]
        root = f"{request.scheme}://{request.host}/{self.organization}/campaign"
        if not parts or parts[0] not in APIS:
            known = parts[:1] in (["workflow"], ["privacy"], ["history"])
            raise (
                errors.NotDone(f"The emulator does not do {parts[0]}.")
                if known
                else errors.EngineError(404, f"{errors.PREFIX}")
            )
        api = parts[0]
        if len(parts) == 1:
            return answered(metadata.catalogue(self.engine.resources, api, root))
        name, rest = (
            (parts[2], ["metadata", *parts[3:]])
            if parts[1] == "resourceType" and len(parts) > 2
            else (parts[1], parts[2:])
        )
        resource = self.engine.resources.get(name)
        if resource is None or api not in resource.apis:
            raise errors.EngineError(404, f"{errors.PREFIX} Unable to find resource '{name}'.")
        verb: Callable[..., Awaitable[web.Response]] | None = {
            "GET": self.get,
            "POST": self.post,
            "PATCH": self.patch,
            "DELETE": self.delete,
        }.get(request.method)
        if verb is None:
            raise errors.EngineError(405, f"{errors.PREFIX} Method not allowed.")
        return await verb(request, api, resource, [unquote(part) for part in rest], root)

    async def get(
        self, request: web.Request, api: str, resource: Resource, rest: list[str], root: str
    ) -> web.Response:
        query = dict(request.query)
        if rest[:1] == ["metadata"]:
            return answered(
                metadata.filters(resource, api)
                if rest[1:] == ["filters"]
                else metadata.described(resource, api, root)
            )
        if rest and rest[-1] == "_count":
            return answered({"count": self.listing.count(resource, rest[:-1], query)})
        if not rest or self.is_filter(resource, rest[0]):
            return answered(self.listing.page(api, resource, rest, query, root))
        if len(rest) == 1 and rest[0] in resource.visible(api):
            return answered(self.listing.projection(resource, rest[0], query, root, api))
        if len(rest) > 1:
            raise errors.NotDone(f"The emulator has no sub-collection {rest[1]} yet.")
        number = self.engine.find(api, resource, rest[0])
        row = self.engine.tables[resource.name].rows[number]
        return answered(self.engine.shown(api, resource, number, row, root))

    def is_filter(self, resource: Resource, name: str) -> bool:
        return (
            name in resource.filters
            or name.startswith(("by", "has"))
            or name in ("subscribers", "birthday")
        )

    async def post(
        self, request: web.Request, api: str, resource: Resource, rest: list[str], root: str
    ) -> web.Response:
        if rest:
            raise errors.NotDone("The emulator takes POST on resources only.")
        body = await body_of(request)
        self.database.write("POST", resource, body)
        number, row = self.engine.create(api, resource, body)
        return answered(self.engine.shown(api, resource, number, row, root), 201)

    async def patch(
        self, request: web.Request, api: str, resource: Resource, rest: list[str], root: str
    ) -> web.Response:
        if len(rest) != 1:
            raise errors.NotDone("The emulator takes PATCH on a record only, by PKey or key.")
        body = await body_of(request)
        if self.engine.flavor == "v8" and not body:
            return web.Response(status=204)
        if self.engine.flavor == "v8" and "location" in body:
            raise errors.EngineError(
                500, "'zipCode' property is not valid for the 'profile' resource"
            )
        self.database.write("PATCH", resource, body)
        number = self.engine.update(api, resource, rest[0], body)
        pkey = self.engine.pkeys.make(f"{api}/{resource.name}", number)
        return answered({"PKey": pkey, "href": f"{root}/{api}/{resource.name}/{pkey}"})

    async def delete(
        self, _: web.Request, api: str, resource: Resource, rest: list[str], __: str
    ) -> web.Response:
        if len(rest) != 1:
            raise errors.NotDone("The emulator takes DELETE on a record only, by PKey or key.")
        self.database.write("DELETE", resource, {})
        self.engine.delete(api, resource, rest[0])
        return web.Response(status=200)

    async def set_latency(self, request: web.Request) -> web.Response:
        self.latency_seconds = float((await request.json())["milliseconds"]) / 1000
        return web.json_response({})

    async def set_options(self, request: web.Request) -> web.Response:
        """`database`: {"cause": one of CAUSES, "times": how many writes fail by it, for ever if
        absent}; {} ends it.
        """
        options = await request.json()
        failing = options.get("database", {})
        if failing.get("cause", "") not in ("", *CAUSES):
            return web.json_response(
                {"error": f"no such cause: it is one of {', '.join(CAUSES)}"}, status=400
            )
        if "database" in options:
            self.database.order(failing.get("cause", ""), failing.get("times", -1))
        self.listing.big_table = options.get("bigTable", self.listing.big_table)
        self.listing.page_lines = options.get("pageLines", self.listing.page_lines)
        self.listing.empty_pages = options.get("emptyPages", self.listing.empty_pages)
        self.engine.truncate = options.get("truncate", self.engine.truncate)
        self.errors_as_json = options.get("errorsAsJson", self.errors_as_json)
        return web.json_response({})

    async def dump(self, request: web.Request) -> web.StreamResponse:
        resource = self.engine.resources[request.query.get("api", "profile")]
        root = f"{request.scheme}://{request.host}/{self.organization}/campaign"
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        lines: list[str] = []
        for row in self.listing.dump(
            resource.apis[-1], resource, root, request.query.get("externalId", "")
        ):
            lines.append(json.dumps(row, ensure_ascii=False))
            if len(lines) == 500:
                await response.write(("\n".join(lines) + "\n").encode())
                lines.clear()
        await response.write(("\n".join(lines) + "\n").encode() if lines else b"")
        return response


def answered(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        body=json.dumps(body, ensure_ascii=False).encode(),
        status=status,
        content_type="application/json",
        charset="utf-8",
    )


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise errors.EngineError(
            400, f"{errors.PREFIX} The body is not a valid JSON document."
        ) from None
    if not isinstance(body, dict):
        raise errors.EngineError(400, f"{errors.PREFIX} The body must be a JSON object.")
    return body
