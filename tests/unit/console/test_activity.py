"""The activity log: newest first, page by page; an act that is cut off is there too."""

import json
from typing import Any

import pytest

from shared.errors import Misconfigured, Retryable
from shared.pipeline import running
from shared.state.activity import BEGUN, FAILED, KEPT_SECONDS, Act
from tests.unit.console.kit import Console


def act(number: int = 0) -> Act:
    return Act("Otto", "Bridge.Operator", "stop", "contacts", "why", "done", number)


def test_the_newest_comes_first_and_pages_follow_each_other() -> None:
    console = Console()
    for number in range(7):
        console.clock += 1
        console.activity.note(act(number))
    seen, before = [], ""
    while page := console.activity.page(before, 3):
        seen += [noted.act.count for noted in page]
        before = page[-1].key
    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_acts_of_the_same_moment_are_all_kept() -> None:
    console = Console()
    for number in range(5):
        console.activity.note(act(number))
    assert {one.count for one in console.acts()} == {0, 1, 2, 3, 4}


def test_an_act_is_noted_before_it_begins() -> None:
    console = Console()
    with console.activity.noted(act()) as ending:
        assert console.acts()[0].result == BEGUN
        ending.result, ending.count = "contacts-all-1", 3
    assert (console.acts()[0].result, console.acts()[0].count) == ("contacts-all-1", 3)


def test_an_act_that_fails_is_noted_as_failed() -> None:
    console = Console()
    with pytest.raises(Retryable), console.activity.noted(act()):
        raise Retryable("The storage account does not answer.")
    assert console.acts()[0].result == FAILED


def test_an_act_that_cannot_be_noted_does_not_begin() -> None:
    console, done = Console(), []

    def broken(what: str, work: object) -> None:
        raise Retryable("The storage account does not answer.")

    console.tables.perform = broken
    with pytest.raises(Retryable), console.activity.noted(act()):
        done.append("acted")
    assert done == []


def test_the_log_line_has_no_words_of_a_person(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bridge")
    Console().activity.note(Act("Otto", "", "stop", "contacts", "free words"))
    line = json.loads(caplog.messages[-1])
    assert (line["event"], line["by"], line["on"]) == ("acted", "Otto", "contacts")
    assert "free words" not in caplog.text


def test_a_span_of_time() -> None:
    console = Console()
    begin = console.clock
    for number in range(5):
        console.activity.note(act(number))
        console.clock += 10
    found = console.activity.between(begin + 10, begin + 30, 100)
    assert [noted.act.count for noted in found] == [3, 2, 1]


def test_what_is_older_than_400_days_goes() -> None:
    console = Console()
    console.activity.note(act(1))
    console.clock += KEPT_SECONDS - 1
    assert console.activity.forget_old() == 0
    console.activity.note(act(2))
    console.clock += 2
    assert console.activity.forget_old() == 1
    assert [one.count for one in console.acts()] == [2]


def test_what_the_bridge_does_is_in_the_list_and_what_a_person_does_is_not_twice() -> None:
    console = Console()
    flows = console.bridge.flows
    running.fail_flow("contacts", flows, Misconfigured("CAMPAIGN_CLIENT_SECRET", "Refused."))
    running.start("contacts", console.bridge, by="Otto")
    assert [(one.who, one.act, one.on, one.result) for one in console.acts()] == [
        ("bridge", "flow_failed", "contacts", "CAMPAIGN_CLIENT_SECRET")
    ]


def test_a_flow_fails_also_where_that_cannot_be_noted() -> None:
    console = Console()

    def perform(what: str, work: Any) -> Any:
        if what.startswith("activity"):
            raise Retryable("The storage account does not answer.")
        return work()

    console.tables.perform = perform
    flows = console.bridge.flows
    running.fail_flow("contacts", flows, Misconfigured("CAMPAIGN_CLIENT_SECRET", "Refused."))
    assert flows.read("contacts").status == "failed"
