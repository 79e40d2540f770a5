"""Replay: read all again, or one record, or the dead letters. Discard: give dead letters up.

What takes long is a job: begun at once, carried on by a timer.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from shared.errors import Retryable
from shared.pipeline.answering import ANSWER, HELD
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import DELETIONS, MISSING, Work, carry_on
from shared.pipeline.letters import Handled, Left, give_up, hand_off_again
from shared.pipeline.polling import POLL, POLLING
from shared.pipeline.rereading import CHANGED, REREADING
from shared.pipeline.selecting import (
    DISCARD,
    DISCARD_CHECKED,
    DISCARDING,
    LETTERS,
    REPLAYING,
    SOME,
    new_job,
    order_letters,
)
from shared.state.checkpoints import Checkpoint
from shared.state.jobs import Job

MOST_DISCARDED = 2000  # by one request, which must end before the gateway's 230 s
AT_ONCE_SECONDS = 10.0  # of a job, while the person who ordered it waits
ALL = "all"
SAVE_ATTEMPTS = 20
NOTHING_READ = "This flow reads nothing by itself. Replay the flows that read for it."


class NotReplayed(Exception):
    """Nothing of the flow can be read again; the text is a sentence for a person."""


def replay(flow: Flow, bridge: Bridge, what: str, record_id: str = "", who: str = "") -> Handled:
    """Writes again although nothing has changed: "all" (read again by the polls), "record" or
    "dead_letters" (now).

    Says how many records were handed off; 0 for "all", whose number is known when they have been
    read.
    """
    if what == "record":
        return hand_off_again(
            flow, bridge, {record_id: bridge.deadletters.get(flow.letters, record_id)}
        )
    if what == ALL:
        job = order_all(flow.feed, [flow], bridge, who)
    else:
        job = order_letters(flow, bridge, who)
    return handled_by(begin(flow, bridge, job))


def order_all(name: str, readers: Sequence[Flow], bridge: Bridge, who: str) -> Job:
    """The job that has the sources of a flow read again; the one that does so already begins again.

    Each order counts: it may say that the source was restored, and then what has been read is out
    of date. NotReplayed where none can be read twice.
    """
    able = [reader for reader in readers if reader.reads and not reader.read_once]
    if not able:
        raise NotReplayed(" ".join(once_sentences(readers)) or NOTHING_READ)
    bridge.flows.change(
        able[0].letters, lambda state: {"replays": state.replays + 1, "reread_at": bridge.now()}
    )
    checkpoints = [(reader.key, reader.table) for reader in able]
    job = replace(new_job(name, ALL, bridge, who), run=json.dumps(checkpoints))
    found = bridge.jobs.order(job)
    if found.id == job.id:
        return bridge.jobs.find(found.id) or found
    begun = begin(able[0], bridge, found)
    if not begun.is_over:
        read_again(bridge, checkpoints)
        begun = bridge.jobs.find(found.id) or begun
    return bridge.jobs.order(job) if begun.is_over else begun  # its polls were done


def once_sentences(readers: Iterable[Flow]) -> list[str]:
    """Why some of the sources are not read again."""
    return list(dict.fromkeys(reader.read_once for reader in readers if reader.read_once))


def begin(flow: Flow, bridge: Bridge, job: Job) -> Job:
    """Carries a job on while a person waits. One that lost its race is carried on by others."""
    try:
        return carry_on(flow, bridge, job, bridge.now() + AT_ONCE_SECONDS, WORKS[job.work])
    except Retryable:
        return bridge.jobs.find(job.id) or job


def handled_by(job: Job) -> Handled:
    left = Counter({Left[name]: job.counts[name] for name in Left.__members__ if job.counts[name]})
    return Handled(job.counts["handed_off"], left)


def all_again(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """Has the sources read again, then waits until their polls have done so."""
    sources = [tuple(source) for source in json.loads(job.run)]
    if not job.place:
        read_again(bridge, sources)
        return replace(job, place="reading", waits_for="polls"), False
    found = [bridge.checkpoints.load(key, table) for key, table in sources]
    counts = Counter(read=sum(one.rows for one in found))
    is_read = not any(one.replay for one in found)
    return replace(job, counts=counts, waits_for="" if is_read else "polls"), is_read


def read_again(bridge: Bridge, sources: Iterable[tuple[str, str]]) -> None:
    for key, table in sources:
        change_checkpoint(bridge, key, table, Checkpoint.replay_all)


def change_checkpoint(
    bridge: Bridge, key: str, table: str, change: Callable[[Checkpoint], None]
) -> None:
    """A person's word: a poll that saves at the same time reads on from what is saved here."""
    for _ in range(SAVE_ATTEMPTS):
        checkpoint = bridge.checkpoints.load(key, table)
        change(checkpoint)
        with suppress(Retryable):
            bridge.checkpoints.save(checkpoint)
            return
    raise Retryable("Polls keep saving this flow's place; give the command again.")


def leave_all(flow: Flow, bridge: Bridge, job: Job) -> None:
    """A replay of all that is cancelled: the read goes on, and writes only what has changed."""
    for key, table in json.loads(job.run):
        change_checkpoint(bridge, key, table, Checkpoint.replay_no_more)


def at_once(flow: Flow, bridge: Bridge) -> str:
    """Reading again is no hand-off: the polls see to the queue's length."""
    return ""


WORKS: dict[str, Work] = {
    LETTERS: REPLAYING,
    SOME: REPLAYING,
    DISCARD: DISCARDING,
    DISCARD_CHECKED: DISCARDING,
    POLL: POLLING,
    CHANGED: REREADING,
    ALL: Work(all_again, at_once, cancelled=leave_all),
    DELETIONS: MISSING,
    HELD: ANSWER,
}


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

    Says how many were discarded, `most` where there may be more, and how many may not be.
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
