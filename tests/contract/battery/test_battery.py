"""What every flow promises, seen on real storage and on emulators that fail as the real systems
do.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.console.status import watch
from shared.pipeline.replay import replay
from shared.pipeline.running import start, stop
from shared.state.flows import FAILED, RUNNING, STOPPED
from tests.contract.battery.kit import Case, Killed, KilledAt, Worker, outcomes

ARRIVED = ("created", "updated", "unchanged")


def test_a_new_record_arrives_with_one_call(case: Case, worker: Worker) -> None:
    record_id = case.create("first")
    assert outcomes(worker.sync()) == [case.written]
    assert case.held(record_id) == ["first"]
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
    assert sorted(outcomes(new_worker().sync())) == sorted([case.written, "unchanged"])
    assert (case.held(record_id), case.target_writes()) == (["kept"], 1)


def test_a_delivery_that_dies_is_made_good_by_another_instance(
    case: Case, worker: Worker, new_worker: Callable[..., Worker]
) -> None:
    for number, (method, after) in enumerate(case.deaths):
        record_id = case.create(f"kept {number}")
        worker.poll()
        (message,) = worker.messages()
        worker.kill_while_delivering(message, "ledger", method, after)
        new_worker().drain()
        assert case.held(record_id) == [f"kept {number}"]
    assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0


@pytest.mark.parametrize(
    "action",
    [
        pytest.param({"status": 429, "headers": {"Retry-After": "0"}}, id="429 with Retry-After"),
        pytest.param({"status": 429}, id="429 without Retry-After"),
        pytest.param({"status": 502, "body": "Bad Gateway"}, id="502"),
        pytest.param({"drop": "before"}, id="dropped before the work"),
        pytest.param({"drop": "after"}, id="dropped after the work"),
        pytest.param({"delay_seconds": 4, "when": "after"}, id="timeout after commit"),
        pytest.param(
            {
                "status": 500,
                "body": "RST-360011 An error has occurred - please contact your administrator.",
            },
            id="500",
        ),
    ],
)
def test_a_passing_failure_delays_and_does_not_poison(
    case: Case, worker: Worker, action: dict[str, object]
) -> None:
    record_id = case.create("late")
    case.target_fault({"action": action, "times": 1 if "delay_seconds" in action else 4})
    settlements = worker.sync()
    assert (case.held(record_id), outcomes(settlements)[-1] in ARRIVED) == (["late"], True)
    assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_rejected_record_leaves_the_queue_with_a_reason_and_its_neighbours_arrive(
    case: Case, worker: Worker
) -> None:
    case.refuse("refused")
    refused, *neighbours = [case.create(text) for text in ("refused", "left", "right")]
    assert sorted(outcomes(worker.sync())) == sorted([case.written, case.written, "rejected"])
    assert [case.held(record_id) for record_id in neighbours] == [["left"], ["right"]]
    (letter,) = worker.bridge.deadletters.page(worker.flow.key)
    assert (letter.record_id, letter.reason, bool(letter.field)) == (refused, *case.refusal)
    assert "refused'" not in letter.sentence


def test_a_dead_letter_is_replayed_after_the_fix(case: Case, worker: Worker) -> None:
    case.refuse("refused")
    record_id = case.create("refused")
    worker.sync()
    case.advice()
    assert replay(worker.flow, worker.bridge, "dead_letters").count == 1
    assert outcomes(worker.drain()) == [case.written]
    assert case.held(record_id) == ["refused"]
    assert not worker.bridge.deadletters.page(worker.flow.key)


def test_a_record_that_keeps_failing_in_passing_becomes_a_dead_letter_in_the_end(
    case: Case, new_worker: Callable[..., Worker]
) -> None:
    worker = new_worker(retry_hours=0.0001)
    case.create("unlucky")
    case.target_fault({"action": {"status": 500}})
    if worker.flow.policy.never_given_up:
        worker.poll()
        for _ in range(3):
            (message,) = worker.messages()
            assert outcomes(worker.deliver(message)) == ["waiting"]
        return
    assert outcomes(worker.sync())[-1] == "rejected"
    (letter,) = worker.bridge.deadletters.page(worker.flow.key)
    assert letter.reason == "retry_hours_used_up"


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
    assert (state.status, state.setting) == (FAILED, case.credential)
    assert worker.waits() == 1
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
        {
            "action": {
                "status": 401,
                "body": {"error_code": "401013", "message": "Oauth token is not valid"},
            },
            "times": 1,
        }
    )
    assert outcomes(worker.sync()) == [case.written]
    assert case.held(record_id) == ["renewed"]


def test_a_replay_of_all_writes_what_has_not_changed(case: Case, worker: Worker) -> None:
    for text in ("a", "b", "c"):
        case.create(text)
    worker.sync()
    replay(worker.flow, worker.bridge, "all")
    assert outcomes(worker.sync()) == [case.replayed] * 3


def test_reading_stops_while_the_queue_is_long(
    case: Case, new_worker: Callable[..., Worker]
) -> None:
    worker = new_worker(queue_limit_messages=1)
    for number in range(2):
        case.create(f"number {number}")
        worker.poll()
    case.create("one more")
    waiting = worker.wiring.handoff.length(case.queue)
    assert waiting > 1
    assert worker.poll(replace(worker.bridge, sleep=lambda seconds: None)) == "queue is long"
    assert worker.wiring.handoff.length(case.queue) == waiting
    worker.drain()
    assert outcomes(worker.sync()) == [case.written]


def test_the_line_that_alerts_read_tells_what_the_status_tells(
    case: Case, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    case.create("waits")
    worker.poll()
    stop(worker.flow.key, worker.bridge, by="a test")
    with caplog.at_level(logging.INFO, logger="bridge"):
        watch({worker.flow.key: worker.flow}, worker.bridge)
    (line,) = [
        json.loads(record.message) for record in caplog.records if '"watched"' in record.message
    ]
    assert (line["flow"], line["queue"], line["status"]) == (worker.flow.key, case.queue, STOPPED)
    assert (line["backlog_messages"], line["poison_messages"], line["dead_letters"]) == (1, 0, 0)
    assert line["oldest_unwritten_seconds"] >= 0.0
    assert line["token_age_seconds"] > 0.0
