"""One queue message from receipt to its end: deleted, shown again later, or moved to
`<queue>-poison`.

The rules are those of the host's queue processor (Azure/azure-sdk-for-net, QueueProcessor and
QueueListener).
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.queue import QueueMessage

from dev.host.config import QueueOptions
from dev.host.encoding import decode
from dev.host.function import Function
from dev.host.invocation import Invoker
from dev.host.protocol import TypedData
from dev.host.storage import Storage
from dev.host.worker import FunctionFailed

MOMENTS = {
    "InsertionTime": "inserted_on",
    "ExpirationTime": "expires_on",
    "NextVisibleTime": "next_visible_on",
}

log = logging.getLogger("Host.Queues")


class MessageProcessor:
    """`lease_seconds`: how long a message is hidden while its function runs; renewed at half of it.

    `stop_host` is called where the real host stops: storage does not renew or complete a message,
    or refuses to be read.
    """

    def __init__(
        self,
        invoker: Invoker,
        storage: Storage,
        function: Function,
        options: QueueOptions,
        lease_seconds: int,
        stop_host: Callable[[], None],
        stopping: asyncio.Event,
    ) -> None:
        self._invoker, self._storage, self._function = invoker, storage, function
        self._options, self._lease_seconds, self.stop_host = options, lease_seconds, stop_host
        self._stopping = stopping
        name = function.trigger["queueName"]
        self._queue = storage.queue(function.trigger, name)
        self._poison = (
            None if name.endswith("-poison") else storage.queue(function.trigger, f"{name}-poison")
        )

    async def receive(self, most: int) -> list[QueueMessage]:
        """Up to `most` (<= 32) messages; raises AzureError."""
        pages = self._queue.receive_messages(
            messages_per_page=most, max_messages=most, visibility_timeout=self._lease_seconds
        )
        return [message async for message in pages]

    async def process(self, message: QueueMessage) -> None:
        """Never raises.

        A message that another instance has is let go; any other answer of storage stops the host.
        """
        try:
            body = self._body(message)
            if body is None:
                await self._move_to_poison(message)
            else:
                await self._complete(message, await self._run(message, body))
        except AzureError as error:
            self._refused(message, "settled", error)

    def _refused(self, message: QueueMessage, done: str, error: AzureError) -> None:
        if is_elsewhere(error):  # the lease ran out and another instance has the message
            log.warning(
                "%s: message %s was lost before it was %s", self._function.name, message.id, done
            )
        else:
            log.error(
                "%s: message %s could not be %s: %s", self._function.name, message.id, done, error
            )
            self.stop_host()

    def _body(self, message: QueueMessage) -> bytes | None:
        """None when the message must not be run: attempts used up by killed hosts, or text that is
        not base64.
        """
        if attempts(message) > self._options.max_dequeue_count:
            return None
        try:
            return decode(message.content, self._options.base64)
        except ValueError:
            return None

    async def _run(self, message: QueueMessage, body: bytes) -> bool:
        reason = f"New queue message detected on '{self._queue.queue_name}'."
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew(message, done))
        try:
            data, metadata = trigger_values(self._function, message, body)
            await self._invoker.invoke_with_retries(
                self._function, reason, data, metadata, self._stopping
            )
        except FunctionFailed:  # the invoker has logged it
            return False
        finally:
            done.set()
            await renewal  # not cancelled: a renewal under way gives the message a new pop receipt
        return True

    async def _renew(self, message: QueueMessage, done: asyncio.Event) -> None:
        while not done.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), self._lease_seconds / 2)
                return
            try:
                renewed = await self._queue.update_message(
                    message, visibility_timeout=self._lease_seconds
                )
                message.pop_receipt = renewed.pop_receipt
            except AzureError as error:
                self._refused(message, "renewed", error)
                return

    async def _complete(self, message: QueueMessage, succeeded: bool) -> None:
        if succeeded:
            await self._queue.delete_message(message.id, message.pop_receipt)
        elif self._poison and attempts(message) >= self._options.max_dequeue_count:
            await self._move_to_poison(message)
        elif self._poison:
            await self._queue.update_message(
                message, visibility_timeout=self._options.visibility_timeout_seconds
            )
        # A failed message of a poison queue stays hidden until its lease ends: no fast endless
        # loop.

    async def _move_to_poison(self, message: QueueMessage) -> None:
        if self._poison is None:
            return
        log.warning("Message %s is moved to queue '%s'.", message.id, self._poison.queue_name)
        await self._storage.send(self._poison, message.content)
        await self._queue.delete_message(message.id, message.pop_receipt)


def is_elsewhere(error: AzureError) -> bool:
    """Whether the message is gone or was received again meanwhile."""
    if not isinstance(error, HttpResponseError):
        return False
    return error.status_code in (404, 409) or (
        error.status_code == 400 and getattr(error, "error_code", "") == "PopReceiptMismatch"
    )


def attempts(message: QueueMessage) -> int:
    """How often the message has been received, this time included."""
    return message.dequeue_count or 1


def trigger_values(
    function: Function, message: QueueMessage, body: bytes
) -> tuple[Any, dict[str, Any]]:
    """The trigger's value and the metadata that the worker makes a func.QueueMessage of."""
    if str(function.trigger.get("dataType", "")).upper() == "BINARY":
        value = TypedData(bytes=body)
    else:
        value = TypedData(string=body.decode(errors="replace"))
    metadata = {
        name: TypedData(json=json.dumps(getattr(message, field).isoformat()))
        for name, field in MOMENTS.items()
    }
    metadata |= {
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
    }
    return value, metadata | {
        "DequeueCount": TypedData(json=str(message.dequeue_count)),
        "QueueTrigger": value,
    }


def hand_written(text: str) -> tuple[Any, dict[str, Any]]:
    """As trigger_values, for a message that is on no queue (the admin API's "input")."""
    return TypedData(string=text), {"Id": TypedData(string=""), "DequeueCount": TypedData(json="0")}
