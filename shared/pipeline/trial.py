"""What would become of some records if they were sent now: tried without writing anything.

Each is read at its source and decided as a delivery decides it (shared/pipeline/deliver.py). What a
delivery finds out at the target alone is not known: a record that waits for its parent, a value
that the target refuses.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from shared.errors import Bug, Rejected
from shared.pipeline.decision import Act, Decision
from shared.pipeline.deliver import refresh
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.guarded import guarded
from shared.pipeline.letters import Left, once_more
from shared.records import Change, Kind, Outcome
from shared.state.deadletters import DeadLetter
from shared.state.ledger_rows import LedgerRow, bucket, partition_name

MOST_TRIED = 20
SAVED, CREATED, UPDATED, DELETED, GONE = "saved", "created", "updated", "deleted", "gone"
RECONCILED, REFUSED, STAYS, MEETS_BUG = "reconciled", "refused", "stays", "meets_bug"
CALLS: Mapping[str, int] = {SAVED: 2, CREATED: 1, UPDATED: 1, DELETED: 1, RECONCILED: 2}
"""To the target, at most, for each result; none for any other."""


@dataclass(frozen=True, slots=True)
class Tried:
    """`result`: one of the codes above, or an outcome that needs no write, such as `unchanged`."""

    record_id: str
    result: str
    reason: str = ""
    field: str = ""


def try_letters(flow: Flow, bridge: Bridge, letters: Iterable[DeadLetter]) -> list[Tried]:
    """Dead letters as a replay hands them off. A BridgeError where a system does not answer."""
    found = {one.record_id: once_more(flow, bridge, one.record_id, one) for one in letters}
    changes = [change for change in found.values() if isinstance(change, Change)]
    stay = [
        Tried(id_, STAYS, cause.name) for id_, cause in found.items() if isinstance(cause, Left)
    ]
    return [*stay, *try_changes(flow, bridge, changes)]


def try_records(flow: Flow, bridge: Bridge, ids: Iterable[str]) -> list[Tried]:
    now = bridge.now()
    changes = [Change(id_, Kind.REFERENCE, first_seen=now, replay=True) for id_ in ids]
    return try_changes(flow, bridge, changes)


def try_changes(flow: Flow, bridge: Bridge, changes: list[Change]) -> list[Tried]:
    seen = refresh(flow, changes) if changes and not flow.policy.created_once else changes
    return [tried(flow, bridge, change) for change in seen]


def tried(flow: Flow, bridge: Bridge, change: Change) -> Tried:
    row = row_of(flow, bridge, change.record_id)
    try:
        decision: Decision = guarded(partial(decided, flow, change, row))
    except Rejected as refusal:
        return Tried(change.record_id, REFUSED, refusal.reason, refusal.field)
    except Bug:
        return Tried(change.record_id, MEETS_BUG)
    return Tried(change.record_id, result_of(flow, decision), decision.reason)


def decided(flow: Flow, change: Change, row: LedgerRow | None) -> Decision:
    decision = flow.decide(change, row)
    if decision.act is not Act.LOOK:
        return decision
    (again,) = flow.look([replace(change, kind=Kind.REFERENCE)])
    return flow.decide(again, row)


def row_of(flow: Flow, bridge: Bridge, record_id: str) -> LedgerRow | None:
    if flow.policy.created_once:
        return None
    return bridge.ledger.row(partition_name(flow.key, bucket(record_id)), record_id)


def result_of(flow: Flow, decision: Decision) -> str:
    if decision.act is Act.NOTHING:
        return GONE if decision.outcome is Outcome.DELETED else decision.outcome.value
    if decision.act is Act.DELETE:
        return DELETED
    if flow.policy.kept_rows:
        return RECONCILED
    if flow.policy.created_once:
        return CREATED
    return {True: UPDATED, False: CREATED, None: SAVED}[decision.known]
