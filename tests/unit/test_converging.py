"""Whatever is delivered twice, late, in another order, or cut off by a crash: when it is quiet, the
target equals the source.

A model check of poll's and deliver's rules with fakes for storage and target; the battery shows the
same on real ones.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dev.simulation.tables import TableService
from shared.calls import unanswered
from shared.entities import deciding
from shared.errors import Retryable
from shared.mapping import Mapped
from shared.pipeline.decision import Act, Decision
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Bridge, Delivery, PlainFlow, Policy, Results
from shared.records import Change, Kind, Outcome, Settlement, WriteResult
from shared.settings import load_settings
from shared.state.brakes import Brakes
from shared.state.envelope import envelopes
from shared.state.flows import FlowState
from shared.state.ledger_rows import Header, LedgerRow, View
from tests.unit.test_settings import COMPLETE

IDS = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(4)]
KEY = b"k" * 32
LATEST_SECONDS = 600.0
Source = dict[str, tuple[int, str]]


class Crash(BaseException):
    """An instance dies here."""


class AtOnce:
    """Runs what is submitted in the caller's thread."""

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


class FakeLedger:
    """Rows and headers in memory, with the real one's conditions: a claim or a settlement on an
    outdated view is refused.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, LedgerRow]] = {}
        self.headers: dict[str, Header] = {}
        self.stamps = itertools.count(1)
        self.crash_in = ""

    def view(self, partition: str, ids: Collection[str], now: float) -> View:
        header = self.headers.get(partition, Header())
        wanted = {*ids, *header.writing}
        rows = {key: row for key, row in self.rows.get(partition, {}).items() if key in wanted}
        view = copy.deepcopy(View(partition, header, rows))
        self.check_free(view, now)
        return view

    def check_free(self, view: View, now: float) -> None:
        if view.header.owner and view.header.until > now:
            raise Retryable("claimed", 1.0)

    def claim(
        self,
        view: View,
        owner: str,
        now: float,
        lease_seconds: float,
        changed: Iterable[LedgerRow] = (),
    ) -> None:
        self.check_free(view, now)
        view.header.owner, view.header.until = owner, now + lease_seconds
        self.save(view)
        self.keep(view, changed)
        self.die_if("claim")

    def keep(self, view: View, changed: Iterable[LedgerRow]) -> None:
        self.rows.setdefault(view.partition, {}).update(
            {row.record_id: copy.deepcopy(row) for row in changed}
        )

    def save(self, view: View) -> None:
        if self.headers.get(view.partition, Header()).etag != view.header.etag:
            raise Retryable("outdated", 0.5)
        view.header.etag = str(next(self.stamps))
        self.headers[view.partition] = copy.deepcopy(view.header)

    def settle(self, view: View, changed: Iterable[LedgerRow]) -> None:
        self.die_if("before settle")
        view.header.owner, view.header.until, view.header.writing = "", 0.0, ()
        self.save(view)
        self.keep(view, changed)
        self.die_if("after settle")

    def die_if(self, place: str) -> None:
        if self.crash_in == place:
            self.crash_in = ""
            raise Crash


class FakeTarget:
    """Records by key with Campaign's rules: a taken key is refused, an unknown one is not found.

    `fault`: "done" fails after the work, "late" has it done later; with "repeated" before it, the
    call succeeds when it is repeated in place. `late`: when each was asked for, and its work.
    """

    def __init__(self) -> None:
        self.held: dict[str, list[str]] = {}
        self.fault, self.now = "", 0.0
        self.late: list[tuple[float, Callable[[], None]]] = []

    def save(self, key: str, text: str, known: bool | None) -> Outcome:
        created = key not in self.held
        self.perform(partial(self.create if created else self.update, key, text))
        return Outcome.CREATED if created else Outcome.UPDATED

    def delete(self, key: str) -> Outcome:
        self.perform(partial(self.take, key))
        return Outcome.DELETED

    def create(self, key: str, text: str) -> None:
        self.held.setdefault(key, [text])

    def update(self, key: str, text: str) -> None:
        if key in self.held:
            self.held[key] = [text]

    def take(self, key: str) -> None:
        self.held.pop(key, None)

    def perform(self, work: Callable[[], None]) -> None:
        fault, self.fault = self.fault, ""
        if not fault:
            work()
            return
        unanswered()
        if fault.endswith("late"):
            self.late.append((self.now, work))
        else:
            work()
        if not fault.startswith("repeated"):
            raise Retryable("no answer", uncertain=True)
        work()

    def deliver_records(self, which: int) -> None:
        if self.late:
            self.late.pop(which % len(self.late))[1]()

    def pass_time(self, now: float) -> None:
        """No request is carried out later than the longest doubt about it."""
        while self.late and now - self.late[0][0] > LATEST_SECONDS:
            self.deliver_records(0)
        self.now = now


class FakeFlow(PlainFlow):
    """A table whose one column is kept in the target."""

    key, queue, table = "contacts", "contacts", "contact"
    policy = Policy()

    def __init__(self, source: Source, target: FakeTarget) -> None:
        self.source, self.target, self.reported = source, target, set[str]()

    def look(self, changes: Sequence[Change]) -> list[Change]:
        return [self.seen(change) for change in changes]

    def seen(self, change: Change) -> Change:
        if change.record_id not in self.source:
            return replace(change, kind=Kind.DELETED, row=None, version=0)
        version, text = self.source[change.record_id]
        return replace(change, kind=Kind.REFERENCE, row={"text": text}, version=version)

    def mapping_version(self) -> int:
        return 1

    def at_rest(self, change: Change) -> Change:
        return change.as_reference()

    def on_settled(self, delivery: Delivery, settlements: Sequence[Settlement]) -> None:
        self.reported |= {
            settlement.change.record_id for settlement in delivery.first_settled(settlements)
        }

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        if change.row is None:
            return deciding.decide_deletion(change, row, True)
        if row and change.kind is Kind.ROW and change.version < row.version:
            return Decision(change, Act.LOOK)
        record = {"text": change.row["text"]}
        return deciding.decide_row(
            change, Mapped(change.record_id, record, record), row, False, KEY
        )

    def write(self, decisions: Sequence[Decision]) -> Results:
        return {decision.change.record_id: self.deliver_records(decision) for decision in decisions}

    def deliver_records(self, decision: Decision) -> WriteResult:
        key = decision.change.record_id
        if decision.act is Act.DELETE:
            return WriteResult(self.target.delete(key))
        assert decision.mapped
        return WriteResult(self.target.save(key, decision.mapped.record["text"], decision.known))


class FakeQueue:
    def __init__(self) -> None:
        self.messages: list[tuple[bytes, int]] = []

    def put(
        self,
        queue: str,
        flow: str,
        table: str,
        version: int,
        changes: Iterable[Change],
        delay_seconds: float = 0,
        together: int = 0,
    ) -> int:
        self.messages += [
            (text.encode(), 1) for text, _ in envelopes(flow, table, version, changes)
        ]
        return 0


class FakeRoom:
    """The waiting room: references until they are due."""

    def __init__(self, queue: FakeQueue) -> None:
        self.queue = queue
        self.parked: list[tuple[float, str]] = []

    def park_changes(
        self,
        due_at: float,
        flow: str,
        queue: str,
        table: str,
        changes: Iterable[Change],
        reason: str,
    ) -> None:
        self.parked += [(due_at, change.record_id) for change in changes]

    def release(self, now: float) -> None:
        due = [record_id for due_at, record_id in self.parked if due_at <= now]
        self.parked = [one for one in self.parked if one[0] > now]
        changes = [Change(record_id, Kind.REFERENCE, first_seen=now) for record_id in due]
        self.queue.put("", "contacts", "contact", 1, changes)


class FakeFlows:
    def state(self, flow: str) -> FlowState:
        return FlowState()

    read = state


class FakeDeadLetters:
    def put(self, letter: Any) -> None:
        raise AssertionError("nothing here is refused")

    def discard(self, flow: str, ids: Iterable[str], is_over: Any) -> int:
        return 0


def brakes() -> Brakes:
    tables = TableService(lambda what, work: work())
    return Brakes(cast(Any, tables.create_table_if_not_exists("flows")))


class Converging(RuleBasedStateMachine):
    """Edits at the source, changes on the queue, deliveries in any order; then quiet."""

    @initialize()
    def begin(self) -> None:
        self.now, self.version = 1000.0, 0
        self.source: Source = {}
        self.unread: dict[str, Change] = {}
        self.ledger, self.target, self.queue = FakeLedger(), FakeTarget(), FakeQueue()
        self.flow, self.room = FakeFlow(self.source, self.target), FakeRoom(self.queue)
        parts: dict[str, Any] = {
            "ledger": self.ledger,
            "flows": FakeFlows(),
            "deadletters": FakeDeadLetters(),
            "handoff": self.queue,
            "waiting": self.room,
        }
        unused: dict[str, Any] = {
            "checkpoints": None,
            "sweeps": None,
            "presence": None,
            "jobs": None,
            "results": None,
            "brakes": brakes(),
            "groups": None,
        }
        options = load_settings({**COMPLETE, "RETRY_HOURS": "720"})
        self.bridge = Bridge(
            **parts,
            **unused,
            writers=AtOnce(),
            urgent_writers=AtOnce(),
            settings=options,
            now=lambda: self.now,
            sleep=None,
        )  # type: ignore[arg-type]

    @rule(record_id=st.sampled_from(IDS), text=st.sampled_from("abc"))
    def edit(self, record_id: str, text: str) -> None:
        self.version += 1
        self.source[record_id] = (self.version, text)
        self.unread[record_id] = Change(record_id, Kind.ROW, self.version, {"text": text}, self.now)

    @rule(record_id=st.sampled_from(IDS))
    def delete(self, record_id: str) -> None:
        if self.source.pop(record_id, None):
            self.unread[record_id] = Change(record_id, Kind.DELETED, first_seen=self.now)

    @rule(record_id=st.sampled_from(IDS))
    def webhook(self, record_id: str) -> None:
        self.queue.put(
            "", "contacts", "contact", 1, [Change(record_id, Kind.REFERENCE, first_seen=self.now)]
        )

    @rule(crash=st.booleans())
    def poll(self, crash: bool) -> None:
        """A crash between handoff and checkpoint repeats the page."""
        self.queue.put("", "contacts", "contact", 1, self.unread.values())
        if not crash:
            self.unread.clear()

    @rule(which=st.integers(0, 100))
    def double(self, which: int) -> None:
        if self.queue.messages:
            self.queue.messages.append(self.queue.messages[which % len(self.queue.messages)])

    @rule(
        which=st.integers(0, 100),
        crash=st.sampled_from(["", "", "claim", "before settle", "after settle"]),
        fault=st.sampled_from(["", "done", "late", "repeated done", "repeated late"]),
        seconds=st.sampled_from([0.1, 200.0]),
    )
    def deliver_one(self, which: int, crash: str, fault: str, seconds: float) -> None:
        """Any message, in any order; the instance may die on the way, and the clock may pass a dead
        claim's lease or not.
        """
        self.now += seconds
        self.target.pass_time(self.now)
        self.room.release(self.now)
        if not self.queue.messages:
            return
        body, count = self.queue.messages.pop(which % len(self.queue.messages))
        self.ledger.crash_in, self.target.fault = crash, fault
        try:
            deliver(self.flow, self.bridge, body, count)  # type: ignore[arg-type]
        except Crash:
            self.queue.messages.append((body, count + 1))
        self.ledger.crash_in, self.target.fault = "", ""

    @rule(which=st.integers(0, 100))
    def carry_out_late(self, which: int) -> None:
        self.target.deliver_records(which)

    @rule()
    def restore(self) -> None:
        """The source counts its versions from before."""
        self.version = max(0, self.version - 3)

    @invariant()
    def no_record_is_there_twice(self) -> None:
        assert all(len(texts) == 1 for texts in getattr(self, "target", FakeTarget()).held.values())

    @invariant()
    def headers_count_their_records(self) -> None:
        for partition, rows in self.ledger.rows.items() if hasattr(self, "ledger") else ():
            counted = Counter(row.outcome for row in rows.values())
            assert +self.ledger.headers[partition].counts == counted

    def teardown(self) -> None:
        if not hasattr(self, "queue"):
            return
        self.poll(crash=False)
        for _ in range(2000):
            self.target.deliver_records(0)
            if not self.queue.messages and not self.room.parked:
                break
            self.deliver_one(0, "", "", 200.0)
        assert not self.queue.messages
        assert not self.room.parked
        assert {
            record_id for rows in self.ledger.rows.values() for record_id in rows
        } <= self.flow.reported, "all are told of"
        assert {key: texts[0] for key, texts in self.target.held.items()} == {
            key: text for key, (_, text) in self.source.items()
        }


Converging.TestCase.settings = settings(
    max_examples=300, stateful_step_count=40, deadline=None, print_blob=True
)
TestConverging = Converging.TestCase
