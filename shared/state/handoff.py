"""The Storage queues: how changes travel from the one who reads them to the one who delivers them.

A message is an envelope (shared/state/envelope.py). Messages never expire.
"""

import base64
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import (
    QueueClient,
    QueueMessage,
    QueueServiceClient,
    TextBase64DecodePolicy,
    TextBase64EncodePolicy,
)

from shared.errors import Rejected
from shared.records import Change
from shared.settings import StorageSettings
from shared.state.envelope import Envelope, envelopes, read_envelope
from shared.state.storage import service

POISON = "-poison"
GONE = ("MessageNotFound", "PopReceiptMismatch", "QueueNotFound")


@dataclass(frozen=True, slots=True)
class Received:
    """A message in hand.

    `receipt` completes it; `receipts`: how often it was received, this time included.
    """

    content: str = field(repr=False)
    id: str
    receipt: str
    receipts: int


def received(message: QueueMessage) -> Received:
    return Received(
        message.content, message.id, message.pop_receipt or "", message.dequeue_count or 1
    )


def poison_of(queue: str) -> str:
    """The queue that the host moves a message to whose attempts are used up."""
    return f"{queue}{POISON}"


class Handoff:
    """The queues. `clients` gives a client by queue name; queues are made at first use."""

    def __init__(self, clients: Callable[[str], QueueClient]) -> None:
        self.clients = clients

    def put(
        self,
        queue: str,
        flow: str,
        table: str,
        mapping_version: int,
        changes: Iterable[Change],
        delay_seconds: float = 0,
        together: int = 0,
        pace: int = 0,
    ) -> int:
        """Sends the changes; they become visible after the delay. Returns the number of messages.

        With a `pace` only so many of them become visible each second, so that what is urgent finds
        the queue short.

        They go by ledger partition, or so many `together` as they come where the ledger keeps no
        rows of them.
        """
        messages = 0
        for text, _ in envelopes(flow, table, mapping_version, changes, together):
            self.send(queue, text, delay_seconds + (messages // pace if pace else 0))
            messages += 1
        return messages

    def send(self, queue: str, text: str, delay_seconds: float = 0) -> None:
        client = self.clients(queue)
        try:
            client.send_message(
                text, visibility_timeout=int(delay_seconds + 0.999), time_to_live=-1
            )
        except ResourceNotFoundError:
            self.make(client)
            client.send_message(
                text, visibility_timeout=int(delay_seconds + 0.999), time_to_live=-1
            )

    def length(self, queue: str) -> int:
        """About how many messages the queue holds, those in work or delayed included."""
        try:
            return self.clients(queue).get_queue_properties().approximate_message_count or 0
        except ResourceNotFoundError:
            return 0

    def head(self, queue: str) -> list[Envelope]:
        """Up to 32 envelopes that wait visibly at the head of the queue; what is none of ours is
        passed over.
        """
        found = []
        try:
            for message in self.clients(queue).peek_messages(32):
                with contextlib.suppress(Rejected):
                    found.append(read_envelope(message.content.encode()))
        except ResourceNotFoundError:
            pass
        return found

    def oldest_inserted(self, queue: str) -> float | None:
        """When the oldest of the visible messages at the head of the queue was put there."""
        try:
            peeked = self.clients(queue).peek_messages(32)
        except ResourceNotFoundError:
            return None
        moments = (message.inserted_on for message in peeked)
        return min((moment.timestamp() for moment in moments if moment), default=None)

    def oldest_first_seen(self, queue: str) -> float | None:
        """When the bridge first learned of the oldest change that waits visibly at the head of the
        queue.
        """
        return min(
            (change.first_seen for envelope in self.head(queue) for change in envelope.changes),
            default=None,
        )

    def backlog(self, queue: str, messages: int) -> int:
        """About how many changes `messages` messages hold, judged by the head of the queue."""
        head = self.head(queue) if messages else []
        return (
            round(messages * sum(len(envelope.changes) for envelope in head) / len(head))
            if head
            else messages
        )

    def receive(self, queue: str, hidden_seconds: float) -> Received | None:
        """One message, hidden from others meanwhile; None where none is visible."""
        try:
            message = self.clients(queue).receive_message(visibility_timeout=int(hidden_seconds))
        except ResourceNotFoundError:
            return None
        return received(message) if message else None

    def complete(self, queue: str, message: Received) -> None:
        """Ends a message; one that somebody else has received since is left to them."""
        try:
            self.clients(queue).delete_message(message.id, message.receipt)
        except HttpResponseError as error:
            if getattr(error, "error_code", "") not in GONE:
                raise

    def take_back(self, queue: str, most: int) -> int:
        """Puts up to so many messages of `<queue>-poison` on the queue again; returns how many."""
        poison, moved = self.clients(poison_of(queue)), 0
        try:
            received = poison.receive_messages(messages_per_page=32, visibility_timeout=60)
            for message in islice(received, most):
                self.send(queue, message.content)
                poison.delete_message(message)
                moved += 1
        except ResourceNotFoundError:
            pass
        return moved

    def make(self, client: QueueClient) -> None:
        try:
            client.create_queue()
        except ResourceExistsError:
            pass


def open_handoff(settings: StorageSettings) -> Handoff:
    """Queues of the storage account, encoded as host.json says (messageEncoding base64)."""
    queues: QueueServiceClient = service(settings, "queue", QueueServiceClient)
    policy = {
        "message_encode_policy": TextBase64EncodePolicy(),
        "message_decode_policy": Base64OrText(),
    }
    clients: dict[str, QueueClient] = {}

    def client(name: str) -> QueueClient:
        return clients.setdefault(name, queues.get_queue_client(name, **policy))

    return Handoff(client)


class Base64OrText(TextBase64DecodePolicy):
    """Decodes what we and the host put on a queue; what is not base64 is shown as it is."""

    def decode(self, content: str, response: Any = None) -> str:
        try:
            return base64.b64decode(content, validate=True).decode()
        except ValueError:
            return content
