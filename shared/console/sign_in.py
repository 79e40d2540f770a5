"""Signing in with Entra: OIDC authorization code flow with PKCE, by msal.

What msal must remember between the two requests travels in a sealed cookie of ten minutes, one for
each tab: the state that Entra sends back begins with the number of its cookie. The console proves
to Entra who it is by the managed identity, or by a secret. Sources: Microsoft Learn, "Microsoft
identity platform and OAuth 2.0 authorization code flow", "Configure an application to trust a
managed identity".
"""

import secrets
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.console.roles import read_roles
from shared.console.session import Seal, Session
from shared.console_settings import ConsoleSettings
from shared.errors import Misconfigured, Retryable
from shared.http.entra import EntraHttp
from shared.http.managed_identity import managed_identity
from shared.http.tokens import CachedToken
from shared.http.transport import Send
from shared.http.understanding import OTHER_FORM
from shared.setting_types import text

RETURN_PATH = "/console/signed-in"
FLOW_SECONDS = 600
TABS = 6
"""Sign-ins that one browser may have begun at once; each has a cookie of about 1 kB."""
EXCHANGE = "api://AzureADTokenExchange/.default"
MOST_NAME_LETTERS = 120
ID_TOKEN = ("id_token", "access_token", "token_type", "expires_in", "scope", "error", "error_codes")
"""Of a token's answer, what msal is shown."""

NO_IDENTITY = (
    "CONSOLE_AUTH",
    "No managed identity gave a token for the console: assign it to the app, correct"
    " CONSOLE_IDENTITY_CLIENT_ID, or set CONSOLE_AUTH.",
)
NOT_TRUSTED = (
    "CONSOLE_IDENTITY_CLIENT_ID",
    "The managed identity got no token for the console: check CONSOLE_IDENTITY_CLIENT_ID.",
)


class SignInRefused(Exception):
    """Nobody is signed in. `code` names the reason's sentence (shared/console/sentences.py)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SignIn:
    """The two halves of a sign-in. Safe to use by many threads at once."""

    def __init__(
        self, settings: ConsoleSettings, seal: Seal, send: Send, now: Callable[[], float]
    ) -> None:
        self.settings, self.seal, self.now = settings, seal, now
        self.http = EntraHttp(send, ID_TOKEN)
        self.assertion = CachedToken(
            managed_identity(
                settings.console_identity_client_id, EXCHANGE, NO_IDENTITY, NOT_TRUSTED
            )
        )

    def client(self) -> Any:
        """msal's client. Its discovery of the authority is a call each, at a sign-in only."""
        import msal  # 200 ms, which no other function should pay

        # It advises another response mode, whose return carries no SameSite=Lax cookie.
        warnings.filterwarnings("ignore", "response_mode='form_post'", UserWarning)
        host = self.settings.console_authority_url.rstrip("/")
        return msal.ConfidentialClientApplication(
            self.settings.console_client_id,
            authority=f"{host}/{self.settings.console_tenant_id}",
            client_credential=self.proof(),
            http_client=self.http,
            instance_discovery=None if host.endswith(".microsoftonline.com") else False,
            exclude_scopes=["offline_access"],
        )

    def proof(self) -> str | dict[str, Callable[[], str]]:
        if self.settings.console_auth == "client_secret":
            return text(self.settings.console_client_secret)
        return {"client_assertion": self.assertion.token}

    def begin(self, after: str, choose: bool = False, tab: int = 0) -> tuple[str, str]:
        """Entra's address for the browser, and the sealed cookie.

        `after`: the page to show then. `choose` lets a person pick another account. `tab`: the
        number of the cookie, below TABS.
        """
        flow = asked(
            lambda: self.client().initiate_auth_code_flow(
                scopes=[],
                redirect_uri=self.settings.console_url + RETURN_PATH,
                response_mode="query",
                prompt="select_account" if choose else None,
                state=f"{tab}.{secrets.token_urlsafe(16)}",
            )
        )
        remembered = {"flow": flow, "after": after, "until": self.now() + FLOW_SECONDS}
        return str(flow["auth_uri"]), self.seal.seal("sign-in", remembered)

    def finish(self, cookie: str, returned: Mapping[str, str]) -> tuple[Session, str]:
        """The session, and the page to show. SignInRefused for what Entra did not send for this
        browser.
        """
        remembered = self.seal.open("sign-in", cookie) if cookie else None
        if not remembered or remembered["until"] < self.now():
            raise SignInRefused("sign_in_too_old")
        if "error" in returned:
            raise SignInRefused("sign_in_declined")
        try:
            answer = asked(
                lambda: self.client().acquire_token_by_auth_code_flow(
                    remembered["flow"], dict(returned)
                )
            )
        except ValueError:  # another state or nonce than was sent
            raise SignInRefused("sign_in_not_ours") from None
        return self.session(answer), str(remembered["after"])

    def session(self, answer: Mapping[str, Any]) -> Session:
        claims = answer.get("id_token_claims")
        if not isinstance(claims, dict):
            raise SignInRefused("sign_in_failed")
        if claims.get("tid") != self.settings.console_tenant_id:
            raise SignInRefused("sign_in_other_tenant")
        now = self.now()
        user = shown_name(claims.get("preferred_username"))
        return Session(
            name=shown_name(claims.get("name")) or user or "?",
            user=user,
            person=str(claims.get("oid", ""))[:64],
            roles=read_roles(claims.get("roles")),
            began_at=now,
            asked_at=now,
        )

    def renewed(self, session: Session, before: Session | None) -> Session:
        """The new session, counted from the first sign-in where the same person asked again."""
        same = before is not None and before.person == session.person
        return replace(session, began_at=before.began_at) if before and same else session

    def sign_out_url(self) -> str:
        host = self.settings.console_authority_url.rstrip("/")
        tenant = self.settings.console_tenant_id
        return f"{host}/{tenant}/oauth2/v2.0/logout"


def tab_of(state: str) -> int:
    """Which cookie a state belongs to; the first for a state that is not ours."""
    number = state.partition(".")[0]
    return int(number) if number in map(str, range(TABS)) else 0


def shown_name(claim: object) -> str:
    """A person's name as acts are written down: one short line, without marks that turn the
    direction of what stands behind it.
    """
    text = claim if isinstance(claim, str) else ""
    return "".join(one for one in text if one.isprintable())[:MOST_NAME_LETTERS].strip()


def asked[Result](call: Callable[[], Result]) -> Result:
    """What msal makes of Entra's answers; Retryable where they have another form.

    ValueError is msal's for a state or nonce that is not ours.
    """
    try:
        return call()
    except (Retryable, Misconfigured, ValueError):
        raise
    except (*OTHER_FORM, RuntimeError):
        raise Retryable(
            "Entra's answer to a sign-in is not what it should be. Try again in a minute."
        ) from None
