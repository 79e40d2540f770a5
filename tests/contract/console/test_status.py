"""`GET /api/status`: every flow, or one alone, which costs its own reads only; and the watch."""

import json
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from dev.bench.storage_calls import counted_storage
from functions import console
from shared.console import status as views
from shared.pipeline.flow import Bridge, Flow
from tests.contract.console.kit import World


@pytest.fixture(autouse=True)
def wired(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "wiring", lambda: world.wiring)
    monkeypatch.setattr(console, "flows", world.flows)


def ask(**params: str) -> tuple[int, Any]:
    function: Any = console.console_status
    request = func.HttpRequest("GET", "/api/status", params=params, body=b"")
    answer = function.build().get_user_function()(request)
    return answer.status_code, json.loads(answer.get_body())


def test_one_flow_is_as_it_is_among_all(world: World) -> None:
    world.dynamics.create_contact(quietly=True, lastname="Reader")
    world.sync()
    _, every = ask()
    assert set(every["flows"]) == set(world.flows())
    for name in every["flows"]:
        status, one = ask(flow=name)
        assert (status, set(one["flows"])) == (200, {name})
        assert steady(one["flows"][name]) == steady(every["flows"][name])
    assert ask(flow="contacts")[1]["flows"]["contacts"]["records"] == {"created": 1}


def steady(row: dict[str, Any]) -> dict[str, Any]:
    """Without ages, which grow from one request to the next."""
    return {name: value for name, value in row.items() if not name.endswith("_seconds")}


def test_one_flow_costs_less_than_all(world: World) -> None:
    ask()  # what is kept in memory is there
    with counted_storage() as all_reads:
        ask()
    with counted_storage() as reads:
        ask(flow="contacts")
    assert 0 < len(reads) <= len(all_reads) / len(world.flows()) * 1.5


def test_the_watch_reads_each_flow_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every five minutes: for the line that alerts read, and for the start page."""
    monkeypatch.setattr(console, "ready", lambda: world.wiring.bridge)
    asked: list[str] = []
    read = views.flow_status

    def counted(flow: Flow, bridge: Bridge, key: str) -> dict[str, Any]:
        asked.append(key)
        return read(flow, bridge, key)

    monkeypatch.setattr(views, "flow_status", counted)
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))
    console.console_watch.build().get_user_function()(None, context)
    assert asked == list(world.flows())
    assert [one["key"] for one in world.data("")["flows"]] == list(world.flows())
    assert world.wiring.figures.latest() is not None


@pytest.mark.parametrize("name", ["", "nothing", "contacts ", "Contacts"])
def test_a_flow_that_there_is_not_is_named_no_other(name: str) -> None:
    status, body = ask(flow=name)
    assert status == 404
    assert "use one of contacts" in body["error"]
