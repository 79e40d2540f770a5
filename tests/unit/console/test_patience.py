"""A part of a page that fails or comes too late is missing; the others are shown."""

import threading

import pytest

from shared.console.patience import LATE, Missing, ask
from shared.deadlines import seconds_left, seconds_to_end
from shared.errors import Retryable


def test_parts_are_worked_on_side_by_side() -> None:
    first, second = threading.Event(), threading.Event()

    def one() -> bool:
        first.set()
        return second.wait(30)

    def other() -> bool:
        second.set()
        return first.wait(30)

    asked = [ask("a", one, 30), ask("b", other, 30)]
    assert [part.result() for part in asked] == [True, True]


def test_what_fails_is_missing_with_its_cause() -> None:
    def down() -> str:
        raise Retryable("Campaign does not answer.")

    assert ask("part_campaign", down).result() == Missing(
        "part_campaign", "part_failed", "Campaign does not answer."
    )


def test_what_comes_too_late_is_missing() -> None:
    ended = threading.Event()
    asked = ask("part_campaign", lambda: ended.wait(30), 0.0)
    assert asked.result() == Missing("part_campaign", LATE)
    ended.set()


def test_a_bug_is_no_missing_part() -> None:
    def bug() -> int:
        raise KeyError("x")

    with pytest.raises(KeyError):
        ask("a", bug).result()


def test_the_work_has_limits_of_its_own() -> None:
    left, end = ask("a", lambda: (seconds_left(), seconds_to_end()), 30.0).result()  # type: ignore[misc]
    assert left <= 30.0 < end <= 35.0
