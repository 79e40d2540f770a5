"""Jobs on dead letters: those of a flow, all or some, are replayed or discarded, step by step."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import Work
from shared.pipeline.letters import UNREADABLE_MESSAGE, give_up, hand_off_again
from shared.state.deadletters import DeadLetter
from shared.state.jobs import Job
from shared.state.letter_filter import LetterFilter, page_of, read_filter

LETTERS, SOME, DISCARD, DISCARD_CHECKED = "dead_letters", "letters", "discard", "discard_checked"
"""Kinds of jobs. Behind SOME and the discards stands a dot and the digest of the filter."""
MESSAGES_PER_STEP, LETTERS_PER_STEP, KEPT_PER_STEP = 320, 1000, 200
HANDED_OFF, UNDER_WAY, DISCARDED, LEFT = "handed_off", "under_way", "discarded", "left"
"""What became of a letter."""


def order_letters(flow: Flow, bridge: Bridge, who: str) -> Job:
    """The job that tries all dead letters of a flow again; the one that does so already."""
    job = new_job(flow.letters, LETTERS, bridge, who)
    return bridge.jobs.order(replace(job, version=flow.mapping_version()))


def order_some(
    flow: Flow, bridge: Bridge, kind: str, wanted: LetterFilter, total: int, who: str
) -> Job:
    """The job that replays (SOME) or discards some letters; the one that does the same already."""
    job = new_job(flow.letters, f"{kind}.{wanted.digest}", bridge, who)
    version = flow.mapping_version()
    return bridge.jobs.order(replace(job, run=wanted.as_text(), total=total, version=version))


def new_job(flow: str, kind: str, bridge: Bridge, who: str) -> Job:
    now = bridge.now()
    return Job(flow, kind, int(now * 1000), who=who, updated_at=now)


def replay_letters(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """Poison messages first, where all letters are meant; then the letters in the order of ids."""
    if not job.place:
        whole = job.work == LETTERS
        moved = bridge.handoff.take_back(flow.queue, MESSAGES_PER_STEP) if whole else 0
        return replace(job, place="" if moved == MESSAGES_PER_STEP else "letters "), False
    found, last = letters_of(flow, bridge, job)
    now = bridge.now()
    wanted = {one.record_id: one for one in found if not one.is_under_way(job.id, now)}
    handed_off: set[str] = set()

    def before(ids: Collection[str]) -> None:
        handed_off.update(ids)
        bridge.deadletters.replayed(flow.letters, ids, job.id, now)

    handled = hand_off_again(flow, bridge, wanted, before)
    counts = Counter({cause.name: count for cause, count in handled.left.items()})
    counts.update({HANDED_OFF: handled.count, UNDER_WAY: len(found) - len(wanted)})
    codes = {
        one.record_id: LEFT if one.record_id in wanted else UNDER_WAY
        for one in found
        if one.reason != UNREADABLE_MESSAGE
    }
    return done(bridge, job, found, codes | dict.fromkeys(handed_off, HANDED_OFF), counts, last)


def discard_letters(flow: Flow, bridge: Bridge, job: Job) -> tuple[Job, bool]:
    """Gives letters up, with what was kept of their records; those that may not be stay."""
    found, last = letters_of(flow, bridge, job)
    handled = give_up(flow, bridge, found, len(found), job.work == DISCARD_CHECKED)
    counts = Counter({cause.name: count for cause, count in handled.left.items()})
    counts[DISCARDED] = handled.count
    codes = {one.record_id: DISCARDED for one in handled.discarded}
    return done(bridge, job, found, codes, counts, last)


def letters_of(flow: Flow, bridge: Bridge, job: Job) -> tuple[list[DeadLetter], str]:
    most = KEPT_PER_STEP if flow.policy.kept_rows else LETTERS_PER_STEP
    after = job.place.partition(" ")[2]
    return page_of(bridge.deadletters, flow.letters, read_filter(job.run), after, most)


def done(
    bridge: Bridge,
    job: Job,
    found: Sequence[DeadLetter],
    codes: Mapping[str, str],
    counts: Counter[str],
    last: str,
) -> tuple[Job, bool]:
    """Writes down what became of each letter; the job is at its end where none comes behind."""
    rows = [(one.record_id, one.reason, one.field, codes.get(one.record_id, LEFT)) for one in found]
    bridge.results.add(job.id, rows)
    place = f"letters {last}"
    return replace(job, place=place, counts=job.counts + counts), not last


REPLAYING, DISCARDING = Work(replay_letters), Work(discard_letters, why_not=lambda *_: "")
