"""A blob lease, held and renewed: what keeps two instances from doing the same thing at once.

Azure leases are 15 to 60 s or infinite (Microsoft Learn: Lease Blob). The shortest is taken, so that after the death of
its holder another instance goes on within 15 s.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient

LEASE_SECONDS = 15
RENEW_SECONDS = 5

log = logging.getLogger("Host.Lease")


@contextlib.asynccontextmanager
async def try_lease(blob: BlobClient) -> AsyncIterator[BlobLeaseClient | None]:
    """Holds the blob's lease inside the block, or yields None when someone else does. The blob must exist."""
    lease = await _acquire(blob)
    if lease is None:
        yield None
        return
    renewal = asyncio.create_task(_renew(lease, blob.blob_name))
    try:
        yield lease
    finally:
        renewal.cancel()
        with contextlib.suppress(AzureError):  # it expires by itself
            await lease.release()


async def _acquire(blob: BlobClient) -> BlobLeaseClient | None:
    try:
        return await blob.acquire_lease(lease_duration=LEASE_SECONDS)
    except ResourceNotFoundError:
        raise
    except HttpResponseError as error:
        if error.status_code == 409:
            return None
        raise


async def _renew(lease: BlobLeaseClient, name: str) -> None:
    renewed = time.monotonic()
    while time.monotonic() - renewed < LEASE_SECONDS:
        await asyncio.sleep(RENEW_SECONDS)
        try:
            await lease.renew()
            renewed = time.monotonic()
        except HttpResponseError as error:
            if error.status_code in (404, 409, 412):
                break
            log.warning("the lease on %s could not be renewed: %s", name, error.message)
        except AzureError as error:
            log.warning("the lease on %s could not be renewed: %s", name, error)
    log.error("the lease on %s is lost; another instance may run now", name)
