"""A Dataverse client whose answers are given: a function from request to response."""

from collections.abc import Callable

from shared.dataverse.client import DataverseClient
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.mapping import SourceTable

URL = "https://org.example.org"
CONTACT = SourceTable("contact", "contacts", "contactid", {})
ID = "11111111-0000-0000-0000-000000000001"


class Token:
    def token(self, refused: str = "") -> str:
        return "synthetic"


def client(send: Callable[[Request], Response]) -> DataverseClient:
    transport = Transport("Dataverse", send, AdaptiveConcurrency(2), sleep=lambda _: None)
    return DataverseClient(URL, Token(), transport)


def always(status: int, body: str, content_type: str = "application/json") -> DataverseClient:
    return client(lambda _: Response(status, {"content-type": content_type}, body.encode()))
