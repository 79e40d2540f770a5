"""The sweep after a full read: which records of the ledger does the source no longer have?

Their deletion was missed.

A full read lists only rows that live; what was deleted while no change token watched (before the
first read, or after a token expired) is found by taking the difference of the ledger's ids and the
source's. Bucket by bucket, a checkpoint after each page of ids, when the queue is empty. A
difference that is too large to be believed is not acted on: the flow stops and asks.
"""

from shared import telemetry
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind
from shared.state.checkpoints import Checkpoint
from shared.state.flows import FAILED
from shared.state.ledger_rows import BUCKETS

DELETE_BRAKE = "DELETE_BRAKE"
QUIET_SECONDS = 600.0
DUE, RUNNING, ASKING, CONFIRMED, DONE = "due", "running", "asking", "confirmed", ""


def sweep(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, deadline: float) -> str:
    """Goes on with the sweep until it is done or the time is up; says how far it is."""
    if checkpoint.sweep == DUE:
        if not delivered(flow, bridge, checkpoint):
            return "sweep waits for the queue"
        begin(flow, bridge, checkpoint)
    while checkpoint.sweep == RUNNING:
        if bridge.now() > deadline:
            return "time is up"
        compare(flow, bridge, checkpoint)
        bridge.checkpoints.save(checkpoint)
    if checkpoint.sweep == CONFIRMED:
        hand_off(flow, bridge, checkpoint)
    return "waits for a person" if checkpoint.sweep == ASKING else "up to date"


def delivered(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> bool:
    """Whether what the full read handed off has reached the ledger; where changes never pause, by
    the age of what waits.
    """
    if not bridge.handoff.length(flow.queue):
        return True
    oldest = bridge.handoff.oldest_first_seen(flow.queue)
    return (
        bridge.now() - checkpoint.full_at > QUIET_SECONDS
        and oldest is not None
        and oldest > checkpoint.full_at
    )


def begin(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    checkpoint.sweep, checkpoint.sweep_run = (
        RUNNING,
        f"{flow.key}-{flow.table}-{int(bridge.now() * 1000)}",
    )
    checkpoint.sweep_bucket, checkpoint.sweep_after, checkpoint.swept, checkpoint.missing = (
        0,
        "",
        0,
        0,
    )


def compare(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    """One page of the ledger's ids."""
    ids = bridge.ledger.ids(flow.key, checkpoint.sweep_bucket, checkpoint.sweep_after)
    if not ids:
        checkpoint.sweep_bucket, checkpoint.sweep_after = checkpoint.sweep_bucket + 1, ""
        if checkpoint.sweep_bucket == BUCKETS:
            judge(flow, bridge, checkpoint)
        return
    gone = set(ids) - flow.existing(ids)
    bridge.sweeps.add(checkpoint.sweep_run, sorted(gone))
    checkpoint.sweep_after, checkpoint.swept, checkpoint.missing = (
        ids[-1],
        checkpoint.swept + len(ids),
        checkpoint.missing + len(gone),
    )


def judge(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    """Acts on the difference, or asks."""
    settings, missing = bridge.settings, checkpoint.missing
    too_many = (
        missing > settings.delete_brake_records
        and missing * 100 > settings.delete_brake_percent * checkpoint.swept
    )
    checkpoint.sweep = ASKING if too_many else CONFIRMED
    if too_many:
        reason = (
            f"A full read found {missing} of {checkpoint.swept} records of {flow.table} gone, too"
            " many to delete unasked. If "
            f'that is right, POST /api/flows/{flow.key}/start with {{"deletes": "confirm"}}; if'
            ' not, with {"deletes": "skip"}.'
        )
        bridge.flows.change(
            flow.key,
            status=FAILED,
            reason=reason,
            setting=DELETE_BRAKE,
            by="bridge",
            since=bridge.now(),
        )
        telemetry.flow_changed(flow=flow.key, status=FAILED, reason=reason, by="bridge")


def hand_off(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    """Hands the missing records off as references: each is looked at once more before it is
    deleted.
    """
    changes = (
        Change(record_id, Kind.REFERENCE, first_seen=bridge.now())
        for record_id in bridge.sweeps.ids(checkpoint.sweep_run)
    )
    bridge.handoff.put(flow.queue, flow.key, flow.table, checkpoint.mapping_version, changes)
    finish(flow, bridge, checkpoint)


def finish(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    telemetry.noted(flow=flow.key, event="sweep_done", count=checkpoint.missing)
    checkpoint.sweep = DONE
    bridge.checkpoints.save(checkpoint)
    bridge.sweeps.remove(checkpoint.sweep_run)


def answer(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, confirm: bool) -> None:
    """A person's answer to the question: delete them, or leave them."""
    if checkpoint.sweep != ASKING:
        return
    if confirm:
        checkpoint.sweep = CONFIRMED
        bridge.checkpoints.save(checkpoint)
    else:
        finish(flow, bridge, checkpoint)
