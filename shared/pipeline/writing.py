"""Writes the records of one delivery side by side, under its claim."""

import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace

from shared.calls import counting
from shared.deadlines import while_held
from shared.errors import BridgeError, Cause, ClaimLost, Retryable
from shared.pipeline.attempts import attempt
from shared.pipeline.decision import Decision
from shared.pipeline.flow import Bridge, Flow, Results
from shared.records import Outcome, Settlement, waiting
from shared.state.ledger_rows import View


def write(
    flow: Flow, bridge: Bridge, view: View, decisions: Sequence[Decision]
) -> list[Settlement]:
    """Writes side by side, renewing the claim meanwhile; every decision comes back as a
    settlement.
    """
    lease = bridge.settings.claim_lease_seconds
    writers = bridge.urgent_writers if flow.policy.urgent else bridge.writers
    futures: list[Future[Settlement]] = [
        writers.submit(write_one, flow, bridge, view, decision) for decision in decisions
    ]
    pending: Collection[Future[Settlement]] = futures
    while pending:
        pending = wait(pending, timeout=lease / 3).not_done
        if pending:
            hold_on(bridge, view, lease)
    return [future.result() for future in futures]


def hold_on(bridge: Bridge, view: View, lease_seconds: float) -> None:
    """Renews the claim.

    ClaimLost where others took it over. While the storage account fails the claim stands until its
    end: the writers stop before it, and settling shows whether anybody took it over.
    """
    try:
        bridge.ledger.renew(view, bridge.now(), lease_seconds)
    except ClaimLost:
        raise
    except Retryable:
        return


def write_one(flow: Flow, bridge: Bridge, view: View, decision: Decision) -> Settlement:
    started = time.perf_counter()
    margin = min(bridge.settings.campaign_timeout_seconds, bridge.settings.claim_lease_seconds / 2)

    def left() -> float:
        return view.header.until - margin - bridge.now()

    def work() -> Settlement:
        if left() <= 0:
            raise Retryable(
                "The claim was about to end; the record is sent again.", cause=Cause.PAUSE
            )
        return written(decision, flow.write([decision]))

    with counting() as calls, while_held(left):
        settlement = attempt(flow, bridge, decision.change, work)
    return replace(
        settlement,
        calls=dict(calls),
        # A write that was done and is not settled leaves the ledger behind, too.
        unanswered=calls.unanswered or (calls.done > 0 and not settlement.written),
        duration_ms=(time.perf_counter() - started) * 1000,
    )


def written(decision: Decision, results: Results) -> Settlement:
    """The settlement of a record that was written; raises what befell it."""
    result = results[decision.change.record_id]
    if isinstance(result, BridgeError):
        raise result
    if result.wait:
        agreed = result.agreed
        return waiting(decision.change, result.wait, result.reason, agreed=agreed, written=True)
    return Settlement(
        decision.change,
        result.outcome,
        result.reason or decision.reason,
        fingerprint=decision.fingerprint,
        agreed=result.agreed,
        answer=result.answer,
        altered=decision.altered(created=result.outcome is Outcome.CREATED),
        filled=decision.filled,
        parents=decision.parents,
        written=True,
    )
