"""The front end's patience, and log lines: their length, their text, and levels by category."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

SOURCE = """
@app.route("slow")
def slow(req: func.HttpRequest) -> str:
    note("slow start")
    wait_for_file(os.environ["DIARY"] + ".go")
    note("slow end")
    return "late"

@app.route("lines")
def lines(req: func.HttpRequest) -> str:
    logging.warning("x" * 40_000)
    logging.warning("100 %% of {braces}, %s and\\ttab, é 🙂", "an argument")
    logging.warning("100 % without arguments")
    try:
        raise LookupError("with its stack")
    except LookupError:
        logging.exception("a failure")
    return "logged"

@app.route("contacts_quiet")
def contacts_quiet(req: func.HttpRequest) -> str:
    logging.info("not to be heard")
    logging.error("to be heard")
    return "logged"
"""


@pytest.fixture(scope="module")
def host(new_app: Callable[..., Any], launch: Callable[..., Any]) -> Any:
    levels = {"logging": {"logLevel": {"default": "Information", "FUNCTION.contacts": "Error"}}}
    return launch(
        new_app(SOURCE, levels, FUNCTIONS_WORKER_PROCESS_COUNT="4"), "--front-end-seconds", "1"
    )


def test_a_caller_who_leaves_does_not_stop_the_run(host: Any) -> None:
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{host.url}/api/slow", timeout=0.3)
    go = host.app.directory / "diary.go"
    go.touch()
    host.app.diary.wait("slow end")
    go.unlink()


def test_a_caller_is_answered_when_the_front_end_has_waited_long_enough_and_the_run_goes_on(
    host: Any, until: Any
) -> None:
    answered = host.call("/api/slow")
    assert (answered.status_code, answered.content) == (504, b"")
    assert len(host.app.diary.entries("slow end")) == 1
    (host.app.directory / "diary.go").touch()
    host.app.diary.wait("slow end", 2)
    until(lambda: "Executed 'Functions.slow' (Succeeded" in host.log())
    assert host.call("/api/slow").text == "late"


def test_a_line_of_the_app_is_as_it_was_formatted_and_cut_at_32768_characters(
    host: Any, until: Any
) -> None:
    host.call("/api/lines")
    until(lambda: "a failure" in host.log() and "LookupError: with its stack" in host.log())
    assert max(line.count("x") for line in host.log().splitlines() if ": xxx" in line) == 32_768
    assert "100 % of {braces}, an argument and\ttab, é 🙂\n" in host.log()
    assert "100 % without arguments\n" in host.log()


def test_a_level_is_for_each_category_that_begins_so(host: Any, until: Any) -> None:
    host.call("/api/contacts_quiet")
    until(lambda: "to be heard" in host.log())
    assert "not to be heard" not in host.log()


def test_a_number_of_worker_processes_that_is_not_followed_is_said_at_start(host: Any) -> None:
    text = "FUNCTIONS_WORKER_PROCESS_COUNT is 4: this host has one worker process all the same"
    assert host.log().count(text) == 1
