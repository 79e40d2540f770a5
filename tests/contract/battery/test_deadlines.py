"""A target that does not answer: the delivery ends in time, what it has not done goes back, and all arrives when it answers."""

import time

from shared.deadlines import within
from tests.contract.battery.kit import Case, Worker, outcomes

BUDGET_SECONDS, TIMEOUT_SECONDS, RECORDS = 1.0, 3.0, 3


def test_a_delivery_to_a_target_that_hangs_ends_in_time_and_goes_on_when_it_answers(case: Case, worker: Worker) -> None:
    records = {f"late {number}" for number in range(RECORDS)}
    ids = {case.create(text): text for text in records}
    worker.poll()
    case.target_fault({"action": {"delay_seconds": 30}})
    began = time.monotonic()
    for message in worker.messages():
        with within(BUDGET_SECONDS):
            worker.deliver(message)
        assert time.monotonic() - began < 2 * (BUDGET_SECONDS + TIMEOUT_SECONDS)
        began = time.monotonic()
    case.target_fault()
    settled = outcomes(worker.drain())
    assert {record_id: case.held(record_id) for record_id in ids} == {record_id: [text] for record_id, text in ids.items()}
    assert settled
    assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0
    assert not worker.bridge.deadletters.page(worker.flow.key)
