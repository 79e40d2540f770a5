"""What several acts need: the flow that a form names, who reads for it, what the watch counted."""

from collections.abc import Mapping
from typing import Any

from shared.console.refusals import Refusal
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline.flow import Flow
from shared.state.flows import RUNNING
from shared.state.plans import Plan


def flow_of(visit: Visit) -> tuple[str, Flow]:
    """The key that the form names, and its flow. Refusal for one that there is not."""
    key = visit.incoming.form.get("flow", "")
    return key, known_flow(visit, key)


def planned_flow(visit: Visit, plan: Plan) -> tuple[str, Flow]:
    """The flow that a plan names, which may have been switched off since."""
    key = str(plan.planned.arguments["flow"])
    return key, known_flow(visit, key)


def known_flow(visit: Visit, key: str) -> Flow:
    found = visit.services.flows().get(key)
    if found is None:
        raise Refusal(404, "no_flow")
    return found


def check_runs(visit: Visit, key: str) -> None:
    """Refusal where nothing is read or sent now, whatever is ordered."""
    if visit.services.bridge.flows.read(key).status != RUNNING:
        raise Refusal(409, "must_run", {"name": name_of(key)})


def readers(flows: Mapping[str, Flow], key: str) -> list[Flow]:
    """Whose polls read for a flow: its own, but where others read for it under other names."""
    flow = flows[key]
    if key != flow.letters:
        return [flow] if flow.reads else []
    found = {other.feed: other for other in flows.values() if other.letters == key}
    return [other for other in found.values() if other.reads]


def counted(visit: Visit, key: str) -> Mapping[str, Any]:
    """What the watch last counted of a flow; {} before the first time."""
    made = visit.services.figures.latest()
    found: Mapping[str, Any] = made[1]["flows"].get(key, {}) if made else {}
    return found


def number_to_type(visit: Visit, count: int) -> int:
    """Above the brake's number somebody types how many; 0 where nobody need."""
    return count if count > visit.services.bridge.settings.delete_brake_records else 0
