"""The schedule status of one timer, shared by all instances of an app.

It rests where the Functions host keeps it, blob azure-webjobs-hosts/timers/<host id>/Host.Functions.<name>/status, in its
form: {"Last", "Next", "LastUpdated"}, moments in ISO 8601. Here its lease is the right to run the timer.
"""

import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.core.exceptions import HttpResponseError
from azure.storage.blob.aio import BlobLeaseClient

from dev.host.lease import try_lease
from dev.host.schedule import Schedule
from dev.host.storage import Storage

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Status:
    last: datetime
    """The occurrence that was run last."""
    next: datetime
    last_updated: datetime
    """The moment from which `next` was reckoned."""

    @classmethod
    def after(cls, now: datetime, schedule: Schedule, last: datetime = NEVER) -> "Status":
        return cls(last, schedule.next(now), now)

    @classmethod
    def parse(cls, text: bytes) -> "Status | None":
        """None for an empty object, which stands for "never run"."""
        fields = json.loads(text)
        moments = (fields.get(name) for name in ("Last", "Next", "LastUpdated"))
        return cls(*map(datetime.fromisoformat, moments)) if fields else None

    def as_json(self) -> dict[str, str]:
        moments = {"Last": self.last, "Next": self.next, "LastUpdated": self.last_updated}
        return {name: moment.isoformat() for name, moment in moments.items()}


class TimerState:
    def __init__(self, storage: Storage, host_id: str, function_name: str) -> None:
        self._storage = storage
        self._path = f"timers/{host_id}/Host.Functions.{function_name}/status"

    async def open(self) -> None:
        """Finds or creates the blob. Calling twice is harmless."""
        self._blob = await self._storage.host_blob(self._path)
        try:
            await self._blob.upload_blob(b"{}", overwrite=False)
        except HttpResponseError as error:
            if error.status_code not in (409, 412):  # exists; exists and is leased
                raise

    def turn(self) -> AbstractAsyncContextManager[BlobLeaseClient | None]:
        """The right to run this timer inside the block; None when a run is under way, here or elsewhere."""
        return try_lease(self._blob)

    async def load(self) -> Status | None:
        return Status.parse(await (await self._blob.download_blob()).readall())

    async def save(self, status: Status, lease: BlobLeaseClient) -> None:
        """Raises HttpResponseError when the lease has been lost: then another instance decides."""
        await self._blob.upload_blob(json.dumps(status.as_json()), overwrite=True, lease=lease)
