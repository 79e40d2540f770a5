"""May a delivery start?

Yes only if no opt-out is on its way anywhere, none was refused, and both feeds are read.

Looked at in the order that a change travels: what was not in the sources any more when they were
asked is found on the queue, and what was not there any more has been settled.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import BridgeError, TokenExpired
from shared.opt_out.documents import OptOutDocument
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, OptOutFlow
from shared.opt_out.unseen import news
from shared.pipeline.decision import Act
from shared.pipeline.flow import Bridge
from shared.records import Change, Kind, Outcome
from shared.state.checkpoints import Checkpoint
from shared.state.flows import RUNNING

MOST_PAGES = 20
SIDES = {FROM_DYNAMICS: "Dynamics", FROM_CAMPAIGN: "Campaign"}


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed as it stands: `flow` reads from where `checkpoint` is, without saving it."""

    flow: OptOutFlow
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a delivery should not start. `code` and `arguments` say the same as the sentence, for who
    shows it in another language; `since`: since when, in seconds since 1970, 0 where nobody knows;
    `flow`: whose page helps.
    """

    code: str
    sentence: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    since: float = 0.0
    flow: str = ""


def reasons(
    deliver: OptOutFlow, feeds: Sequence[OptOutFlow], bridge: Bridge, file_at: float | None
) -> list[Reason]:
    """Why a delivery should not start; [] if it may.

    `file_at`: when an export last came, None where there are none.
    """
    try:
        document = deliver.catalog.version().document
        standing = [Feed(flow, bridge.checkpoints.load(flow.key, flow.table)) for flow in feeds]
        found = stopped([deliver, *feeds], bridge) + late(standing, document, bridge.now())
        found += late_file(file_at, document, bridge.now())
        found = found or underway(deliver, bridge)
        if not found:
            found = [
                reason for feed in standing for reason in unread(deliver, feed, bridge)
            ] + underway(deliver, bridge)
    except BridgeError as error:
        sentence = f"It is not known now: {error}"
        return [Reason("unsafe_unknown", sentence, {"cause": str(error)})]
    except TokenExpired:
        sentence = "Dynamics must be read as a whole, for its change token has expired."
        return [Reason("unsafe_expired", sentence, flow=FROM_DYNAMICS)]
    return list({one.sentence: one for one in found}.values())


def stopped(flows: Iterable[OptOutFlow], bridge: Bridge) -> list[Reason]:
    states = ((flow, bridge.flows.read(flow.key)) for flow in flows)
    return [
        Reason(
            f"unsafe_{state.status}",
            f"Flow {flow.key} is {state.status}: {state.reason}",
            {"name": flow.key, "cause": state.reason},
            state.since,
            flow.key,
        )
        for flow, state in states
        if state.status != RUNNING
    ]


def late(feeds: Iterable[Feed], document: OptOutDocument, now: float) -> list[Reason]:
    """The feeds that have not been read to the end within the promise."""
    found = []
    for feed in feeds:
        side, at = SIDES[feed.flow.key], feed.checkpoint.caught_up_at
        if feed.checkpoint.phase != "delta":
            sentence = f"{side} is being read as a whole, and the read is not complete yet."
            found.append(Reason("unsafe_whole", sentence, {"side": side}, flow=feed.flow.key))
        elif now - at > document.promise_minutes * 60:
            sentence = (
                f"{side} was last read to the end {(now - at) / 60:.0f} min ago: look why flow"
                f" {feed.flow.key} is late."
            )
            found.append(Reason("unsafe_late", sentence, {"side": side}, at, feed.flow.key))
    return found


def late_file(file_at: float | None, document: OptOutDocument, now: float) -> list[Reason]:
    if file_at is None or now - file_at <= document.files.promise_hours * 3600:
        return []
    since = f"for {(now - file_at) / 3600:.0f} h" if file_at else "yet"
    sentence = f"No export of opt-outs has come {since}: look whether Campaign's workflow runs."
    return [Reason("unsafe_file", sentence, since=file_at, flow=FROM_CAMPAIGN)]


def underway(deliver: OptOutFlow, bridge: Bridge) -> list[Reason]:
    """What has been read and not been settled."""
    found: list[Reason] = []

    def add(code: str, sentence: str, count: int, since: float = 0.0) -> None:
        found.append(Reason(f"unsafe_{code}", sentence, {"count": count}, since, deliver.key))

    on_queues(deliver, bridge, add)
    if letters := bridge.deadletters.count(deliver.key):
        sentence = (
            f"Opt-outs that were refused: {letters}. See GET /api/dead-letters?flow={deliver.key},"
            " and do what each says."
        )
        add("letters", sentence, letters)
    headers = bridge.ledger.headers(deliver.key)
    if waiting := sum(header.counts[Outcome.WAITING] for header in headers):
        sentence = (
            "Opt-outs that wait to be written, or for the contacts flow to process their contact:"
            f" {waiting}."
        )
        since = min(filter(None, (header.waiting_since for header in headers)), default=0.0)
        add("waiting", sentence, waiting, since)
    rooms = bridge.waiting.waiting_counts(deliver.key)
    if resting := rooms.counts.total():
        sentence = f"Opt-outs that rest in the waiting room until they are tried again: {resting}."
        add("resting", sentence, resting, min(rooms.since.values(), default=0.0))
    if any(header.owner and header.until > bridge.now() for header in headers):
        add("writing", "Opt-outs are being written right now.", 1)
    return found


def on_queues(deliver: OptOutFlow, bridge: Bridge, add: Callable[..., None]) -> None:
    """Adds what no run has taken yet, and what the host has put aside."""
    if messages := bridge.handoff.length(deliver.queue):
        since = bridge.handoff.oldest_inserted(deliver.queue) or 0.0
        add("queue", f"Messages with opt-outs that are on their way: {messages}.", messages, since)
    if poisoned := bridge.handoff.length(f"{deliver.queue}-poison"):
        sentence = (
            f"Messages with opt-outs on {deliver.queue}-poison: {poisoned}. Replay the dead letters"
            f" of {deliver.key}."
        )
        add("poison", sentence, poisoned)


def unread(deliver: OptOutFlow, feed: Feed, bridge: Bridge) -> list[Reason]:
    """Whether the source holds a change that has not been read, by reading on without saving how
    far.
    """
    checkpoint, side = feed.checkpoint, SIDES[feed.flow.key]
    for _ in range(MOST_PAGES):
        page = feed.flow.read(checkpoint)
        if news := count_news(deliver, page.changes, bridge):
            sentence = f"Changes of opt-outs in {side} that have not been read: {news} or more."
            arguments = {"side": side, "count": news}
            return [Reason("unsafe_unread", sentence, arguments, flow=feed.flow.key)]
        checkpoint.link = page.link
        if page.complete:
            return []
    sentence = f"{side} has more changes than can be looked through now."
    return [Reason("unsafe_many", sentence, {"side": side}, flow=feed.flow.key)]


def count_news(deliver: OptOutFlow, changes: Iterable[Change], bridge: Bridge) -> int:
    """How many changes say what neither side was seen to say: a no, or a yes that may not stand.

    Who is gone says no more.
    """
    there = (change for change in changes if change.kind is not Kind.DELETED)
    found = news(deliver.key, bridge.ledger, deliver.decide, bridge.now, there)
    return sum(1 for _, act in found if act is not Act.NOTHING)
