"""What a flow has stopped for and asks a person: how many records, and which. JSON-ready."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.console.status import moment
from shared.pipeline.answering import answer_parked
from shared.pipeline.brake import UNTIL_ANSWERED
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.sweep import ASKING
from shared.pipeline.sweep import answer as answer_sweep
from shared.state.brakes import BrakeState
from shared.state.checkpoints import Checkpoint
from shared.waits import Braked

SWEEP, BRAKE = "sweep", "brake"
IDS_SHOWN = 1000


def question(flow: Flow, bridge: Bridge) -> dict[str, Any] | None:
    """None where it asks nothing."""
    checkpoint = bridge.checkpoints.load(flow.key, flow.table)
    if checkpoint.sweep == ASKING:
        return of_a_sweep(flow, bridge, checkpoint)
    brake = bridge.brakes.read(flow.key)
    return of_the_brake(flow, bridge, brake) if brake.asking else None


def answer_shown(
    flow: Flow, bridge: Bridge, shown: Mapping[str, Any], confirm: bool, who: str
) -> None:
    """Carries a person's answer out: to the question that was shown, and to no other."""
    if shown["found_by"] == SWEEP:
        answer_sweep(flow, bridge, confirm, who)
    else:
        answer_parked(flow, bridge, confirm, who)


def of_a_sweep(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> dict[str, Any]:
    ids, _ = bridge.sweeps.page(checkpoint.sweep_run, 0)
    return {
        "flow": flow.key,
        "about": ["deleted"],
        "found_by": SWEEP,
        "count": checkpoint.missing,
        "of": checkpoint.swept,
        "ids": distinct(ids),
        "mapping_version": checkpoint.mapping_version,
        "asked_at": None,
    }


def of_the_brake(flow: Flow, bridge: Bridge, brake: BrakeState) -> dict[str, Any]:
    """`count`: records that are held; more join while the flow's messages are looked at. Beyond
    those that are listed, a record counts once for each of its changes.
    """
    ids, changes = held(flow, bridge), bridge.waiting.waiting_counts(flow.key).counts[Braked.code]
    return {
        "flow": flow.key,
        "about": list(brake.asking),
        "found_by": BRAKE,
        "count": len(ids) if len(ids) < IDS_SHOWN else changes,
        "of": brake.total,
        "ids": ids,
        "mapping_version": brake.version,
        "asked_at": moment(brake.asked_at),
    }


def held(flow: Flow, bridge: Bridge) -> list[str]:
    """Ids in the order in which they were held, each once."""
    ids: dict[str, None] = {}
    for row in bridge.waiting.all_between(flow.key, UNTIL_ANSWERED, 2 * UNTIL_ANSWERED):
        ids |= dict.fromkeys(change.record_id for change in row.changes)
        if len(ids) >= IDS_SHOWN:
            break
    return list(ids)[:IDS_SHOWN]


def distinct(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(ids))[:IDS_SHOWN]
