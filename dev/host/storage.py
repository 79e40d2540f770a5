"""Storage clients of the host itself, one service client per connection string."""

import asyncio
import contextlib
from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobServiceClient
from azure.storage.queue.aio import QueueClient, QueueServiceClient

from dev.host.settings import connection_string

CONTAINER = "azure-webjobs-hosts"
RETRIES: dict[str, Any] = {
    "initial_backoff": 1,
    "increment_base": 1,
    "random_jitter_range": 0,
    "retry_total": 2,
}
"""Seconds and times; the packages' own pauses, from 12 s up, are longer than a lease."""


class Storage:
    """Opens clients on first use; `close` ends their connections."""

    def __init__(self) -> None:
        self._queues: dict[str, QueueServiceClient] = {}
        self._blobs: BlobServiceClient | None = None
        self._has_container = False
        self._bells: dict[str, asyncio.Event] = {}

    def queue(self, binding: dict[str, Any], name: str) -> QueueClient:
        connection = connection_string(binding)
        if connection not in self._queues:
            self._queues[connection] = QueueServiceClient.from_connection_string(
                connection, **RETRIES
            )
        return self._queues[connection].get_queue_client(name.lower())

    def bell(self, queue_name: str) -> asyncio.Event:
        """Set when this host itself has written to the queue, so that its listener need not wait
        for the next poll.
        """
        return self._bells.setdefault(queue_name.lower(), asyncio.Event())

    async def send(self, queue: QueueClient, text: str) -> None:
        """Puts a message on a queue, which is created when it does not exist."""
        try:
            await queue.send_message(text)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                await queue.create_queue()
            await queue.send_message(text)
        self.bell(queue.queue_name).set()

    async def host_blob(self, path: str) -> BlobClient:
        """A blob in the container where Functions hosts keep locks and timers; the container is
        created at the first use if it is missing.
        """
        if self._blobs is None:
            self._blobs = BlobServiceClient.from_connection_string(connection_string({}), **RETRIES)
        if not self._has_container:
            with contextlib.suppress(ResourceExistsError):
                await self._blobs.create_container(CONTAINER)
            self._has_container = True
        return self._blobs.get_blob_client(CONTAINER, path)

    def look_for_container(self) -> None:
        """Somebody may have deleted it: the next use creates it again."""
        self._has_container = False

    async def close(self) -> None:
        for queues in self._queues.values():
            await queues.close()
        if self._blobs:
            await self._blobs.close()
