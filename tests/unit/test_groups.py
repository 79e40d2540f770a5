"""Outcomes by day and group: nothing that was added is lost, whoever adds at the same time."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dev.simulation.tables import TableService
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.groups import (
    ATTEMPTS,
    KEPT_DAYS,
    MOST_AT_ONCE,
    MOST_GROUPS,
    MOST_REQUESTS,
    OTHERS,
    SHARDS,
    Groups,
    counted,
    day_of,
)

NOON, DAY = 1_700_049_600.0, 86_400.0  # 2023-11-15 12:00 UTC
SPRING = ("Spring", "DM1")


def groups(between: Any = lambda what: None, page_rows: int = 1000) -> Groups:
    """`between` is called before each call of the table; `page_rows`: of one answer."""

    def call(what: str, work: Any) -> Any:
        between(what)
        return work()

    service = TableService(call, lambda: page_rows)
    return Groups(service.create_table_if_not_exists("figures"))


def total(
    found: Groups, since: float = NOON, now: float = NOON + 50 * DAY, flow: str = "flow"
) -> dict[tuple[str, tuple[str, ...]], Any]:
    read = found.since(flow, since, now)
    assert (read.whole_from, read.is_whole) == ("", True)
    return {(one.day, one.group): dict(one.outcomes) for one in read.counts}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b/\\#?", "ü'"]),
            st.integers(0, 40),
            st.integers(0, 3),
            st.integers(1, 9),
        )
    )
)
def test_what_is_added_is_there_by_day_and_group(more: list[tuple[str, int, int, int]]) -> None:
    found, expected = groups(), dict[tuple[str, tuple[str, ...]], Counter[str]]()
    for name, shard, day, count in more:
        found.add("flow", NOON + day * DAY, shard, {(name, "x"): {"created": count}})
        key = (f"2023-11-{15 + day}", (name, "x"))
        expected.setdefault(key, Counter())["created"] += count
    assert total(found) == {key: dict(counts) for key, counts in expected.items()}


def test_who_comes_second_adds_to_what_the_first_wrote() -> None:
    found = groups()
    other = Groups(found.table)
    read, once = found.table.get_entity, [True]

    def get_entity(*key: str) -> Any:
        try:
            return read(*key)
        finally:
            if once and once.pop():
                other.add("flow", NOON, 1, {SPRING: {"created": 2}})

    found.table.get_entity = get_entity  # type: ignore[method-assign]
    found.add("flow", NOON, 1, {SPRING: {"created": 3}})
    assert total(found) == {("2023-11-15", SPRING): {"created": 5}}


def test_a_row_that_is_never_free_holds_nothing_up() -> None:
    calls = Counter[str]()
    found = groups()
    found.add("flow", NOON, 1, {SPRING: {"created": 1}})
    read = found.table.get_entity

    def get_entity(*key: str) -> Any:
        entity = read(*key)
        calls["read"] += 1
        found.table.upsert_entity({**entity})
        return entity

    found.table.get_entity = get_entity  # type: ignore[method-assign]
    found.add("flow", NOON, 1, {SPRING: {"created": 1}})
    assert calls["read"] == ATTEMPTS
    assert total(found) == {("2023-11-15", SPRING): {"created": 1}}


def test_too_many_groups_of_one_message_are_counted_together() -> None:
    found = groups()
    counts = {("c", f"{number:03d}"): {"created": number} for number in range(1, 101)}
    found.add("flow", NOON, 0, counts)
    there = total(found)
    assert len(there) == MOST_GROUPS + 1
    assert ("2023-11-15", ("c", "100")) in there
    assert there["2023-11-15", (OTHERS, OTHERS)] == {"created": sum(range(1, 81))}


def test_the_shards_of_a_group_are_few() -> None:
    found = groups()
    for bucket in range(500):
        found.add("flow", NOON, bucket, {SPRING: {"created": 1}})
    assert len(list(found.table.query_entities("PartitionKey gt ''"))) == SHARDS
    assert total(found) == {("2023-11-15", SPRING): {"created": 500}}


def test_days_before_the_moment_are_left_out_and_old_ones_are_taken_away() -> None:
    found = groups()
    for day in (0, 1, KEPT_DAYS, KEPT_DAYS + 1):
        found.add("flow", NOON + day * DAY, 0, {SPRING: {"created": 1}})
    found.add("flower", NOON, 0, {SPRING: {"created": 1}})
    assert len(total(found, NOON + DAY)) == 3
    now = NOON + (KEPT_DAYS + 1) * DAY
    assert found.remove_old("flow", now) == 1
    assert len(total(found)) == 3
    assert len(total(found, flow="flower")) == 1


def filled(rows_a_day: list[int], page_rows: int, seen: list[str]) -> Groups:
    """Each day has one delivery, with as many rows as are given and one event in each."""
    found = groups(seen.append, page_rows)
    for day, rows in enumerate(rows_a_day):
        for number in range(rows):
            key = {"PartitionKey": f"groups|flow|{day_of(NOON + day * DAY)}", "RowKey": f"{number}"}
            row = {"names": json.dumps([str(day)]), "outcomes": json.dumps({"created": 1})}
            found.table.upsert_entity({**key, **row})
    seen.clear()
    return found


@example([0] * 8 + [5, 9, 9], 1)  # the requests end among days without a row
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 9))
def test_the_newest_days_are_read_first_and_what_is_left_out_is_known(
    rows_a_day: list[int], page_rows: int
) -> None:
    """Each day is there wholly from the one that is named on, within the requests of a page."""
    seen = list[str]()
    found = filled(rows_a_day, page_rows, seen)
    read = found.since("flow", NOON, NOON + (len(rows_a_day) - 1) * DAY)
    days = {day_of(NOON + day * DAY): rows for day, rows in enumerate(rows_a_day) if rows}
    counts = {one.day: one.outcomes["created"] for one in read.counts}
    whole_from = read.whole_from or ("" if read.is_whole else "9999")
    whole = {day: rows for day, rows in days.items() if day >= whole_from}
    assert {day: count for day, count in counts.items() if day >= whole_from} == whole
    assert counts == days or (not read.is_whole and whole_from > min(days))
    used_up = MOST_AT_ONCE + MOST_REQUESTS
    assert len(seen) <= used_up if read.is_whole else len(seen) == used_up


def test_a_month_of_forty_deliveries_a_day_and_more_is_read_whole() -> None:
    seen = list[str]()
    found = filled([60 * SHARDS] * 30, 1000, seen)
    now = NOON + 29 * DAY
    assert len(total(found, NOON, now)) == 30
    assert len(total(found, now, now)) == 1, "of the last day alone"


def test_few_rows_are_one_request() -> None:
    seen = list[str]()
    found = filled([SHARDS] * 30, 1000, seen)
    assert len(total(found, NOON, NOON + 29 * DAY)) == 30
    assert len(seen) == 1


def test_a_day_that_is_too_much_for_a_page_is_not_called_whole() -> None:
    found = filled([1, MOST_REQUESTS + 1], 1, [])
    read = found.since("flow", NOON, NOON + DAY)
    assert (read.is_whole, read.whole_from) == (False, "")
    assert [(one.day, one.outcomes) for one in read.counts] == [
        (day_of(NOON + DAY), {"created": MOST_REQUESTS})
    ]


def test_of_a_moment_that_is_later_than_now_there_is_nothing() -> None:
    read = filled([1, 1], 1, []).since("flow", NOON + DAY, NOON)
    assert (read.counts, read.is_whole) == ((), True)


def settlement(outcome: Outcome, row: dict[str, Any] | None) -> Settlement:
    return Settlement(Change("x", Kind.ROW, row=row), outcome)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), {}),
        (
            ("campaign", "delivery"),
            {
                ("S", "D"): {"created": 2, "rejected": 1},
                ("", ""): {"rejected": 1},
                ("", "D"): {"filtered": 1},
            },
        ),
    ],
)
def test_what_waits_is_not_counted_and_a_group_may_lack_its_names(
    names: tuple[str, ...], expected: dict[Any, Any]
) -> None:
    row = {"campaign": "S", "delivery": "D", "contact": "never counted"}
    settlements = [
        settlement(Outcome.CREATED, row),
        settlement(Outcome.CREATED, row),
        settlement(Outcome.REJECTED, row),
        settlement(Outcome.REJECTED, None),
        settlement(Outcome.FILTERED, {"campaign": None, "delivery": "D"}),
        settlement(Outcome.WAITING, row),
    ]
    found = counted(settlements, names)
    assert {group: dict(counts) for group, counts in found.items()} == expected


def test_a_long_name_is_cut() -> None:
    found = counted([settlement(Outcome.CREATED, {"campaign": "x" * 1000})], ("campaign",))
    assert [len(name) for (name,) in found] == [250]
