"""Each kind of log line of the bridge, from each kind of thread that writes one, carries its
invocation's id.

Runs on Microsoft's worker library, where a line without the id of a known invocation is dropped, as
in Azure.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from shared import telemetry
from tests.contract.host.conftest import wait_until

SOURCE = """
import inspect, sys
from shared import telemetry
from shared.threads import ThreadPool, call_later

POOLS = {name: ThreadPool(2, name) for name in ("writer", "urgent", "ledger", "news")}
SAMPLES = {"str": "", "int": 0, "float": 0.0, "Exception": ValueError()}

def write(kind, thread):
    function = getattr(telemetry, kind)
    values = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is inspect.Parameter.empty:
            wanted = parameter.annotation
            values[name] = SAMPLES[getattr(wanted, "__name__", str(wanted))]
    if "level" in inspect.signature(function).parameters:
        values["level"] = logging.ERROR
    function(**values | {"flow": f"{kind} by {thread}"})

def on_every_thread(kind):
    write(kind, "invocation")
    for name, pool in POOLS.items():
        pool.submit(write, kind, name).result()
        list(pool.map(lambda kind: write(kind, f"map of {name}"), [kind]))
    inner = POOLS["ledger"]
    POOLS["writer"].submit(lambda: inner.submit(write, kind, "pool of a pool").result()).result()
    call_later(0, lambda: write(kind, "timer")).join()

@app.route("write")
def write_all(req: func.HttpRequest, context: func.Context) -> str:
    for kind in req.params["kinds"].split(","):
        on_every_thread(kind)
    return context.invocation_id
"""
KINDS = [
    name
    for name, function in inspect.getmembers(telemetry, inspect.isfunction)
    if function.__module__ == telemetry.__name__
    and "flow" in inspect.signature(function).parameters
]
POOLS = ("writer", "urgent", "ledger", "news")
THREADS = ["invocation", *POOLS, *(f"map of {name}" for name in POOLS), "pool of a pool", "timer"]


@pytest.fixture(scope="module")
def written(new_app: Callable[..., Any], launch: Callable[..., Any]) -> set[tuple[str, str]]:
    """(flow, invocation) of each line in the host's log, after two invocations on the same
    threads.
    """
    host = launch(new_app(SOURCE))
    ids = [host.call("/api/write", params={"kinds": ",".join(KINDS)}).text[:8] for _ in range(2)]
    wait_until(lambda: host.log().count("(Succeeded") == 2)
    lines = re.findall(r' bridge (\w{8}): .*"flow": "([^"]*)"', host.log())
    return {(flow, str(ids.index(invocation))) for invocation, flow in lines}


def test_all_kinds_are_tried() -> None:
    assert {
        "settled",
        "settled_together",
        "polled",
        "watched",
        "flow_changed",
        "refused",
        "noted",
    } <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_from_every_thread_has_the_id_of_the_invocation_that_it_works_for(
    written: set[tuple[str, str]], kind: str
) -> None:
    wanted = {(f"{kind} by {thread}", invocation) for thread in THREADS for invocation in "01"}
    assert not wanted - written
