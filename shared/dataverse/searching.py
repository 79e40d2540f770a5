"""Reads whose conditions hold a person's data: in the body of one `$batch`, so in no address.

An address stands in the logs of whoever carries it; a body does not.
Source: Microsoft Learn, "Execute batch operations using the Web API".
"""

import email
import email.policy
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from shared.dataverse.answers import answer, complete_parts
from shared.dataverse.client import API, DataverseClient
from shared.dataverse.json_answers import body_object, values
from shared.errors import Retryable


@dataclass(frozen=True, slots=True)
class Search:
    """Rows of a table that fit a condition. `entity_set` as in the API's addresses."""

    entity_set: str
    columns: Sequence[str]
    condition: str = field(repr=False)
    most: int = 20
    order: str = ""

    @property
    def path(self) -> str:
        order = {"$orderby": self.order} if self.order else {}
        query = {"$select": ",".join(self.columns), "$filter": self.condition, **order}
        query["$top"] = str(self.most)
        return f"{self.entity_set}?{urlencode(query, quote_via=quote, safe='$,')}"


def quoted(text: str) -> str:
    """A text as it stands in a condition (OData 4.0, 5.1.1.6.1: a quotation mark is doubled)."""
    return "'" + text.replace("'", "''") + "'"


def equal_to_any(columns: Iterable[str], text: str) -> str:
    return " or ".join(f"{name} eq {quoted(text)}" for name in columns)


def search(
    client: DataverseClient, searches: Sequence[Search], what: str
) -> list[list[dict[str, Any]]]:
    """The rows that each search finds, in one request. `what` names it in messages: no value.

    A BridgeError where Dataverse refuses one of them.
    """
    if not searches:
        return []
    boundary = f"batch_{uuid.uuid4()}"
    headers = {
        "Content-Type": f"multipart/mixed; boundary={boundary}",
        "Prefer": "odata.continue-on-error",
    }
    body = "".join(part(one, boundary) for one in searches) + f"--{boundary}--\r\n"
    route = f"search for {what}"
    response = client.ask("POST", f"{client.url}{API}$batch", route, headers, body.encode())
    if response.status != 200:
        raise client.refusal(response, route)
    head = f"Content-Type: {response.headers.get('content-type', '')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + response.body, policy=email.policy.compat32)
    parts = complete_parts(message)
    if parts is None or len(parts) != len(searches):
        raise Retryable(f"Dataverse's answer to the {route} is not whole; search once more.")
    found = [answer(one) for one in parts]
    for one in found:
        if one is None or one.status != 200:
            raise client.refusal(one or response, route)
    return [values(body_object(one, f"GET {route}"), route) for one in found if one]


def part(one: Search, boundary: str) -> str:
    return (
        f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
        f"\r\nGET {API}{one.path} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n"
    )
