"""Queue triggers: how often a queue is asked, and how much is taken at a time.

batchSize messages are fetched while no more than newBatchThreshold are being processed, so that at
most their sum runs at once. An empty queue is asked ever less often, from every 0.1 s up to
maxPollingInterval (Microsoft Learn: Azure Queue storage trigger, polling algorithm and
concurrency).
"""

import asyncio
import logging
import random
import time

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueMessage

from dev.host.config import SHORTEST_POLL_SECONDS, QueueOptions
from dev.host.function import Function
from dev.host.messages import MessageProcessor

MOST_SECONDS_WITHOUT_CONNECTION = 22.0

log = logging.getLogger("Host.Queues")


class QueueListener:
    def __init__(
        self,
        function: Function,
        processor: MessageProcessor,
        options: QueueOptions,
        bell: asyncio.Event,
        stopping: asyncio.Event,
    ) -> None:
        self._function, self._processor, self._options = function, processor, options
        self._bell, self._stopping = bell, stopping
        self._tasks: set[asyncio.Task[None]] = set()
        self._interval_seconds = SHORTEST_POLL_SECONDS
        self._cut_since: float | None = None

    async def run(self) -> None:
        """Polls until the host stops.

        Runs under way end; a message that comes in meanwhile has spent a receipt without result.
        Where the host is cut off, they are too: nothing is settled for them.
        """
        try:
            await self._poll()
            await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _poll(self) -> None:
        while not self._stopping.is_set():
            messages = await self._receive()
            if self._stopping.is_set():
                self._left(messages)
                break
            for message in messages:
                self._start(message)
            if messages:
                self._interval_seconds = SHORTEST_POLL_SECONDS
                await self._wait_for_room()
            else:
                await self._back_off()

    async def _receive(self) -> list[QueueMessage]:
        try:
            messages = await self._processor.receive(self._options.batch_size)
        except ResourceNotFoundError:  # nobody has written to this queue yet
            return []
        except AzureError as error:
            self._unanswered(error)
            return []
        self._cut_since = None
        return messages

    def _unanswered(self, error: AzureError) -> None:
        """Server errors are waited out; a refusal, or no connection for long, stops the host."""
        log.warning("%s: the queue does not answer: %s", self._function.name, error)
        now = time.monotonic()
        self._cut_since = None if isinstance(error, HttpResponseError) else self._cut_since or now
        refused = isinstance(error, HttpResponseError) and error.status_code == 403
        if refused or (self._cut_since and now - self._cut_since > MOST_SECONDS_WITHOUT_CONNECTION):
            self._processor.stop_host()

    def _left(self, messages: list[QueueMessage]) -> None:
        if messages:
            text = (
                "%s: the host stops: %d messages just fetched are not run, and come back when their"
                " lease ends"
            )
            log.warning(text, self._function.name, len(messages))

    def _start(self, message: QueueMessage) -> None:
        task = asyncio.create_task(self._processor.process(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_for_room(self) -> None:
        while len(self._tasks) > self._options.new_batch_threshold:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def _back_off(self) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._bell, self._stopping)]
        pause = self._interval_seconds * random.uniform(0.8, 1.2)
        await asyncio.wait(waits, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        longer = min(self._interval_seconds * 2, self._options.max_polling_interval_seconds)
        self._interval_seconds = SHORTEST_POLL_SECONDS if self._bell.is_set() else longer
        self._bell.clear()
