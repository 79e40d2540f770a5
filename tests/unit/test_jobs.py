"""Jobs: one for what is ordered twice, a saved place, an end in time. On the simulation's tables
and blobs, which have Azure's ETags and pages.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.simulation.blobs import BlobService
from dev.simulation.tables import TableService
from shared.console.jobs import job_json
from shared.console.status import dead_letters
from shared.errors import Retryable
from shared.pipeline import replay as replays
from shared.pipeline import running, sweep
from shared.pipeline.flow import Bridge, Flow, PlainFlow, Policy
from shared.pipeline.jobs import DELETIONS, LEASE_SECONDS, MISSING, carry_on, carry_on_all
from shared.records import Change
from shared.settings import load_settings
from shared.state.checkpoints import Checkpoint, Checkpoints
from shared.state.deadletters import DeadLetter, DeadLetters
from shared.state.flows import Flows
from shared.state.job_results import JobResults
from shared.state.jobs import CANCELLED, DONE, RUNNING, WAITING, Job, Jobs
from shared.state.sweeps import Sweeps
from tests.unit.test_settings import COMPLETE


class Killed(BaseException):
    """The end of an instance."""


class Queue:
    """Takes time for each message; may end the instance."""

    def __init__(self, world: "World") -> None:
        self.world, self.ids, self.messages = world, Counter[str](), 0

    def put(
        self, queue: str, flow: str, table: str, version: int, changes: Iterable[Change], **_: Any
    ) -> int:
        listed = list(changes)
        self.ids.update(change.record_id for change in listed)
        self.messages += (len(listed) + 98) // 99
        self.world.clock += self.world.seconds_per_message * ((len(listed) + 98) // 99)
        self.world.io("put")
        return 0

    def take_back(self, queue: str, most: int) -> int:
        return 0

    def length(self, queue: str) -> int:
        return self.world.length


class FakeFlow(PlainFlow):
    key = feed = letters = queue = "contacts"
    table, policy = "contact", Policy(detects_missed_deletes=True)

    def mapping_version(self) -> int:
        return 3


class World:
    def __init__(self, page_rows: Callable[[], int] = lambda: 1000) -> None:
        self.clock, self.length, self.seconds_per_message = 1_700_000_000.0, 0, 0.0
        self.kill_at = -1
        self.meanwhile: Callable[[], None] | None = None
        self.steps = 0
        self.tables = table = TableService(self.perform, page_rows)
        blob = BlobService(self.perform, self.now)
        containers = {name: blob.get_container_client(name) for name in ("sweeps", "l", "p", "r")}
        for container in containers.values():
            container.create_container()
        tables: dict[str, Any] = {
            name: table.create_table_if_not_exists(name)
            for name in ("jobs", "deadletters", "flows", "checkpoints")
        }
        self.queue = Queue(self)
        bodies: tuple[Any, Any] = (containers["l"], containers["p"])
        self.bridge = cast(
            Bridge,
            SimpleNamespace(
                now=self.now,
                settings=load_settings(COMPLETE),
                jobs=Jobs(tables["jobs"], self.now),
                sweeps=Sweeps(cast(Any, containers["sweeps"])),
                results=JobResults(cast(Any, containers["r"])),
                deadletters=DeadLetters(tables["deadletters"], *bodies),
                flows=Flows(tables["flows"], self.now),
                checkpoints=Checkpoints(tables["checkpoints"]),
                handoff=self.queue,
            ),
        )
        self.flow = cast(Flow, FakeFlow())

    def now(self) -> float:
        return self.clock

    def perform(self, what: str, work: Callable[[], Any]) -> Any:
        done = work()
        self.io(what)
        return done

    def io(self, what: str) -> None:
        self.steps += 1
        if self.steps == self.kill_at:
            raise Killed
        if self.meanwhile and what == "put":
            deed, self.meanwhile = self.meanwhile, None
            deed()

    def put_letters(self, count: int, reason: str = "too_long") -> None:
        for number in range(count):
            letter = DeadLetter("contacts", f"{number:05d}", reason, "", "", 1, 1, self.clock)
            self.bridge.deadletters.put(letter)

    def put_letters_of(self, other: "World") -> None:
        """The same ones, without the work of putting them."""
        self.tables.number = other.tables.number
        self.tables.tables["deadletters"] = dict(other.tables.tables["deadletters"])

    def order(self) -> Job:
        self.clock += 0.5
        return replays.order_letters(self.flow, self.bridge, "key anna")

    def begin(self, job: Job) -> Job:
        return replays.begin(self.flow, self.bridge, job)

    def tick(self, seconds: float = 240.0) -> None:
        carry_on_all({"contacts": self.flow}, self.bridge, seconds, replays.WORKS)


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_short_and_empty_pages_of_the_service_end_no_list_of_dead_letters(limit: int) -> None:
    sizes = itertools.cycle([0, 3, 0, 0, 1, 5])
    world = World(page_rows=lambda: next(sizes))
    world.put_letters(23)
    after, seen = "", list[str]()
    while True:
        page = dead_letters("contacts", world.bridge, after, limit)
        seen += [letter["record_id"] for letter in page["dead_letters"]]
        if not page["next"]:
            break
        after = page["next"]
    assert len(seen) == len(set(seen)) == 23


def test_short_and_empty_pages_end_no_job_and_no_list_of_jobs() -> None:
    sizes = itertools.cycle([0, 3, 0, 0, 1, 5])
    world = World(page_rows=lambda: next(sizes))
    world.put_letters(23)
    job = world.order()
    assert [one.id for one in world.bridge.jobs.open()] == [job.id]
    assert world.begin(job).counts == {"handed_off": 23}
    assert [one.id for one in world.bridge.jobs.of("contacts", 5)] == [job.id]


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_pressed_twice_is_one_job_and_hands_off_once(world: World) -> None:
    world.put_letters(2500)
    world.seconds_per_message = 1.0  # 13 messages are more than one request may take
    first = world.begin(world.order())
    again = world.begin(world.order())
    assert first.id == again.id
    world.tick()
    assert set(world.queue.ids.values()) == {1}
    assert len(world.queue.ids) == 2500


def test_what_is_pressed_again_when_the_job_is_over_hands_off_what_is_not_under_way(
    world: World,
) -> None:
    world.put_letters(300)
    assert world.begin(world.order()).counts == {"handed_off": 300}
    world.put_letters(7)  # refused anew
    second = world.begin(world.order())
    assert (second.state, second.counts) == (DONE, {"handed_off": 7, "under_way": 293})
    world.clock += 601
    assert world.begin(world.order()).counts["handed_off"] == 300


def test_two_who_press_at_the_same_moment_order_one(world: World) -> None:
    world.put_letters(10)
    jobs = [world.order(), world.order()]
    assert len({job.id for job in jobs}) == 1
    for job in jobs:
        world.begin(job)
    assert set(world.queue.ids.values()) == {1}


def test_a_job_of_an_instance_that_died_is_taken_over_and_nothing_is_left_out() -> None:
    """At every I/O of the hand-off."""
    kill_at, done, filled = 1, False, World()
    filled.put_letters(1500)
    while not done:
        world = World()
        world.put_letters_of(filled)
        job = world.order()
        world.kill_at = world.steps + kill_at
        try:
            world.begin(job)
            done, world.kill_at = True, -1
        except Killed:
            world.clock += LEASE_SECONDS + 1
            world.tick()
        assert len(world.queue.ids) == 1500, f"killed at I/O {kill_at}"
        assert max(world.queue.ids.values()) <= 2
        assert world.bridge.jobs.open() == []
        kill_at += 1
    assert kill_at > 10


def test_while_somebody_carries_it_on_nobody_else_does(world: World) -> None:
    world.put_letters(10)
    job = world.order()
    seen: list[Job] = []
    world.meanwhile = lambda: seen.append(
        carry_on(world.flow, world.bridge, world.order(), 9e9, replays.WORKS[job.kind])
    )
    world.begin(job)
    assert seen[0].state == RUNNING
    assert set(world.queue.ids.values()) == {1}


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "long queue"])
def test_a_job_waits_with_a_code_until_its_flow_takes_records(world: World, stop: bool) -> None:
    world.put_letters(10)
    if stop:
        running.stop("contacts", world.bridge, "key anna")
    else:
        world.length = 10**9
    job = world.begin(world.order())
    expected = "flow_stopped" if stop else "queue_is_long"
    assert (job.state, job.waits_for, world.queue.ids) == (WAITING, expected, {})
    running.start("contacts", world.bridge, "key anna")
    world.length = 0
    world.tick()
    ended = world.bridge.jobs.find(job.id)
    assert ended and ended.state == DONE
    assert len(world.queue.ids) == 10


def test_a_job_that_is_cancelled_ends_and_keeps_what_it_has_done(world: World) -> None:
    world.put_letters(2500)
    job = world.order()
    world.meanwhile = lambda: cast(None, world.bridge.jobs.cancel(job.id))
    world.begin(job)
    world.tick()
    ended = world.bridge.jobs.find(job.id)
    assert ended and ended.state == CANCELLED
    assert len(world.queue.ids) == 1000
    assert world.bridge.jobs.open() == []
    assert world.bridge.jobs.cancel(job.id) == ended


@pytest.mark.parametrize(
    "job_id", ["", "contacts", "a-b", "contacts-dead_letters-x", "contacts-dead_letters-1", "--1"]
)
def test_an_id_of_no_job_finds_none(world: World, job_id: str) -> None:
    world.begin(world.order())
    assert world.bridge.jobs.find(job_id) is None
    assert world.bridge.jobs.cancel(job_id) is None


def test_jobs_are_listed_newest_first_and_forgotten_after_30_days(world: World) -> None:
    ids = []
    for _ in range(3):
        world.clock += 10
        ids.append(world.begin(world.order()).id)
    assert [job.id for job in world.bridge.jobs.of("contacts", 2)] == ids[:0:-1]
    world.clock += 30 * 24 * 3600
    world.tick()
    assert [job.id for job in world.bridge.jobs.of("contacts", 9)] == []
    assert world.bridge.jobs.find(ids[0]) is None


def test_a_job_says_how_far_it_is(world: World) -> None:
    job = Job("contacts", "dead_letters", 1_000_000, total=300, updated_at=1010.0)
    told = job_json(replace(job, counts=Counter(handed_off=100)))
    assert (told["rate"], told["seconds_left"], told["total"]) == (10.0, 20.0, 300)
    assert job_json(replace(job, total=0))["seconds_left"] is None


# The hand-off of a sweep


def confirmed(world: World, count: int) -> Checkpoint:
    checkpoint = Checkpoint("contacts", "contact", sweep=sweep.CONFIRMED, missing=count)
    checkpoint.sweep_run = "contacts-contact-1699999000000"
    ids = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(count)]
    for start in range(0, count, 1000):
        world.bridge.sweeps.add(checkpoint.sweep_run, ids[start : start + 1000])
    world.bridge.checkpoints.save(checkpoint)
    return checkpoint


def test_a_confirmed_sweep_of_many_goes_on_from_its_place_within_the_time_of_each_tick(
    world: World,
) -> None:
    confirmed(world, 100_000)
    world.seconds_per_message = 2.4
    ticks, longest = 0, 0.0
    while world.bridge.checkpoints.load("contacts", "contact").sweep:
        began, ticks = world.clock, ticks + 1
        checkpoint = world.bridge.checkpoints.load("contacts", "contact")
        sweep.sweep(world.flow, world.bridge, checkpoint, world.clock + 240.0)
        longest = max(longest, world.clock - began)
        assert ticks < 50
    assert longest < 240 + 2.4 * 150  # one step more
    assert set(world.queue.ids.values()) == {1}
    assert len(world.queue.ids) == 100_000
    assert world.bridge.sweeps.page("contacts-contact-1699999000000", 0) == ([], 0)


def test_poll_and_timer_carry_the_same_sweep_on_together(world: World) -> None:
    checkpoint = confirmed(world, 50_000)
    world.meanwhile = world.tick
    assert sweep.sweep(world.flow, world.bridge, checkpoint, world.clock + 1e6) == "up to date"
    assert set(world.queue.ids.values()) == {1}
    assert len(world.queue.ids) == 50_000


def test_a_replay_of_all_takes_no_confirmed_deletion_back(world: World) -> None:
    checkpoint = confirmed(world, 30_000)
    sweep.sweep(world.flow, world.bridge, checkpoint, world.clock - 1.0)  # no time: only ordered
    checkpoint.replay_all()
    world.bridge.checkpoints.save(checkpoint)
    world.clock += LEASE_SECONDS + 1
    world.tick()
    assert len(world.queue.ids) == 30_000


@settings(max_examples=40, deadline=None)
@given(kills=st.lists(st.integers(1, 12), max_size=4), count=st.integers(1, 60_000))
def test_whoever_dies_where_it_may_each_id_is_handed_off(kills: list[int], count: int) -> None:
    world = World()
    confirmed(world, count)
    for kill in [*kills, 0]:
        world.kill_at = world.steps + kill if kill else -1
        try:
            checkpoint = world.bridge.checkpoints.load("contacts", "contact")
            sweep.sweep(world.flow, world.bridge, checkpoint, world.clock + 1e6)
        except (Killed, Retryable):
            world.clock += LEASE_SECONDS + 1
    assert len(world.queue.ids) == count
    assert world.bridge.jobs.open() == []


# A replay of all


def all_job(world: World) -> Job:
    return world.begin(replays.order_all("contacts", [world.flow], world.bridge, "key anna"))


def test_a_replay_of_all_is_a_job_until_its_polls_have_read_all(world: World) -> None:
    job = all_job(world)
    assert (job.state, job.waits_for) == (WAITING, "polls")
    assert all_job(world).id == job.id
    checkpoint = world.bridge.checkpoints.load("contacts", "contact")
    assert (checkpoint.phase, checkpoint.replay) == ("full", True)
    checkpoint.rows, checkpoint.link = 5, "behind the first page"
    world.bridge.checkpoints.save(checkpoint)
    world.tick()
    found = world.bridge.jobs.find(job.id)
    assert found and (found.state, found.counts) == (WAITING, {"read": 5})
    checkpoint.replay = False
    world.bridge.checkpoints.save(checkpoint)
    world.tick()
    ended = world.bridge.jobs.find(job.id)
    assert ended and ended.state == DONE


def test_a_replay_of_all_that_is_ordered_while_one_reads_begins_it_again(world: World) -> None:
    """The source may have been restored meanwhile: what was read is out of date."""
    job = all_job(world)
    checkpoint = world.bridge.checkpoints.load("contacts", "contact")
    checkpoint.rows, checkpoint.link = 5, "behind the first page"
    world.bridge.checkpoints.save(checkpoint)
    world.clock += 1
    assert all_job(world).id == job.id
    found = world.bridge.checkpoints.load("contacts", "contact")
    assert (found.link, found.phase, found.replay) == ("", "full", True)
    assert world.bridge.flows.state("contacts").replays == 2, "each order counts"


def test_a_replay_of_all_that_is_ordered_when_the_polls_of_one_are_done_is_another(
    world: World,
) -> None:
    first = all_job(world)
    checkpoint = world.bridge.checkpoints.load("contacts", "contact")
    checkpoint.replay = False  # read, and the timer has not looked since
    world.bridge.checkpoints.save(checkpoint)
    world.clock += 1
    second = all_job(world)
    assert second.id != first.id
    assert world.bridge.checkpoints.load("contacts", "contact").replay


def test_a_replay_of_all_that_is_cancelled_writes_only_what_has_changed(world: World) -> None:
    job = all_job(world)
    cancelled = world.begin(cast(Job, world.bridge.jobs.cancel(job.id)))
    assert cancelled.state == CANCELLED
    checkpoint = world.bridge.checkpoints.load("contacts", "contact")
    assert (checkpoint.phase, checkpoint.replay) == ("full", False)


def test_a_replay_of_all_stands_though_a_poll_saves_its_place_at_the_same_time(
    world: World,
) -> None:
    checkpoint = Checkpoint("contacts", "contact", phase="delta", link="token")
    world.bridge.checkpoints.save(checkpoint)
    poll = world.bridge.checkpoints.load("contacts", "contact")

    def order(given: Checkpoint) -> None:
        if given.link == "token":
            poll.link = "later token"
            world.bridge.checkpoints.save(poll)  # a moment before
        given.replay_all()

    replays.change_checkpoint(world.bridge, "contacts", "contact", order)
    found = world.bridge.checkpoints.load("contacts", "contact")
    assert (found.phase, found.link, found.replay) == ("full", "", True)


@pytest.mark.parametrize("change", [Checkpoint.restart], ids=["read anew"])
def test_a_read_that_begins_anew_is_a_replay_still(change: Callable[[Checkpoint], None]) -> None:
    checkpoint = Checkpoint("contacts", "contact", link="middle", columns="a")
    checkpoint.replay_all()
    checkpoint.link = "middle"
    change(checkpoint)
    assert (checkpoint.link, checkpoint.phase, checkpoint.replay) == ("", "full", True)


def test_what_reads_nothing_refuses_a_replay_of_all(world: World) -> None:
    class Delivers(FakeFlow):
        reads = False

    class Once(FakeFlow):
        read_once = "A file is read once."

    with pytest.raises(replays.NotReplayed, match="reads nothing"):
        replays.order_all("x", [cast(Flow, Delivers())], world.bridge, "")
    with pytest.raises(replays.NotReplayed, match="A file is read once"):
        replays.order_all("x", [cast(Flow, Once())], world.bridge, "")
    job = replays.order_all("x", [cast(Flow, Once()), world.flow], world.bridge, "")
    assert json.loads(job.run) == [["contacts", "contact"]]


def test_the_step_of_a_job_that_others_took_over_is_not_saved(world: World) -> None:
    job = world.bridge.jobs.order(Job("contacts", DELETIONS, 1, run="none"))
    world.bridge.jobs.save(replace(job, place="5"))
    with pytest.raises(Retryable, match="carries this job on"):
        world.bridge.jobs.save(replace(job, place="3"))
    with pytest.raises(Retryable, match="carries this job on"):
        world.bridge.jobs.end(job, DONE)
    assert carry_on(world.flow, world.bridge, world.bridge.jobs.open()[0], 9e9, MISSING).is_over
