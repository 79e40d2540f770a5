"""What is due goes back on its queue: flows in turns, none that does not run, within the time."""

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.pipeline.flow import Bridge
from shared.pipeline.waiting_room import AT_ONCE, release_due
from shared.records import Change, Kind
from shared.state.flows import FAILED, RUNNING, STOPPED, FlowState
from shared.state.ledger_rows import ROWS_PER_TRANSACTION
from shared.state.waiting import Waiting

NOW = 1_800_000_000.0
LONGEST_ROUNDING = 150.0
"""Of a delay of ten minutes."""
CONTACTS = ("contacts", "contacts", "contact")
VISITS = ("custom_entities-acs_visit", "custom-entities", "acs_visit")


class Room:
    """A bridge with a real waiting room; hand-offs are listed, each takes `hand_off_seconds`."""

    def __init__(self, hand_off_seconds: float = 0.0) -> None:
        service: Any = Account(World(1)).table
        service.create_table_if_not_exists("waiting")
        self.at, self.step = NOW, hand_off_seconds
        self.waiting = Waiting(service.get_table_client("waiting"), lambda: self.at, lambda _: None)
        self.statuses: defaultdict[str, str] = defaultdict(lambda: RUNNING)
        self.handed: list[tuple[str, str, str, list[str]]] = []
        self.changes: list[Change] = []

    def put(self, queue: str, flow: str, table: str, version: int, changes: Any) -> int:
        listed = list(changes)
        self.handed.append((queue, flow, table, [change.record_id for change in listed]))
        self.changes += listed
        self.at += self.step
        return len(listed)

    @property
    def bridge(self) -> Bridge:
        state: Callable[[str], Any] = lambda flow: FlowState(status=self.statuses[flow])  # noqa: E731
        return cast(
            Bridge,
            SimpleNamespace(
                waiting=self.waiting,
                flows=SimpleNamespace(state=state),
                handoff=SimpleNamespace(put=self.put),
                now=lambda: self.at,
            ),
        )


def test_what_is_due_goes_back_on_its_own_queue_as_its_own_flow() -> None:
    room = Room()
    room.waiting.park_until(NOW - 1, *CONTACTS, ["a"], "target")
    room.waiting.park_until(NOW - 1, *VISITS, ["b"], "target")
    room.waiting.park_until(NOW + 1, *VISITS, ["c"], "target")
    assert release_due(room.bridge) == 2
    assert room.handed == [
        ("contacts", "contacts", "contact", ["a"]),
        ("custom-entities", "custom_entities-acs_visit", "acs_visit", ["b"]),
    ]
    assert release_due(room.bridge) == 0


@pytest.mark.parametrize("status", [STOPPED, FAILED])
def test_a_flow_that_does_not_run_holds_up_no_other_and_loses_nothing(status: str) -> None:
    room = Room()
    room.statuses["contacts"] = status
    for number in range(3):
        room.waiting.park_until(NOW, *CONTACTS, [f"a{number}"], "flow")
    room.waiting.park_until(NOW, *VISITS, ["b"], "target")
    assert [release_due(room.bridge) for _ in range(3)] == [1, 0, 0]
    room.statuses["contacts"] = RUNNING
    assert release_due(room.bridge) == 3


def test_flows_take_turns() -> None:
    room = Room()
    for number in range(2 * ROWS_PER_TRANSACTION + 1):
        room.waiting.park_until(NOW, *CONTACTS, [f"a{number}"], "target")
    room.waiting.park_until(NOW, *VISITS, ["b"], "target")
    release_due(room.bridge)
    assert [flow for _, flow, _, _ in room.handed] == [
        "contacts",
        VISITS[0],
        "contacts",
        "contacts",
    ]


def test_it_ends_when_its_time_is_up_and_goes_on_the_next_time() -> None:
    room = Room(hand_off_seconds=4.0)
    for number in range(4 * ROWS_PER_TRANSACTION):
        room.waiting.park_until(NOW, *CONTACTS, [f"a{number}"], "target")
    assert release_due(room.bridge, seconds=7.0) == 2 * ROWS_PER_TRANSACTION
    assert release_due(room.bridge, seconds=60.0) == 2 * ROWS_PER_TRANSACTION
    assert len({one for *_, ids in room.handed for one in ids}) == 4 * ROWS_PER_TRANSACTION


def test_what_is_cut_off_before_it_is_removed_comes_again() -> None:
    room = Room()
    room.waiting.park_until(NOW, *CONTACTS, ["a"], "target")
    removed = room.waiting.remove

    def cut_off(*_: Any) -> None:
        raise ConnectionError

    room.waiting.remove = cut_off  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        release_due(room.bridge)
    room.waiting.remove = removed  # type: ignore[method-assign]
    assert release_due(room.bridge) == 1
    assert [ids for *_, ids in room.handed] == [["a"], ["a"]]


@pytest.mark.parametrize(
    ("due_at", "used"),
    [
        pytest.param(NOW + 600.0, 600.0, id="waited ten minutes for its next attempt"),
        pytest.param(AT_ONCE, 0.0, id="rested until its flow runs"),
    ],
)
def test_a_stopped_flow_uses_up_nothing_of_the_time_of_retries(due_at: float, used: float) -> None:
    room = Room()
    failing = Change("a", Kind.REFERENCE, failing_since=NOW)
    room.waiting.park_changes(due_at, *CONTACTS, [failing], "busy")
    room.at, room.statuses["contacts"] = NOW + 3 * 86_400.0, STOPPED
    assert release_due(room.bridge) == 0
    room.statuses["contacts"] = RUNNING
    assert release_due(room.bridge) == 1
    [change] = room.changes
    assert room.at - change.failing_since == pytest.approx(used, abs=LONGEST_ROUNDING)


def test_two_parkings_of_a_record_come_back_as_one_reference() -> None:
    room = Room()
    room.waiting.park_until(NOW - 2, *CONTACTS, ["a"], "target")
    room.waiting.park_until(NOW - 1, *CONTACTS, ["a"], "doubt")
    assert release_due(room.bridge) == 2
    assert [change.record_id for change in room.changes] == ["a"]


def test_a_room_that_others_emptied_meanwhile_takes_what_is_parked() -> None:
    """The header of an empty room goes: who has read it before writes it anew."""
    room = Room()
    room.waiting.park_until(NOW, *CONTACTS, ["a"], "target")
    counts = room.waiting.waiting_counts
    emptied: list[int] = []

    def emptied_after(flow: str) -> Any:
        header = counts(flow)
        if not emptied:
            emptied.append(1)
            room.waiting.remove(flow, room.waiting.due(flow, NOW))
        return header

    room.waiting.waiting_counts = emptied_after  # type: ignore[method-assign]
    room.waiting.park_until(NOW, *CONTACTS, ["b"], "target")
    assert counts("contacts").counts == {"target": 1}
