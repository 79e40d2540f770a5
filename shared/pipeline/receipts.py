"""When a message is abandoned, by how often the host has handed it out.

Each delivery that does not end spends a receipt, whatever cut it off. The host itself gives a
message up after `maxDequeueCount` receipts (host.json), which is more than an outage of two days
spends. What is to end soon is ended here:

    a bug        the fifth one sets the message aside, for shared/pipeline/poison.py
    cut off      a message whose deliveries are cut off faster than an outage could cut them is sent
                 again, each record by itself; one that this befalls again is set aside
    an outage    nothing: the message is delivered again, however often

Source: Microsoft Learn, "Azure Queue storage trigger", poison messages.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from shared import telemetry
from shared.deadlines import RUN_SECONDS
from shared.errors import Bug, Rejected
from shared.pipeline.delays import until_sent
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.guarded import guarded
from shared.pipeline.resending import resend
from shared.state.envelope import read_envelope
from shared.state.handoff import poison_of

MOST_RECEIPTS = 5
OUTAGE_SECONDS_PER_RECEIPT = RUN_SECONDS / 2
"""A delivery waits for the queue until its run is over; half of that is less than any spends."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message as the host hands it out.

    `receipts`: how often, this time included. `age_seconds`: since it was put on the queue.
    """

    queue: str
    body: bytes = field(repr=False)
    receipts: int
    age_seconds: float

    @property
    def was_cut_off(self) -> bool:
        """Whether deliveries ended faster than those that wait for a system until their time is
        up.
        """
        return self.receipts > MOST_RECEIPTS + self.age_seconds / OUTAGE_SECONDS_PER_RECEIPT


def deliver_records(flow: Flow, bridge: Bridge, receipt: Receipt) -> None:
    """Delivers a message, or gives it up; raises what makes the host show it again."""
    work = (
        partial(one_by_one, flow, bridge, receipt)
        if receipt.was_cut_off
        else partial(deliver, flow, bridge, receipt.body, receipt.receipts)
    )
    or_give_up(bridge, receipt, work)


def or_give_up[Result](
    bridge: Bridge, receipt: Receipt, work: Callable[[], Result]
) -> Result | None:
    """The result of the work; None where a bug ended it once too often, and the message is aside.

    Raises the bug before that, and whatever is no bug.
    """
    try:
        return guarded(work)
    except (Bug, Rejected):
        if receipt.receipts < MOST_RECEIPTS:
            raise
        until_sent(bridge.sleep, partial(set_aside, bridge, receipt))
        return None


def one_by_one(flow: Flow, bridge: Bridge, receipt: Receipt) -> None:
    """Sends each record by itself, so that one which ends a process harms no other one twice."""
    envelope = read_envelope(receipt.body)
    if any(change.cut_off for change in envelope.changes):
        set_aside(bridge, receipt)
        return
    for change in envelope.changes:
        resend(flow, bridge, envelope, [replace(change, uncertain=True, cut_off=1)], 0)
    telemetry.noted(flow=flow.key, event="cut_off", count=len(envelope.changes))


def set_aside(bridge: Bridge, receipt: Receipt) -> None:
    """Puts the message where the host puts those whose receipts are used up."""
    poison = poison_of(receipt.queue)
    bridge.handoff.send(poison, receipt.body.decode("utf-8", "replace"))
    telemetry.noted(flow="", event="set_aside", count=receipt.receipts, reason=poison)
