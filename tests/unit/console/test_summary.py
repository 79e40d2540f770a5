"""What the watch writes for the start page: differences of totals, rates, the hour's row."""

from typing import Any

import pytest

from shared.console.summary import SLOTS, flow_line, since, summary, with_slot

STATUS: dict[str, Any] = {
    "status": "running",
    "reason": "",
    "setting": "",
    "since": None,
    "by": "",
    "phase": "delta",
    "rows_read": 10,
    "backlog": 600,
    "oldest_unwritten_seconds": 30.0,
    "dead_letters": 2,
    "letter_groups": [],
    "poison_messages": 1,
    "poison_letters": 1,
    "mapping_version": 3,
    "mapping_problem": "",
    "records": {"created": 500},
    "outcomes": {"created": 500, "updated": 100, "waiting": 40},
    "calls": {"POST": 500},
    "waiting": [{"reason": "parent", "records": 3, "oldest_seconds": 9.0}],
    "token_age_seconds": 60.0,
    "polled_at": None,
}


@pytest.mark.parametrize(
    ("totals", "before", "added"),
    [
        ({"created": 5}, None, {}),
        ({"created": 5}, {}, {"created": 5}),
        ({"created": 5, "updated": 1}, {"created": 3, "updated": 1}, {"created": 2}),
        ({"created": 1}, {"created": 3}, {}),
    ],
    ids=["the first time", "from nothing", "a difference", "fewer than before"],
)
def test_what_was_added(totals: Any, before: Any, added: dict[str, int]) -> None:
    assert since(totals, before) == added


def test_a_flow_is_done_when_what_waits_is_settled_at_this_rate() -> None:
    before = {"totals": {"created": 200, "updated": 100}, "call_totals": {}}
    line = flow_line(STATUS, before, 300.0)
    assert (line["per_minute"], line["done_in_seconds"], line["poison"]) == (60.0, 600, 2)
    assert line["outcomes"] == {"created": 300, "waiting": 40}


def test_nothing_is_said_of_a_rate_that_is_not_known() -> None:
    line = flow_line(STATUS, None, 0.0)
    assert (line["per_minute"], line["done_in_seconds"]) == (0.0, None)


def test_a_summary_is_compared_with_the_one_before() -> None:
    first = summary({"contacts": STATUS}, {"safe": True, "reasons": []}, None, 0.0)
    second = summary({"contacts": STATUS}, {"safe": True, "reasons": []}, first, 300.0)
    assert second["flows"]["contacts"]["outcomes"] == {}
    assert second["safe"] == {"safe": True, "reasons": []}


SLOT = 1800.0


def test_the_day_has_half_hours_the_newest_last() -> None:
    calls = {"POST": 2, "GET contacts": 9}
    day = with_slot(None, 5, calls, 10 * SLOT)
    assert (len(day["settled"]), day["settled"][-1], day["calls"][-1]) == (SLOTS, 5, 2)
    same = with_slot(day, 1, {"GET": 1}, 10 * SLOT + 900)
    assert (same["settled"][-2:], same["calls"][-2:]) == ([0, 6], [0, 3])
    later = with_slot(same, 4, {}, 12 * SLOT)
    assert later["settled"][-3:] == [6, 0, 4]


@pytest.mark.parametrize("slots", [SLOTS, 10 * SLOTS])
def test_what_is_older_than_a_day_is_gone(slots: int) -> None:
    day = with_slot(None, 5, {}, 10 * SLOT)
    assert sum(with_slot(day, 1, {}, (10 + slots) * SLOT)["settled"]) == 1


def test_a_clock_that_was_set_back_breaks_nothing() -> None:
    day = with_slot(None, 5, {}, 10 * SLOT)
    assert with_slot(day, 1, {}, 8 * SLOT)["settled"][-1] == 6
