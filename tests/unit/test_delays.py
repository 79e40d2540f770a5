"""How long a change waits for its next attempt; copies of one that waits for long meet."""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.errors import Cause, ClaimLost, Contended, Retryable
from shared.http.breaker import CircuitOpen
from shared.pipeline.delays import (
    LONGEST_ENVELOPE_DELAY_SECONDS,
    contended_delay,
    envelope_delay,
    record_delay,
)
from shared.pipeline.deliver import retry_contended, try_later
from shared.pipeline.flow import Bridge, Policy
from shared.pipeline.waiting_room import SHORTEST_SECONDS, release_due
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.settings import load_settings
from shared.state.envelope import Envelope
from shared.state.flows import FlowState
from shared.state.waiting import Waiting
from shared.waits import ChildrenFirst, Transient
from tests.unit.test_settings import COMPLETE

NOW = 1_800_000_000.0
MOST_COPIES = 2**8


class Set:
    settings = load_settings(
        {**COMPLETE, "RETRY_DELAY_SECONDS": "5", "RETRY_DELAY_MAX_SECONDS": "900"}
    )


BRIDGE = cast(Bridge, Set())


def reference(attempts: int = 0) -> Change:
    return Change("1", Kind.REFERENCE, attempts=attempts)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 10), (7, 640), (8, 900), (33, 900), (100_000, 900)]
)
def test_the_wait_doubles_up_to_its_end_however_often_it_was_tried(
    attempts: int, seconds: float
) -> None:
    settlement = Settlement(reference(attempts), Outcome.WAITING)
    assert record_delay(settlement, BRIDGE) == seconds


@pytest.mark.parametrize(
    ("attempts", "asked", "seconds"),
    [
        pytest.param(0, 0.003, 5, id="the first time, for milliseconds"),
        pytest.param(3, 0.003, 40, id="again"),
        pytest.param(20, 2.0, 60, id="for long: a minute at most"),
        pytest.param(0, 300.0, 300, id="as long as the system asks"),
        pytest.param(20, 3600.0, 3600, id="as long as the system asks, for long"),
    ],
)
def test_a_pause_is_as_long_as_was_asked_and_grows(
    attempts: int, asked: float, seconds: float
) -> None:
    paused = waiting(reference(attempts), Transient(pause=True), "", retry_after_seconds=asked)
    assert record_delay(paused, BRIDGE) == seconds
    assert envelope_delay(BRIDGE, [paused.change], asked) == seconds


def test_who_looks_for_its_children_says_itself_when() -> None:
    looks = waiting(reference(20), ChildrenFirst(1.0), "", retry_after_seconds=7.0)
    assert record_delay(looks, BRIDGE) == 7.0


@pytest.mark.parametrize("asked", [None, 0.5, 1.0])
def test_who_finds_a_claim_asks_less_and_less_often(asked: float | None) -> None:
    error = Contended("claimed", asked)
    delays = [contended_delay(error, [reference(attempts)]) for attempts in range(10)]
    assert delays[0] <= 1.5
    assert delays[-1] >= LONGEST_ENVELOPE_DELAY_SECONDS
    assert max(delays) <= 1.5 * LONGEST_ENVELOPE_DELAY_SECONDS


@pytest.mark.parametrize(
    ("ends_in", "shortest", "longest"), [(0.5, 1.5, 2.0), (40.0, 41.0, 41.5), (119.0, 60.0, 90.0)]
)
def test_who_finds_a_claim_asks_once_more_when_it_has_ended(
    ends_in: float, shortest: float, longest: float
) -> None:
    error = Contended("claimed", 1.0, ends_in)
    delays = [contended_delay(error, [reference(attempts=9)]) for _ in range(20)]
    assert shortest <= min(delays) <= max(delays) <= longest


URGENT: Any = SimpleNamespace(policy=Policy(urgent=True))
CLOCK: Any = {"now": lambda: NOW, "sleep": lambda _: None}


class Outage:
    """Messages of one record, each of which is delivered `twice`, and never gets through."""

    def __init__(self) -> None:
        service: Any = Account(World(1)).table
        service.create_table_if_not_exists("waiting")
        self.at = NOW
        self.waiting = Waiting(service.get_table_client("waiting"), lambda: self.at, lambda _: None)
        self.queued: list[tuple[float, Change]] = []
        self.flow: Any = SimpleNamespace(
            key="contacts",
            queue="contacts",
            policy=Policy(),
            at_rest=lambda change: change.as_reference(),
        )
        self.bridge: Any = SimpleNamespace(
            settings=Set.settings,
            waiting=self.waiting,
            now=lambda: self.at,
            handoff=SimpleNamespace(put=self.put),
            flows=SimpleNamespace(state=lambda key: FlowState()),
        )

    def put(
        self,
        queue: str,
        flow: str,
        table: str,
        version: int,
        changes: Sequence[Change],
        delay_seconds: float = 0.0,
        batch_size: int = 0,
    ) -> int:
        self.queued += [(self.at + delay_seconds, change) for change in changes]
        return 1

    def fail(self, change: Change, error: Retryable) -> None:
        envelope = Envelope(
            flow="contacts", table="contact", bucket=0, mapping_version=1, changes=(change,)
        )
        for _ in range(2):
            try_later(self.flow, self.bridge, envelope, [change], error)

    def play(self, error: Retryable, seconds: float) -> int:
        """The most messages that were on the queue at once."""
        row = Change("1", Kind.ROW, 7, {"name": "x"}, NOW)
        self.queued, most, end = [(self.at, row)], 0, self.at + seconds
        while self.at < end and most <= MOST_COPIES:
            self.at += 1.0
            if self.at % 60 == 0:
                release_due(self.bridge)
            due = [change for at, change in self.queued if at <= self.at]
            self.queued = [(at, change) for at, change in self.queued if at > self.at]
            for change in due:
                self.fail(change, error)
            most = max(most, len(self.queued))
        return most


@pytest.mark.parametrize(
    "error",
    [
        CircuitOpen("open", retry_after_seconds=0.003, cause=Cause.PAUSE),
        Retryable("429", retry_after_seconds=1.0),
        Retryable("no answer", cause=Cause.OUTAGE),
        Contended("claimed", 0.5),
        Contended("claimed", 1.0),
        ClaimLost("lost"),
    ],
    ids=["circuit", "429", "outage", "written since", "claimed", "claim lost"],
)
def test_copies_of_a_record_do_not_multiply_while_it_waits(error: Retryable) -> None:
    """Each message is delivered twice here, so ten generations on the queue would be a thousand."""
    outage = Outage()
    assert outage.play(error, 3600.0) <= MOST_COPIES
    assert len(outage.queued) <= 4
    assert sum(outage.waiting.waiting_counts("contacts").counts.values()) <= 4


@pytest.mark.parametrize(
    ("attempts", "looks"), [(0, 21), (1, 11), (2, 6), (4, 2), (5, 1), (100, 1)]
)
def test_what_is_urgent_looks_for_the_end_of_a_claim_half_as_often_each_time(
    attempts: int, looks: int
) -> None:
    """A claim that stands for long may be that of an instance that has ended."""
    looked: list[int] = []

    def work() -> None:
        looked.append(1)
        raise Contended("claimed", 1.0)

    with pytest.raises(Contended):
        retry_contended(URGENT, cast(Any, SimpleNamespace(**CLOCK)), work, attempts)
    assert len(looked) == looks


def test_what_is_urgent_and_slow_is_not_repeated_for_long() -> None:
    """Who meets others at its settlement has read both systems by then."""
    looked: list[float] = []

    def work() -> None:
        looked.append(3.0)
        raise Contended("settled since", 1.0)

    bridge: Any = SimpleNamespace(now=lambda: NOW + sum(looked), sleep=lambda _: None)
    with pytest.raises(Contended):
        retry_contended(URGENT, bridge, work)
    assert len(looked) == 2


def test_contention_uses_up_nothing_of_the_time_of_a_record_that_failed_before() -> None:
    outage = Outage()
    outage.fail(replace(reference(), failing_since=NOW), Contended("claimed", 1.0))
    paused = [change.failing_since - NOW for _, change in outage.queued]
    assert paused == pytest.approx([at - outage.at for at, _ in outage.queued], abs=0.001)
    assert min(paused) >= 1.0


@given(attempts=st.integers(0, 100), asked=st.one_of(st.none(), st.floats(0, 7200)), more=st.data())
def test_no_later_attempt_comes_sooner(attempts: int, asked: float | None, more: Any) -> None:
    later = more.draw(st.integers(attempts, 200))
    paused = waiting(reference(attempts), Transient(pause=True), "", retry_after_seconds=asked)
    again = replace(paused, change=reference(later))
    assert record_delay(again, BRIDGE) >= record_delay(paused, BRIDGE) >= (asked or 0.0)


def test_what_waits_for_long_is_in_the_room() -> None:
    assert LONGEST_ENVELOPE_DELAY_SECONDS >= SHORTEST_SECONDS
