"""How long what failed waits for its next attempt, and what of its time that uses up.

A delay grows with each attempt, whatever asked for it: what waits for long has to come to the
waiting room, where the copies of a record meet. On a queue each message that is delivered twice
makes one more of them.
"""

import random
from collections.abc import Callable, Sequence
from math import inf

from shared.deadlines import seconds_left
from shared.errors import Cause, Contended, Retryable
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Settlement

SEND_AGAIN_SECONDS = 15.0
LONGEST_ENVELOPE_DELAY_SECONDS = 60.0
CUT_OFF_SECONDS = 3600.0
MOST_DOUBLINGS = 32  # what is never abandoned may be tried for years


def failed(change: Change, cause: Cause, now: float, pause_seconds: float = 0.0) -> Change:
    """The change after an attempt that failed; a pause uses up nothing of its time."""
    return change.paused(pause_seconds) if cause is Cause.PAUSE else change.failed(now)


def contended_delay(error: Contended, changes: Sequence[Change]) -> float:
    """A claim is soon given back. The more come for it, the less often does each ask; but once more
    at its end, for that of an instance that has ended is given back by nobody.
    """
    longest = LONGEST_ENVELOPE_DELAY_SECONDS
    seconds = doubled(error.retry_after_seconds or 1.0, fewest_attempts(changes), longest)
    jitter = random.uniform(1.0, 1.5)  # noqa: S311  # no secret
    return min(seconds * jitter, error.ends_in_seconds + jitter)


def envelope_delay(
    bridge: Bridge, changes: Sequence[Change], asked_seconds: float | None = None
) -> float:
    """Doubles with each attempt, up to a minute: what befalls all of an envelope soon passes.

    Not less than a system asked for.
    """
    first, longest = bridge.settings.retry_delay_seconds, LONGEST_ENVELOPE_DELAY_SECONDS
    return max(asked_seconds or 0.0, doubled(first, fewest_attempts(changes), longest))


def cut_off_delay(flow: Flow, bridge: Bridge, number: int) -> float:
    """Of a record whose delivery may end the process each time. An opt-out waits for no longer than
    after any other failure.
    """
    longest = LONGEST_ENVELOPE_DELAY_SECONDS if flow.policy.urgent else CUT_OFF_SECONDS
    return doubled(bridge.settings.claim_lease_seconds, number, longest)


def record_delay(settlement: Settlement, bridge: Bridge) -> float:
    """Doubles with each attempt; where a system asked to wait, as the delay of an envelope.

    What waits for other records says itself when it looks again.
    """
    asked, wait = settlement.retry_after_seconds, settlement.wait
    if asked is not None and wait and wait.counted:
        return envelope_delay(bridge, [settlement.change], asked)
    if asked is not None:
        return asked
    settings = bridge.settings
    longest = settings.retry_delay_max_seconds
    return doubled(settings.retry_delay_seconds, settlement.change.attempts, longest)


def fewest_attempts(changes: Sequence[Change]) -> int:
    return min(change.attempts for change in changes)


def doubled(first: float, attempts: int, longest: float) -> float:
    return min(first * 2.0 ** min(attempts, MOST_DOUBLINGS), longest)


def until_sent(sleep: Callable[[float], None], send: Callable[[], None]) -> None:
    """Sends, again and again while the queue cannot be reached, until the run's time is up."""
    while True:
        try:
            return send()
        except Retryable:
            if not SEND_AGAIN_SECONDS < seconds_left() < inf:
                raise
        sleep(SEND_AGAIN_SECONDS)
