"""The storage account: three services in memory, with faults at each operation.

What fails is repeated and named as by the product's own transport (shared/sdk_transport.py).
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
from shared.deadlines import seconds_to_end
from shared.errors import BridgeError, Retryable, recovery
from shared.sdk_transport import ATTEMPTS_IN_PLACE, PASSING, PAUSE_SECONDS

SERVICES = ("table", "queue", "blob")
POSTS = ("create", "transaction")
UNDONE = ("storage_busy", "storage_error", "storage_no_answer")


class Account:
    """`out_until`: by service, until when it answers everything with 503."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.out_until = dict.fromkeys(SERVICES, 0.0)
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
        """The answer, or what the product's transport raises after its attempts."""
        for attempt in range(1, ATTEMPTS_IN_PLACE + 1):
            if seconds_to_end(self.world.monotonic) <= 0:
                raise failure(service, 0, "late")
            is_last = attempt == ATTEMPTS_IN_PLACE
            try:
                return self.once(service, what, work)
            except HttpResponseError as error:
                status = error.status_code or 0
                if status not in PASSING:
                    raise
                if is_last:
                    raise failure(service, status, "") from None
            except ServiceResponseError as error:
                is_post = service == "table" and what.split(" ")[1] in POSTS
                if is_last or is_post:
                    raise failure(service, 0, type(error).__name__) from None
            self.world.sleep(PAUSE_SECONDS * 2.0 ** (attempt - 1))
        raise AssertionError("the loop above ends by itself")

    def once(self, service: str, what: str, work: Callable[[], Any]) -> Any:
        name = f"{service} {what}"
        fault = self.world.faults.at(name, list(STORAGE_FAULTS))
        self.world.step(f"{name} {fault}" if fault else name)
        if self.out_until[service] > self.now():
            raise status_error(503, "ServerBusy")
        if fault in UNDONE:
            raise raised(fault)
        result = work()
        if fault:
            raise raised(fault)
        return result

    def flow_rows(self) -> dict[str, dict[str, Any]]:
        """What the table of flows holds of each."""
        rows = self.table.tables.get("flows", {})
        return {key: row.values for (kind, key), row in rows.items() if kind == "flows"}

    def service(self, settings: object, kind: str, factory: object, **options: object) -> Any:
        """What shared/state/storage.py opens a service with."""
        return getattr(self, kind)


def raised(fault: str) -> AzureError:
    """What Azure's client raises for the answer, or where there is none."""
    if fault.startswith("storage_busy"):
        return status_error(503, "ServerBusy")
    return status_error(500, "InternalError") if fault.startswith("storage_error") else broken()


def status_error(status: int, code: str) -> HttpResponseError:
    answer: Any = Answer(status)
    error = HttpResponseError(message=code, response=answer)
    error.error_code = code  # type: ignore[attr-defined]
    return error


def failure(service: str, status: int, kind: str) -> BridgeError:
    """What the product's transport makes of it."""
    error = recovery("storage", status, kind, f"a call of {service}s")
    if isinstance(error, Retryable):
        error.uncertain = True
    return error


def broken() -> AzureError:
    return ServiceResponseError("Connection aborted.")
