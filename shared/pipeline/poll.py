"""Poll: read a page of the source, hand it off, and only then save the checkpoint.

A crash repeats a page, never loses one.
"""

from collections import Counter
from contextlib import suppress
from functools import partial
from math import inf

from shared import telemetry
from shared.deadlines import seconds_left
from shared.errors import Bug, Misconfigured, Rejected, Retryable, TokenExpired
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.guarded import guarded
from shared.pipeline.queue_room import has_room, remember
from shared.pipeline.reconsidering import reconsider
from shared.pipeline.running import activate_mapping, fail, is_running, keys, not_running_reason
from shared.pipeline.sweep import sweep
from shared.pipeline.troubles import CLEARED, interrupted, met_bug
from shared.state.checkpoints import Checkpoint
from shared.state.flows import CACHE_SECONDS

RESTART_SECONDS = 3600.0
SHORTEST_RESTART_SECONDS, RESTART_SHARE = 60.0, 10.0
TIME_IS_UP, READ_ALREADY = "time is up", "is read already"
"""How a poll ends that goes on at the next tick, and one that another poll is before."""
SLOW_READ_SECONDS = 10.0
"""After a longer read it is looked once more whether the flow still runs."""


def poll(flow: Flow, bridge: Bridge, turn_seconds: float = inf) -> str:
    """Reads on from the checkpoint until the source has no more, the queue is long enough or the
    time is up; says which.

    `turn_seconds`: no page is begun after it, where others wait for their turn.
    """
    started, counts = bridge.now(), Counter[str]()
    try:
        ended = guarded(partial(read_alone, flow, bridge, counts, turn_seconds))
    except Misconfigured as error:
        ended = misconfigured(flow, bridge, error)
    except Retryable as error:
        ended = interrupted(flow, bridge, error)
    except Bug as bug:
        ended = met_bug(flow, bridge, bug)
    except Rejected as refusal:
        ended = interrupted(flow, bridge, Retryable(str(refusal)))
    if not counts["began"]:
        return ended
    telemetry.polled(
        flow=flow.key,
        table=flow.table,
        pages=counts["pages"],
        changes=counts["changes"],
        messages=counts["messages"],
        passed_over=counts["passed_over"],
        ended=ended,
        duration_ms=(bridge.now() - started) * 1000,
    )
    return ended


def read_alone(flow: Flow, bridge: Bridge, counts: Counter[str], turn_seconds: float) -> str:
    """A source is read once at a time in a process: its connection is shared.

    Between processes the checkpoint's ETag sees to it.
    """
    with bridge.flows.reading(f"{flow.key} {flow.table}") as alone:
        if not alone:
            return READ_ALREADY
        return read_if_running(flow, bridge, counts, turn_seconds)


def read_if_running(flow: Flow, bridge: Bridge, counts: Counter[str], turn_seconds: float) -> str:
    started = bridge.now()
    if status := not_running_reason(flow, bridge):
        return status
    counts["began"] += 1
    activate_mapping(flow, bridge)
    reconsider(flow, bridge)
    ended = read_on(flow, bridge, started + turn_seconds, counts)
    caught_up = {"caught_up_at": started} if counts["ends"] else {}
    for key in keys(flow):
        bridge.flows.observe(key, polled_at=bridge.now(), **caught_up, **CLEARED)
    return ended


def misconfigured(flow: Flow, bridge: Bridge, error: Misconfigured) -> str:
    with suppress(Retryable):  # a later poll says it
        fail(flow.feed, bridge, error)
    return "failed"


def read_on(flow: Flow, bridge: Bridge, turn_ends: float, counts: Counter[str]) -> str:
    checkpoint = bridge.checkpoints.load(flow.key, flow.table)
    budget = min(bridge.settings.poll_budget_seconds, seconds_left())
    deadline = min(bridge.now() + budget, turn_ends)
    while bridge.now() < deadline:
        if not is_running(flow, bridge):
            return "stopped"
        if not has_room(flow, bridge, checkpoint):
            return "queue is long"
        try:
            if read_page(flow, bridge, checkpoint, counts):
                counts["ends"] += 1
                if not checkpoint.sweep or not flow.policy.detects_missed_deletes:
                    return "up to date"
                return sweep(flow, bridge, checkpoint, deadline)
        except TokenExpired as expired:
            begin_again(flow, bridge, checkpoint, expired)
    return TIME_IS_UP


def begin_again(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, expired: TokenExpired) -> None:
    """Reads again, once; where the source refuses the new position too before it has taken it, a
    later poll does, with a reason.
    """
    if bridge.now() - checkpoint.restarted_at < restart_seconds(checkpoint):
        raise Retryable(
            "The source refused the position of its read again, although it was read again just"
            " before. It is read once more within an hour."
        )
    telemetry.noted(flow=flow.key, event="change_token_expired")
    if expired.link:
        checkpoint.link = expired.link
    else:
        bridge.flows.observe(flow.key, reread_at=bridge.now())
        checkpoint.restart()
    checkpoint.restarted_at = bridge.now()
    bridge.checkpoints.save(checkpoint)


def restart_seconds(checkpoint: Checkpoint) -> float:
    """How long no read is begun again after another one: so that reading again takes a tenth of the
    time at most, where the last one came to its end.
    """
    took = checkpoint.full_at - checkpoint.restarted_at
    if took < 0:
        return RESTART_SECONDS
    return min(RESTART_SECONDS, max(SHORTEST_RESTART_SECONDS, RESTART_SHARE * took))


def tell_version(flow: Flow, bridge: Bridge, version: int) -> None:
    """Before rows are sent that were read for a new version, every process can know of it: its
    flow's row says so, and no process remembers that one for longer.
    """
    known = bridge.flows.state(flow.letters).mapping_version
    if version > known:
        bridge.flows.observe(flow.letters, mapping_version=version)
    if 0 < known < version:
        bridge.sleep(CACHE_SECONDS)


def read_page(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, counts: Counter[str]) -> bool:
    """One page, handed off before its link is saved. True if it was the last one for now."""
    before, began, is_delta = checkpoint.link, bridge.now(), checkpoint.phase == "delta"
    page = flow.read(checkpoint)
    if bridge.now() - began > SLOW_READ_SECONDS and not is_running(flow, bridge):
        return False  # stopped meanwhile: what is not handed off is read again
    if page.link == before and not page.complete:
        raise Retryable(
            "The source gave the same link twice in a row; the page is read again at the next tick."
        )
    tell_version(flow, bridge, checkpoint.mapping_version)
    envelopes = (flow.queue, flow.key, flow.table, checkpoint.mapping_version, page.changes)
    together, pace = flow.policy.batch_size, flow.policy.messages_per_second
    messages = bridge.handoff.put(*envelopes, together=together, pace=pace)
    remember(checkpoint, messages, bridge.now())
    counts["messages"] += messages
    counts["pages"] += 1
    counts["changes"] += len(page.changes)
    counts["passed_over"] += page.passed_over
    if page.finished:  # before the link is saved: what is cut off here is done again
        bridge.deadletters.remove_from(flow.letters, *page.finished)
    checkpoint.link, checkpoint.taken_at = page.link, bridge.now()
    checkpoint.pages, checkpoint.rows = checkpoint.pages + 1, checkpoint.rows + len(page.changes)
    if page.complete and checkpoint.phase == "full":
        checkpoint.phase, checkpoint.replay, checkpoint.full_at = "delta", False, bridge.now()
        checkpoint.sweep = "due" if flow.policy.detects_missed_deletes else ""
    if page.complete:
        checkpoint.caught_up_at = began
        checkpoint.restarted_at = 0.0 if is_delta else checkpoint.restarted_at
    bridge.checkpoints.save(checkpoint)
    return page.complete
