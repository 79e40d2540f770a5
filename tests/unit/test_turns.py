"""custom_entities_poll: how long one run lasts, and that each table gets its turn."""

from collections.abc import Callable
from contextlib import nullcontext
from math import ceil
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.settings_bicep import functions
from functions import custom_entities
from shared import deadlines
from shared.deadlines import RUN_SECONDS, within
from shared.errors import Retryable
from shared.pipeline.flow import Policy
from shared.pipeline.turns import Turns, share
from shared.records import Change, Kind, Page
from shared.settings import load_settings
from shared.state.checkpoints import Checkpoint
from shared.state.flows import FlowState
from tests.unit.test_settings import COMPLETE

POLL = functions()["custom_entities_poll"].get_user_function().__wrapped__
"""Without the budget of `in_time`, which goes by the real clock: the test gives its own."""

TICK = 15
PAGE_SECONDS = 2.5
"""A page of 5,000 rows from Dataverse, and its messages on the queue."""


class Table:
    """A flow with so many pages to read; `hangs`: it does not answer until its time is up."""

    policy, queue = Policy(), "custom-entities"

    def __init__(self, world: "World", name: str, pages: int, hangs: bool = False) -> None:
        self.world, self.table, self.pages, self.hangs = world, name, pages, hangs
        self.key = self.feed = self.letters = f"custom_entities-{name}"
        self.reads = 0

    def read(self, checkpoint: Checkpoint) -> Page:
        if self.hangs:
            self.world.now += min(180.0, deadlines.seconds_left(self.world.clock))
            raise Retryable("Dataverse gave no answer.")
        self.world.now += PAGE_SECONDS
        self.reads, self.pages = self.reads + 1, self.pages - 1
        changes = (Change(self.table, Kind.ROW, 1, {}),)
        return Page(changes, f"page {self.reads}", self.pages <= 0)

    def activate(self) -> str:
        return ""

    def mapping_version(self) -> int:
        return 1


class World:
    """A queue that all instances drain by so many messages a second, and a clock."""

    def __init__(self, drained: float) -> None:
        self.now, self.drained, self.held, self.at = 0.0, drained, 0.0, 0.0
        self.puts: list[float] = []
        self.tables: dict[str, Table] = {}
        self.checkpoints: dict[str, Checkpoint] = {}
        self.caught_up: list[float] = []
        flows: Any = SimpleNamespace(
            now=self.clock,
            reading=lambda _: nullcontext(True),
            state=lambda _: FlowState(),
            read=lambda _: FlowState(),
            change=lambda *_, **__: None,
            observe=lambda *_, **__: None,
        )
        self.bridge: Any = SimpleNamespace(
            now=self.clock,
            sleep=lambda _: None,
            settings=load_settings(COMPLETE),
            handoff=self,
            checkpoints=self,
            flows=flows,
        )

    def clock(self) -> float:
        return self.now

    def add(self, name: str, pages: int, hangs: bool = False) -> Table:
        self.tables[name] = Table(self, name, pages, hangs)
        return self.tables[name]

    def put(self, queue: str, *_: Any, **__: Any) -> int:
        self.held = self.length(queue) + 64
        self.puts.append(self.now)
        return 64

    def oldest_inserted(self, queue: str) -> float | None:
        """When the message at the head was put: those before it have been taken."""
        length = self.length(queue)
        return self.puts[-ceil(length / 64)] if length else None

    def length(self, _: str) -> int:
        self.held = max(0.0, self.held - (self.now - self.at) * self.drained)
        self.at = self.now
        return int(self.held)

    def load(self, flow: str, table: str) -> Checkpoint:
        return self.checkpoints.setdefault(flow, Checkpoint(flow, table))

    def save(self, checkpoint: Checkpoint) -> None: ...

    def ticks(self, count: int) -> list[float]:
        """How long each run of the timer lasts."""
        lasted = []
        for _ in range(count):
            began = self.now
            with within(RUN_SECONDS, self.clock):
                POLL(None, SimpleNamespace(trace_context=SimpleNamespace(trace_parent="")))
            lasted.append(self.now - began)
            self.now = max(self.now, began + TICK)
        return lasted


@pytest.fixture
def new_world(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], World]:
    def make(drained: float) -> World:
        world, turns = World(drained), Turns()
        wiring: Any = SimpleNamespace(
            bridge=world.bridge,
            turns=turns,
            catalog=SimpleNamespace(
                tables=lambda: sorted(world.tables), unknown_seconds=lambda: 60.0
            ),
            table_flow=world.tables.get,
        )
        monkeypatch.setattr(custom_entities, "wiring", lambda: wiring)
        monkeypatch.setattr("functions.triggers.wiring", lambda: wiring)
        monkeypatch.setattr(
            custom_entities, "catch_up", lambda *_: world.caught_up.append(world.now)
        )
        monkeypatch.setattr(custom_entities, "release_due", lambda *_: None)
        monkeypatch.setattr("functions.triggers.release_due", lambda *_: None)
        monkeypatch.setattr("shared.pipeline.poll.reconsider", lambda *_: None)
        for module in ("functions.custom_entities", "shared.pipeline.poll"):
            monkeypatch.setattr(
                f"{module}.seconds_left", lambda: deadlines.seconds_left(world.clock)
            )
        monkeypatch.setattr(
            custom_entities,
            "within",
            lambda seconds: deadlines.within(seconds, world.clock),
        )
        return world

    return make


def test_no_run_is_longer_than_its_budget_however_much_there_is_to_read(
    new_world: Callable[[float], World],
) -> None:
    world = new_world(60)
    for name in ("a", "b", "c"):
        world.add(name, 10_000)
    assert max(world.ticks(20)) <= RUN_SECONDS
    reads = [table.reads for table in world.tables.values()]
    assert min(reads) > 0.8 * max(reads)


def test_a_table_with_much_to_read_leaves_its_turn_to_the_others(
    new_world: Callable[[float], World],
) -> None:
    """A queue that one table alone keeps full."""
    world = new_world(16)
    world.add("a_orders", 10**9)
    visits = world.add("b_visits", 1)
    lasted = world.ticks(40)
    assert visits.reads >= 15
    assert max(lasted) < 90


def test_a_table_that_does_not_answer_is_not_always_first(
    new_world: Callable[[float], World],
) -> None:
    world = new_world(60)
    for name in ("a", "b", "c", "d"):
        world.add(name, 1, hangs=True)
    last = world.add("e", 10**9)
    assert max(world.ticks(10)) <= RUN_SECONDS + PAGE_SECONDS
    assert last.reads > 0
    assert len(world.caught_up) == 10


def test_a_single_table_reads_as_long_as_it_may(new_world: Callable[[float], World]) -> None:
    world = new_world(1000)
    table = world.add("a", 10**9)
    world.ticks(1)
    assert table.reads > 50


@given(st.floats(0.0, 450.0), st.integers(0, 50))
def test_a_share_is_never_more_than_what_is_left(left: float, waiting: int) -> None:
    assert 0 <= share(left, waiting) <= left


@given(st.lists(st.text(min_size=1), unique=True, max_size=8))
def test_each_table_is_first_once_in_so_many_runs(tables: list[str]) -> None:
    turns = Turns()
    orders = [turns.order(tables) for _ in tables]
    assert sorted(order[0] for order in orders) == sorted(tables)
    assert all(sorted(order) == sorted(tables) for order in orders)
