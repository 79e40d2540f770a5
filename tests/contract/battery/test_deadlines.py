"""A target that does not answer: the delivery ends in time, what it has not done goes back, and all
arrives when it answers.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pydantic import SecretStr

from dev.commands.stack import Stack
from shared.deadlines import within
from shared.errors import Retryable
from shared.sdk_transport import BoundedTransport
from shared.state import storage
from tests.contract.battery.kit import Case, Worker, outcomes
from tests.contract.silence import silent_storage

BUDGET_SECONDS, TIMEOUT_SECONDS, RECORDS = 1.0, 3.0, 3
RUN_SECONDS, HOST_SECONDS = 4.0, 12.0


def test_a_delivery_to_a_target_that_hangs_ends_in_time_and_goes_on_when_it_answers(
    case: Case, worker: Worker
) -> None:
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
    assert {record_id: case.held(record_id) for record_id in ids} == {
        record_id: [text] for record_id, text in ids.items()
    }
    assert settled
    assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0
    assert not worker.bridge.deadletters.page(worker.flow.key)


class Before:
    """Passes everything on to `real`; what is to happen before one method happens once."""

    def __init__(self, real: Any, method: str, happen: Callable[[], None]) -> None:
        self.real, self.method, self.happen = real, method, [happen]

    def __getattr__(self, name: str) -> Any:
        if name == self.method and self.happen:
            self.happen.pop()()
        return getattr(self.real, name)


@pytest.mark.parametrize(
    ("services", "loses", "gives_back"),
    [(("table",), False, True), (("table",), True, True), ((), True, False)],
    ids=["settled without an answer", "tables alone", "tables and queues"],
)
def test_storage_that_falls_silent_at_settle_loses_and_doubles_nothing(
    case: Case,
    new_worker: Callable[..., Worker],
    stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    services: tuple[str, ...],
    loses: bool,
    gives_back: bool,
) -> None:
    """The target has the records, and no row says so.

    Where no queue answers either, the host gives the message back.
    """
    monkeypatch.setattr(storage, "BoundedTransport", partial(BoundedTransport, limits=(0.5, 0.5)))
    with silent_storage(stack.environment["AzureWebJobsStorage"]) as account:
        worker = new_worker(azurewebjobsstorage=SecretStr(account.connection_string))
        ids = {case.create(text): text for text in ("one", "two")}
        worker.poll()
        bridge = worker.bridge
        for message in worker.messages():
            silence = partial(account.fall_silent, *services, loses=loses)
            cut_off = replace(bridge, ledger=Before(bridge.ledger, case.deaths[-1][0], silence))
            began = time.monotonic()
            with within(RUN_SECONDS, end_seconds=RUN_SECONDS), suppress(Retryable):
                worker.deliver(message, cut_off, complete=gives_back)
                assert gives_back
            assert time.monotonic() - began < HOST_SECONDS
            account.speak()
            assert (message.id in worker.held) is not gives_back
            if not gives_back:
                worker.release(message)
        worker.drain()
        assert {record_id: case.held(record_id) for record_id in ids} == {
            record_id: [text] for record_id, text in ids.items()
        }
        assert worker.wiring.handoff.length(f"{case.queue}-poison") == 0
        assert not worker.bridge.deadletters.page(worker.flow.key)
