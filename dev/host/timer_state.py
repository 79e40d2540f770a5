"""The schedule status of one timer, shared by all instances of an app, and where its lock is.

They rest where the Functions host keeps them: blobs azure-webjobs-hosts/timers/<host
id>/Host.Functions.<name>/status, in the form {"Last", "Next", "LastUpdated"} with moments in ISO
8601, and locks/<host id>/Host.Functions.<name>.Listener.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient

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
        self._lock = f"locks/{host_id}/Host.Functions.{function_name}.Listener"

    async def lock_blob(self) -> BlobClient:
        return await self._storage.host_blob(self._lock)

    def look_for_container(self) -> None:
        self._storage.look_for_container()

    async def load(self) -> Status | None:
        blob = await self._storage.host_blob(self._path)
        try:
            return Status.parse(await (await blob.download_blob()).readall())
        except ResourceNotFoundError:
            return None

    async def save(self, status: Status) -> None:
        blob = await self._storage.host_blob(self._path)
        await blob.upload_blob(json.dumps(status.as_json()), overwrite=True)
