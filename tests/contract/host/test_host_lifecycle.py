"""How the local host starts, refuses to start, drains, and runs several instances."""

import concurrent.futures
import json
import os
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from azure.storage.queue import QueueClient

ANSWERS = """
@app.route("who")
def who(req: func.HttpRequest) -> str:
    return str(os.getpid())
"""
WAITS = """
@app.route("wait")
def wait(req: func.HttpRequest) -> str:
    note("waiting")
    wait_for_file(os.environ["DIARY"] + ".go")
    return "waited"
"""
TIMER = """
@app.timer_trigger("timer", schedule="%{setting}%")
def {name}(timer: func.TimerRequest) -> None:
    note("{name}")
"""


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ('os.environ["NO_SUCH_SETTING"]', "KeyError: 'NO_SUCH_SETTING'"),
        ("def broken(:", "SyntaxError"),
        (ANSWERS + ANSWERS, "who"),
        ("", "no functions found"),
        (TIMER.format(name="tick", setting="MISSING"), "'%MISSING%' does not resolve to a value."),
    ],
)
def test_an_app_that_cannot_be_indexed_ends_with_1_and_the_real_error(
    new_app: Callable[..., Any], run_to_end: Callable[..., tuple[int, str]], source: str, text: str
) -> None:
    code, output = run_to_end(new_app(source))
    assert code == 1
    assert text in output


@pytest.mark.parametrize(
    ("host_json", "text"),
    [
        (
            {"extensions": {"queues": {"batchSize": 33}}},
            "batchSize must be a number from 1 to 32, not 33",
        ),
        ({"extensions": {"queues": {"visibilityTimeout": "soon"}}}, "'soon' is not a time span"),
        (
            {"logging": {"logLevel": {"default": "Loud"}}},
            "the log level of default must be one of Trace, Debug",
        ),
        (
            {"extensions": {"queues": {"messageEncoding": "rot13"}}},
            "messageEncoding must be base64 or none",
        ),
    ],
)
def test_an_impossible_host_json_is_refused(
    new_app: Callable[..., Any],
    run_to_end: Callable[..., tuple[int, str]],
    host_json: dict[str, Any],
    text: str,
) -> None:
    code, output = run_to_end(new_app(ANSWERS, host_json))
    assert code == 1
    assert text in output


def test_a_function_in_error_is_named_with_its_reason_and_the_others_run(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    blob = """
@app.blob_trigger("blob", path="in/{name}", connection="AzureWebJobsStorage")
def blob(blob: func.InputStream) -> None: ...

@app.route("odd/{x}{y}")
def odd(req: func.HttpRequest) -> str: ...
"""
    timers = TIMER.format(name="lost", setting="MISSING") + TIMER.format(
        name="four_fields", setting="SHORT"
    )
    app = new_app(ANSWERS + blob + timers, {"extensions": {"http": {"hsts": {}}}}, SHORT="0 * * *")
    host = launch(app)
    assert host.call("/api/who").status_code == 200
    for text in (
        "The 'lost' function is in error: '%MISSING%' does not resolve to a value.",
        (
            "The 'four_fields' function is in error: '0 * * *' is not an NCRONTAB expression of"
            " five or six fields"
        ),
        (
            "The 'blob' function is in error: the binding 'blob' (blobTrigger) is not supported by"
            " this host"
        ),
        (
            "The 'odd' function is in error: the template 'odd/{x}{y}' has two parameters without"
            " anything between them"
        ),
        "host.json: extensions.http.hsts is not applied by this host",
    ):
        assert text in host.log()
    headers = {"x-functions-key": app.keys()["_master"]}
    assert (
        "MISSING" in host.call("/admin/functions/lost/status", headers=headers).json()["errors"][0]
    )
    assert len(host.call("/admin/host/status", headers=headers).json()["errors"]) == 4


def test_a_route_that_cannot_be_built_stops_the_whole_app_as_in_azure(
    new_app: Callable[..., Any], run_to_end: Callable[..., tuple[int, str]]
) -> None:
    odd = '@app.route("odd/{x:even}")\ndef odd(req: func.HttpRequest) -> str: ...\n'
    code, output = run_to_end(new_app(ANSWERS + odd))
    assert code == 1
    assert "the route 'odd/{x:even}' cannot be built: there is no constraint 'even'" in output


def test_settings_come_from_the_environment_then_from_local_settings_json(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(
        """
@app.route("settings")
def settings(req: func.HttpRequest) -> str:
    return os.environ["BOTH"] + " " + os.environ["FILE_ONLY"]
""",
        BOTH="environment",
    )
    values = {"IsEncrypted": False, "Values": {"BOTH": "file", "FILE_ONLY": "file"}}
    (app.directory / "local.settings.json").write_text(json.dumps(values), "utf-8")
    assert launch(app).call("/api/settings").text == "environment file"


def test_on_sigterm_runs_under_way_end_new_ones_are_turned_away_and_the_exit_code_is_0(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
    until: Any,
) -> None:
    app = new_app(
        ANSWERS
        + WAITS
        + """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    note("taking")
    wait_for_file(os.environ["DIARY"] + ".go")

@app.timer_trigger("timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    note("ticking")
    wait_for_file(os.environ["DIARY"] + ".go")
""",
        QUEUE=unique,
    )
    queue(unique).send_message("x")
    host = launch(app)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(host.call, "/api/wait")
        for kind in ("waiting", "taking", "ticking"):
            app.diary.wait(kind)
        host.terminate()
        until(lambda: host.call("/api/who").status_code == 503)
        queue(unique).send_message("not for this host")
        (app.directory / "diary.go").touch()
        assert answer.result(20).text == "waited"
    assert host.process.wait(20) == 0
    assert len(app.diary.entries("taking")) == 1
    assert queue(unique).get_queue_properties().approximate_message_count == 1


def test_a_second_signal_does_not_wait(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    app = new_app(ANSWERS + WAITS)
    host = launch(app)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(host.call, "/api/wait")
        app.diary.wait("waiting")
        host.terminate()
        until(lambda: host.call("/api/who").status_code == 503)
        host.terminate()
        assert host.process.wait(20) == 1
        assert isinstance(answer.exception(20), OSError)


def test_a_run_that_exceeds_its_time_takes_its_neighbours_along_and_another_worker_follows(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    neighbour = """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None: ...

@app.route("who")
def who(req: func.HttpRequest) -> str:
    return str(os.getpid())
"""
    host = launch(new_app(WAITS + neighbour, {"functionTimeout": "00:00:03"}, QUEUE="unused"))
    before = host.call("/api/who").text
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        first = pool.submit(host.call, "/api/wait")
        until(lambda: "Executing 'Functions.wait'" in host.log())
        assert first.result(20).status_code == 500
        second = pool.submit(host.call, "/api/wait")
        assert second.result(20).status_code == 500
    until(lambda: host.call("/api/who").text != before)
    assert "Timeout value of 3 s exceeded by 'Functions.wait'" in host.log()
    assert "The worker process ended with code -9 while this ran." in host.log()
    assert host.stop() == 0


TIMED = """
@app.route("who")
def who(req: func.HttpRequest) -> str:
    return str(os.getpid())

@app.route("hold")
def hold(req: func.HttpRequest) -> str:
    note("holding", name=req.params["until"])
    wait_for_file(os.environ["DIARY"] + req.params["until"])
    return "held"
"""


def test_a_run_that_ends_soon_after_its_time_takes_nobody_along(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    """The host waits 2 s for the run, and looks whether it has ended."""
    host = launch(new_app(TIMED, {"functionTimeout": "00:00:02"}))
    before = host.call("/api/who").text
    assert host.call("/api/hold?until=.go").status_code == 500
    (host.app.directory / "diary.go").touch()
    until(lambda: "Executed 'Functions.hold' (Failed" in host.log())
    answer = host.call("/api/hold?until=.never")
    assert answer.status_code == 500
    assert host.log().count("Timeout value of 2 s exceeded") == 2
    assert host.call("/api/who").text == before


def test_the_worker_that_follows_is_not_ended_for_a_run_of_the_one_before(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    """Two runs exceed their time one after the other: the worker ends once for both."""
    host = launch(new_app(TIMED, {"functionTimeout": "00:00:03"}))
    before = host.call("/api/who").text
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        first = pool.submit(host.call, "/api/hold?until=.never")
        host.app.diary.wait("holding")
        until(lambda: time.time() - host.app.diary.entries("holding")[0]["at"] > 1.8)
        second = pool.submit(host.call, "/api/hold?until=.never")
        assert {first.result(20).status_code, second.result(20).status_code} == {500}
        until(lambda: host.call("/api/who").text not in (before, ""))
        after = host.call("/api/who").text
        third = pool.submit(host.call, "/api/hold?until=.go")
        host.app.diary.wait("holding", 3)
        until(lambda: time.time() - host.app.diary.entries("holding")[1]["at"] > 5.5)
        (host.app.directory / "diary.go").touch()
        assert third.result(20).text == "held"
    assert host.call("/api/who").text == after
    assert host.log().count("another is started") == 1


def test_a_worker_that_crashes_is_replaced_and_the_third_time_the_host(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    crashing = (
        ANSWERS
        + """
@app.route("crash")
def crash(req: func.HttpRequest) -> str:
    os._exit(3)
"""
    )
    host = launch(new_app(crashing))
    for _ in range(3):
        assert host.call("/api/crash").status_code == 500
    until(lambda: "The host has stopped, as it does in Azure" in host.log())
    until(lambda: answers(host))
    assert host.log().count("The worker process ended with code 3") == 3


def test_a_worker_whose_app_cannot_be_loaded_any_more_ends_the_host(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    """As when somebody edits the app while the host runs: no run waits for a worker that never
    comes.
    """
    crashing = ANSWERS + '@app.route("crash")\ndef crash(req: func.HttpRequest) -> str:\n'
    host = launch(new_app(crashing + "    os._exit(3)\n"))
    (host.app.directory / "function_app.py").write_text("import no_such_package\n")
    assert host.call("/api/crash").status_code == 500
    assert host.process.wait(20) == 1
    assert "The next worker process cannot load the app" in host.log()
    assert "No module named 'no_such_package'" in host.log()


def test_a_worker_that_ends_while_the_app_is_loaded_is_followed_by_another(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    """At the first start as after a crash: a process that was killed says nothing of the app."""
    ends_once = """
if not os.path.exists(os.environ["DIARY"]):
    note("ended while it was loaded")
    os._exit(9)
"""
    host = launch(new_app(ends_once + ANSWERS))
    assert host.call("/api/who").status_code == 200
    assert host.log().count("The worker process ended with code 9") == 1
    assert host.stop() == 0


def test_what_is_cut_off_with_its_host_is_settled_by_nobody(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    unique: str,
    queue: Callable[..., QueueClient],
    until: Any,
) -> None:
    """Where a host stops by itself and another is started in its place, too."""
    source = (
        ANSWERS
        + """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    note("taken", body=message.get_body().decode())
    wait_for_file(os.environ["DIARY"] + ".never")

@app.route("crash")
def crash(req: func.HttpRequest) -> str:
    os._exit(3)
"""
    )
    host = launch(new_app(source, QUEUE=unique))
    for number in range(8):
        queue(unique).send_message(str(number))
    host.app.diary.wait("taken", 4)
    for _ in range(3):
        assert host.call("/api/crash").status_code == 500
    until(lambda: "The host has stopped, as it does in Azure" in host.log())
    until(lambda: answers(host))
    assert "never retrieved" not in host.log()
    assert "was destroyed" not in host.log()


def answers(host: Any) -> bool:
    try:
        return host.call("/api/who").status_code == 200
    except OSError:
        return False


def test_what_does_not_end_in_time_is_cut_off_and_its_message_stays_hidden(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    stuck = """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    note("taking")
    wait_for_file("/nonexistent")
"""
    app = new_app(stuck, QUEUE=unique)
    queue(unique).send_message("x")
    host = launch(app, "--stop-seconds", "0")
    app.diary.wait("taking")
    assert host.stop() == 1
    assert "1 runs are cut off" in host.log()
    assert queue(unique).get_queue_properties().approximate_message_count == 1
    assert not list(queue(unique).receive_messages())
    assert not any(is_running(entry["pid"]) for entry in app.diary.entries())


def test_a_line_of_a_thread_without_the_invocations_context_is_dropped(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    lines = """
import contextvars

@app.route("lines")
def lines(req: func.HttpRequest) -> str:
    for target, text in (
        (logging.warning, "from a bare thread"),
        (contextvars.copy_context().run, "with the context"),
    ):
        arguments = (text,) if target is logging.warning else (logging.warning, text)
        thread = threading.Thread(target=target, args=arguments)
        thread.start()
        thread.join()
    return "done"
"""
    host = launch(new_app(lines))
    assert host.call("/api/lines").text == "done"
    until(lambda: "with the context" in host.log())
    assert "from a bare thread" not in host.log()


def test_with_groups_each_timer_and_queue_function_has_a_process_of_its_own(
    new_app: Callable[..., Any],
    launch: Callable[..., Any],
    queue: Callable[..., QueueClient],
    unique: str,
) -> None:
    apart = (
        ANSWERS
        + """
@app.queue_trigger("message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def take(message: func.QueueMessage) -> None:
    note("take")

@app.timer_trigger("timer", schedule="* * * * * *")
def tick(timer: func.TimerRequest) -> None:
    note("tick")
"""
    )
    app = new_app(apart, QUEUE=unique)
    fleet = launch(app, "--groups")
    queue(unique).send_message("x")
    groups = {instance["group"]: instance["worker"] for instance in fleet.ready["instances"]}
    assert set(groups) == {"http", "function:take", "function:tick"}
    assert app.diary.wait("take")[0]["pid"] == groups["function:take"]
    assert app.diary.wait("tick")[0]["pid"] == groups["function:tick"]
    assert fleet.call("/api/who").text == str(groups["http"])
    assert fleet.stop() == 0


def test_instances_started_at_the_same_time_agree_on_the_keys(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    guarded = ANSWERS.replace('"who"', '"who", auth_level=func.AuthLevel.FUNCTION')
    app = new_app(guarded)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        hosts = list(pool.map(lambda _: launch(app), range(3)))
    for key in ("_master", "default", "who"):
        headers = {"x-functions-key": app.keys()[key]}
        assert [host.call("/api/who", headers=headers).status_code for host in hosts] == [200] * 3


def test_given_keys_are_kept_and_missing_ones_added(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(ANSWERS)
    app.keys_file.write_text('{"default": "the-host-key"}', "utf-8")
    launch(app)
    assert app.keys()["default"] == "the-host-key"
    assert set(app.keys()) == {"_master", "default", "who"}


def test_several_instances_are_one_process_each_and_stop_together(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    fleet = launch(new_app(ANSWERS), "--instances", "3")
    instances = fleet.ready["instances"]
    assert fleet.ready["port"] == instances[0]["port"]
    urls = [f"http://127.0.0.1:{instance['port']}" for instance in instances]
    pids = [instance["pid"] for instance in instances]
    assert len({*pids, fleet.process.pid}) == 4
    os.kill(pids[1], 9)
    until(lambda: not psutil.pid_exists(pids[1]))
    for place in (0, 2):
        fleet.ready["port"] = int(urls[place].rpartition(":")[2])
        assert fleet.call("/api/who").text == str(instances[place]["worker"])
    assert fleet.stop() == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_instances_do_not_outlive_the_process_that_started_them(
    new_app: Callable[..., Any], launch: Callable[..., Any], until: Any
) -> None:
    fleet = launch(new_app(ANSWERS), "--instances", "2")
    fleet.kill()
    pids = [instance["pid"] for instance in fleet.ready["instances"]]
    until(lambda: not any(is_running(pid) for pid in pids))


def test_a_fleet_whose_app_cannot_be_indexed_ends_with_1(
    new_app: Callable[..., Any], run_to_end: Callable[..., tuple[int, str]]
) -> None:
    code, output = run_to_end(new_app("import no_such_package"), "--instances", "2")
    assert code == 1
    assert "No module named 'no_such_package'" in output


def is_running(pid: int) -> bool:
    """False for a zombie, which only waits for whoever adopted it."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
