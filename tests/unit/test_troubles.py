"""A poll that cannot go on says why, and ends: in a later poll, or in a failed flow."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dev.simulation.tables import TableService
from shared.errors import Cause, Misconfigured, Refusal, Rejected, Retryable, TokenExpired
from shared.pipeline.flow import Policy
from shared.pipeline.poll import RESTART_SECONDS, SHORTEST_RESTART_SECONDS, poll
from shared.pipeline.running import probe_delay, stop
from shared.records import Page
from shared.settings import load_settings
from shared.state.checkpoints import Checkpoint
from shared.state.flows import FAILED, RUNNING, Flows, FlowState
from tests.unit.test_settings import COMPLETE

TICK = 15.0


class AwayFlows(Flows):
    """On the simulation's tables; `is_away`: the tables do not answer."""

    def __init__(self, clock: Callable[[], float]) -> None:
        tables = TableService(self.perform)
        self.is_away = False
        super().__init__(cast(Any, tables.create_table_if_not_exists("flows")), clock)

    def perform(self, what: str, work: Callable[[], Any]) -> Any:
        if self.is_away:
            raise Retryable("The storage account did not answer.", cause=Cause.PAUSE)
        return work()


class World:
    """A flow whose source answers what a test says, and its bridge."""

    key = feed = letters = "contacts"
    table, queue, policy = "contact", "contacts", Policy()

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.flows = AwayFlows(lambda: self.now)
        self.checkpoint = Checkpoint("contacts", "contact")
        self.reads = 0
        self.source: Callable[[Checkpoint], Page] = lambda _: Page((), "behind", complete=True)
        bridge: Any = SimpleNamespace(
            now=lambda: self.now,
            sleep=lambda _: None,
            settings=load_settings(COMPLETE),
            flows=self.flows,
            checkpoints=self,
            handoff=SimpleNamespace(length=lambda _: 0, put=lambda *_, **__: 0),
            deadletters=None,
        )
        self.bridge = bridge

    def load(self, *_: str) -> Checkpoint:
        return self.checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    def read(self, checkpoint: Checkpoint) -> Page:
        self.reads += 1
        return self.source(checkpoint)

    def activate(self) -> str:
        return ""

    def mapping_version(self) -> int:
        return 1

    def metadata(self, reread: bool) -> str:
        return ""

    def probe(self, key: str) -> None: ...

    @property
    def state(self) -> FlowState:
        return self.flows.read("contacts")

    def poll(self) -> str:
        flow: Any = self
        return poll(flow, self.bridge)

    def polls(self, seconds: float) -> None:
        """As many as the timer starts in that time."""
        ends = self.now + seconds
        while self.now < ends:
            self.poll()
            self.now += TICK


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("shared.pipeline.poll.reconsider", lambda *_: None)
    yield World()


def raises(error: Exception) -> Callable[[Checkpoint], Page]:
    def read(_: Checkpoint) -> Page:
        raise error.with_traceback(None)  # else it grows with each time

    return read


STRANGE = Retryable("Dataverse answered GET changes with status 302, which is not known.")
UNREACHABLE = Retryable("Dataverse could not be reached.", cause=Cause.OUTAGE)
THROTTLED = Retryable("Dataverse answered GET changes with 429.", 1.0)
REFUSED = Rejected(Refusal("", "bad_request", "Campaign refused GET profile list."))


def test_a_bug_fails_the_flow_with_its_type_and_no_word_of_it(world: World) -> None:
    world.source = raises(KeyError("ana@example.org"))
    assert world.poll() == FAILED
    assert world.state.status == FAILED
    assert "KeyError" in world.state.reason
    assert "example.org" not in world.state.reason


@pytest.mark.parametrize("error", [STRANGE, REFUSED], ids=["unknown", "refused"])
def test_answers_that_no_poll_can_use_are_told_at_once_and_fail_the_flow_after_an_hour(
    world: World, error: Exception
) -> None:
    world.source = raises(error)
    world.polls(3500)
    assert (world.state.status, world.state.trouble) == (RUNNING, str(error))
    world.polls(200)
    assert world.state.status == FAILED
    assert str(error) in world.state.reason


@pytest.mark.parametrize("error", [UNREACHABLE, THROTTLED], ids=["unreachable", "throttled"])
def test_an_outage_is_told_and_fails_nothing(world: World, error: Exception) -> None:
    world.source = raises(error)
    world.polls(2 * 3600)
    assert (world.state.status, world.state.trouble) == (RUNNING, str(error))


def test_an_outage_before_a_strange_answer_uses_up_nothing(world: World) -> None:
    world.source = raises(UNREACHABLE)
    world.polls(2 * 3600)
    world.source = raises(STRANGE)
    world.polls(60)
    assert world.state.status == RUNNING


def test_a_poll_that_succeeds_takes_the_trouble_away(world: World) -> None:
    world.source = raises(STRANGE)
    world.polls(1800)
    world.source = lambda _: Page((), "behind", complete=True)
    world.poll()
    assert (world.state.trouble, world.state.failing_since) == ("", 0.0)


def test_the_cause_is_tried_again_by_itself_ever_less_often(world: World) -> None:
    world.source = raises(KeyError())
    world.polls(24 * 3600)
    assert 24 * 3600 / 900 - 10 < world.reads < 24 * 3600 / 900 + 20
    assert probe_delay(world.state, world.bridge) == 900.0
    world.source = lambda _: Page((), "behind", complete=True)
    world.polls(1000)
    assert (world.state.status, world.state.failures) == (RUNNING, 0)


def test_a_bug_in_the_probe_is_no_end_of_probing(world: World) -> None:
    def probe(_: str) -> None:
        raise ZeroDivisionError

    world.source = raises(KeyError())
    world.poll()
    world.probe = probe  # type: ignore[method-assign]
    world.polls(1800)
    assert world.state.status == FAILED
    del world.probe  # type: ignore[method-assign]
    world.source = lambda _: Page((), "behind", complete=True)
    world.polls(1000)
    assert world.state.status == RUNNING


def test_a_table_service_that_is_away_ends_a_poll_and_changes_nothing(world: World) -> None:
    world.flows.is_away = True
    assert world.poll() == "interrupted"
    world.flows.is_away = False
    assert world.state == FlowState()


def second_page_refused(checkpoint: Checkpoint) -> Page:
    if checkpoint.link:
        raise TokenExpired
    return Page((), "second page", complete=False)


def test_a_position_that_is_refused_again_starts_no_read_over_and_over(world: World) -> None:
    """Once an hour; in between it waits with a reason."""
    world.source = second_page_refused
    world.polls(1800)
    assert world.reads < 1800 / TICK + 5
    assert "refused the position" in world.state.trouble
    world.polls(2 * 3600)
    assert world.state.status == FAILED
    assert "refused the position" in world.state.reason


def test_a_position_that_expires_is_left_once_and_the_read_begins_anew(world: World) -> None:
    world.checkpoint.link = "old"
    links = list[str]()

    def read(checkpoint: Checkpoint) -> Page:
        links.append(checkpoint.link)
        if checkpoint.link == "old":
            raise TokenExpired
        return Page((), "new", complete=True)

    world.source = read
    assert world.poll() == "up to date"
    assert links == ["old", ""]
    world.now += RESTART_SECONDS
    world.checkpoint.link = "old"
    world.poll()
    assert links[2:] == ["old", ""]


def test_a_position_that_was_taken_may_expire_again_soon(world: World) -> None:
    """Two expiries within an hour are two full reads: the position between them was good."""
    links = list[str]()

    def read(checkpoint: Checkpoint) -> Page:
        links.append(checkpoint.link)
        if checkpoint.link == "expired":
            raise TokenExpired
        return Page((), "new", complete=True)

    world.source = read
    for _ in range(2):
        world.checkpoint.link = "expired"
        assert world.poll() == "up to date"
        world.now += TICK
        assert world.poll() == "up to date"
    assert links == ["expired", "", "new"] * 2


def test_a_position_that_expires_before_it_was_taken_is_left_soon(world: World) -> None:
    """Metadata changed after the last full read: opt-outs of Dynamics waited an hour for that."""

    def read(checkpoint: Checkpoint) -> Page:
        if checkpoint.link == "expired":
            raise TokenExpired
        return Page((), "new", complete=True)

    world.source = read
    world.checkpoint.link = "expired"
    assert world.poll() == "up to date"
    world.checkpoint.link = "expired"
    world.now += TICK
    assert world.poll() == "interrupted"
    world.now += SHORTEST_RESTART_SECONDS
    assert world.poll() == "up to date"


def test_a_source_may_say_where_the_read_begins_again(world: World) -> None:
    world.checkpoint.link = "void"
    links = list[str]()

    def read(checkpoint: Checkpoint) -> Page:
        links.append(checkpoint.link)
        if checkpoint.link == "void":
            raise TokenExpired("begin")
        return Page((), "new", complete=True)

    world.source = read
    world.poll()
    assert links == ["void", "begin"]


def test_a_setting_that_is_wrong_is_tried_as_often_as_ever(world: World) -> None:
    world.source = raises(Misconfigured("mapping", "Dataverse does not know the table."))
    world.poll()
    assert world.state.status == FAILED
    assert probe_delay(world.state, world.bridge) == 60.0


def test_a_page_that_came_slowly_is_not_handed_off_for_a_flow_that_was_stopped_meanwhile(
    world: World,
) -> None:
    put = list[object]()
    world.bridge.handoff.put = lambda *given, **_: put.append(given) or 1

    def read(_: Checkpoint) -> Page:
        world.now += 100.0
        stop("contacts", world.bridge, by="a person")
        return Page((), "behind", complete=True)

    world.source = read
    assert world.poll() == "stopped"
    assert (put, world.checkpoint.link) == ([], "")
