"""What stands in the way of a poll: told in the flow's row at once, and at last by a failed flow.

| what ends a poll                        | the flow                                              |
|-----------------------------------------|-------------------------------------------------------|
| throttling, no answer, 502-504, storage | goes on; its row says why, until a poll succeeds      |
| any other answer that can't be used     | the same; failed after an hour of such answers        |
| a bug of ours                           | failed at once, with the error's type                 |

A flow that failed so is tried again by itself, after a delay that doubles up to 15 minutes.
"""

from contextlib import suppress

from shared import telemetry
from shared.errors import Bug, Cause, Misconfigured, Retryable
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.running import fail
from shared.state.flows import FlowState

UNUSABLE_SECONDS = 3600.0
CLEARED: dict[str, str | float] = {"trouble": "", "failing_since": 0.0, "failures": 0}
"""What a poll that succeeds writes."""


def interrupted(flow: Flow, bridge: Bridge, error: Retryable) -> str:
    """Notes why a poll was interrupted, and fails the flow where it has been so for too long."""
    with suppress(Retryable):  # the state is what cannot be reached
        state, sentence = bridge.flows.read(flow.feed), str(error)
        since = failing_since(state, error.cause, bridge.now())
        if since and bridge.now() - since >= UNUSABLE_SECONDS and error.cause is Cause.ANSWER:
            hours = f"It has been so for {(bridge.now() - since) / 3600:.0f} h or more."
            return failed(flow, bridge, f"{sentence} {hours}")
        if (sentence, since) != (state.trouble, state.failing_since):
            bridge.flows.observe(flow.feed, trouble=sentence, failing_since=since)
    return "interrupted"


def failing_since(state: FlowState, cause: Cause, now: float) -> float:
    """A pause or an outage starts nothing."""
    return state.failing_since or (now if cause is Cause.ANSWER else 0.0)


def met_bug(flow: Flow, bridge: Bridge, bug: Bug) -> str:
    """Fails the flow; the traceback goes to the log, without the error's own words."""
    telemetry.bug(flow=flow.feed, error=bug)
    sentence = (
        f"The poll met a {bug} Report it with its exception in Application Insights. The bridge"
        " tries again by itself."
    )
    with suppress(Retryable):
        return failed(flow, bridge, sentence)
    return "failed"


def failed(flow: Flow, bridge: Bridge, sentence: str) -> str:
    failures = bridge.flows.read(flow.feed).failures
    fail(flow.feed, bridge, Misconfigured("", sentence))
    bridge.flows.observe(flow.feed, failures=failures + 1, checked_at=bridge.now())
    return "failed"
