"""Whether a flow runs: started and stopped by a person, paused by a cause that a person must mend,
tried again by itself.
"""

from shared import telemetry
from shared.errors import Misconfigured, Retryable
from shared.pipeline.brake import BRAKES
from shared.pipeline.flow import Bridge, Flow
from shared.state.flows import FAILED, RUNNING, STOPPED, Flows, FlowState, Values

STOPPED_BY_A_PERSON = "stopped by a person"


def not_running_reason(flow: Flow, bridge: Bridge) -> str:
    """Why a flow does nothing now, "" if it runs.

    A failed one is tried now and then; one that only delivers needs that too.
    """
    return next(
        (status for key in keys(flow) if (status := not_running_reason_of(key, flow, bridge))), ""
    )


def keys(flow: Flow) -> list[str]:
    """What the flow is known by as a whole, and its reading where that may fail by itself."""
    return list(dict.fromkeys((flow.key, flow.feed)))


def is_running(flow: Flow, bridge: Bridge) -> bool:
    return all(bridge.flows.state(key).status == RUNNING for key in keys(flow))


def not_running_reason_of(key: str, flow: Flow, bridge: Bridge) -> str:
    state = bridge.flows.state(key)
    return (
        state.status
        if state.status == STOPPED or (state.status == FAILED and not recovered(key, flow, bridge))
        else ""
    )


def activate_mapping(flow: Flow, bridge: Bridge) -> None:
    problem = flow.activate()
    if problem != bridge.flows.state(flow.key).mapping_problem:
        bridge.flows.observe(flow.key, mapping_problem=problem)
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
        or state.setting in BRAKES
        or bridge.now() - state.checked_at < probe_delay(state, bridge)
    ):
        return False
    activate_mapping(flow, bridge)  # the repair may be a corrected document
    try:
        flow.probe(key)
    except Misconfigured as error:
        note_cause(key, bridge, state, error)
        return False
    except Retryable:
        return False
    return resume(key, bridge, state)


def note_cause(key: str, bridge: Bridge, probed: FlowState, error: Misconfigured) -> None:
    """The cause as it is now, and when it was tried; not where somebody has had a word since."""
    cause: Values = {"checked_at": bridge.now(), "reason": str(error), "setting": error.setting}
    bridge.flows.change(key, lambda state: cause if state.is_same_word(probed) else None)


def resume(key: str, bridge: Bridge, probed: FlowState) -> bool:
    """Runs a failed flow again, unless somebody has stopped or started it since it was probed."""
    runs = running(bridge.now(), by="bridge")
    if not bridge.flows.change(key, lambda state: runs if state.is_same_word(probed) else None):
        return False
    telemetry.flow_changed(flow=key, status=RUNNING, reason="", by="bridge")
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
    """As above, for who has no more than the flows' rows.

    Only a flow that runs: a person's stop stays, and so does the first cause.
    """
    now = flows.now()
    failed: Values = {
        "status": FAILED,
        "reason": str(error),
        "setting": error.setting,
        "by": "bridge",
        "since": now,
        "checked_at": now,
    }
    if flows.change(key, lambda state: failed if state.status == RUNNING else None):
        telemetry.flow_changed(flow=key, status=FAILED, reason=str(error), by="bridge")


def running(now: float, by: str) -> Values:
    return {"status": RUNNING, "reason": "", "setting": "", "by": by, "since": now}


def start(key: str, bridge: Bridge, by: str) -> None:
    """A person's word: it stands, whoever changes the row at the same time."""
    bridge.flows.change(key, lambda _: running(bridge.now(), by))
    telemetry.flow_changed(flow=key, status=RUNNING, reason="", by=by)


def stop(key: str, bridge: Bridge, by: str, why: str = "") -> None:
    """Reads and writes nothing more of this flow until it is started; what waits on its queue goes
    on waiting.

    A person's word, as a start is. `why`: their reason, which others then read.
    """
    stopped: Values = {
        "status": STOPPED,
        "reason": why or STOPPED_BY_A_PERSON,
        "setting": "",
        "by": by,
        "since": bridge.now(),
    }
    bridge.flows.change(key, lambda _: stopped)
    telemetry.flow_changed(flow=key, status=STOPPED, reason=STOPPED_BY_A_PERSON, by=by)
