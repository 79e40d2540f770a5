"""How long what failed as a whole waits for its next attempt, and what of its time that uses up."""

import random
from collections.abc import Callable, Sequence
from math import inf

from shared.deadlines import seconds_left
from shared.errors import Cause, Contended, Retryable
from shared.pipeline.flow import Bridge
from shared.pipeline.settle import MOST_DOUBLINGS
from shared.records import Change

SEND_AGAIN_SECONDS = 15.0
LONGEST_ENVELOPE_DELAY_SECONDS = 60.0
MOST_CONTENDED_DOUBLINGS = 4


def failed(change: Change, cause: Cause, now: float, pause_seconds: float = 0.0) -> Change:
    """The change after an attempt that failed; a pause uses up nothing of its time."""
    return change.paused(pause_seconds) if cause is Cause.PAUSE else change.failed(now)


def contended_delay(error: Contended, changes: Sequence[Change]) -> float:
    """A claim is soon given back. The more come for it, the less often does each ask."""
    tries = min(change.attempts for change in changes)
    doubled = (error.retry_after_seconds or 1.0) * 2.0 ** min(tries, MOST_CONTENDED_DOUBLINGS)
    return doubled * random.uniform(1.0, 1.5)  # noqa: S311  # jitter, no secret


def envelope_delay(bridge: Bridge, changes: Sequence[Change]) -> float:
    """Doubles with each attempt, up to a minute: what befalls all of an envelope soon passes."""
    doubled = bridge.settings.retry_delay_seconds * 2.0 ** min(
        MOST_DOUBLINGS, *(change.attempts for change in changes)
    )
    return min(doubled, LONGEST_ENVELOPE_DELAY_SECONDS)


def until_sent(sleep: Callable[[float], None], send: Callable[[], None]) -> None:
    """Sends, again and again while the queue cannot be reached, until the run's time is up."""
    while True:
        try:
            return send()
        except Retryable:
            if not SEND_AGAIN_SECONDS < seconds_left() < inf:
                raise
        sleep(SEND_AGAIN_SECONDS)
