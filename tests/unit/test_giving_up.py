"""When a record that keeps failing is given up: by time, which pauses and stopped flows do not use
up.
"""

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Cause, Misconfigured, Retryable
from shared.pipeline.attempts import attempt
from shared.pipeline.delays import failed
from shared.pipeline.flow import Policy
from shared.pipeline.resending import next_attempt
from shared.pipeline.settle import GIVEN_UP, or_exhausted, since_written
from shared.records import Change, Kind, Outcome, Settlement, waiting
from shared.settings import load_settings
from shared.state.ledger_rows import Header, LedgerRow, View
from shared.waits import FlowFailed, Transient
from tests.unit.memory import Memory, played
from tests.unit.test_settings import COMPLETE

HOUR = 3600.0
CHANGE = Change("1", Kind.REFERENCE)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def bridge(clock: Clock) -> Any:
    return SimpleNamespace(
        now=clock,
        settings=load_settings({**COMPLETE, "RETRY_HOURS": "48"}),
        flows=SimpleNamespace(now=clock, change=lambda key, decide: None),
    )


def flow(**policy: Any) -> Any:
    return SimpleNamespace(key="contacts", policy=Policy(**policy))


def fails(error: Exception, change: Change, clock: Clock, of: Any) -> Settlement:
    """What became of a change whose work raised this."""

    def work() -> None:
        raise error

    settlement = attempt(of, bridge(clock), change, work)
    assert settlement is not None
    return or_exhausted(of, bridge(clock), settlement)


def story(errors: Sequence[tuple[Exception, float]], clock: Clock, of: Any = None) -> Settlement:
    """A change that fails in turn, each time so many seconds after the last one."""
    change, settlement = CHANGE, waiting(CHANGE, Transient(), "")
    for error, seconds in errors:
        settlement = fails(error, change, clock, of or flow())
        if settlement.outcome is Outcome.REJECTED:
            break
        change = next_attempt(settlement, seconds)
        clock.now += seconds
    return settlement


UNANSWERED = Retryable("no answer", cause=Cause.OUTAGE)
STRANGE = Retryable("status 418")
THROTTLED = Retryable("429", retry_after_seconds=1.0)


@pytest.mark.parametrize(
    ("errors", "outcome"),
    [
        pytest.param([(STRANGE, HOUR)] * 47, Outcome.WAITING, id="47 hours"),
        pytest.param([(STRANGE, HOUR)] * 49, Outcome.REJECTED, id="49 hours"),
        pytest.param([(UNANSWERED, HOUR)] * 49, Outcome.REJECTED, id="no answer for 49 hours"),
        pytest.param([(STRANGE, 1.0)] * 1000, Outcome.WAITING, id="a thousand times in an hour"),
        pytest.param([(THROTTLED, HOUR)] * 1000, Outcome.WAITING, id="throttled for weeks"),
        pytest.param(
            [(STRANGE, 1.0), *[(THROTTLED, HOUR)] * 1000, (STRANGE, 1.0)],
            Outcome.WAITING,
            id="throttled for weeks between two failures",
        ),
        pytest.param(
            [(STRANGE, HOUR), *[(Misconfigured("x", "y"), HOUR)] * 100, (STRANGE, 1.0)],
            Outcome.WAITING,
            id="a flow that failed for days between two failures",
        ),
    ],
)
def test_a_record_is_given_up_by_the_time_that_it_failed(
    errors: list[tuple[Exception, float]], outcome: Outcome
) -> None:
    settlement = story(errors, Clock())
    assert settlement.outcome is outcome
    assert (settlement.reason == GIVEN_UP) is (outcome is Outcome.REJECTED)


def test_an_opt_out_is_never_given_up() -> None:
    found = story([(STRANGE, HOUR)] * 1000, Clock(), flow(never_given_up=True))
    assert found.outcome is Outcome.WAITING


@given(
    st.lists(
        st.tuples(st.sampled_from([STRANGE, UNANSWERED, THROTTLED]), st.floats(1.0, 100_000.0)),
        max_size=60,
    )
)
def test_pauses_use_up_nothing(errors: list[tuple[Exception, float]]) -> None:
    """Given up at the very failure at which it would be, had no pause ever been asked for."""
    counted = [(error, seconds) for error, seconds in errors if error is not THROTTLED]
    assert story(errors, Clock()).outcome == story(counted, Clock()).outcome or (
        errors and errors[-1][0] is THROTTLED
    )


def test_what_was_never_tried_since_a_flow_failed_begins_anew() -> None:
    since = replace(CHANGE, failing_since=5.0)
    assert next_attempt(waiting(since, FlowFailed(), ""), 60.0).failing_since == 0.0


def test_the_first_failure_is_kept() -> None:
    change = failed(failed(CHANGE, Cause.ANSWER, 10.0), Cause.OUTAGE, 20.0)
    assert change.failing_since == 10.0


@pytest.mark.parametrize(
    ("outcomes", "goes_on"),
    [
        (["waiting", "created", "waiting"], True),
        (["waiting", "unchanged"], True),
        (["created", "waiting"], False),
        (["waiting", "rejected"], False),
    ],
)
def test_failures_before_a_success_are_over(outcomes: list[str], goes_on: bool) -> None:
    """A reference of before tells of them still: one that waited, or confirms a doubt."""
    row = LedgerRow("1")
    for number, outcome in enumerate(outcomes):
        row.add_history(number * HOUR, Outcome(outcome), 1, "", 1)
    view = View("contacts-00", Header(), {"1": row})
    failing = waiting(replace(CHANGE, failing_since=HOUR / 2), Transient(), "500")
    found = since_written(view, failing, 5 * HOUR).change.failing_since
    assert found == (5 * HOUR if goes_on else HOUR / 2)


@pytest.mark.parametrize("ticks_seconds", [15.0, 60.0])
def test_a_pause_lasts_until_the_record_comes_back(
    monkeypatch: pytest.MonkeyPatch, ticks_seconds: float
) -> None:
    """What rests comes back at a moment that others share, at the next tick behind it."""

    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "1"
        errors = [STRANGE, Retryable("429", retry_after_seconds=90.0), STRANGE]

        def write(flow: object, decisions: object) -> None:
            raise errors[0]

        monkeypatch.setattr(type(world.flow("contact")), "write", write)
        world.contact()
        for hours in (0.1, 8.0, 0.1):
            ends = world.now + hours * HOUR
            while world.now < ends:
                world.sync("contact")
                world.later(ticks_seconds)
            assert world.letters("contact") == []
            errors.pop(0)

    played(body)
