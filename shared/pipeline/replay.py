"""Replay: read all again, or one record, or the dead letters. Discard: give dead letters up."""

from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.letters import Handled, give_up, hand_off_again

MOST_DISCARDED = 2000  # by one request, which must end before the gateway's 230 s


def replay(flow: Flow, bridge: Bridge, what: str, record_id: str = "") -> Handled:
    """Writes again although nothing has changed: "all" (read anew by the polls), "record" or
    "dead_letters" (now).

    Says how many records were handed off; 0 for "all", whose number is known when they have been
    read.
    """
    if what == "all":
        checkpoint = bridge.checkpoints.load(flow.key, flow.table)
        checkpoint.restart(replay=True)
        bridge.checkpoints.save(checkpoint)
        return Handled()
    if what == "record":
        return hand_off_again(
            flow, bridge, {record_id: bridge.deadletters.get(flow.letters, record_id)}
        )
    bridge.handoff.take_back(flow.queue)
    handled, after = Handled(), ""
    while letters := bridge.deadletters.page(flow.letters, after):
        after = letters[-1].record_id
        handled += hand_off_again(flow, bridge, {letter.record_id: letter for letter in letters})
    return handled


def discard(
    flow: Flow,
    bridge: Bridge,
    what: str,
    value: str = "",
    most: int = MOST_DISCARDED,
    checked: bool = False,
) -> Handled:
    """Gives dead letters up, with the record that was kept: a "record", those of a "reason", or all
    "dead_letters".

    Says how many were given up, `most` where there may be more, and how many may not be.
    """
    if what == "record":
        letter = bridge.deadletters.get(flow.letters, value)
        return give_up(flow, bridge, [letter] if letter else [], 1, checked)
    handled, after = Handled(), ""
    while handled.count < most and (letters := bridge.deadletters.page(flow.letters, after)):
        after = letters[-1].record_id
        wanted = [letter for letter in letters if what == "dead_letters" or letter.reason == value]
        handled += give_up(flow, bridge, wanted, most - handled.count, checked)
    return handled
