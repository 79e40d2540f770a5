"""The emulator as a web application: tokens, limits, headers, the control routes."""

import logging
import re
import ssl
import time

from aiohttp import web

from dev.emulators import tokens
from dev.emulators.control import Clock, Control, Handler
from dev.emulators.dataverse import organization
from dev.emulators.dataverse.access import Access
from dev.emulators.dataverse.api import Api
from dev.emulators.dataverse.batch import Batch
from dev.emulators.dataverse.bulk import Bulk
from dev.emulators.dataverse.limits import Limits
from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.reading import Reading
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.seeding import Seeding
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.webhooks import Webhooks
from dev.emulators.dataverse.wire import Caller, Request, Response, error_response, split_target

LARGEST_BODY_BYTES = 122_523_238  # 116.85 MB
LONGEST_URL = 32_768
ADVISED_PARALLELISM = "8"


class Emulator:
    """Everything that lives as long as the process; `reset` empties it."""

    def __init__(
        self, database: str, token_key: str, tls: ssl.SSLContext | None, webhook_seconds: float
    ) -> None:
        self.token_key = token_key
        self.store = Store(database)
        self.control = Control(
            route_template,
            self.reset,
            {"expire_change_tokens": lambda _: self.api.tracking.expire_all()},
        )
        self.clock: Clock = self.control.clock
        self.limits = Limits(self.clock)
        self.webhooks = Webhooks(self.store, self.clock, tls, webhook_seconds)
        self._assemble()

    def _assemble(self) -> None:
        self.registry = Registry(self.store)
        if not self.registry.tables:
            organization.found(self.store, self.registry)
        self.access = Access(self.store, self.registry)
        self.api = Api(self.store, self.clock, self.webhooks, self.access, self.registry)
        self.webhooks.reset()

    def reset(self) -> None:
        self.store.clear()
        self.limits.configure({})
        self._assemble()

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY_BYTES)
        self.control.attach(app)
        app.router.add_post("/_emulator/seed", self.seed)
        app.router.add_get("/_emulator/webhooks", self.webhook_counts)
        app.router.add_post("/_emulator/limits", self.set_limits)
        app.router.add_post("/_emulator/access", self.set_access)
        app.router.add_post("/_emulator/bulk", self.set_bulk)
        app.router.add_post("/_emulator/batch", self.set_batch)
        app.router.add_post("/_emulator/paging", self.set_paging)
        app.router.add_post("/_emulator/expire_change_tokens", self.expire_change_tokens)
        app.router.add_route("*", "/{tail:.*}", self.serve)

        @web.middleware
        async def protect(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.protect(request, handler)

        app.middlewares.insert(0, protect)
        app.on_startup.append(lambda _: self.webhooks.start())
        app.on_cleanup.append(lambda _: self.webhooks.stop())
        return app

    async def protect(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Service protection stands in front of everything, so that injected delays count as work
        under way.
        """
        if not self.limits.on or request.path.startswith("/_emulator/"):
            return await handler(request)
        try:
            user = self.caller(request).user_id
            self.limits.enter(user)
        except ApiError as error:
            return as_web(error_response(error))
        started = time.perf_counter()
        try:
            response: web.StreamResponse = await handler(request)
        finally:
            self.limits.leave(user, (time.perf_counter() - started) * 1000)
        if not response.prepared:
            response.headers.update(self.limits.headers(user))
        return response

    def caller(self, request: web.Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise tokens.TokenRefused("missing")
            claims = tokens.check(self.token_key, token, base_url(request), self.clock.time())
        except tokens.TokenRefused:
            raise ApiError(401, "", "") from None
        return self.access.caller(claims)

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()  # whether or not a fault has looked at it before
        inner: Request | None = None
        try:
            inner = self.inner_request(request, body)
            response = self.api.handle(inner)
            response.body = self.api.reading.cut(response.body)
        except ApiError as error:
            if error.status == 401:
                return unauthorized(request)
            response = error_response(error, inner)
        except Exception:
            logging.exception("%s %s", request.method, request.path)
            response = error_response(
                ApiError(500, "0x80040216", "An unexpected error occurred."), inner
            )
        return as_web(response, inner)

    def inner_request(self, request: web.Request, body: bytes) -> Request:
        caller = self.caller(request)
        if len(request.raw_path) > LONGEST_URL:
            raise ApiError(414, "0x80060888", "The request URL is too long.")
        version, path, query = split_target(request.raw_path)
        headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
        api = f"{base_url(request)}/api/data/{version}"
        return Request(request.method, path, query, headers, body, api, caller)

    async def seed(self, request: web.Request) -> web.Response:
        order = await request.json()
        seeding = Seeding(self.store, self.registry, self.clock)
        return web.json_response(
            seeding.contacts(
                int(order["contacts"]), int(order.get("seed", 1)), int(order.get("offset", 0))
            )
        )

    async def webhook_counts(self, _: web.Request) -> web.Response:
        return web.json_response(self.webhooks.counts())

    async def set_limits(self, request: web.Request) -> web.Response:
        return await self.configured(self.limits, request)

    async def set_access(self, request: web.Request) -> web.Response:
        return await self.configured(self.access, request)

    async def set_bulk(self, request: web.Request) -> web.Response:
        return await self.configured(self.api.bulk, request)

    async def set_batch(self, request: web.Request) -> web.Response:
        return await self.configured(self.api.batch, request)

    async def set_paging(self, request: web.Request) -> web.Response:
        return await self.configured(self.api.reading, request)

    async def configured(
        self, part: Limits | Access | Bulk | Batch | Reading, request: web.Request
    ) -> web.Response:
        try:
            part.configure(await request.json())
        except ValueError as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({})

    async def expire_change_tokens(self, _: web.Request) -> web.Response:
        self.api.tracking.expire_all()
        return web.json_response({})


def base_url(request: web.Request) -> str:
    """As the caller knows it; also the audience of its tokens."""
    return f"{request.scheme}://{request.headers.get('Host', request.host)}"


def route_template(request: web.Request) -> str:
    """`/contacts({key})`, without the version; what stands in brackets does not matter."""
    path = re.sub(r"^/api/data/v\d\.\d", "", request.path)
    return re.sub(r"\(.+?\)(?=/|$)", "({key})", path, flags=re.DOTALL)


def unauthorized(request: web.Request) -> web.Response:
    """The platform's front end answers in plain text and names the authority."""
    authority = "https://login.microsoftonline.com/common/oauth2/authorize"
    challenge = f"Bearer authorization_uri={authority},resource_id={base_url(request)}/"
    return web.Response(
        status=401,
        text="HTTP Error 401 - Unauthorized: Access is denied",
        headers={"WWW-Authenticate": challenge},
    )


def as_web(response: Response, request: Request | None = None) -> web.Response:
    headers = {"OData-Version": "4.0", "x-ms-dop-hint": ADVISED_PARALLELISM, **response.headers}
    if request:
        headers |= {"x-ms-service-request-id": request.request_id, "REQ_ID": request.request_id}
        if request.prefer.applied and response.status < 300:
            headers["Preference-Applied"] = ",".join(request.prefer.applied)
    return web.Response(status=response.status, headers=headers, body=response.body or None)
