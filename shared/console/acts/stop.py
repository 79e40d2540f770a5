"""Stop a flow: it reads and writes nothing more until somebody starts it."""

from shared.console.acts.common import counted, flow_of, planned_flow
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline import running
from shared.state.flows import STOPPED
from shared.state.plans import Line, Planned


def prepare(visit: Visit) -> Planned:
    key, _ = flow_of(visit)
    if visit.services.bridge.flows.read(key).status == STOPPED:
        raise Refusal(409, "is_stopped", {"name": name_of(key)})
    waiting = counted(visit, key).get("waiting", 0)
    lines = [
        Line("label_what", "stop_what"),
        Line("label_waiting", "stop_waiting", {"count": waiting}),
        Line("label_until", "stop_until"),
    ]
    return Planned(key, name_of(key), lines, {"flow": key}, f"/flows/{key}", needs_why=True)


def carry_out(visit: Visit, plan: Plan, why: str) -> Carried:
    key, _ = planned_flow(visit, plan)
    running.stop(key, visit.services.bridge, by=visit.who, why=why)
    return Carried(f"/flows/{key}")


STOP = PlanKind("stop", Least.OPERATOR, prepare, carry_out)
