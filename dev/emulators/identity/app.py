"""The managed identity endpoint of App Service, Entra's token endpoint, and sign-in of people.

Sources: Microsoft Learn, "How to use managed identities for App Service" (REST endpoint reference),
"OAuth 2.0 client credentials flow".
"""

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import jwt
from aiohttp import web
from cryptography import x509

from dev.emulators.control import Control
from dev.emulators.identity.signing_in import Refused, SigningIn
from dev.emulators.tokens import TokenRefused, check, issue

EXCHANGE = "api://AzureADTokenExchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_SECONDS = 3599


@dataclass(frozen=True)
class Known:
    """The one tenant, application and identity that there are."""

    token_key: str
    identity_header: str
    tenant_id: str
    client_id: str
    client_secret: str
    console_client_id: str
    console_client_secret: str
    certificate: x509.Certificate


class Identity:
    """Issues tokens that the other emulators accept: signed with the common key, for the resource
    asked for.
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.control = Control(self.route_of, lambda: None)
        self.people = SigningIn(known.tenant_id, known.console_client_id, self.control.clock.time)
        self.browser_url = ""
        """Where browsers sign in: without TLS, for none knows the stack's certificate."""

    def route_of(self, request: web.Request) -> str:
        return request.path.replace(self.known.tenant_id, "{tenant}")

    def managed_identity_app(self) -> web.Application:
        app = web.Application()
        self.control.attach(app)
        app.router.add_get("/msi/token", self.managed_identity)
        self.people.attach(app)
        return app

    def entra_app(self) -> web.Application:
        app = web.Application()
        app.middlewares.append(self.control.watch)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self.configuration)
        app.router.add_get("/common/discovery/instance", self.discovery)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self.token_endpoint)
        return app

    def token(self, resource: str, client_id: str) -> str:
        now = self.control.clock.time()
        return issue(
            self.known.token_key,
            resource.rstrip("/"),
            now,
            LIFETIME_SECONDS,
            oid=client_id,
            appid=client_id,
        )

    async def managed_identity(self, request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != self.known.identity_header:
            return web.json_response({"statusCode": 401, "message": "Unauthorized"}, status=401)
        client_id = request.query.get("client_id", self.known.client_id)
        if request.query.get("api-version") != "2019-08-01" or not request.query.get("resource"):
            return web.json_response(
                {"statusCode": 400, "message": "api-version and resource are required"}, status=400
            )
        if client_id != self.known.client_id:
            return web.json_response(
                {
                    "statusCode": 400,
                    "message": "No User Assigned or Delegated Managed Identity found",
                },
                status=400,
            )
        resource = request.query["resource"]
        expires_on = str(int(self.control.clock.time()) + LIFETIME_SECONDS)
        facts = {
            "expires_on": expires_on,
            "resource": resource,
            "token_type": "Bearer",
            "client_id": client_id,
        }
        return web.json_response({"access_token": self.token(resource, client_id), **facts})

    async def configuration(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        root = f"{request.scheme}://{request.host}/{tenant}"
        people = f"{self.browser_url}/{tenant}"
        return web.json_response(
            {
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "authorization_endpoint": f"{people}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{root}/oauth2/v2.0/devicecode",
                "end_session_endpoint": f"{people}/oauth2/v2.0/logout",
                "issuer": f"{root}/v2.0",
                "jwks_uri": f"{people}/discovery/v2.0/keys",
            }
        )

    async def discovery(self, request: web.Request) -> web.Response:
        root = f"{request.scheme}://{request.host}"
        endpoint = f"{root}/{self.known.tenant_id}/v2.0/.well-known/openid-configuration"
        return web.json_response(
            {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": []}
        )

    async def token_endpoint(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        if form.get("grant_type") == "authorization_code":
            return self.authorization_code(request, form)
        return self.client_credentials(request, form)

    def authorization_code(self, request: web.Request, form: dict[str, Any]) -> web.Response:
        if form.get("client_id") != self.known.console_client_id or not self.proves_console(form):
            return refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        issuer = f"{request.scheme}://{request.host}/{self.known.tenant_id}/v2.0"
        try:
            return web.json_response(self.people.redeem(form, issuer))
        except Refused as refusal:
            return refused(refusal.status, refusal.error, refusal.number, refusal.text)

    def proves_console(self, form: dict[str, Any]) -> bool:
        """The console's secret, or a token of the managed identity for the exchange of tokens.

        Source: Microsoft Learn, "Configure an application to trust a managed identity".
        """
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return bool(form.get("client_secret") == self.known.console_client_secret)
        assertion, now = str(form.get("client_assertion", "")), self.control.clock.time()
        try:
            check(self.known.token_key, assertion, EXCHANGE, now)
        except TokenRefused:
            return False
        return True

    def client_credentials(self, request: web.Request, form: dict[str, Any]) -> web.Response:
        scope = str(form.get("scope", ""))
        if request.match_info["tenant"] != self.known.tenant_id:
            return refused(400, "invalid_request", 90002, "Tenant not found.")
        if form.get("grant_type") != "client_credentials" or not scope.endswith("/.default"):
            return refused(
                400,
                "invalid_scope",
                1002012,
                "The provided value for scope is not valid; client credential flows use /.default.",
            )
        if form.get("client_id") != self.known.client_id:
            return refused(
                400, "unauthorized_client", 700016, "Application was not found in the directory."
            )
        if not self.proven(form, request):
            return refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
        token = self.token(scope.removesuffix("/.default"), self.known.client_id)
        facts = {
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "ext_expires_in": LIFETIME_SECONDS,
        }
        return web.json_response({**facts, "access_token": token})

    def proven(self, form: dict[str, Any], request: web.Request) -> bool:
        """A secret, or an assertion signed with the application's certificate for this endpoint."""
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return bool(form.get("client_secret") == self.known.client_secret)
        try:
            claims = jwt.decode(
                str(form["client_assertion"]),
                self.known.certificate.public_key(),  # type: ignore[arg-type]
                ["RS256", "PS256"],
                audience=f"https://{request.host}{request.path}",
            )
        except (jwt.InvalidTokenError, KeyError):
            return False
        return bool(claims["iss"] == claims["sub"] == self.known.client_id)


def refused(status: int, error: str, code: int, text: str) -> web.Response:
    """Entra's form of a refusal, with the number of its AADSTS message."""
    trace = str(uuid4())
    when = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    body = {
        "error": error,
        "error_description": (
            f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {trace} Timestamp: {when}"
        ),
        "error_codes": [code],
        "timestamp": when,
        "trace_id": trace,
        "correlation_id": trace,
    }
    return web.json_response(body, status=status)
