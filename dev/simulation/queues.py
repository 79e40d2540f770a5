"""Azure's queue service in memory: visibility, dequeue counts, pop receipts; messages live for
ever, in no strict order.

Sources: Microsoft Learn, "Get Messages", "Update Message", "Delete Message" of the Queue service.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

from dev.simulation.errors import Answer

MOST_BYTES = 64 * 1024
MOST_AT_ONCE = 32
Perform = Callable[[str, Callable[[], Any]], Any]


@dataclass(slots=True)
class Message:
    """`visible_at` is the service's time; a receipt is void once the message was received or
    updated again.
    """

    id: str
    content: str = field(repr=False)
    visible_at: float
    dequeue_count: int = 0
    pop_receipt: str = ""
    inserted_at: float = 0.0
    inserted_on: datetime | None = None


class QueueService:
    """All queues of an account.

    `now` is the service's time; a message shows so many `late` seconds after its time.
    """

    def __init__(
        self,
        perform: Perform,
        now: Callable[[], float],
        late: Callable[[str], float] = lambda _: 0.0,
    ) -> None:
        self.perform, self.now, self.late = perform, now, late
        self.queues: dict[str, dict[str, Message]] = {}
        self.number = 0
        self.on_put: Callable[[str, Message], None] = lambda queue, message: None

    def get_queue_client(self, queue: str, **_: object) -> "Queue":
        return Queue(self, queue)

    def next(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.number}"

    def receive(self, queue: str, most: int, hidden_seconds: float) -> list[Message]:
        """Copies of up to so many visible messages, which are hidden from now on; [] where there is
        no queue.
        """
        held = self.queues.get(queue, {})
        visible = [one for one in held.values() if one.visible_at <= self.now()]
        found = sorted(visible, key=lambda one: one.visible_at)[:most]
        for message in found:
            message.dequeue_count += 1
            message.visible_at, message.pop_receipt = (
                self.now() + hidden_seconds,
                self.next("receipt"),
            )
        return [copy_of(message) for message in found]

    def put(self, queue: str, content: str, delay_seconds: float = 0.0) -> Message:
        name = self.next("message")
        message = Message(
            name,
            content,
            self.now() + delay_seconds + self.late(name),
            0,
            self.next("receipt"),
            self.now(),
        )
        message.inserted_on = datetime.fromtimestamp(int(self.now()), UTC)  # as a header says it
        self.queues.setdefault(queue, {})[message.id] = message
        self.on_put(queue, message)
        return copy_of(message)

    def held(self, queue: str, message_id: str, receipt: str) -> Message | None:
        """The message, if the receipt is its last one."""
        found = self.queues.get(queue, {}).get(message_id)
        return found if found and found.pop_receipt == receipt else None


class Queue:
    """QueueClient, as far as shared/state uses it."""

    def __init__(self, service: QueueService, queue_name: str) -> None:
        self.service, self.queue_name = service, queue_name

    def create_queue(self) -> None:
        def work() -> Any:
            if self.queue_name in self.service.queues:
                return refusal(409, "QueueAlreadyExists")
            self.service.queues[self.queue_name] = {}
            return None

        self.ask("create", work)

    def send_message(
        self, content: str, *, visibility_timeout: int = 0, time_to_live: int | None = None
    ) -> Message:
        if len(content.encode()) * 4 / 3 > MOST_BYTES:
            raise ValueError("the message is larger than a queue takes")
        message: Message = self.ask(
            "send", lambda: self.service.put(self.queue_name, content, visibility_timeout)
        )
        return message

    def get_queue_properties(self) -> "Properties":
        found: Properties = self.ask(
            "properties", lambda: Properties(len(self.service.queues[self.queue_name]))
        )
        return found

    def peek_messages(self, max_messages: int = 1) -> list[Message]:
        def work() -> list[Message]:
            held = self.service.queues[self.queue_name].values()
            return [copy_of(one) for one in held if one.visible_at <= self.service.now()][
                :max_messages
            ]

        found: list[Message] = self.ask("peek", work)
        return found

    def receive_message(self, *, visibility_timeout: int = 30) -> Message | None:
        found: list[Message] = self.ask(
            "receive", lambda: self.service.receive(self.queue_name, 1, visibility_timeout)
        )
        return found[0] if found else None

    def receive_messages(
        self, *, messages_per_page: int = 1, visibility_timeout: int = 30
    ) -> Iterator[Message]:
        """Until none is visible."""
        most = min(messages_per_page, MOST_AT_ONCE)
        while True:
            page: list[Message] = self.ask(
                "receive", lambda: self.service.receive(self.queue_name, most, visibility_timeout)
            )
            if not page:
                return
            yield from page

    def delete_message(self, message: Message | str, pop_receipt: str = "") -> None:
        message_id, receipt = (
            (message, pop_receipt)
            if isinstance(message, str)
            else (message.id, message.pop_receipt)
        )

        def work() -> Any:
            if message_id not in self.service.queues[self.queue_name]:
                return refusal(404, "MessageNotFound")
            if not self.service.held(self.queue_name, message_id, receipt):
                return refusal(400, "PopReceiptMismatch")
            del self.service.queues[self.queue_name][message_id]
            return None

        self.ask("delete", work)

    def update_message(
        self, message: Message | str, pop_receipt: str = "", *, visibility_timeout: int = 0
    ) -> Message:
        message_id, receipt = (
            (message, pop_receipt)
            if isinstance(message, str)
            else (message.id, message.pop_receipt)
        )

        def work() -> Any:
            if not (found := self.service.held(self.queue_name, message_id, receipt)):
                gone = message_id not in self.service.queues[self.queue_name]
                return (
                    refusal(404, "MessageNotFound") if gone else refusal(400, "PopReceiptMismatch")
                )
            found.visible_at, found.pop_receipt = (
                self.service.now() + visibility_timeout,
                self.service.next("receipt"),
            )
            return copy_of(found)

        updated: Message = self.ask("update", work)
        return updated

    def ask(self, what: str, work: Callable[[], Any]) -> Any:
        """Raises what the service refuses, after the answer has come."""

        def answered() -> Any:
            if what != "create" and self.queue_name not in self.service.queues:
                return refusal(404, "QueueNotFound")
            return work()

        found = self.service.perform(f"{self.queue_name} {what}", answered)
        if isinstance(found, HttpResponseError):
            raise found
        return found


@dataclass(frozen=True, slots=True)
class Properties:
    """QueueProperties."""

    approximate_message_count: int


def copy_of(message: Message) -> Message:
    return replace(message)


KINDS: dict[int, type[HttpResponseError]] = {404: ResourceNotFoundError, 409: ResourceExistsError}


def refusal(status: int, code: str) -> HttpResponseError:
    answer: Any = Answer(status)
    error = KINDS.get(status, HttpResponseError)(message=code, response=answer)
    error.error_code = code  # type: ignore[attr-defined]
    return error
