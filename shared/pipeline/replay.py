"""Replay: read all again, or one record, or the dead letters. Discard: give dead letters up."""

from collections import Counter

from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.letters import Left, give_up, hand_off_again

MOST_DISCARDED = 2000  # by one request, which must end before the gateway's 230 s


def replay(flow: Flow, bridge: Bridge, what: str, record_id: str = "", left: Counter[Left] | None = None) -> int:
    """Writes again although nothing has changed: "all" (read anew by the polls), "record" or "dead_letters" (now).

    Returns how many records were handed off; 0 for "all", whose number is known when they have been read. `left` counts the
    letters that stay, by their cause.
    """
    left = Counter() if left is None else left
    if what == "all":
        checkpoint = bridge.checkpoints.load(flow.key, flow.table)
        checkpoint.restart(replay=True)
        bridge.checkpoints.save(checkpoint)
        return 0
    if what == "record":
        return hand_off_again(flow, bridge, {record_id: bridge.deadletters.get(flow.letters, record_id)}, left)
    bridge.handoff.take_back(flow.queue)
    handed, after = 0, ""
    while letters := bridge.deadletters.page(flow.letters, after):
        after = letters[-1].record_id
        handed += hand_off_again(flow, bridge, {letter.record_id: letter for letter in letters}, left)
    return handed


def discard(
    flow: Flow,
    bridge: Bridge,
    what: str,
    value: str = "",
    most: int = MOST_DISCARDED,
    checked: bool = False,
    left: Counter[Left] | None = None,
) -> int:
    """Gives dead letters up, with the record that was kept: a "record", those of a "reason", or all "dead_letters".

    Returns how many; `most` where there may be more. `left` counts the letters that may not be given up, by their cause.
    """
    left = Counter() if left is None else left
    if what == "record":
        letter = bridge.deadletters.get(flow.letters, value)
        return give_up(flow, bridge, [letter] if letter else [], 1, checked, left)
    after, count = "", 0
    while count < most and (letters := bridge.deadletters.page(flow.letters, after)):
        after = letters[-1].record_id
        wanted = [letter for letter in letters if what == "dead_letters" or letter.reason == value]
        count += give_up(flow, bridge, wanted, most - count, checked, left)
    return count
