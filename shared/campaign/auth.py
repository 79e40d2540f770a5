"""Tokens of Adobe's identity service (Adobe Developer: Server to Server authentication, OAuth
client credentials).
"""

import time
from collections.abc import Callable
from urllib.parse import urlencode

from shared import exact_json
from shared.errors import Misconfigured, Retryable, recovery
from shared.http.tokens import MOST_ANSWER_BYTES, CachedToken, code_of
from shared.http.transport import Request, Response, Transport
from shared.setting_types import text
from shared.settings import Settings


def campaign_token(
    settings: Settings, transport: Transport, now: Callable[[], float] = time.time
) -> CachedToken:
    """A token source; a token lives about 24 hours and is asked for again five minutes before its
    end.
    """
    return CachedToken(lambda: fetch(settings, transport, now), now)


def fetch(settings: Settings, transport: Transport, now: Callable[[], float]) -> tuple[str, float]:
    form = {
        "grant_type": "client_credentials",
        "client_id": settings.campaign_client_id,
        "client_secret": text(settings.campaign_client_secret),
        "scope": settings.campaign_scopes,
    }
    response = transport.send(
        Request(
            "POST",
            f"{settings.campaign_ims_url.rstrip('/')}/ims/token/v3",
            "POST token",
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
            most_bytes=MOST_ANSWER_BYTES,
        )
    )
    if response.status != 200:
        raise refusal(response)
    answer = response.json()
    try:
        token, seconds = answer["access_token"], float(answer["expires_in"])
    except (KeyError, TypeError, ValueError, OverflowError):
        token, seconds = "", 0.0
    if not isinstance(token, str) or not token:
        raise Retryable(
            "Adobe's identity service answered POST token without a token; it is asked again."
        )
    return token, now() + seconds


def refusal(response: Response) -> Exception:
    if response.status not in (400, 401, 403):
        return recovery("ims", response.status, "", "POST token")
    return Misconfigured(
        "CAMPAIGN_CLIENT_SECRET",
        f"Adobe's identity service refused the credential ({reason(response)}): check"
        " CAMPAIGN_CLIENT_ID, CAMPAIGN_CLIENT_SECRET and CAMPAIGN_SCOPES, and whether the secret"
        " was renewed in the Adobe Developer Console.",
    )


def reason(response: Response) -> str:
    """The OAuth error code, such as invalid_client; nothing else of the answer is repeated."""
    try:
        code = str(exact_json.read(response.body).get("error", ""))
    except (ValueError, AttributeError):
        code = ""
    return code_of(code) or f"status {response.status}"
