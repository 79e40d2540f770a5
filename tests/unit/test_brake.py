"""The brake on destructive acts: none beyond the settings is done unasked, whatever its origin.

The product's own delivery, ledger, waiting room and jobs, on the simulation's tables.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import count, islice
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dev.simulation.tables import TableService
from shared.console.questions import question
from shared.errors import Misconfigured, Retryable
from shared.pipeline import answering, brake, running
from shared.pipeline.decision import Act, Decision
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Bridge, Flow, PlainFlow, Policy, Results
from shared.pipeline.jobs import carry_on
from shared.pipeline.waiting_room import release_due
from shared.records import Change, Kind, Outcome, WriteResult, waiting
from shared.settings import load_settings
from shared.state.brakes import Brakes, BrakeState
from shared.state.envelope import envelopes
from shared.state.flows import FAILED, RUNNING, STOPPED, Flows
from shared.state.jobs import Jobs
from shared.state.ledger import Ledger
from shared.state.ledger_rows import BUCKETS, LedgerRow, bucket
from shared.state.waiting import Waiting
from shared.waits import Braked
from tests.unit.test_settings import COMPLETE

HOUR = 3600.0


class AtOnce(Executor):
    def submit(self, work: Callable[..., Any], /, *told: Any, **named: Any) -> Future[Any]:  # type: ignore[override]
        future: Future[Any] = Future()
        future.set_result(work(*told, **named))
        return future


class FakeFlow(PlainFlow):
    """A table. `kinds` says what becomes of a record: kept, gone at the source, filtered out."""

    key = feed = letters = queue = "contacts"
    table = "contact"

    def __init__(self, urgent: bool = False) -> None:
        self.policy, self.version = Policy(urgent=urgent), 1
        self.source: dict[str, str] = {}
        self.target: set[str] = set()
        self.failing: set[str] = set()

    def mapping_version(self) -> int:
        return self.version

    def look(self, changes: Sequence[Change]) -> list[Change]:
        return [
            replace(
                change, row={"is": found} if (found := self.source.get(change.record_id)) else None
            )
            for change in changes
        ]

    def at_rest(self, change: Change) -> Change:
        return change.as_reference()

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        if change.row is None:
            return Decision(change, Act.DELETE, Outcome.DELETED)
        if change.row["is"] == "filtered":
            if row is None or not row.exists:
                return Decision(change, Act.NOTHING, Outcome.FILTERED)
            return Decision(change, Act.DELETE, Outcome.FILTERED)
        cleared = ("email",) if change.row["is"] == "cleared" else ()
        return Decision(change, Act.SAVE, fingerprint="f", cleared=cleared)

    def write(self, decisions: Sequence[Decision]) -> Results:
        found: dict[str, Any] = {}
        for one in decisions:
            id_ = one.change.record_id
            if id_ in self.failing:
                raise Retryable("no answer")
            if one.act is Act.DELETE:
                self.target.discard(id_)
                found[id_] = WriteResult(one.outcome)
            else:
                self.target.add(id_)
                found[id_] = WriteResult(Outcome.UPDATED)
        return found


@cache
def ids_in_few_buckets(number: int) -> list[str]:
    """In an eighth of the ledger's buckets: a message holds records of one bucket, so the same
    records are some messages of many, and not many of three.
    """
    ids = (f"{each:08x}" for each in count())
    return list(islice((id_ for id_ in ids if bucket(id_) < BUCKETS // 8), number))


class World:
    def __init__(
        self, records: int = 400, percent: float = 5, number: int = 20, urgent: bool = False
    ) -> None:
        self.clock = 1_700_000_000.0
        self.tables = TableService(lambda what, work: work())
        made: dict[str, Any] = {
            name: self.tables.create_table_if_not_exists(name)
            for name in ("ledger", "flows", "jobs", "waiting")
        }
        self.queue: list[tuple[float, bytes]] = []
        self.letters = SimpleNamespace(put=None)
        options = {
            **COMPLETE,
            "DELETE_BRAKE_PERCENT": str(percent),
            "DELETE_BRAKE_RECORDS": str(number),
        }
        self.bridge = cast(
            Bridge,
            SimpleNamespace(
                now=self.now,
                settings=load_settings(options),
                ledger=Ledger(made["ledger"]),
                flows=Flows(made["flows"], self.now),
                brakes=Brakes(made["flows"]),
                jobs=Jobs(made["jobs"], self.now),
                waiting=Waiting(made["waiting"], self.now, lambda _: None),
                handoff=SimpleNamespace(put=self.put, length=lambda queue: 0),
                checkpoints=SimpleNamespace(load=lambda *_: SimpleNamespace(sweep="")),
                deadletters=SimpleNamespace(),
                writers=AtOnce(),
                urgent_writers=AtOnce(),
                sleep=lambda seconds: None,
            ),
        )
        self.plain = FakeFlow(urgent)
        self.flow = cast(Flow, self.plain)
        self.ids = [*ids_in_few_buckets(records)]
        begin(self, urgent)

    def now(self) -> float:
        return self.clock

    def put(
        self,
        queue: str,
        flow: str,
        table: str,
        version: int,
        changes: Iterable[Change],
        delay_seconds: float = 0,
        together: int = 0,
        pace: int = 0,
    ) -> int:
        for text, _ in envelopes(flow, table, version, changes):
            self.queue.append((self.clock + delay_seconds, text.encode()))
        return 0

    def put_all(self, ids: Iterable[str], kind: str) -> None:
        """Something happens to records, and their references are handed off."""
        listed = list(ids)
        for id_ in listed:
            if kind == "gone":
                self.plain.source.pop(id_, None)
            else:
                self.plain.source[id_] = kind
        self.put("", "contacts", "contact", 1, [Change(id_, Kind.REFERENCE) for id_ in listed])

    def run(self) -> None:
        """Delivers what is due now; what is sent again waits for its time, on the queue or in the
        waiting room.
        """
        release_due(self.bridge)
        due = [entry for entry in self.queue if entry[0] <= self.clock]
        self.queue = [entry for entry in self.queue if entry[0] > self.clock]
        for _, body in due:
            deliver(self.flow, self.bridge, body, 1)

    def pass_time(self, seconds: float) -> None:
        self.clock += seconds
        self.run()

    def status(self) -> str:
        return self.bridge.flows.read("contacts").status

    def gone(self) -> int:
        return len(self.ids) - len(self.plain.target)

    def asked(self) -> dict[str, Any]:
        found = question(self.flow, self.bridge)
        assert found
        return found

    def answer(self, confirm: bool) -> None:
        answering.answer_parked(self.flow, self.bridge, confirm, "key anna")
        running.start("contacts", self.bridge, "key anna")
        self.clock += 2
        for job in self.bridge.jobs.open():
            carry_on(self.flow, self.bridge, job, 9e12, answering.ANSWER)
        self.pass_time(90)  # what was sent again while the flow stood still


BEGUN: dict[tuple[int, bool], TableService] = {}
"""The tables of a world whose records have been delivered, by their number and urgency."""


def begin(world: World, urgent: bool) -> None:
    """All records are in the target: delivered by the first world of its kind, then copied."""
    key = len(world.ids), urgent
    if key not in BEGUN:
        world.put_all(world.ids, "kept")
        world.run()
        BEGUN[key] = deepcopy(world.tables)
    assert not world.queue
    world.tables.number = BEGUN[key].number
    for name, rows in BEGUN[key].tables.items():
        world.tables.tables[name] = dict(rows)  # what changes a row puts another in its place
    world.plain.source = dict.fromkeys(world.ids, "kept")
    world.plain.target = set(world.ids)


@pytest.mark.parametrize("kind", ["gone", "filtered", "cleared"])
def test_a_mass_change_stops_the_flow_and_asks_with_its_list(kind: str) -> None:
    world = World()
    world.put_all(world.ids[:200], kind)
    world.run()
    assert world.status() == FAILED
    assert world.gone() <= 20
    asked = world.asked()
    done = {id_ for id_ in world.ids[:200] if id_ not in asked["ids"]}
    assert asked["count"] == len(asked["ids"]) == 200 - len(done)
    assert len(done) <= 20
    reason = world.bridge.flows.read("contacts").reason
    assert "/api/flows/contacts/question" in reason and '{"deletes": "confirm"}' in reason


@pytest.mark.parametrize("kind", ["gone", "filtered"])
def test_what_a_person_confirms_is_done(kind: str) -> None:
    world = World()
    world.put_all(world.ids[:200], kind)
    world.run()
    world.answer(confirm=True)
    assert (world.status(), world.gone()) == (RUNNING, 200)
    assert world.bridge.waiting.waiting_counts("contacts").counts == {}
    assert question(world.flow, world.bridge) is None


def test_a_deletion_that_is_made_once_more_is_not_asked_about_again() -> None:
    """After a doubt each record is written once more, with no person's word on it."""
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    world.answer(confirm=True)
    world.put_all(world.ids[:200], "gone")
    world.run()
    assert (world.status(), world.gone()) == (RUNNING, 200)
    world.put_all(world.ids[200:240], "gone")
    world.run()
    assert world.status() == FAILED
    world.put_all(world.ids[:200], "gone")
    world.run()
    assert not {*world.asked()["ids"]} & {*world.ids[:200]}


def test_a_record_that_came_back_and_goes_again_is_counted_again() -> None:
    world = World()
    for kind in ("gone", "kept", "gone"):
        world.put_all(world.ids[:15], kind)
        world.run()
    assert world.status() == FAILED
    assert world.gone() <= 20


@pytest.mark.parametrize("kind", ["gone", "filtered"])
def test_what_a_person_refuses_is_left_out_and_the_flow_goes_on(kind: str) -> None:
    world = World()
    world.put_all(world.ids[:200], kind)
    world.run()
    before = world.gone()
    world.answer(confirm=False)
    assert (world.status(), world.gone()) == (RUNNING, before)
    world.put_all(["new"], "kept")
    world.run()
    assert "new" in world.plain.target


def test_a_corrected_document_and_a_refusal_make_updates_of_them() -> None:
    """The filter was wrong: nobody is deleted, and nothing that changed meanwhile is lost."""
    world = World()
    world.put_all(world.ids[:200], "filtered")
    world.run()
    before = world.gone()
    world.plain.version = 2
    for id_ in world.ids[:200]:
        world.plain.source[id_] = "kept"
    world.answer(confirm=False)
    assert (
        world.gone() == before
    )  # those that were deleted before the question are made by a replay
    assert world.bridge.ledger.headers("contacts")
    assert question(world.flow, world.bridge) is None


def test_few_are_done_unasked_and_an_hour_later_as_many_again() -> None:
    world = World()
    for start in (0, 20, 40):
        world.put_all(world.ids[start : start + 20], "gone")
        world.run()
        world.pass_time(HOUR + 60)
    assert (world.status(), world.gone()) == (RUNNING, 60)


def test_what_the_document_filters_out_is_counted_beyond_the_hour() -> None:
    """A wrong filter that comes to its records one by one, over days."""
    world = World()
    for start in range(0, 100, 10):
        world.put_all(world.ids[start : start + 10], "filtered")
        world.run()
        world.pass_time(2 * HOUR)
    assert world.status() == FAILED
    assert world.gone() <= 20


def test_a_new_version_of_the_document_is_counted_from_none_on() -> None:
    world = World()
    for version, start in ((1, 0), (2, 20)):
        world.plain.version = version
        world.put_all(world.ids[start : start + 20], "filtered")
        world.run()
        world.pass_time(2 * HOUR)
    assert (world.status(), world.gone()) == (RUNNING, 40)


def test_a_small_share_of_many_is_done_unasked() -> None:
    world = World(records=1000, percent=5, number=5)
    world.put_all(world.ids[:50], "gone")
    world.run()
    assert (world.status(), world.gone()) == (RUNNING, 50)


def test_what_is_tried_again_counts_once() -> None:
    world = World()
    world.plain.failing = set(world.ids[:15])
    world.put_all(world.ids[:15], "gone")
    for _ in range(6):
        world.pass_time(1000)
    world.plain.failing = set()
    world.pass_time(2000)
    assert (world.status(), world.gone()) == (RUNNING, 15)
    state = world.bridge.brakes.read("contacts")
    assert state.most(frozenset({"deleted"})) == 15


def test_updates_wait_while_the_flow_asks_and_arrive_afterwards() -> None:
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    world.put_all(["later"], "kept")
    world.run()
    assert "later" not in world.plain.target
    world.answer(confirm=False)
    assert "later" in world.plain.target


def test_an_urgent_flow_asks_and_goes_on_with_all_else() -> None:
    """Opt-outs are not held up by a question about opt-ins."""
    world = World(urgent=True)
    world.put_all(world.ids[:200], "gone")
    world.run()
    world.put_all(["later"], "kept")
    world.run()
    state = world.bridge.flows.read("contacts")
    assert (state.status, state.setting) == (FAILED, brake.OPT_IN_BRAKE)
    assert brake.goes_on(state)
    assert "later" in world.plain.target
    assert world.gone() <= 20 + 1


def test_a_flow_that_a_person_has_stopped_stays_stopped_and_asks_when_it_is_started() -> None:
    world = World()
    world.put_all(world.ids[:200], "gone")
    first = world.queue[:4]
    world.queue = world.queue[4:]
    world.run()
    running.stop("contacts", world.bridge, "key anna")
    world.clock += 2
    world.queue += first
    world.run()
    assert world.status() == STOPPED
    assert world.asked()["count"] > 0


def test_the_question_is_not_resumed_by_the_bridge() -> None:
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    world.clock += 1000
    assert not running.recovered("contacts", world.flow, world.bridge)
    running.fail("contacts", world.bridge, Misconfigured("DATAVERSE_URL", "It is wrong."))
    assert world.bridge.flows.read("contacts").setting == brake.DELETE_BRAKE


def test_an_answer_that_was_cut_off_is_given_again_also_the_other_one() -> None:
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    before = world.gone()
    answering.answer_parked(world.flow, world.bridge, True, "key anna")  # then the instance died
    world.bridge.brakes.change("contacts", lambda state: replace(state, asking=("deleted",)))
    world.clock += 5
    world.answer(confirm=False)
    assert world.gone() == before


def test_two_instances_count_together() -> None:
    world = World()
    state = BrakeState()
    for _ in range(3):
        state = world.bridge.brakes.change(
            "x", lambda before: before.counted(world.clock, 1, {"deleted": 2}, {})
        )
    assert state.most(frozenset({"deleted"})) == 6
    assert world.bridge.brakes.read("x") == state


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(
        st.tuples(
            st.integers(1, 60), st.sampled_from(["gone", "filtered"]), st.sampled_from([1, 300])
        ),
        min_size=1,
        max_size=8,
    ),
    number=st.integers(0, 40),
    percent=st.sampled_from([0, 5, 30]),
    confirm=st.booleans(),
)
def test_no_more_than_the_settings_say_is_destroyed_unasked(
    batches: list[tuple[int, str, int]], number: int, percent: float, confirm: bool
) -> None:
    world = World(records=200, number=number, percent=percent)
    taken = 0
    for size, kind, seconds in batches:
        world.put_all(world.ids[taken : taken + size], kind)
        taken = min(200, taken + size)
        world.run()
        world.clock += seconds
    assert world.gone() <= max(number, 200 * percent / 100)
    assert (world.status() == FAILED) == (world.gone() < taken)
    if world.status() == FAILED:
        before = world.gone()
        world.answer(confirm)
        assert world.gone() == (taken if confirm else before)
        assert world.status() == RUNNING


@pytest.mark.parametrize("answers", [[True], [True, False]], ids=["one", "given twice"])
def test_an_answer_that_is_cancelled_leaves_the_question(answers: list[bool]) -> None:
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    before, asked = world.gone(), world.asked()
    for confirm in answers:
        job = answering.answer_parked(world.flow, world.bridge, confirm, "key anna")
        world.clock += 1
    running.start("contacts", world.bridge, "key anna")
    world.bridge.jobs.cancel(job.id)
    for open_job in world.bridge.jobs.open():
        carry_on(world.flow, world.bridge, open_job, 9e12, answering.ANSWER)
    world.pass_time(90)
    assert world.status() == FAILED
    assert (world.gone(), world.asked()["count"]) == (before, asked["count"])
    world.answer(confirm=True)
    assert world.gone() == 200


@pytest.mark.parametrize("ahead_seconds", [0, 60], ids=["a late delivery", "a clock ahead"])
def test_what_is_held_after_the_answer_goes_on_too(ahead_seconds: float) -> None:
    """A delivery that found the question parks its records when the question has been answered."""
    world = World()
    world.put_all(world.ids[:200], "gone")
    world.run()
    world.answer(confirm=True)
    late = waiting(Change(world.ids[200], Kind.REFERENCE), Braked(), brake.SENTENCE)
    world.plain.source.pop(world.ids[200])
    world.clock += ahead_seconds
    brake.park(world.flow, world.bridge, "contact", [late])
    world.clock -= ahead_seconds
    world.pass_time(1)
    assert world.gone() == 201
    assert not world.bridge.waiting.waiting_counts("contacts").counts


def test_the_question_counts_and_lists_each_record_once_however_it_was_told() -> None:
    world = World()
    for id_ in world.ids[:200]:
        world.put_all([id_], "gone")
    world.run()
    held = 200 - world.gone()
    world.put_all(set(world.ids[:200]) & world.plain.target, "gone")
    world.pass_time(90)
    assert held > 99
    assert (world.asked()["count"], len(world.asked()["ids"])) == (held, held)
