"""What may become of dead letters: which records can be handed off again, and which letters may be
discarded.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind
from shared.state.deadletters import POISON, DeadLetter

POISONED, UNREADABLE_MESSAGE = "poisoned", "unreadable_message"
# Of a line or a file. Letters of an earlier version do not say where it stands.
UNREADABLE = frozenset({"broken_line", "unreadable_file", "unknown_flag", "wrong_encoding"})


class Left(StrEnum):
    """Why a letter stays; each is a sentence for a person."""

    UNREADABLE = (
        "What could not be read can't be replayed. Fix the file and put it back, or discard its"
        " letters."
    )
    NOT_KEPT = "The record is not kept any more. Put its file back, or discard its letter."
    OPT_OUT = (
        "An opt-out of a contact is never discarded. Fix what the letter names and replay it. "
        "Or set the flag by hand in both systems, then replay it."
    )
    UNCHECKED = (
        'An opt-out that could not be read is discarded only with "checked": true. '
        "Say so when the line's contacts have their opt-outs in Dynamics and Campaign."
    )


@dataclass(frozen=True, slots=True)
class Handled:
    """How many letters or records were handed off or discarded, and how many stay, by their
    cause.
    """

    count: int = 0
    left: Counter[Left] = field(default_factory=Counter)
    discarded: Sequence[DeadLetter] = ()

    def __add__(self, other: "Handled") -> "Handled":
        discarded = [*self.discarded, *other.discarded]
        return Handled(self.count + other.count, self.left + other.left, discarded)

    def as_entry(self) -> dict[str, Any]:
        """What an answer says of letters that stay; nothing where none does."""
        return {"left": self.left.total(), "why": list(self.left)} if self.left else {}


def hand_off_again(
    flow: Flow,
    bridge: Bridge,
    letters: Mapping[str, DeadLetter | None],
    before: Callable[[Collection[str]], None] = lambda _: None,
) -> Handled:
    """Records with their letters, as references, or as kept where the source cannot be asked again.

    A line or a file that could not be read is nobody's record: nothing at the source has its id, so
    its letter stays. `before` is told the ids of those that are handed off, a moment before.
    """
    messages = [
        letter for letter in letters.values() if letter and letter.reason == UNREADABLE_MESSAGE
    ]
    found = [
        once_more(flow, bridge, id_, letter)
        for id_, letter in letters.items()
        if letter not in messages
    ]
    again = [change for change in found if isinstance(change, Change)]
    before([change.record_id for change in again])
    bridge.handoff.put(
        flow.queue,
        flow.key,
        flow.table,
        flow.mapping_version(),
        again,
        together=flow.policy.batch_size,
    )
    lost = [Left.NOT_KEPT for letter in messages if not send_message(bridge, letter)]
    left = Counter([*(cause for cause in found if isinstance(cause, Left)), *lost])
    return Handled(len(again) + len(messages) - len(lost), left)


def send_message(bridge: Bridge, letter: DeadLetter) -> bool:
    """Puts a message that could not be read on its queue again, whole, and takes its letter away;
    False where it is not kept.
    """
    content = bridge.deadletters.message(letter)
    if content is None:
        return False
    bridge.handoff.send(letter.origin.removesuffix(POISON), content)
    bridge.deadletters.discard(letter.flow, [letter.record_id])
    return True


def once_more(
    flow: Flow, bridge: Bridge, record_id: str, letter: DeadLetter | None
) -> Change | Left | None:
    """The change to hand off, or why the letter stays; None where there is neither."""
    change = Change(record_id, Kind.REFERENCE, first_seen=bridge.now(), replay=True)
    if not flow.policy.created_once:
        if letter and of_a_line(letter):
            return Left.UNREADABLE
        kept = (
            bridge.deadletters.row(flow.letters, record_id)
            if letter and flow.policy.kept_rows
            else None
        )
        return replace(change, kind=Kind.ROW, row=kept) if kept else change
    row = bridge.deadletters.row(flow.letters, record_id)
    if row is None or "fault" in row:
        cause = Left.NOT_KEPT if row is None else Left.UNREADABLE
        return cause if letter else None
    origin, sample = (letter.origin, letter.sample) if letter else ("", "")
    return replace(change, kind=Kind.ROW, row=row, origin=origin, sample=sample)


def of_a_line(letter: DeadLetter) -> bool:
    """Whether the letter is of a line or a file, where the source keeps records under their own
    ids.
    """
    return bool(letter.origin) or letter.reason in UNREADABLE


def give_up(
    flow: Flow, bridge: Bridge, letters: Sequence[DeadLetter], most: int, checked: bool
) -> Handled:
    """Discards up to `most` letters that may be.

    `checked`: a person has seen to what could not be read.
    """
    causes = {letter.record_id: why_kept(flow, letter, checked) for letter in letters}
    free = [letter for letter in letters if not causes[letter.record_id]][:most]
    count = bridge.deadletters.discard(flow.letters, [letter.record_id for letter in free])
    return Handled(count, Counter(cause for cause in causes.values() if cause), free)


def why_kept(flow: Flow, letter: DeadLetter, checked: bool) -> Left | None:
    if not flow.policy.kept_rows or (checked and of_a_line(letter)):
        return None
    return Left.UNCHECKED if of_a_line(letter) else Left.OPT_OUT
