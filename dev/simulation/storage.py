"""The storage account: three services in memory, with faults at each operation and the repetitions
of Azure's clients.

Sources: azure-core, RetryPolicy (tables: 3 times, from 0.8 s on, a POST without an answer never);
azure-storage, ExponentialRetry (queues and blobs: 3 times, after 15, 18 and 24 s).
"""

from collections.abc import Callable
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError, ServiceResponseError

from dev.simulation.blobs import BlobService
from dev.simulation.errors import Answer
from dev.simulation.faults import STORAGE_FAULTS
from dev.simulation.queues import QueueService
from dev.simulation.tables import PAGE_ROWS, TableService
from dev.simulation.world import World

WAITS = {"table": (0.0, 1.6, 3.2), "queue": (15.0, 18.0, 24.0), "blob": (15.0, 18.0, 24.0)}
POSTS = ("create", "transaction")
UNDONE = ("storage_busy", "storage_error", "storage_no_answer")


class Account:
    """`out_until`: by service, until when it answers everything with 503."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.out_until = dict.fromkeys(WAITS, 0.0)
        self.table = TableService(self.performed("table"), self.page_rows)
        self.queue = QueueService(self.performed("queue"), self.now, self.late)
        self.blob = BlobService(self.performed("blob"), self.now)

    def now(self) -> float:
        return self.world.scheduler.now

    def page_rows(self) -> int:
        return (
            0 if self.world.process and self.world.faults.at("query", ["empty_page"]) else PAGE_ROWS
        )

    def late(self, message_id: str) -> float:
        """Messages come about in order; where they are reordered, some come seconds after later
        ones.
        """
        if self.world.process and self.world.faults.at(f"order of {message_id}", ["reordered"]):
            return 1.0 + 19.0 * self.world.draws.share(f"late {message_id}")
        return 0.0

    def performed(self, service: str) -> Callable[[str, Callable[[], Any]], Any]:
        def perform(what: str, work: Callable[[], Any]) -> Any:
            if self.world.scheduler.current is None:
                return work()
            return self.repeated(service, what, work)

        return perform

    def repeated(self, service: str, what: str, work: Callable[[], Any]) -> Any:
        waits = WAITS[service]
        for wait in (*waits, None):
            try:
                return self.once(service, what, work)
            except HttpResponseError:
                if wait is None:
                    raise
            except ServiceResponseError:
                if wait is None or (service == "table" and what.split(" ")[1] in POSTS):
                    raise
            self.world.sleep(wait)
        raise AssertionError("the loop above ends by itself")

    def once(self, service: str, what: str, work: Callable[[], Any]) -> Any:
        name = f"{service} {what}"
        fault = self.world.faults.at(name, list(STORAGE_FAULTS))
        self.world.step(f"{name} {fault}" if fault else name)
        if self.out_until[service] > self.now():
            raise status_error(503, "ServerBusy")
        if fault in UNDONE:
            raise failure(fault)
        result = work()
        if fault:
            raise failure(fault)
        return result

    def service(self, settings: object, kind: str, factory: object, **options: object) -> Any:
        """What shared/state/storage.py opens a service with."""
        return getattr(self, kind)


def failure(fault: str) -> AzureError:
    """What Azure's client raises for the answer, or where there is none."""
    if fault.startswith("storage_busy"):
        return status_error(503, "ServerBusy")
    return status_error(500, "InternalError") if fault.startswith("storage_error") else broken()


def status_error(status: int, code: str) -> HttpResponseError:
    answer: Any = Answer(status)
    error = HttpResponseError(message=code, response=answer)
    error.error_code = code  # type: ignore[attr-defined]
    return error


def broken() -> AzureError:
    return ServiceResponseError("Connection aborted.")
