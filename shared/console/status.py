"""What an operator asks: how is each flow, what was refused, what happened to this record.

Answers are JSON-ready dicts.
"""

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from shared import telemetry
from shared.pipeline.doubt import DOUBT
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.letters import POISONED, UNREADABLE_MESSAGE
from shared.pipeline.waiting_room import waiting_by_reason
from shared.state.checkpoints import Checkpoint
from shared.state.deadletters import DeadLetter, LetterGroup
from shared.state.flows import RUNNING, FlowState
from shared.state.handoff import poison_of
from shared.state.ledger_rows import Header, bucket, partition_name
from shared.waits import CODES

POLL_OVERDUE_SECONDS = 900.0
MOST_GROUPS = 50
"""Of dead letters, the largest ones."""


def status(flows: Mapping[str, Flow], bridge: Bridge) -> dict[str, Any]:
    """Per flow: status and reason, backlog, age of the oldest unwritten change, records by outcome,
    calls, token age.
    """
    return {
        "at": moment(bridge.now()),
        "flows": {key: flow_status(flow, bridge, key) for key, flow in flows.items()},
    }


def flow_status(flow: Flow, bridge: Bridge, key: str) -> dict[str, Any]:
    """`key` is the flow's, or that of its feed: then records, calls and dead letters are counted in
    the flow's row alone.
    """
    state, checkpoint = bridge.flows.state(key), bridge.checkpoints.load(flow.key, flow.table)
    headers, messages = (
        (bridge.ledger.headers(key) if key == flow.key else []),
        bridge.handoff.length(flow.queue),
    )
    now, groups = bridge.now(), bridge.deadletters.groups(key)
    letters = Counter[str]()
    for group in groups:
        letters[group.reason] += group.count
    return {
        "status": state.status,
        "reason": state.reason,
        "setting": state.setting,
        "since": moment(state.since),
        "by": state.by,
        "backlog": bridge.handoff.backlog(flow.queue, messages),
        "backlog_messages": messages,
        "poison_messages": bridge.handoff.length(poison_of(flow.queue)),
        "poison_letters": letters[POISONED] + letters[UNREADABLE_MESSAGE],
        "oldest_unwritten_seconds": oldest_unwritten(flow, bridge, state, headers),
        "records": total(header.counts for header in headers),
        "waiting": waiting_json(bridge, key, headers),
        "outcomes": total(header.totals for header in headers),
        "calls": total(header.calls for header in headers),
        "dead_letters": letters.total(),
        "letter_groups": [group_json(group) for group in groups[:MOST_GROUPS]],
        "phase": checkpoint.phase,
        "rows_read": checkpoint.rows,
        "sweep": checkpoint.sweep,
        "token_age_seconds": round(now - checkpoint.taken_at, 1) if checkpoint.taken_at else None,
        "polled_at": moment(state.polled_at),
        "trouble": state.trouble,
        "restored_at": moment(max((header.restored_at for header in headers), default=0.0)),
        "mapping_version": mapping_version(checkpoint),
        "mapping_problem": state.mapping_problem,
    }


def waiting_json(bridge: Bridge, key: str, headers: list[Header]) -> list[dict[str, Any]]:
    return [
        {"reason": reason, "records": number, "oldest_seconds": age}
        for reason, number, age in waiting_by_reason(bridge, key, headers)
    ]


def watch(flows: Mapping[str, Flow], bridge: Bridge) -> dict[str, Any]:
    """Writes the line `watched` of each flow: the same figures as its status, for alerts and the
    workbook. Returns them by flow: they cost hundreds of reads.

    Each flow is watched on its own: an error of one is raised after the others have their line.
    """
    found: dict[str, Any] = {}
    with ExitStack() as each:
        for key, flow in reversed(list(flows.items())):
            each.callback(watch_one, key, flow, bridge, found)
    return found


def watch_one(key: str, flow: Flow, bridge: Bridge, found: dict[str, Any]) -> None:
    figures = found[key] = flow_status(flow, bridge, key)
    telemetry.watched(
        flow=key,
        queue=flow.queue,
        status=figures["status"],
        oldest_unwritten_seconds=figures["oldest_unwritten_seconds"],
        token_age_seconds=figures["token_age_seconds"] or 0.0,
        backlog_messages=figures["backlog_messages"],
        poison_messages=figures["poison_messages"],
        poison_letters=figures["poison_letters"],
        dead_letters=figures["dead_letters"],
    )


def mapping_version(checkpoint: Checkpoint) -> int:
    return checkpoint.mapping_version


def oldest_unwritten(flow: Flow, bridge: Bridge, state: FlowState, headers: list[Header]) -> float:
    """Seconds since the oldest change was learned of that is not written yet; 0 when none is known
    to wait.

    While a flow does not poll, the changes that it does not see count from its last poll on.
    """
    now = bridge.now()
    since = [header.waiting_since for header in headers if header.waiting_since]
    since += unknown_to_the_ledger(bridge.waiting.waiting_counts(flow.letters).since)
    if (queued := bridge.handoff.oldest_first_seen(flow.queue)) is not None:
        since.append(queued)
    if state.polled_at and (
        state.status != RUNNING or now - state.polled_at > POLL_OVERDUE_SECONDS
    ):
        since.append(state.polled_at)
    return round(max(0.0, now - min(since)), 1) if since else 0.0


def unknown_to_the_ledger(since: Mapping[str, float]) -> list[float]:
    """Since when references rest of which the ledger has not heard. What it knows to wait is in its
    headers; other references are copies, and confirm what is written.
    """
    return [moment for code, moment in since.items() if code not in {*CODES, DOUBT}]


def dead_letters(flow: str, bridge: Bridge, after: str, limit: int) -> dict[str, Any]:
    letters = bridge.deadletters.page(flow, after, limit)
    following = letters[-1].record_id if len(letters) == limit else None
    return {"dead_letters": [letter_json(letter) for letter in letters], "next": following}


def group_json(group: LetterGroup) -> dict[str, Any]:
    return {
        "reason": group.reason,
        "field": group.field,
        "sentence": group.sentence,
        "count": group.count,
        "first": group.first,
        "latest": group.latest,
    }


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "flow": letter.flow,
        "record_id": letter.record_id,
        "reason": letter.reason,
        "field": letter.field,
        "sentence": letter.sentence,
        "mapping_version": letter.mapping_version,
        "attempts": letter.attempts,
        "rejected_at": moment(letter.rejected_at),
        "origin": letter.origin,
    }


def record(flow: Flow, bridge: Bridge, record_id: str) -> dict[str, Any] | None:
    """What happened to a record and why, oldest first; None if the flow has never seen it."""
    row = bridge.ledger.row(partition_name(flow.key, bucket(record_id)), record_id)
    if row is None:
        return None
    letter = bridge.deadletters.get(flow.key, record_id)
    return {
        "flow": flow.key,
        "record_id": record_id,
        "outcome": row.outcome,
        "reason": row.reason,
        "version": row.version,
        "in_target": row.exists,
        "deleted": row.deleted,
        "altered": [
            {"field": name, "what": what, "rule": rule} for name, what, rule in row.altered
        ],
        "history": [event(*entry) for entry in row.history],
        "dead_letter": letter_json(letter) if letter else None,
    }


def event(at: float, outcome: str, version: int, reason: str, attempts: int) -> dict[str, Any]:
    return {
        "at": moment(at),
        "outcome": outcome,
        "version": version,
        "reason": reason,
        "attempts": attempts,
    }


def total(parts: Any) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for part in parts:
        counted.update(part)
    return {name: count for name, count in sorted(counted.items()) if count}


def moment(seconds: float) -> str | None:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
        if seconds
        else None
    )
