"""The sweep after a full read: which records of the ledger does the source no longer have?

Their deletion was missed.

A full read lists only rows that live; what was deleted while no change token watched (before the
first read, or after a token expired) is found by taking the difference of the ledger's ids and the
source's. Bucket by bucket, a checkpoint after each page of ids, when the queue is empty. A
difference that is too large to be believed is not acted on: the flow stops and asks.
"""

from contextlib import suppress

from shared import telemetry
from shared.errors import Retryable
from shared.pipeline.brake import stop
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import BRIDGE, DELETIONS, MISSING, carry_on
from shared.pipeline.queue_room import own_messages
from shared.state.checkpoints import Checkpoint
from shared.state.jobs import Job
from shared.state.ledger_rows import BUCKETS

QUIET_SECONDS = 600.0
ANSWER_ATTEMPTS = 20
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
    if checkpoint.sweep == CONFIRMED and not handed_off(flow, bridge, checkpoint, deadline):
        return "sweep hands off"
    return "waits for a person" if checkpoint.sweep == ASKING else "up to date"


def delivered(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> bool:
    """Whether what the full read handed off has reached the ledger; where changes never pause, or
    another table's messages wait before them, by the messages of this flow alone.
    """
    if not bridge.handoff.length(flow.queue):
        return True
    quiet = bridge.now() - checkpoint.full_at > QUIET_SECONDS
    return quiet and not own_messages(flow, bridge, checkpoint)


def begin(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    if checkpoint.sweep_run and bridge.jobs.find(job_of(flow, checkpoint).id) is None:
        bridge.sweeps.remove(checkpoint.sweep_run)  # a read that began again left it behind
    checkpoint.sweep = RUNNING
    checkpoint.sweep_run = f"{flow.key}-{flow.table}-{int(bridge.now() * 1000)}"
    checkpoint.sweep_bucket, checkpoint.sweep_after = 0, ""
    checkpoint.swept, checkpoint.missing, checkpoint.confirmed_by = 0, 0, ""


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
        stop(flow.key, bridge, reason)


def handed_off(flow: Flow, bridge: Bridge, checkpoint: Checkpoint, deadline: float) -> bool:
    """Carries the hand-off of the missing records on, as a job; whether it is over."""
    job = bridge.jobs.find(job_of(flow, checkpoint).id)
    if job is None:
        job = bridge.jobs.order(job_of(flow, checkpoint))
        if job.run != checkpoint.sweep_run:
            return False  # an earlier sweep's is not over yet
    if not carry_on(flow, bridge, job, deadline, MISSING).is_over:
        return False
    finish(flow, bridge, checkpoint)
    return True


def job_of(flow: Flow, checkpoint: Checkpoint) -> Job:
    """The same for the same sweep, so that nobody orders it twice."""
    return Job(
        flow.key,
        DELETIONS,
        int(checkpoint.sweep_run.rpartition("-")[2]),
        who=checkpoint.confirmed_by or BRIDGE,
        run=checkpoint.sweep_run,
        total=checkpoint.missing,
        version=checkpoint.mapping_version,
    )


def finish(flow: Flow, bridge: Bridge, checkpoint: Checkpoint) -> None:
    telemetry.noted(flow=flow.key, event="sweep_done", count=checkpoint.missing)
    checkpoint.sweep = DONE
    bridge.checkpoints.save(checkpoint)
    bridge.sweeps.remove(checkpoint.sweep_run)


def answer(flow: Flow, bridge: Bridge, confirm: bool, who: str) -> None:
    """A person's answer to the question: delete them, or leave them.

    Tried again where a poll saves its place at the same time; nothing where it asks no more.
    """
    for _ in range(ANSWER_ATTEMPTS):
        checkpoint = bridge.checkpoints.load(flow.key, flow.table)
        if checkpoint.sweep != ASKING:
            return
        checkpoint.sweep, checkpoint.confirmed_by = CONFIRMED, who
        with suppress(Retryable):
            if confirm:
                bridge.checkpoints.save(checkpoint)
            else:
                finish(flow, bridge, checkpoint)
            return
    raise Retryable("Polls keep saving this flow's place; give the command again.")
