"""Outcomes by day and group: nothing that was added is lost, whoever adds at the same time."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulation.tables import TableService
from shared.records import Change, Kind, Outcome, Settlement
from shared.state.groups import (
    ATTEMPTS,
    KEPT_DAYS,
    MOST_GROUPS,
    OTHERS,
    SHARDS,
    Groups,
    counted,
)

NOON, DAY = 1_700_049_600.0, 86_400.0  # 2023-11-15 12:00 UTC
SPRING = ("Spring", "DM1")


def groups(between: Any = lambda what: None) -> Groups:
    """`between` is called before each call of the table."""

    def call(what: str, work: Any) -> Any:
        between(what)
        return work()

    return Groups(TableService(call).create_table_if_not_exists("figures"))


def total(found: Groups, since: float = 0.0) -> dict[tuple[str, tuple[str, ...]], Any]:
    return {(one.day, one.group): dict(one.outcomes) for one in found.since("flow", since)}


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
    assert len(list(found.since("flower", 0.0))) == 1


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
