"""When a message is given up: a bug soon, an outage never, what cuts deliveries off by itself."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shared.deadlines import RUN_SECONDS, within
from shared.errors import Bug, Rejected, Retryable
from shared.pipeline import receipts
from shared.pipeline.delays import SEND_AGAIN_SECONDS, until_sent
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Policy
from shared.pipeline.receipts import MOST_RECEIPTS, Receipt, deliver_records
from shared.records import Change, Kind
from shared.settings import load_settings
from shared.state.envelope import envelopes, read_envelope
from tests.unit.test_settings import COMPLETE

ROOT = Path(__file__).parents[2]
QUEUES = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
BACK_SECONDS = 10.0
OUTAGE_SECONDS = 48 * 3600.0
IDS = ["11111111-0000-0000-0000-000000000000", "22222222-0000-0000-0000-000000000000"]
BODY = next(
    text.encode()
    for text, _ in envelopes(
        "email_events", "sends", 1, [Change(id_, Kind.ROW, 1, {}) for id_ in IDS], together=10
    )
)


class Queue:
    """Takes messages, if it is not away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.is_away = False

    def send(self, queue: str, text: str, delay_seconds: float = 0) -> None:
        if self.is_away:
            raise Retryable("The storage account did not answer.", uncertain=True)
        self.sent.append((queue, text.encode()))

    def put(self, queue: str, flow: str, table: str, version: int, changes: Any, *rest: Any) -> int:
        for text, _ in envelopes(flow, table, version, changes, together=10):
            self.send(queue, text)
        return 1


FLOW: Any = SimpleNamespace(
    key="email_events",
    queue="email-events",
    policy=Policy(created_once=True, batch_size=10),
    at_rest=lambda change: change,
)


def bridge(queue: Queue) -> Any:
    def away(_: str) -> None:
        raise Retryable("The storage account did not answer.", uncertain=True)

    return SimpleNamespace(
        handoff=queue,
        sleep=lambda _: None,
        now=lambda: 0.0,
        settings=load_settings(COMPLETE),
        flows=SimpleNamespace(state=away),
    )


def receipt(count: int, age_seconds: float = 0.0, body: bytes = BODY) -> Receipt:
    return Receipt("email-events", body, count, age_seconds)


def buggy(*_: object) -> None:
    raise KeyError("ana@example.org")


@pytest.mark.parametrize("count", range(1, MOST_RECEIPTS))
def test_a_bug_is_shown_to_the_host_which_tries_again(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "deliver", buggy)
    with pytest.raises(Bug) as caught:
        deliver_records(FLOW, bridge(Queue()), receipt(count))
    assert "example.org" not in str(caught.value)


@pytest.mark.parametrize("count", [MOST_RECEIPTS, 300])
def test_a_bug_that_comes_back_sets_its_message_aside(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many receipts an outage has spent before it."""
    queue = Queue()
    monkeypatch.setattr(receipts, "deliver", buggy)
    deliver_records(FLOW, bridge(queue), receipt(count, age_seconds=OUTAGE_SECONDS))
    assert queue.sent == [("email-events-poison", BODY)]


def test_a_message_that_is_no_envelope_is_set_aside_as_a_bug_is() -> None:
    queue = Queue()
    with pytest.raises(Rejected):
        deliver_records(FLOW, bridge(queue), receipt(1, body=b"no envelope"))
    deliver_records(FLOW, bridge(queue), receipt(MOST_RECEIPTS, body=b"no envelope"))
    assert queue.sent == [("email-events-poison", b"no envelope")]


def test_an_outage_of_tables_and_queues_for_two_days_makes_no_poison() -> None:
    """Each delivery waits for the queue until its run is over. The host shows the message again
    until the queue is back, and does not give it up before.
    """
    queue, spent, age = Queue(), 0, 0.0
    queue.is_away = True
    while age < OUTAGE_SECONDS:
        spent += 1
        with pytest.raises(Retryable):
            deliver_records(FLOW, bridge(queue), receipt(spent, age))
        age += RUN_SECONDS - SEND_AGAIN_SECONDS + BACK_SECONDS
    assert spent < QUEUES["maxDequeueCount"]
    queue.is_away = False
    deliver_records(FLOW, bridge(queue), receipt(spent + 1, age))
    assert [name for name, _ in queue.sent] == ["email-events"]


def test_a_delivery_waits_for_the_queue_until_its_run_is_over() -> None:
    """So an outage spends a receipt in seven minutes, not five in a minute."""
    now, tries = [0.0], list[float]()

    def send() -> None:
        tries.append(now[0])
        raise Retryable("The storage account did not answer.")

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with pytest.MonkeyPatch.context() as patch, within(RUN_SECONDS, lambda: now[0]):
        patch.setattr("shared.pipeline.delays.seconds_left", lambda: RUN_SECONDS - now[0])
        with pytest.raises(Retryable):
            until_sent(sleep, send)
    assert tries[-1] >= RUN_SECONDS - SEND_AGAIN_SECONDS
    assert len(tries) > 20


def test_outside_of_an_invocation_nobody_waits() -> None:
    def send() -> None:
        raise Retryable("The storage account did not answer.")

    def sleep(_: float) -> None:
        raise AssertionError("it waits")

    with pytest.raises(Retryable):
        until_sent(sleep, send)


def test_what_is_cut_off_again_and_again_is_sent_record_by_record_and_then_set_aside() -> None:
    """A host left without a worker, or deployments one after another: no record is given up. One
    that ends its process is, and harms no other one twice.
    """
    queue = Queue()
    deliver_records(FLOW, bridge(queue), receipt(MOST_RECEIPTS + 1))
    assert [name for name, _ in queue.sent] == ["email-events"] * 2
    alone = [read_envelope(body).changes for _, body in queue.sent]
    assert [[change.record_id for change in changes] for changes in alone] == [[IDS[0]], [IDS[1]]]
    assert all(change.uncertain for changes in alone for change in changes)
    again, queue.sent = queue.sent[0][1], []
    deliver_records(FLOW, bridge(queue), receipt(MOST_RECEIPTS + 1, body=again))
    assert queue.sent == [("email-events-poison", again)]


@pytest.mark.parametrize(
    ("count", "age_seconds", "was_cut_off"),
    [(5, 0, False), (6, 0, True), (6, RUN_SECONDS, False), (400, OUTAGE_SECONDS, False)],
)
def test_receipts_are_measured_by_what_an_outage_can_spend(
    count: int, age_seconds: float, was_cut_off: bool
) -> None:
    assert receipt(count, age_seconds).was_cut_off is was_cut_off


@pytest.mark.parametrize("work", [deliver], ids=["deliver"])
def test_while_tables_alone_are_away_a_message_goes_back_at_once(
    work: Callable[..., object],
) -> None:
    """With a delay that grows, and no receipt is spent."""
    queue = Queue()
    work(FLOW, bridge(queue), BODY, 1)
    ((_, body),) = queue.sent
    changes = read_envelope(body).changes
    assert {change.uncertain for change in changes} == {True}
