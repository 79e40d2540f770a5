"""A person's word wins: people and the bridge change a flow's row at once, on the simulation's
table service, which has Azure's ETags.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dev.simulation.tables import TableService
from shared.errors import Misconfigured, Retryable
from shared.pipeline import running
from shared.pipeline.flow import Bridge, Flow
from shared.settings import load_settings
from shared.state.flows import FAILED, RUNNING, STOPPED, Flows
from tests.unit.test_settings import COMPLETE

CAUSE = Misconfigured("CAMPAIGN_CLIENT_SECRET", "Campaign refuses the credential.")
KEY = "contacts"


class World:
    """One flow's row, and a clock. `meanwhile` is done once, just before the next write."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.meanwhile: Callable[[], None] | None = None
        self.lose_answer = False
        self.service = TableService(self.perform)
        self.flows = Flows(cast(Any, self.service.create_table_if_not_exists("flows")), self.now)
        settings = load_settings({**COMPLETE, "PAUSED_DELAY_SECONDS": "60"})
        parts = SimpleNamespace(flows=self.flows, now=self.now, settings=settings)
        self.bridge = cast(Bridge, parts)

    def now(self) -> float:
        return self.clock

    def perform(self, what: str, work: Callable[[], Any]) -> Any:
        write = not what.startswith(("create table", "flows get"))
        if write and self.meanwhile:
            deed, self.meanwhile = self.meanwhile, None
            deed()
        done = work()
        if write and self.lose_answer:  # the client sends it again, with the ETag of before
            self.lose_answer = False
            done = work()
        return done

    def flow(self, probe: Callable[[], None] = lambda: None) -> Flow:
        return cast(
            Flow,
            SimpleNamespace(
                key=KEY,
                feed=KEY,
                activate=lambda: "",
                mapping_version=lambda: 1,
                probe=lambda _: probe(),
            ),
        )

    def fail(self) -> None:
        running.fail(KEY, self.bridge, CAUSE)

    def recover(self, probe: Callable[[], None] = lambda: None) -> bool:
        self.clock += 61
        return running.recovered(KEY, self.flow(probe), self.bridge)

    def stop(self) -> None:
        running.stop(KEY, self.bridge, by="key anna")

    def start(self) -> None:
        running.start(KEY, self.bridge, by="key anna")

    @property
    def status(self) -> str:
        return self.flows.read(KEY).status


def test_a_stop_while_the_cause_is_probed_stays() -> None:
    world = World()
    world.fail()
    assert not world.recover(probe=world.stop)
    assert (world.status, world.flows.read(KEY).by) == (STOPPED, "key anna")


def test_a_stop_just_before_the_bridge_writes_stays() -> None:
    world = World()
    world.fail()
    world.meanwhile = world.stop
    assert not world.recover()
    assert (world.status, world.flows.read(KEY).by) == (STOPPED, "key anna")


def test_a_cause_that_is_still_there_says_nothing_of_a_flow_that_was_stopped() -> None:
    world = World()
    world.fail()

    def probe() -> None:
        world.stop()
        raise CAUSE

    assert not world.recover(probe)
    state = world.flows.read(KEY)
    assert (state.status, state.reason, state.setting) == (STOPPED, "stopped by a person", "")


def test_a_stop_just_before_a_failure_is_written_stays() -> None:
    world = World()
    world.start()
    world.meanwhile = world.stop
    world.fail()
    assert world.status == STOPPED


def test_a_flow_that_failed_anew_is_not_resumed_by_the_probe_of_the_failure_before() -> None:
    world = World()
    world.fail()

    def probe() -> None:
        world.start()
        world.fail()

    assert not world.recover(probe)
    assert world.status == FAILED


@pytest.mark.parametrize("command", ["stop", "start"])
def test_a_persons_word_stands_whoever_comes_first(command: str) -> None:
    world = World()
    world.fail()
    world.meanwhile = (
        world.start if command == "stop" else world.stop
    )  # another person, a moment before
    getattr(world, command)()
    assert world.status == {"stop": STOPPED, "start": RUNNING}[command]


@pytest.mark.parametrize("deed", ["fail", "stop", "start", "recover"])
@pytest.mark.parametrize("first", [True, False], ids=["first row", "row that is there"])
def test_a_change_whose_answer_was_lost_counts_once(deed: str, first: bool) -> None:
    world = World()
    if not first or deed == "recover":
        world.start()
    if deed == "recover":
        world.fail()
    before = world.flows.read(KEY).word
    world.lose_answer = True
    assert getattr(world, deed)() in (None, True)
    assert world.flows.read(KEY).word == before + 1
    expected = {"fail": FAILED, "stop": STOPPED, "start": RUNNING, "recover": RUNNING}
    assert world.status == expected[deed]


def test_what_the_bridge_has_seen_is_noted_beside_a_stop_and_takes_nothing_back() -> None:
    world = World()
    world.stop()
    world.flows.observe(KEY, polled_at=7.0)
    state = world.flows.read(KEY)
    assert (state.status, state.polled_at) == (STOPPED, 7.0)


def test_others_who_keep_coming_first_end_in_a_retryable_and_not_in_a_lost_word() -> None:
    world = World()
    world.start()

    def again() -> None:
        world.flows.observe(KEY, polled_at=world.flows.read(KEY).polled_at + 1)
        world.meanwhile = again

    world.meanwhile = again
    with pytest.raises(Retryable, match="give the command again"):
        world.stop()


@given(word=st.integers(0, 3), by=st.sampled_from(["bridge", "key anna"]), since=st.floats(0, 9))
def test_a_row_of_the_version_before_is_read(word: int, by: str, since: float) -> None:
    world = World()
    row = {"PartitionKey": "flows", "RowKey": KEY, "status": FAILED, "by": by, "since": since}
    world.flows.table.upsert_entity(row | ({"word": word} if word else {}))
    assert (world.flows.read(KEY).word, world.status) == (word, FAILED)
    assert world.recover() and world.status == RUNNING


class Control(RuleBasedStateMachine):
    """People and the bridge, in any order, also in the middle of each other's changes."""

    deeds = st.sampled_from(["stop", "start", "fail", "recover", "observe"])

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.last_word = ""  # of a person

    def do(self, deed: str) -> None:
        if deed == "observe":
            self.world.flows.observe(KEY, polled_at=self.world.now())
        else:
            getattr(self.world, deed)()
        if deed in ("stop", "start"):
            self.last_word = deed

    @rule(deed=deeds, meanwhile=st.none() | deeds)
    def act(self, deed: str, meanwhile: str | None) -> None:
        self.world.clock += 1
        self.world.meanwhile = (lambda: self.do(meanwhile)) if meanwhile else None
        self.do(deed)
        self.world.meanwhile = None

    @rule(meanwhile=deeds)
    def probe(self, meanwhile: str) -> None:
        self.world.recover(probe=lambda: self.do(meanwhile))

    @invariant()
    def the_stop_of_a_person_stands_until_a_person_starts(self) -> None:
        assert (self.world.status == STOPPED) == (self.last_word == "stop")

    @invariant()
    def who_stopped_or_started_it_is_said(self) -> None:
        state = self.world.flows.read(KEY)
        assert state.status != STOPPED or state.by == "key anna"


TestControl = Control.TestCase
