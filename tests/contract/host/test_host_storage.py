"""What answers of storage do to the local host: which it waits out, and which stop it with
everything that it runs.

Stopping hosts are told by their log; each is started anew at once, as the platform does it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.storage.blob import BlobLeaseClient, BlobServiceClient
from azure.storage.queue import QueueClient

from tests.contract.host.faults import CUT, Faults, before

LEASE_SECONDS = "4"
QUEUES = {"extensions": {"queues": {"maxPollingInterval": "00:00:00.5"}}}
STOPPED = "The host has stopped, as it does in Azure"
TAKES = """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    body = message.get_body().decode()
    note(body, receipt=message.dequeue_count)
    if body == "long" and message.dequeue_count == 1:
        wait_for_file("/nonexistent")
"""
STARTS = """
@app.timer_trigger("timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    first = not Path(os.environ["DIARY"]).exists()
    note("start")
    if first:
        wait_for_file("/nonexistent")
    note("end")
"""


@dataclass
class Scene:
    host: Any
    faults: Faults
    queue: QueueClient

    def stops(self) -> int:
        return str(self.host.log()).count(STOPPED)


@pytest.fixture(scope="module")
def unreachable(
    storage: str, new_app: Callable[..., Any], launch: Callable[..., Any]
) -> Iterator[tuple[Any, Faults]]:
    """A host whose queue cuts every connection: looked at last, for it takes 22 s."""
    with before(storage) as (proxied, faults):
        faults.set("GET", CUT)
        yield launch(new_app(TAKES, QUEUES, QUEUE="cut-off", AzureWebJobsStorage=proxied)), faults


@pytest.fixture(scope="module")
def timers(new_app: Callable[..., Any], launch: Callable[..., Any]) -> tuple[Any, Any]:
    """Two hosts of one app; the first holds the timer's lock and is in a run."""
    app = new_app(STARTS, AzureFunctionsWebHost__hostid="lock-lost")
    pace = ("--timer-lock", "15", "--timer-ask", "0.5")
    first = launch(app, *pace)
    app.diary.wait("start")
    return first, launch(app, *pace)


@pytest.fixture(scope="module")
def scene(
    storage: str,
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unreachable: object,
    timers: object,
) -> Iterator[Scene]:
    messages = queue("answers-of-storage")
    with before(storage) as (proxied, faults):
        app = new_app(TAKES, QUEUES, QUEUE="answers-of-storage", AzureWebJobsStorage=proxied)
        yield Scene(launch(app, "--message-lease", LEASE_SECONDS), faults, messages)


@pytest.mark.parametrize("status", [404, 503])
def test_a_queue_that_is_missing_or_busy_is_asked_again(
    scene: Scene, until: Any, status: int
) -> None:
    scene.faults.set("GET", status)
    until(lambda: scene.faults.hits >= 3)
    scene.faults.clear()
    scene.queue.send_message(f"after {status}")
    scene.host.app.diary.wait(f"after {status}")
    assert scene.stops() == 0


def test_a_queue_that_may_not_be_read_stops_the_host(scene: Scene, until: Any) -> None:
    stops = scene.stops()
    scene.faults.set("GET", 403, times=1)
    until(lambda: scene.stops() == stops + 1)
    scene.queue.send_message("after 403")
    scene.host.app.diary.wait("after 403")


def test_a_message_that_cannot_be_completed_stops_the_host(scene: Scene, until: Any) -> None:
    until(
        lambda: scene.queue.get_queue_properties().approximate_message_count == 0
    )  # else the test before is refused its own
    stops = scene.stops()
    scene.faults.set("DELETE", 403, times=1)
    scene.queue.send_message("not deleted")
    receipts = [entry["receipt"] for entry in scene.host.app.diary.wait("not deleted", 2)]
    assert (receipts, scene.stops()) == ([1, 2], stops + 1)


def test_a_lease_that_is_not_renewed_stops_the_host_and_its_runs(scene: Scene, until: Any) -> None:
    stops = scene.stops()
    scene.faults.set("PUT", 503)
    scene.queue.send_message("long")
    until(lambda: scene.stops() == stops + 1)
    scene.faults.clear()
    receipts = [entry["receipt"] for entry in scene.host.app.diary.wait("long", 2)]
    assert receipts == [1, 2]


def test_the_lock_lost_in_mid_run_lets_another_run_beside_it_and_stops_the_loser(
    timers: tuple[Any, Any], storage: str, scene: Scene, until: Any
) -> None:
    loser, other = timers
    with BlobServiceClient.from_connection_string(storage) as service:
        lock = service.get_blob_client(
            "azure-webjobs-hosts", "locks/lock-lost/Host.Functions.tick.Listener"
        )
        BlobLeaseClient(lock).break_lease(0)
    starts = loser.app.diary.wait("start", 2)
    assert starts[1]["pid"] == other.ready["worker"] != starts[0]["pid"]
    until(lambda: STOPPED in loser.log(), seconds=30)
    assert [entry["pid"] for entry in loser.app.diary.entries("end")] == [other.ready["worker"]]
    assert STOPPED not in other.log()


def test_a_message_that_arrives_while_the_host_stops_has_spent_a_receipt(
    scene: Scene, until: Any
) -> None:
    scene.faults.release.clear()
    scene.queue.send_message("on its way")
    until(
        lambda: not list(scene.queue.peek_messages())
    )  # storage has given it out; the host has not got it yet
    scene.host.terminate()
    until(lambda: "Application is shutting down" in scene.host.log())
    scene.faults.release.set()
    assert scene.host.process.wait(20) == 0
    assert not scene.host.app.diary.entries("on its way")
    assert until(lambda: scene.queue.receive_message()).dequeue_count == 2


def test_connections_cut_for_22_seconds_stop_the_host(
    unreachable: tuple[Any, Faults], until: Any
) -> None:
    host, _ = unreachable
    until(lambda: STOPPED in host.log(), seconds=45)
    assert host.log().partition(STOPPED)[0].count("the queue does not answer") > 2
