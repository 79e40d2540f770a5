"""Back-pressure: whether a queue is short enough for one more page of a flow.

Several tables share a queue. Each table counts its own messages, so a table whose messages are
many, or are not taken, holds up no other. Azure counts messages per queue alone. So each flow
remembers when it put how many messages there: those that it put before the message at the head of
the queue have been taken.
"""

import json

from shared.pipeline.flow import Bridge, Flow
from shared.state.checkpoints import Checkpoint

LOOK_SECONDS = 0.5
REMEMBERED_PAGES = 64
"""Remembered pages. More than the limit of messages are never on the queue for long."""


def has_room(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> bool:
    """Whether one more page may be put on the queue.

    A flow that wants its queue shorter waits for that a little, not for ever.
    """
    limit, policy = bridge.settings.queue_limit_messages, flow.policy
    looks = int(policy.max_wait_seconds / LOOK_SECONDS) if policy.max_queue_messages else 0
    for _ in range(looks):
        if bridge.handoff.length(flow.queue) <= min(policy.max_queue_messages, limit):
            return True
        bridge.sleep(LOOK_SECONDS)
    return (
        bridge.handoff.length(flow.queue) <= limit
        or own_messages(flow, bridge, checkpoint) <= limit
    )


def own_messages(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> int:
    """About how many of the flow's own messages are on the queue. Rather too many than too few."""
    oldest = bridge.handoff.oldest_inserted(flow.queue)
    if oldest is None:
        return 0
    return sum(messages for at, messages in pages(checkpoint) if at >= oldest)


def remember(checkpoint: Checkpoint, messages: int, now: float) -> None:
    """Notes that a page was put on the queue; saved with the checkpoint."""
    if messages:
        listed = [*pages(checkpoint), (round(now, 3), messages)]
        checkpoint.handed = json.dumps(listed[-REMEMBERED_PAGES:], separators=(",", ":"))


def pages(checkpoint: Checkpoint) -> list[tuple[float, int]]:
    return [(at, messages) for at, messages in json.loads(checkpoint.handed or "[]")]
