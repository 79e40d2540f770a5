"""The brake on destructive acts, whatever their origin: deletions, cleared values, opt-ins.

Acts are counted before they are done, in one row for each flow. What would bring their number above
both DELETE_BRAKE_RECORDS and DELETE_BRAKE_PERCENT of the flow's records is not done: the flow stops
and asks a person, with the list. What is asked about rests in the waiting room meanwhile.

| kind      | what it is                                                   | counted              |
|-----------|--------------------------------------------------------------|----------------------|
| deleted   | the source no longer has the record (feed, webhook, sweep)   | in the hour          |
| filtered  | the document's filter leaves it out, `filtered_out: delete`  | hour; version, week  |
| cleared   | a field that held a value becomes empty                      | hour; version, day   |
| opted_in  | an opt-out is taken back, on either side                     | in the hour          |

An act that a person has confirmed under the active version is not counted. Nor is the deletion of
what is gone already: after a doubt it is made once more (shared/pipeline/doubt.py).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from shared import telemetry
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Flow
from shared.records import Outcome, Settlement, waiting
from shared.settings import Settings
from shared.state.brakes import BrakeState
from shared.state.flows import FAILED, RUNNING, FlowState, Values
from shared.state.ledger_rows import Header, LedgerRow, View
from shared.waits import Braked

DELETE_BRAKE, OPT_IN_BRAKE = "DELETE_BRAKE", "OPT_IN_BRAKE"
BRAKES = (DELETE_BRAKE, OPT_IN_BRAKE)
"""What a flow that asks names as its setting. Opt-outs go on while it asks about opt-ins."""

DELETED, FILTERED, CLEARED, OPTED_IN = "deleted", "filtered", "cleared", "opted_in"
DELETIONS = frozenset({DELETED, FILTERED})
GROUPS = (DELETIONS, frozenset({CLEARED}), frozenset({OPTED_IN}))
"""Each group is counted and asked about by itself."""

BY_DOCUMENT = {FILTERED: 7, CLEARED: 1}
"""What a document causes is counted beyond the hour: for so many days under one version."""

TOTAL_SECONDS = 600.0
"""How long the number of a flow's records is believed."""

UNTIL_ANSWERED = 200_000_000_000.0
"""Added to the time at which a record is parked: a due time that never comes, in order."""

SENTENCE = "A person must allow this first: the flow asks about many such changes."
GONE = (Outcome.DELETED, Outcome.FILTERED, Outcome.NO_CONTACT)
DELETED_ALREADY = (Outcome.DELETED, Outcome.FILTERED)
UNDONE = (Outcome.WAITING, Outcome.REJECTED)
KEPT = "a person has refused it"


def act_of(decision: Decision, row: LedgerRow | None) -> str:
    """The destructive act that a decision asks for, "" for none. `row`: the record's."""
    if decision.act is Act.DELETE:
        if row is not None and not row.exists and row.outcome in DELETED_ALREADY:
            return ""
        return FILTERED if decision.outcome is Outcome.FILTERED else DELETED
    return CLEARED if decision.cleared else ""


def is_asking(state: FlowState) -> bool:
    """Whether the flow stands still for the question alone."""
    return state.status == FAILED and state.setting in BRAKES


def goes_on(state: FlowState) -> bool:
    """Whether the flow takes changes: it runs, or asks about opt-ins alone."""
    return state.status == RUNNING or (state.status == FAILED and state.setting == OPT_IN_BRAKE)


@dataclass(frozen=True, slots=True)
class Screened:
    """`allowed` go on, `parked` wait for a person's answer, `spared` are not done: a person said
    so.

    `counted`: what was counted of the allowed ones, to be taken back where it is not done.
    """

    allowed: Sequence[Decision]
    parked: Sequence[Settlement] = ()
    spared: Sequence[Settlement] = ()
    counted: Mapping[str, str] = field(default_factory=dict)


def screen(flow: Flow, bridge: Bridge, view: View, decisions: Sequence[Decision]) -> Screened:
    """Counts the destructive ones of an envelope. If they are too many, all of them are parked."""
    found = {one.change.record_id: act_of(one, row_of(view, one)) for one in decisions}
    acts = {record_id: act for record_id, act in found.items() if act}
    if not acts:
        return Screened(decisions)
    version = flow.mapping_version()
    spared = [
        one for one in decisions if one.change.record_id in acts and one.change.spared == version
    ]
    asked = [one for one in decisions if needs_answer(flow, view, one)]
    counted = {one.change.record_id: acts[one.change.record_id] for one in asked}
    parked = [] if permitted(flow, bridge, Counter(counted.values())) else asked
    kept = {one.change.record_id for one in (*parked, *spared)}
    return Screened(
        [one for one in decisions if one.change.record_id not in kept],
        [waits_for_answer(one) for one in parked],
        [Settlement(one.change, Outcome.FILTERED, KEPT) for one in spared],
        {} if parked else counted,
    )


def row_of(view: View, decision: Decision) -> LedgerRow | None:
    return view.rows.get(decision.change.record_id)


def needs_answer(flow: Flow, view: View, decision: Decision) -> bool:
    """Whether it is destructive, and no person has had a word on it under this document."""
    answered = (decision.change.confirmed, decision.change.spared)
    act = act_of(decision, row_of(view, decision))
    return bool(act) and flow.mapping_version() not in answered


def waits_for_answer(decision: Decision) -> Settlement:
    return waiting(decision.change, Braked(), SENTENCE)


def permitted(flow: Flow, bridge: Bridge, acts: Mapping[str, int]) -> bool:
    """Whether these acts may be done, which are then counted; else the flow asks."""
    if not sum(acts.values()):
        return True
    now, version = bridge.now(), flow.mapping_version()

    def decide(state: BrakeState) -> BrakeState | None:
        if state.asking:
            return None
        after = state.counted(now, version, acts, BY_DOCUMENT)
        after = with_total(flow, bridge, after, state.most(DELETIONS))
        too_many = [
            group
            for group in GROUPS
            if group & acts.keys() and exceeds(after, group, bridge.settings)
        ]
        if not too_many:
            return after
        return replace(
            state,
            asking=tuple(sorted(too_many[0])),
            asked_at=now,
            version=version,
            total=after.total,
            total_at=after.total_at,
        )

    state = bridge.brakes.change(flow.key, decide)
    if state.asking:
        ask(flow, bridge, state)
    return not state.asking


def asking(
    state: BrakeState, group: frozenset[str], acts: Mapping[str, int], now: float
) -> BrakeState:
    """The state with its question, and without these acts: they are not done."""
    undone = {act: -count for act, count in acts.items()}
    before = state.counted(now, state.version, undone, BY_DOCUMENT)
    return replace(before, asking=tuple(sorted(group)), asked_at=now)


def exceeds(state: BrakeState, group: frozenset[str], settings: Settings) -> bool:
    number = state.most(group)
    return (
        number > settings.delete_brake_records
        and number * 100 > settings.delete_brake_percent * state.total
    )


def with_total(flow: Flow, bridge: Bridge, state: BrakeState, deletions: int) -> BrakeState:
    """How many records the flow had before these deletions, asked for only where there is something
    to compare with it.
    """
    is_due = bridge.now() - state.total_at > TOTAL_SECONDS
    number = max(state.most(group) for group in GROUPS)
    if number <= bridge.settings.delete_brake_records or not is_due:
        return state
    total = deletions + sum(living(header) for header in bridge.ledger.headers(flow.key))
    return replace(state, total=total, total_at=bridge.now())


def living(header: Header) -> int:
    return header.rows - sum(header.counts[outcome] for outcome in GONE)


@contextmanager
def taken_back(flow: Flow, bridge: Bridge, screened: Screened) -> Iterator[list[Settlement]]:
    """Takes the counts of what was not done back at the end; the block lists what it settled.

    So an act that is tried again counts once, when it is done.
    """
    done: list[Settlement] = []
    try:
        yield done
    finally:
        kept = {one.change.record_id for one in done if one.outcome not in UNDONE}
        undone = Counter(act for id_, act in screened.counted.items() if id_ not in kept)
        take_back(flow, bridge, undone)


def take_back(flow: Flow, bridge: Bridge, undone: Mapping[str, int]) -> None:
    if undone:
        acts, now = {act: -count for act, count in undone.items()}, bridge.now()
        bridge.brakes.change(
            flow.key, lambda state: state.counted(now, state.version, acts, BY_DOCUMENT)
        )


def ask(flow: Flow, bridge: Bridge, state: BrakeState) -> None:
    """Stops a flow that runs, with the question as the reason. Twice is harmless."""
    settings = bridge.settings
    reason = (
        f"More than {settings.delete_brake_records} records and {settings.delete_brake_percent:g} %"
        f" of them would {WORDS[state.asking[0]]}. GET /api/flows/{flow.key}/question lists them."
        f" If that is right, POST /api/flows/{flow.key}/start with"
        ' {"deletes": "confirm"}; if not, with {"deletes": "discard"}.'
    )
    stop(flow.key, bridge, reason, OPT_IN_BRAKE if flow.policy.urgent else DELETE_BRAKE)


WORDS = {
    DELETED: "be deleted",
    FILTERED: "be deleted",
    CLEARED: "lose a value",
    OPTED_IN: "be opted in again",
}


def stop(key: str, bridge: Bridge, reason: str, setting: str = DELETE_BRAKE) -> None:
    """Who has stopped the flow meanwhile finds the question when it is started."""
    asked: Values = {
        "status": FAILED,
        "reason": reason,
        "setting": setting,
        "by": "bridge",
        "since": bridge.now(),
    }
    if bridge.flows.change(key, lambda state: asked if state.status == RUNNING else None):
        telemetry.flow_changed(flow=key, status=FAILED, reason=reason, by="bridge")


def park(flow: Flow, bridge: Bridge, table: str, settlements: Sequence[Settlement]) -> None:
    """Puts what waits for the answer into the waiting room, as references; none of them fails."""
    parked = [
        replace(flow.at_rest(one.change).as_reference(), failing_since=0.0)
        for one in settlements
        if isinstance(one.wait, Braked)
    ]
    if parked:
        due_at = UNTIL_ANSWERED + bridge.now()
        bridge.waiting.park_changes(due_at, flow.key, flow.queue, table, parked, Braked.code)
