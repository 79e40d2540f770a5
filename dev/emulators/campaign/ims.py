"""Adobe's identity service: client credentials for a token (Adobe Developer: Server to Server
authentication).
"""

import secrets

from aiohttp import web

from dev.emulators.control import Clock

LIFETIME_SECONDS = 86_399


class Ims:
    """Knows one credential. Tokens end by the emulator's clock, or when they are revoked."""

    def __init__(self, clock: Clock, client_id: str, client_secret: str) -> None:
        self.clock, self.client_id, self.client_secret = clock, client_id, client_secret
        self.tokens: dict[str, float] = {}

    def valid(self, token: str) -> bool:
        return self.tokens.get(token, 0.0) > self.clock.time()

    def issue(self) -> str:
        token = secrets.token_urlsafe(120)
        self.tokens[token] = self.clock.time() + LIFETIME_SECONDS
        return token

    async def token(self, request: web.Request) -> web.Response:
        form = {**request.query, **await request.post()}
        if form.get("grant_type") != "client_credentials":
            return refused(400, "unsupported_grant_type", "grant_type must be client_credentials")
        if not form.get("scope"):
            return refused(400, "invalid_scope", "scope is missing")
        if (
            form.get("client_id") != self.client_id
            or form.get("client_secret") != self.client_secret
        ):
            return refused(401, "invalid_client", "invalid client_id or client_secret parameter")
        return web.json_response(
            {"access_token": self.issue(), "token_type": "bearer", "expires_in": LIFETIME_SECONDS}
        )

    async def change_secret(self, request: web.Request) -> web.Response:
        """POST /_emulator/secret {"client_secret"}: another secret is valid from now on, tokens
        issued before are void.
        """
        self.client_secret = str((await request.json())["client_secret"])
        self.tokens.clear()
        return web.json_response({})

    async def expire(self, _: web.Request) -> web.Response:
        """POST /_emulator/tokens/expire: all tokens are void."""
        self.tokens.clear()
        return web.json_response({})


def refused(status: int, code: str, text: str) -> web.Response:
    return web.json_response({"error": code, "error_description": text}, status=status)
