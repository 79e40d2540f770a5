"""The connection that msal asks Entra by: ours, with its limits, instead of one that reads and logs
whatever comes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from shared import exact_json
from shared.errors import Cause, Retryable
from shared.http.tokens import MOST_ANSWER_BYTES
from shared.http.transport import Request, Response, Send

TIMEOUT_SECONDS = 30.0
# Of a token's answer, what msal is shown. The rest it would take apart too, and stumble over.
SHOWN = ("access_token", "token_type", "expires_in", "error", "error_codes")


@dataclass(frozen=True, slots=True)
class Answer:
    """As msal reads an answer (Microsoft: msal, `http_client`)."""

    status_code: int
    headers: Mapping[str, str] = field(repr=False)
    text: str = field(repr=False)

    def raise_for_status(self) -> None:
        """msal calls it for answers of 500 and above."""
        raise Retryable(
            f"Entra answered a token request with {self.status_code}; it is asked again.",
            cause=Cause.OUTAGE,
        )


class EntraHttp:
    """`http_client` of msal. Every failure is Retryable.

    `shown`: the members of a token's answer that msal is given.
    """

    def __init__(self, send: Send, shown: tuple[str, ...] = SHOWN) -> None:
        self.send, self.shown = send, shown

    def get(self, url: str, params: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """The authority's own description."""
        where = f"{url}?{urlencode(params)}" if params else url
        return self.answer(
            Request("GET", where, "GET the authority", options.get("headers") or {}), ()
        )

    def post(self, url: str, data: Mapping[str, str] | None = None, **options: Any) -> Answer:
        headers = {
            **(options.get("headers") or {}),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.answer(
            Request("POST", url, "POST token", headers, urlencode(data or {}).encode()), self.shown
        )

    def close(self) -> None:
        """The pool ends with the process."""

    def answer(self, request: Request, shown: tuple[str, ...]) -> Answer:
        limited = Request(
            request.method,
            request.url,
            request.route,
            request.headers,
            request.body,
            True,
            MOST_ANSWER_BYTES,
        )
        response = self.send(limited)
        found = object_of(response)
        kept = {name: found[name] for name in shown or found if name in found}
        return Answer(
            response.status, response.headers, exact_json.carried(kept).decode("utf-8", "replace")
        )


def object_of(response: Response) -> dict[str, Any]:
    """Retryable for an answer that is no JSON object; {} where the service says that it failed."""
    if response.status >= 500:
        return {}
    found = response.json()
    if not isinstance(found, dict):
        raise Retryable(
            "Entra's answer to a token request is not what it should be; it is asked again."
        )
    return found
