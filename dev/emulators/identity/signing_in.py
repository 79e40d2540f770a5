"""Entra's sign-in of people: the authorization code flow with PKCE, logout, signing keys.

Sources: Microsoft Learn, "Microsoft identity platform and OAuth 2.0 authorization code flow",
"OpenID Connect on the Microsoft identity platform"; RFC 7636.

A page lists the people of the tenant instead of asking for a password. Whoever has signed in stays
signed in until the logout, so that a second request is answered at once, as Entra does.
"""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from dev.emulators.identity.accounts import Account, everybody, with_roles

COOKIE = "EmulatedEntra"
CODE_SECONDS = 600.0
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pick an account</title>
<style>body{{font:16px system-ui;margin:4rem auto;max-width:30rem}}a{{display:block;padding:.7rem;
border:1px solid #8888;border-radius:8px;margin:.5rem 0}}</style>
<main><h1>Pick an account</h1><p>This is the emulated Entra of the local stack: no password.</p>
{accounts}</main></html>"""


@dataclass(frozen=True)
class Code:
    """An authorization code that nobody has redeemed yet."""

    account: Account
    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str
    until: float


class Refused(Exception):
    """An answer of the authorize or token endpoint: error, AADSTS number, sentence."""

    def __init__(self, error: str, number: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.number, self.text, self.status = error, number, text, status


class SigningIn:
    """`tenant_id` and `client_id` are the emulated tenant's and the console's app registration."""

    def __init__(self, tenant_id: str, client_id: str, now: Callable[[], float]) -> None:
        self.tenant_id, self.client_id, self.now = tenant_id, client_id, now
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = secrets.token_hex(8)
        self.accounts = everybody()
        self.codes: dict[str, Code] = {}

    def attach(self, app: web.Application) -> None:
        app.router.add_get("/{tenant}/oauth2/v2.0/authorize", self.authorize)
        app.router.add_get("/{tenant}/oauth2/v2.0/logout", self.log_out)
        app.router.add_get("/{tenant}/discovery/v2.0/keys", self.keys)
        app.router.add_post("/_emulator/accounts", self.change_roles)

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        asked = request.query
        try:
            self.check(request)
        except Refused as refusal:
            return web.Response(text=f"AADSTS{refusal.number}: {refusal.text}", status=400)
        chosen = asked.get("account") or request.cookies.get(COOKIE, "")
        if chosen not in self.accounts or (
            asked.get("prompt") == "select_account" and "account" not in asked
        ):
            return web.Response(text=self.page(request), content_type="text/html")
        answer = web.HTTPFound(self.way_back(asked, self.accounts[chosen]))
        answer.set_cookie(COOKIE, chosen, httponly=True, samesite="Lax")
        return answer

    def check(self, request: web.Request) -> None:
        asked = request.query
        address = urlsplit(asked.get("redirect_uri", ""))
        if request.match_info["tenant"] != self.tenant_id:
            raise Refused("invalid_request", 90002, "Tenant not found.")
        if asked.get("client_id") != self.client_id:
            raise Refused("unauthorized_client", 700016, "Application was not found.")
        if address.hostname not in ("127.0.0.1", "localhost") or not address.path.endswith(
            "/console/signed-in"
        ):
            raise Refused("invalid_request", 50011, "The redirect URI is not registered.")
        if asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split():
            raise Refused("invalid_request", 900144, "response_type=code and openid are needed.")
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            raise Refused("invalid_request", 501481, "A code challenge (S256) is needed.")

    def page(self, request: web.Request) -> str:
        links = [
            f'<a href="?{escape(urlencode({**request.query, "account": name}))}">'
            f"<b>{escape(account.title)}</b><br>{escape(account.user_name)} · "
            f"{escape(', '.join(account.roles) or 'no role')}"
            f"{' · another tenant' if account.tenant_id else ''}</a>"
            for name, account in self.accounts.items()
        ]
        return PAGE.format(accounts="".join(links))

    def way_back(self, asked: Any, account: Account) -> str:
        code = secrets.token_urlsafe(32)
        self.codes[code] = Code(
            account,
            asked["client_id"],
            asked["redirect_uri"],
            asked["code_challenge"],
            asked.get("nonce", ""),
            self.now() + CODE_SECONDS,
        )
        answer = {"code": code, "state": asked.get("state", ""), "session_state": "emulated"}
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    async def log_out(self, request: web.Request) -> web.StreamResponse:
        answer = web.HTTPFound(request.query.get("post_logout_redirect_uri") or "/")
        answer.del_cookie(COOKIE)
        return answer

    async def keys(self, request: web.Request) -> web.Response:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return web.json_response({"keys": [{**public, "kid": self.key_id, "use": "sig"}]})

    async def change_roles(self, request: web.Request) -> web.Response:
        """`{"otto.operator": ["Bridge.Viewer"]}`: what an administrator of the tenant does."""
        for name, roles in (await request.json()).items():
            self.accounts[name] = with_roles(self.accounts[name], roles)
        return web.json_response({name: list(one.roles) for name, one in self.accounts.items()})

    def redeem(self, form: dict[str, Any], issuer: str) -> dict[str, Any]:
        """The answer of the token endpoint; Refused for a code that is not this request's.

        A code is good once: it is gone however this ends.
        """
        code = self.codes.pop(str(form.get("code", "")), None)
        if code is None or code.until < self.now():
            raise Refused("invalid_grant", 54005, "The code has expired or was redeemed.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise Refused("invalid_grant", 50011, "The redirect URI is not that of the code.")
        if challenge_of(str(form.get("code_verifier", ""))) != code.challenge:
            raise Refused("invalid_grant", 501481, "The code verifier does not match.")
        account = self.accounts[code.account.name]  # with the roles that they have now
        now = int(self.now())
        claims = {
            "aud": code.client_id,
            "iss": issuer,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "nonce": code.nonce,
            "ver": "2.0",
            **account.claims(self.tenant_id),
        }
        token = jwt.encode(claims, self.key, "RS256", headers={"kid": self.key_id})
        return {
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "openid profile",
            "access_token": secrets.token_urlsafe(24),
            "id_token": token,
        }


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
