"""Start a flow. Where it has stopped for a question, the answer goes with it, with its list."""

from collections.abc import Mapping
from typing import Any

from shared import telemetry
from shared.console.acts.common import flow_of, number_to_type, planned_flow
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.questions import answer_shown, question
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline import running
from shared.pipeline.flow import Bridge, Flow
from shared.state.flows import RUNNING, FlowState
from shared.state.plans import Line, Planned

CONFIRM, DISCARD = "confirm", "discard"
IDS_LISTED = 100


def prepare(visit: Visit) -> Planned:
    key, flow = flow_of(visit)
    bridge, answer = visit.services.bridge, visit.incoming.form.get("deletes", "")
    state = bridge.flows.read(key)
    asked = question(flow, bridge) if key == flow.key else None
    if asked is None:
        if state.status == RUNNING:
            raise Refusal(409, "is_running", {"name": name_of(key)})
        lines = [Line("label_what", "start_what"), *why_it_stands(state.reason)]
        return Planned(key, name_of(key), lines, shown_of(key, state), f"/flows/{key}")
    if answer not in (CONFIRM, DISCARD):
        raise Refusal(409, "answer_first", {"name": name_of(key), "count": str(asked["count"])})
    return answered(visit, key, state, asked, answer)


def shown_of(key: str, state: FlowState) -> dict[str, Any]:
    """What the plan keeps of the flow: it is started as it was shown, or not at all."""
    return {"flow": key, "word": list(state.last_word)}


def why_it_stands(reason: str) -> list[Line]:
    return [Line("label_reason", "as_it_is", {"text": reason})] if reason else []


def answered(
    visit: Visit, key: str, state: FlowState, asked: dict[str, Any], answer: str
) -> Planned:
    """With the list of what is asked about. Confirmed above the brake's number, it is typed."""
    count = int(asked["count"])
    about = "_".join(asked["about"])
    lines = [
        Line("label_question", f"question_{about}", {"count": count, "of": asked["of"] or "?"}),
        Line("label_answer", f"answer_{answer}", {"count": count}, asked["ids"][:IDS_LISTED]),
        Line("label_version", "holds_for_version", {"version": asked["mapping_version"]}),
    ]
    arguments = {"deletes": answer, "count": count, "asked_at": asked["asked_at"]}
    return Planned(
        key,
        name_of(key),
        lines,
        {**shown_of(key, state), **arguments},
        f"/flows/{key}",
        count,
        number_to_type(visit, count) if answer == CONFIRM else 0,
    )


def carry_out(visit: Visit, plan: Plan, why: str) -> Carried:
    key, flow = planned_flow(visit, plan)
    bridge, arguments = visit.services.bridge, plan.planned.arguments
    answer, asked = arguments.get("deletes"), question(flow, bridge) if key == flow.key else None
    if is_another(asked, arguments) if asked else "deletes" in arguments:
        raise Refusal(409, "question_changed", {"name": name_of(key)})
    check_word(key, bridge.flows.read(key), arguments)
    if asked and give_answer(key, flow, bridge, asked, str(answer), visit.who):
        return Carried(f"/flows/{key}")  # it asks something else, which nobody has seen yet
    running.start(key, bridge, by=visit.who)
    return Carried(f"/flows/{key}")


def is_another(asked: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether the question is not the one that was shown, or more would be done than was shown."""
    if "deletes" not in arguments or asked["asked_at"] != arguments["asked_at"]:
        return True
    return arguments["deletes"] == CONFIRM and int(asked["count"]) > int(arguments["count"])


def check_word(key: str, state: FlowState, arguments: Mapping[str, Any]) -> None:
    """Refusal where somebody has stopped the flow since, or it has failed: with a reason that was
    not shown.
    """
    if state.status != RUNNING and list(state.last_word) != arguments.get("word"):
        raise Refusal(409, "flow_changed", {"name": name_of(key), "by": state.by or "?"})


def give_answer(
    name: str, flow: Flow, bridge: Bridge, asked: Mapping[str, Any], answer: str, by: str
) -> dict[str, Any] | None:
    """Answers the question that was shown. Returns another one, if the flow has one.

    Without another one the flow is started afterwards.
    """
    answer_shown(flow, bridge, asked, answer == CONFIRM, by)
    count = int(asked["count"])
    telemetry.noted(flow=name, event="deletes_answered", count=count, reason=answer, by=by)
    return question(flow, bridge)


START = PlanKind("start", Least.OPERATOR, prepare, carry_out)
