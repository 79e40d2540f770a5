"""Queue triggers of the local host: batches, attempts, poison, leases, outputs."""

import itertools
from collections.abc import Callable
from typing import Any

from azure.storage.queue import QueueClient, QueueServiceClient

QUICK = {"maxPollingInterval": "00:00:00.5", "visibilityTimeout": "00:00:00"}
TAKES = """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    note("take", body=message.get_body().decode(), attempt=message.dequeue_count, id=message.id)
"""
FAILS = TAKES + '    if message.get_body() == b"bad":\n        raise ValueError("refused")\n'


def host_json(**queues: Any) -> dict[str, Any]:
    return {"extensions": {"queues": QUICK | queues}}


def count(queue: QueueClient) -> int:
    """Messages on the queue, hidden ones included."""
    return queue.get_queue_properties().approximate_message_count or 0


def test_a_message_reaches_the_function_with_its_metadata_and_is_deleted(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
    until: Any,
) -> None:
    messages = queue(unique)
    app = new_app(TAKES, host_json(), QUEUE=unique)
    launch(app)
    sent = messages.send_message("Zoë 🙂")
    taken = app.diary.wait("take")[0]
    assert (taken["body"], taken["attempt"], taken["id"]) == ("Zoë 🙂", 1, sent.id)
    until(lambda: count(messages) == 0)


def test_no_more_run_at_once_than_batch_size_and_threshold_together(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    app = new_app(
        """
running, most, lock = 0, 0, threading.Lock()

@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    global running, most
    with lock:
        running += 1
        most = max(most, running)
    time.sleep(0.1 + 0.1 * (int(message.get_body()) % 3))
    with lock:
        running -= 1
        note("take", most=most)
""",
        host_json(batchSize=4, newBatchThreshold=2),
        QUEUE=unique,
    )
    for number in range(30):
        queue(unique).send_message(str(number))
    launch(app)
    assert max(entry["most"] for entry in app.diary.wait("take", 30)) == 6


def test_a_bad_message_is_tried_as_often_as_configured_then_poisoned_and_its_neighbours_go_on(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
    until: Any,
) -> None:
    poison = queue(f"{unique}-poison")
    for body in ("good", "bad", "good too"):
        queue(unique).send_message(body)
    app = new_app(FAILS, host_json(maxDequeueCount=3, visibilityTimeout="00:00:01"), QUEUE=unique)
    launch(app)
    until(lambda: count(poison) == 1)
    bad = [entry for entry in app.diary.entries("take") if entry["body"] == "bad"]
    assert [entry["attempt"] for entry in bad] == [1, 2, 3]
    assert all(later["at"] - earlier["at"] >= 0.9 for earlier, later in itertools.pairwise(bad))
    assert {entry["body"] for entry in app.diary.entries("take")} == {"good", "bad", "good too"}
    assert poison.receive_message().content == "bad"
    until(lambda: count(queue(unique)) == 0)


def test_a_message_whose_attempts_are_used_up_is_poisoned_without_a_run(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
    until: Any,
) -> None:
    poison, messages = queue(f"{unique}-poison"), queue(unique)
    messages.send_message("killed every host so far")
    for _ in range(2):
        message = messages.receive_message()
        messages.update_message(message, visibility_timeout=0)
    app = new_app(TAKES, host_json(maxDequeueCount=2), QUEUE=unique)
    launch(app)
    until(lambda: count(poison) == 1)
    assert app.diary.entries() == []


def test_text_that_is_not_base64_is_poisoned_without_a_run(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    storage: str,
    unique: str,
    until: Any,
) -> None:
    poison = queue(f"{unique}-poison")
    queue(unique).send_message("good")
    with QueueClient.from_connection_string(storage, unique) as plain:
        plain.send_message("{not base64}")
    app = new_app(TAKES, host_json(), QUEUE=unique)
    launch(app)
    until(lambda: count(poison) == 1)
    assert [entry["body"] for entry in app.diary.wait("take")] == ["good"]


def test_message_encoding_none_takes_and_writes_plain_text(
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str, until: Any
) -> None:
    app = new_app(
        """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output("$return", queue_name="%QUEUE%-out", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> str:
    return message.get_body().decode() + " again"
""",
        host_json(messageEncoding="none"),
        QUEUE=unique,
    )
    launch(app)
    with (
        QueueClient.from_connection_string(storage, unique) as plain,
        QueueClient.from_connection_string(storage, f"{unique}-out") as out,
    ):
        plain.create_queue()
        out.create_queue()
        plain.send_message("{plain}")
        assert until(out.receive_message).content == "{plain} again"


def test_outputs_wake_the_next_function_and_a_list_becomes_several_messages(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    app = new_app(
        """
@app.route("spread", methods=["POST"])
@app.queue_output("out", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def spread(req: func.HttpRequest, out: func.Out[typing.List[str]]) -> str:
    out.set(["one", "two", "three"])
    return "spread"
"""
        + TAKES,
        host_json(maxPollingInterval="00:01:00"),
        QUEUE=unique,
    )
    host = launch(app)
    assert host.call("/api/spread", "POST").text == "spread"
    assert {entry["body"] for entry in app.diary.wait("take", 3)} == {"one", "two", "three"}


def test_an_output_that_cannot_be_written_fails_the_run(
    new_app: Callable[..., Any], launch: Callable[..., Any], unique: str
) -> None:
    app = new_app(
        """
@app.route("big", methods=["POST"])
@app.queue_output("out", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def big(req: func.HttpRequest, out: func.Out[str]) -> str:
    out.set("x" * 65_000)
    return "written"
""",
        QUEUE=unique,
    )
    host = launch(app)
    assert host.call("/api/big", "POST").status_code == 500
    assert "could not be written" in host.log()


def test_a_poison_queue_has_its_own_function_and_no_poison_queue(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    storage: str,
    unique: str,
) -> None:
    queue(f"{unique}-poison").send_message("bad")
    app = new_app(FAILS, host_json(maxDequeueCount=2), QUEUE=f"{unique}-poison")
    host = launch(app, "--message-lease", "1")
    bad = app.diary.wait("take", 2)
    assert [entry["attempt"] for entry in bad] == [1, 2]
    assert bad[1]["at"] - bad[0]["at"] > 0.9
    assert host.stop() == 0
    with QueueServiceClient.from_connection_string(storage) as service:
        assert [found.name for found in service.list_queues(unique)] == [f"{unique}-poison"]
    assert count(queue(f"{unique}-poison")) == 1


def test_a_function_that_runs_longer_than_its_lease_keeps_its_message(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
    until: Any,
) -> None:
    app = new_app(TAKES + "    time.sleep(3)\n", host_json(), QUEUE=unique)
    for _ in range(2):
        launch(app, "--message-lease", "1")
    queue(unique).send_message("long")
    app.diary.wait("take")
    until(lambda: count(queue(unique)) == 0)
    assert [entry["attempt"] for entry in app.diary.entries("take")] == [1]


def test_a_message_of_a_killed_instance_is_taken_by_another_after_its_lease(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    block = '    if message.dequeue_count == 1:\n        wait_for_file("/nonexistent")\n'
    app = new_app(TAKES + block, host_json(), QUEUE=unique)
    hosts = [launch(app, "--message-lease", "2"), launch(app, "--message-lease", "2")]
    queue(unique).send_message("survivor")
    victim = app.diary.wait("take")[0]["pid"]
    next(host for host in hosts if host.ready["worker"] == victim).kill()
    second = app.diary.wait("take", 2)[1]
    assert (second["attempt"], second["body"]) == (2, "survivor")
    assert second["pid"] != victim


def test_a_message_of_a_run_that_timed_out_is_back_after_its_visibility_timeout(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    block = '    if message.dequeue_count == 1:\n        wait_for_file("/nonexistent")\n'
    settings = host_json(visibilityTimeout="00:00:02") | {"functionTimeout": "00:00:01"}
    app = new_app(TAKES + block, settings, QUEUE=unique)
    launch(app)
    queue(unique).send_message("too long")
    first, second = app.diary.wait("take", 2)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert 3 <= second["at"] - first["at"] < 8


def test_two_instances_share_a_queue_and_take_every_message_once(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    app = new_app(TAKES + "    time.sleep(0.2)\n", host_json(), QUEUE=unique)
    launch(app), launch(app)
    for number in range(120):
        queue(unique).send_message(str(number))
    taken = app.diary.wait("take", 120)
    assert sorted(int(entry["body"]) for entry in taken) == list(range(120))
    assert len({entry["pid"] for entry in taken}) == 2


def test_a_queue_function_is_fired_by_hand_with_the_given_input(
    new_app: Callable[..., Any], launch: Callable[..., Any], unique: str
) -> None:
    app = new_app(TAKES, host_json(), QUEUE=unique)
    host = launch(app)
    assert host.fire("take", Input='{"id": 1}').status_code == 202
    assert app.diary.wait("take")[0]["body"] == '{"id": 1}'
    assert host.fire("take", input=1.50).status_code == 202
    assert app.diary.wait("take", 2)[1]["body"] == "1.5"
    headers = {"x-functions-key": app.keys()["_master"]}
    url = "/admin/functions/take"
    assert host.call(url, "POST", headers=headers, json=[1]).status_code == 400
    assert host.fire("take", input={"id": 1}).status_code == 400
    assert (host.fire("nobody").status_code, host.fire("nobody", input=[]).status_code) == (
        404,
        400,
    )


def test_asynchronous_functions_run_side_by_side(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    app = new_app(
        """
import asyncio
meeting = asyncio.Barrier(3)

@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
async def take(message: func.QueueMessage) -> None:
    await asyncio.wait_for(meeting.wait(), 10)
    note("take")
""",
        host_json(),
        QUEUE=unique,
    )
    for _ in range(3):
        queue(unique).send_message("x")
    launch(app)
    app.diary.wait("take", 3)
