"""What every flow promises whose records change, and which the ledger keeps."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.verbs import wait_until
from shared.errors import Bug
from shared.records import Change, Kind
from shared.state.envelope import read_envelope
from shared.state.flows import FAILED
from tests.contract.battery.kit import KeptCase, KilledAt, Worker, outcomes


def test_an_update_and_a_deletion_take_one_call_each(case: KeptCase, worker: Worker) -> None:
    record_id = case.create("first")
    worker.sync()
    case.change(record_id, "second")
    assert outcomes(worker.sync()) == ["updated"]
    assert (case.held(record_id), case.target_writes()) == (["second"], 2)
    case.delete(record_id)
    assert outcomes(worker.sync()) == ["deleted"]
    assert (case.held(record_id), case.target_writes()) == ([], 3)


def test_unchanged_makes_no_call(case: KeptCase, worker: Worker) -> None:
    record_id = case.create("same")
    worker.sync()
    case.change(record_id, "same")
    assert outcomes(worker.sync()) == ["unchanged"]
    assert case.target_writes() == 1


@pytest.mark.parametrize(
    ("method", "after"), [("claim", True), ("settle", False), ("settle", True)]
)
def test_a_record_whose_delivery_died_takes_its_next_change(
    case: KeptCase, worker: Worker, new_worker: Callable[..., Worker], method: str, after: bool
) -> None:
    record_id = case.create("kept")
    worker.poll()
    (message,) = worker.messages()
    worker.kill_while_delivering(message, "ledger", method, after)
    new_worker().drain()
    assert case.held(record_id) == ["kept"]
    case.change(record_id, "changed")
    new_worker().sync()
    assert case.held(record_id) == ["changed"]


def test_two_instances_never_write_a_record_at_once(
    case: KeptCase, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    record_id = case.create("one writer")
    worker.poll()
    (message,) = worker.messages()
    worker.kill_while_delivering(message, "ledger", "claim", after=True)
    other = new_worker()
    (again,) = other.messages()
    assert other.deliver(again) == []
    assert case.target_writes() == 0
    other.drain()
    assert case.held(record_id) == ["one writer"]


def test_an_older_version_never_overwrites_a_newer_one(case: KeptCase, worker: Worker) -> None:
    record_id = case.create("v1")
    worker.sync()
    case.change(record_id, "v2")
    worker.poll()
    (older,) = worker.messages()
    case.change(record_id, "v3")
    worker.poll()
    (newer,) = worker.messages()
    assert outcomes(worker.deliver(newer)) == ["updated"]
    assert outcomes(worker.deliver(older)) == ["stale"]
    assert case.held(record_id) == ["v3"]


def test_a_late_update_does_not_bring_a_deleted_record_back(case: KeptCase, worker: Worker) -> None:
    record_id = case.create("v1")
    worker.sync()
    case.change(record_id, "v2")
    worker.poll()
    (late,) = worker.messages()
    case.delete(record_id)
    worker.sync()
    worker.deliver(late)
    worker.drain()
    assert case.held(record_id) == []


def test_a_record_made_and_deleted_between_two_polls_is_accepted_silently(
    case: KeptCase, worker: Worker
) -> None:
    worker.sync()
    record_id = case.create("short life")
    case.delete(record_id)
    assert outcomes(worker.sync()) == ["deleted"]
    assert (case.held(record_id), case.target_writes()) == ([], 0)


def test_a_refusal_that_comes_too_late_leaves_no_dead_letter_behind(
    case: KeptCase, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    """One instance is about to settle a refusal when another writes the mended record and settles
    that.
    """
    case.refuse("refused")
    record_id = case.create("refused")
    worker.poll()
    (refused,) = worker.messages()

    class Overtaken(KilledAt):
        def __getattr__(self, name: str) -> object:
            if name == "settle":
                case.target_fault()
                case.change(record_id, "mended")
                other = new_worker()
                other.poll()
                wait_until(
                    lambda: (
                        [other.deliver(m) for m in other.messages()]
                        and case.held(record_id) == ["mended"]
                    ),
                    "the other",
                )
            return getattr(self.real, name)

    worker.deliver(refused, replace(worker.bridge, ledger=Overtaken(worker.bridge.ledger, "")))
    worker.drain()
    assert case.held(record_id) == ["mended"]
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_bug_takes_only_its_own_record_off_the_way(
    case: KeptCase, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {text: case.create(text) for text in ("cursed", "left", "right")}
    real = type(worker.flow).write

    def buggy(flow, decisions):  # type: ignore[no-untyped-def]
        if decisions[0].change.record_id == ids["cursed"]:
            raise ZeroDivisionError
        return real(flow, decisions)

    monkeypatch.setattr(type(worker.flow), "write", buggy)
    worker.poll()
    raised: list[str] = []
    for _ in range(8):
        for message in worker.messages():
            try:
                worker.deliver(message)
            except Bug:
                raised += [
                    change.record_id for change in read_envelope(message.content.encode()).changes
                ]
    assert set(raised) == {ids["cursed"]}
    assert [case.held(ids["left"]), case.held(ids["right"])] == [["left"], ["right"]]


def test_a_look_up_that_is_answered_in_pages_takes_nothing_for_deleted(
    case: KeptCase, worker: Worker
) -> None:
    ids = [case.create(f"of several pages {number}") for number in range(5)]
    worker.sync()
    case.dynamics.emulator.json("POST", "/paging", {"largest_page": 2})
    now = worker.bridge.now()
    changes = [Change(record_id, Kind.REFERENCE, first_seen=now) for record_id in ids]
    worker.bridge.handoff.put(worker.flow.queue, worker.flow.key, worker.flow.table, 1, changes)
    assert "deleted" not in outcomes(worker.drain())
    assert all(case.held(record_id) for record_id in ids)
    assert worker.flow.existing(ids) == set(ids)


@pytest.mark.parametrize("by", ["poll", "reference"])
def test_half_a_character_is_its_records_dead_letter(
    case: KeptCase, worker: Worker, by: str
) -> None:
    case.dynamics.emulator.json("POST", "/paging", {"half_characters": True})
    half, whole = case.create("Jane \ue83d"), case.create("Ana")
    if by == "poll":
        settlements = worker.sync()
    else:
        changes = [
            Change(record_id, Kind.REFERENCE, first_seen=worker.bridge.now())
            for record_id in (half, whole)
        ]
        worker.bridge.handoff.put(worker.flow.queue, worker.flow.key, worker.flow.table, 1, changes)
        settlements = worker.drain()
    assert sorted(outcomes(settlements)) == ["created", "rejected"]
    letter = worker.bridge.deadletters.get(worker.flow.key, half)
    assert letter
    assert letter.reason == "unsafe_characters"
    assert letter.field
    case.change(half, "Jane")
    worker.sync()
    assert (case.held(half), case.held(whole)) == (["Jane"], ["Ana"])
    assert worker.bridge.deadletters.get(worker.flow.key, half) is None


def test_what_the_role_may_not_read_is_not_taken_for_deleted(
    case: KeptCase, worker: Worker
) -> None:
    record_id = case.create("of another unit")
    worker.sync()
    name = worker.flow.table if worker.flow.table != "contact" else "Contact"
    case.dynamics.emulator.json("POST", "/access", {"privileges": {f"prvRead{name}": "Basic"}})
    change = Change(record_id, Kind.REFERENCE, first_seen=worker.bridge.now())
    worker.bridge.handoff.put(worker.flow.queue, worker.flow.key, worker.flow.table, 1, [change])
    (message,) = worker.messages()
    worker.deliver(message)
    state = worker.bridge.flows.read(worker.flow.key)
    assert (state.status, state.setting) == (FAILED, "security role")
    assert case.held(record_id) == ["of another unit"]
