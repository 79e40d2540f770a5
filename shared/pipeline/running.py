"""Whether a flow runs: started and stopped by a person, paused by a cause that a person must mend,
tried again by itself.
"""

from shared import telemetry
from shared.errors import Misconfigured, Retryable
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.sweep import DELETE_BRAKE
from shared.state.flows import FAILED, RUNNING, STOPPED, Flows, FlowState


def held_up(flow: Flow, bridge: Bridge) -> str:
    """Why a flow does nothing now, "" if it runs.

    A failed one is tried now and then; one that only delivers needs that too.
    """
    return next((status for key in keys(flow) if (status := held_up_as(key, flow, bridge))), "")


def keys(flow: Flow) -> list[str]:
    """What the flow is known by as a whole, and its reading where that may fail by itself."""
    return list(dict.fromkeys((flow.key, flow.feed)))


def is_running(flow: Flow, bridge: Bridge) -> bool:
    return all(bridge.flows.state(key).status == RUNNING for key in keys(flow))


def held_up_as(key: str, flow: Flow, bridge: Bridge) -> str:
    state = bridge.flows.state(key)
    return (
        state.status
        if state.status == STOPPED or (state.status == FAILED and not recovered(key, flow, bridge))
        else ""
    )


def take_mapping(flow: Flow, bridge: Bridge) -> None:
    problem = flow.adopt()
    if problem != bridge.flows.state(flow.key).mapping_problem:
        bridge.flows.change(flow.key, mapping_problem=problem)
        telemetry.noted(
            flow=flow.key,
            event="mapping_refused" if problem else "mapping_in_force",
            count=flow.mapping_version(),
        )


def recovered(key: str, flow: Flow, bridge: Bridge) -> bool:
    """Whether a failed flow runs again: its cause is tried now and then, so that a repair needs no
    further step.
    """
    state = bridge.flows.read(key)
    if (
        state.status != FAILED
        or state.setting == DELETE_BRAKE
        or bridge.now() - state.checked_at < probe_delay(state, bridge)
    ):
        return False
    take_mapping(flow, bridge)  # the repair may be a corrected document
    try:
        flow.probe(key)
    except Misconfigured as error:
        bridge.flows.change(key, checked_at=bridge.now(), reason=str(error), setting=error.setting)
        return False
    except Retryable:
        return False
    start(key, bridge, by="bridge")
    return True


LONGEST_PROBE_DELAY_SECONDS = 900.0


def probe_delay(state: FlowState, bridge: Bridge) -> float:
    """Until the cause is tried again: twice as long after each poll in a row that failed it."""
    delay = bridge.settings.paused_delay_seconds
    doubled = delay * 2.0 ** min(max(0, state.failures - 1), 10)
    return min(doubled, max(delay, LONGEST_PROBE_DELAY_SECONDS))


def fail(key: str, bridge: Bridge, error: Misconfigured) -> None:
    """Pauses the flow, or one feed of it, with the cause; its records stay on the queue."""
    fail_flow(key, bridge.flows, error)


def fail_flow(key: str, flows: Flows, error: Misconfigured) -> None:
    """As above, for who has no more than the flows' rows."""
    if flows.read(key).status != RUNNING:
        return
    now = flows.now()
    flows.change(
        key,
        status=FAILED,
        reason=str(error),
        setting=error.setting,
        by="bridge",
        since=now,
        checked_at=now,
    )
    telemetry.flow_changed(flow=key, status=FAILED, reason=str(error), by="bridge")


def start(key: str, bridge: Bridge, by: str) -> None:
    bridge.flows.change(key, status=RUNNING, reason="", setting="", by=by, since=bridge.now())
    telemetry.flow_changed(flow=key, status=RUNNING, reason="", by=by)


def stop(key: str, bridge: Bridge, by: str) -> None:
    """Reads and writes nothing more of this flow until it is started; what waits on its queue goes
    on waiting.
    """
    bridge.flows.change(
        key, status=STOPPED, reason="stopped by a person", setting="", by=by, since=bridge.now()
    )
    telemetry.flow_changed(flow=key, status=STOPPED, reason="stopped by a person", by=by)
