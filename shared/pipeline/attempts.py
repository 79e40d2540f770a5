"""One attempt at one record: its result, or what its failure means for this record alone."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from shared.errors import Bug, Cause, Misconfigured, Rejected, Retryable
from shared.pipeline.delays import failed
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.guarded import guarded
from shared.pipeline.running import fail
from shared.records import Change, Outcome, Settlement, waiting
from shared.waits import BugMet, FlowFailed, Transient


def attempt[Result](
    flow: Flow, bridge: Bridge, change: Change, work: Callable[[], Result]
) -> Result | Settlement:
    """The result of the work, or what its failure means for this one record.

    Nothing it raises harms its neighbours.
    """
    try:
        return guarded(work)
    except Rejected as refusal:
        judged_by = refusal.metadata
        return Settlement(
            change,
            Outcome.REJECTED,
            refusal.reason,
            refusal.field,
            str(refusal),
            metadata=judged_by,
        )
    except Retryable as error:
        if flow.policy.created_once:
            change = replace(change, uncertain=change.uncertain or error.uncertain)
        return waiting(
            failed(change, error.cause, bridge.now()),
            Transient(pause=error.cause is Cause.PAUSE),
            str(error),
            retry_after_seconds=error.retry_after_seconds,
        )
    except Misconfigured as error:
        pause(flow, bridge, error)
        wait_seconds = bridge.settings.paused_delay_seconds
        return waiting(change, FlowFailed(), str(error), retry_after_seconds=wait_seconds)
    except Bug as bug:  # this record alone goes the way of the poison queue
        return waiting(change, BugMet(), str(bug), fault=bug)


def pause(flow: Flow, bridge: Bridge, error: Misconfigured) -> None:
    """Fails the flow with the cause; while that cannot be written down, a later delivery does."""
    with suppress(Retryable):
        fail(flow.key, bridge, error)
