"""A timer's lock: the lease of a blob that one instance holds from start to stop, while the others
ask from time to time.

Azure's host takes it for 60 s, renews it at half of that, and the others ask every 60 s (Azure
WebJobs SDK, SingletonManager).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient

LOCK_SECONDS = ASK_SECONDS = 60
SHORTEST_LOCK_SECONDS = 15  # of a lease in Azure Storage (Microsoft Learn: Lease Blob)

log = logging.getLogger("Host.Lease")


class Lock:
    """`lost` is called if the lease ends although this instance wanted to keep it."""

    def __init__(self, blob: BlobClient, seconds: int, lost: Callable[[], None]) -> None:
        self._blob, self._seconds, self._lost = blob, seconds, lost
        self._lease: BlobLeaseClient | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def take(self) -> bool:
        """False while another instance holds it. Raises AzureError."""
        try:
            with contextlib.suppress(ResourceNotFoundError):
                return await self._acquire()
            await self._create()
            return await self._acquire()
        except HttpResponseError as error:
            if error.status_code == 409:
                return False
            raise

    async def _create(self) -> None:
        try:
            await self._blob.upload_blob(b"", overwrite=False)
        except HttpResponseError as error:
            if error.status_code not in (409, 412):  # exists; exists and is leased
                raise

    async def _acquire(self) -> bool:
        self._lease = await self._blob.acquire_lease(lease_duration=self._seconds)
        self._renewal = asyncio.create_task(self._renew(self._lease))
        return True

    async def _renew(self, lease: BlobLeaseClient) -> None:
        renewed = time.monotonic()
        while time.monotonic() - renewed < self._seconds:
            await asyncio.sleep(self._seconds / 2 if time.monotonic() - renewed < 1 else 1)
            try:
                await lease.renew()
                renewed = time.monotonic()
            except HttpResponseError as error:
                if error.status_code in (404, 409, 412):
                    break
                log.warning(
                    "the lease on %s could not be renewed: %s", self._blob.blob_name, error.message
                )
            except AzureError as error:
                log.warning("the lease on %s could not be renewed: %s", self._blob.blob_name, error)
        log.error("the lease on %s is lost; another instance may run now", self._blob.blob_name)
        self._lost()

    async def release(self) -> None:
        if self._renewal:
            self._renewal.cancel()
        if self._lease:
            with contextlib.suppress(AzureError):  # it expires by itself
                await self._lease.release()
        self._lease = self._renewal = None
