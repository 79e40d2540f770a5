"""What several acts need: the flow that a form names, what the watch last counted of it."""

from collections.abc import Mapping
from typing import Any

from shared.console.refusals import Refusal
from shared.console.visit import Visit
from shared.pipeline.flow import Flow


def flow_of(visit: Visit) -> tuple[str, Flow]:
    """The key that the form names, and its flow. Refusal for one that there is not."""
    key = visit.incoming.form.get("flow", "")
    return key, planned_flow(visit, key)


def planned_flow(visit: Visit, key: str) -> Flow:
    found = visit.services.flows().get(key)
    if found is None:
        raise Refusal(404, "no_flow")
    return found


def counted(visit: Visit, key: str) -> Mapping[str, Any]:
    """What the watch last counted of a flow; {} before the first time."""
    made = visit.services.figures.latest()
    found: Mapping[str, Any] = made[1]["flows"].get(key, {}) if made else {}
    return found
