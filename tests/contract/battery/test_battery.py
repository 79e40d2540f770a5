"""What every flow promises, seen on real storage and on emulators that fail as the real systems do."""

import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.verbs import wait_until
from shared.console.status import watch
from shared.handoff import read_envelope
from shared.state.flows import FAILED, RUNNING, STOPPED
from shared.steps import replay, start, stop
from tests.contract.battery.kit import Case, Killed, KilledAt, Worker, outcomes


def test_a_new_record_arrives_with_one_call(case: Case, worker: Worker) -> None:
    record_id = case.create("first")
    assert outcomes(worker.sync()) == ["created"]
    assert case.held(record_id) == ["first"]
    assert case.target_writes() == 1


def test_an_update_and_a_deletion_take_one_call_each(case: Case, worker: Worker) -> None:
    record_id = case.create("first")
    worker.sync()
    case.change(record_id, "second")
    assert outcomes(worker.sync()) == ["updated"]
    assert (case.held(record_id), case.target_writes()) == (["second"], 2)
    case.delete(record_id)
    assert outcomes(worker.sync()) == ["deleted"]
    assert (case.held(record_id), case.target_writes()) == ([], 3)


def test_unchanged_makes_no_call(case: Case, worker: Worker) -> None:
    record_id = case.create("same")
    worker.sync()
    case.change(record_id, "same")
    assert outcomes(worker.sync()) == ["unchanged"]
    assert case.target_writes() == 1


def test_delivering_twice_writes_once(case: Case, worker: Worker) -> None:
    record_id = case.create("once")
    worker.poll()
    (message,) = worker.messages()
    worker.deliver(message, complete=False)
    assert outcomes(worker.deliver(message)) == ["unchanged"]
    assert (case.held(record_id), case.target_writes()) == (["once"], 1)


def test_a_crash_between_handoff_and_checkpoint_loses_nothing(
    case: Case, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    record_id = case.create("kept")
    with pytest.raises(Killed):
        worker.poll(replace(worker.bridge, checkpoints=KilledAt(worker.bridge.checkpoints, "save")))
    assert sorted(outcomes(new_worker().sync())) == ["created", "unchanged"]
    assert (case.held(record_id), case.target_writes()) == (["kept"], 1)


@pytest.mark.parametrize(("method", "after"), [("claim", True), ("settle", False), ("settle", True)])
def test_a_crash_while_delivering_is_made_good_by_another_instance(
    case: Case, worker: Worker, new_worker: Callable[..., Worker], method: str, after: bool
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


def test_two_instances_never_write_a_record_at_once(case: Case, worker: Worker, new_worker: Callable[..., Worker]) -> None:
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


def test_an_older_version_never_overwrites_a_newer_one(case: Case, worker: Worker) -> None:
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


def test_a_late_update_does_not_bring_a_deleted_record_back(case: Case, worker: Worker) -> None:
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


def test_a_record_made_and_deleted_between_two_polls_is_accepted_silently(case: Case, worker: Worker) -> None:
    worker.sync()
    record_id = case.create("short life")
    case.delete(record_id)
    assert outcomes(worker.sync()) == ["deleted"]
    assert (case.held(record_id), case.target_writes()) == ([], 0)


@pytest.mark.parametrize(
    "action",
    [
        pytest.param({"status": 429, "headers": {"Retry-After": "0"}}, id="429 with Retry-After"),
        pytest.param({"status": 429}, id="429 without Retry-After"),
        pytest.param({"status": 502, "body": "Bad Gateway"}, id="502"),
        pytest.param({"drop": "before"}, id="dropped before the work"),
        pytest.param({"drop": "after"}, id="dropped after the work"),
        pytest.param({"delay_seconds": 4, "when": "after"}, id="timeout after commit"),
        pytest.param({"status": 500, "body": "RST-360011 An error has occurred - please contact your administrator."}, id="500"),
    ],
)
def test_a_passing_failure_delays_and_does_not_poison(case: Case, worker: Worker, action: dict[str, object]) -> None:
    record_id = case.create("late")
    case.target_fault({"action": action, "times": 1 if "delay_seconds" in action else 4})
    settlements = worker.sync()
    assert (case.held(record_id), outcomes(settlements)[-1] in ("created", "updated")) == (["late"], True)
    assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_rejected_record_leaves_the_queue_with_a_reason_and_its_neighbours_arrive(case: Case, worker: Worker) -> None:
    case.refuse("refused")
    refused, *neighbours = [case.create(text) for text in ("refused", "left", "right")]
    assert sorted(outcomes(worker.sync())) == ["created", "created", "rejected"]
    assert [case.held(record_id) for record_id in neighbours] == [["left"], ["right"]]
    (letter,) = worker.bridge.deadletters.page(worker.flow.key)
    assert (letter.record_id, letter.reason, bool(letter.field)) == (refused, "bad_enumeration_value", True)
    assert "refused'" not in letter.sentence


def test_a_refusal_that_comes_too_late_leaves_no_dead_letter_behind(
    case: Case, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    """One instance is about to settle a refusal when another writes the mended record and settles that."""
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
                    lambda: [other.deliver(m) for m in other.messages()] and case.held(record_id) == ["mended"], "the other"
                )
            return getattr(self.real, name)

    worker.deliver(refused, replace(worker.bridge, ledger=Overtaken(worker.bridge.ledger, "")))
    worker.drain()
    assert case.held(record_id) == ["mended"]
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_dead_letter_is_replayed_after_the_fix(case: Case, worker: Worker) -> None:
    case.refuse("refused")
    record_id = case.create("refused")
    worker.sync()
    case.target_fault()
    assert replay(worker.flow, worker.bridge, "dead_letters") == 1
    assert outcomes(worker.drain()) == ["created"]
    assert case.held(record_id) == ["refused"]
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_record_that_keeps_failing_in_passing_becomes_a_dead_letter_in_the_end(
    case: Case, new_worker: Callable[..., Worker]
) -> None:
    worker = new_worker(retry_attempts=3)
    case.create("unlucky")
    case.target_fault({"action": {"status": 503}})
    assert outcomes(worker.sync()) == ["waiting", "waiting", "rejected"]
    (letter,) = worker.bridge.deadletters.page(worker.flow.key)
    assert (letter.reason, letter.attempts) == ("attempts_used_up", 3)


def test_a_wrong_credential_pauses_the_flow_and_loses_nothing(
    case: Case, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    worker.sync()
    case.break_credential()
    record_id = case.create("patient")
    worker.poll()
    for message in worker.messages():
        worker.deliver(message)
    state = new_worker().bridge.flows.state(worker.flow.key)
    assert (state.status, "SECRET" in state.setting) == (FAILED, True)
    assert worker.wiring.handoff.length(case.queue) == 1
    case.mend_credential()
    mended = new_worker(paused_delay_seconds=0)
    mended.poll()
    assert mended.bridge.flows.state(worker.flow.key).status == RUNNING
    mended.drain()
    assert case.held(record_id) == ["patient"]
    assert not mended.bridge.deadletters.page(worker.flow.key)


def test_a_stopped_flow_resumes_where_it_was(case: Case, worker: Worker) -> None:
    before = case.create("before")
    worker.poll()
    stop(worker.flow.key, worker.bridge, by="test")
    (message,) = worker.messages()
    assert worker.deliver(message) == []
    after = case.create("after")
    assert worker.poll() == "stopped"
    assert case.target_writes() == 0
    start(worker.flow.key, worker.bridge, by="test")
    worker.sync()
    assert [case.held(before), case.held(after)] == [["before"], ["after"]]


def test_a_token_that_ends_in_mid_run_is_renewed_once(case: Case, worker: Worker) -> None:
    worker.sync()
    record_id = case.create("renewed")
    case.target_fault(
        {"action": {"status": 401, "body": {"error_code": "401013", "message": "Oauth token is not valid"}}, "times": 1}
    )
    assert outcomes(worker.sync()) == ["created"]
    assert case.held(record_id) == ["renewed"]


def test_a_bug_takes_only_its_own_record_off_the_way(case: Case, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = {text: case.create(text) for text in ("cursed", "left", "right")}
    real = type(worker.flow).write

    def buggy(flow, decision, written):  # type: ignore[no-untyped-def]
        if decision.change.record_id == ids["cursed"]:
            raise ZeroDivisionError
        return real(flow, decision, written)

    monkeypatch.setattr(type(worker.flow), "write", buggy)
    worker.poll()
    raised: list[str] = []
    for _ in range(8):
        for message in worker.messages():
            try:
                worker.deliver(message)
            except ZeroDivisionError:
                raised += [change.record_id for change in read_envelope(message.content.encode()).changes]
    assert set(raised) == {ids["cursed"]}
    assert [case.held(ids["left"]), case.held(ids["right"])] == [["left"], ["right"]]


def test_a_replay_of_all_writes_what_has_not_changed(case: Case, worker: Worker) -> None:
    for text in ("a", "b", "c"):
        case.create(text)
    worker.sync()
    replay(worker.flow, worker.bridge, "all")
    assert outcomes(worker.sync()) == ["updated"] * 3


def test_reading_stops_while_the_queue_is_long(case: Case, new_worker: Callable[..., Worker]) -> None:
    worker = new_worker(queue_limit_messages=1)
    for number in range(6):
        case.create(f"number {number}")
    worker.poll()
    case.create("one more")
    waiting = worker.wiring.handoff.length(case.queue)
    assert waiting > 1
    assert worker.poll() == "queue is long"
    assert worker.wiring.handoff.length(case.queue) == waiting
    worker.drain()
    assert outcomes(worker.sync()) == ["created"]


def test_the_line_that_alerts_read_tells_what_the_status_tells(
    case: Case, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    case.create("waits")
    worker.poll()
    stop(worker.flow.key, worker.bridge, by="a test")
    with caplog.at_level(logging.INFO, logger="bridge"):
        watch({worker.flow.key: worker.flow}, worker.bridge)
    (line,) = [json.loads(record.message) for record in caplog.records if '"watched"' in record.message]
    assert (line["flow"], line["queue"], line["status"]) == (worker.flow.key, case.queue, STOPPED)
    assert (line["backlog_messages"], line["poison_messages"], line["dead_letters"]) == (1, 0, 0)
    assert line["oldest_unwritten_seconds"] >= 0.0
    assert line["token_age_seconds"] > 0.0
