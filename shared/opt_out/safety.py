"""May a delivery start?

Yes only if no opt-out is on its way anywhere, none was refused, and both feeds are read.

Looked at in the order that a change travels: what was not in the sources any more when they were
asked is found on the queue, and what was not there any more has been settled.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.errors import BridgeError, TokenExpired
from shared.opt_out.documents import OptOutDocument
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, OptOutFlow
from shared.opt_out.news import news
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


def reasons(
    deliver: OptOutFlow, feeds: Sequence[OptOutFlow], bridge: Bridge, file_at: float | None
) -> list[str]:
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
        return [f"It is not known now: {error}"]
    except TokenExpired:
        return ["Dynamics must be read as a whole, for its change token has expired."]
    return list(dict.fromkeys(found))


def stopped(flows: Iterable[OptOutFlow], bridge: Bridge) -> list[str]:
    states = ((flow, bridge.flows.read(flow.key)) for flow in flows)
    return [
        f"Flow {flow.key} is {state.status}: {state.reason}"
        for flow, state in states
        if state.status != RUNNING
    ]


def late(feeds: Iterable[Feed], document: OptOutDocument, now: float) -> list[str]:
    """The feeds that have not been read to the end within the promise."""
    found = []
    for feed in feeds:
        side, at = SIDES[feed.flow.key], feed.checkpoint.caught_up_at
        if feed.checkpoint.phase != "delta":
            found.append(f"{side} is being read as a whole, and the read is not complete yet.")
        elif now - at > document.promise_minutes * 60:
            found.append(
                f"{side} was last read to the end {(now - at) / 60:.0f} minutes ago: look why flow"
                f" {feed.flow.key} is late."
            )
    return found


def late_file(file_at: float | None, document: OptOutDocument, now: float) -> list[str]:
    if file_at is None or now - file_at <= document.files.promise_hours * 3600:
        return []
    since = f"for {(now - file_at) / 3600:.0f} hours" if file_at else "yet"
    return [f"No export of opt-outs has come {since}: look whether Campaign's workflow runs."]


def underway(deliver: OptOutFlow, bridge: Bridge) -> list[str]:
    """What has been read and not been settled."""
    found = []
    if messages := bridge.handoff.length(deliver.queue):
        found.append(f"{messages} messages with opt-outs are on their way.")
    if poisoned := bridge.handoff.length(f"{deliver.queue}-poison"):
        found.append(
            f"{poisoned} messages with opt-outs are on {deliver.queue}-poison: replay the dead"
            f" letters of {deliver.key}."
        )
    if letters := bridge.deadletters.count(deliver.key):
        found.append(
            f"{letters} opt-outs were refused: see GET /api/dead-letters?flow={deliver.key}, and do"
            " what each says."
        )
    headers = bridge.ledger.headers(deliver.key)
    if waiting := sum(header.counts[Outcome.WAITING] for header in headers):
        found.append(
            f"{waiting} opt-outs wait to be written, or for the contacts flow to process their"
            " contact."
        )
    if resting := bridge.waiting.waiting_counts(deliver.key).counts.total():
        found.append(f"{resting} opt-outs rest in the waiting room until they are tried again.")
    if any(header.owner and header.until > bridge.now() for header in headers):
        found.append("Opt-outs are being written right now.")
    return found


def unread(deliver: OptOutFlow, feed: Feed, bridge: Bridge) -> list[str]:
    """Whether the source holds a change that has not been read, by reading on without saving how
    far.
    """
    checkpoint = feed.checkpoint
    for _ in range(MOST_PAGES):
        page = feed.flow.read(checkpoint)
        if news := count_news(deliver, page.changes, bridge):
            return [
                f"{SIDES[feed.flow.key]} has {news} changes of opt-outs, or more, that have not"
                " been read."
            ]
        checkpoint.link = page.link
        if page.complete:
            return []
    return [f"{SIDES[feed.flow.key]} has more changes than can be looked through now."]


def count_news(deliver: OptOutFlow, changes: Iterable[Change], bridge: Bridge) -> int:
    """How many changes say what neither side was seen to say: a no, or a yes that may not stand.

    Who is gone says no more.
    """
    there = (change for change in changes if change.kind is not Kind.DELETED)
    found = news(deliver.key, bridge.ledger, deliver.decide, bridge.now, there)
    return sum(1 for _, act in found if act is not Act.NOTHING)
