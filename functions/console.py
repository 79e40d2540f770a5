"""Console: what an operator sees, over HTTP, and the figures that alerts read.

Routes      GET /api/status, /api/dead-letters, /api/records/<flow>/<id>, /api/jobs,
            /api/jobs/<id>, /api/flows/<flow>/question; commands: functions/console_commands.py
Timers      every five minutes: one line `watched` per flow; every minute: jobs are carried on
State       reads all of it; jobs put references on the queues
Guarantee   answers hold ids, codes and sentences; never a value of a record
On failure  400 and 404 with a sentence; 503 with the cause while settings are missing
"""

import re
from collections.abc import Mapping
from typing import Any

import azure.functions as func

from functions import contacts, custom_entities
from functions.triggers import answer, errors_as_503, in_time, ready
from shared import telemetry
from shared.console import status as views
from shared.console import summary
from shared.console.jobs import job_json, jobs_of
from shared.console.key_commands import NO_JOB
from shared.console.opt_out import safe_for_the_watch
from shared.console.questions import question
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS
from shared.identifiers import is_row_key, record_id
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import carry_on_all
from shared.pipeline.replay import WORKS
from shared.wiring import wiring

LIMIT = re.compile(r"\d{1,4}", re.ASCII)
JOBS_SECONDS = 240.0
"""Of one run that carries jobs on."""

blueprint = func.Blueprint()


def flows() -> dict[str, Flow]:
    """Every flow by its key: contacts, one for each table of the custom entities, e-mail events and
    opt-outs if they are on.

    Each source of e-mail events has a row of its own by the name of its feed, as both sides of
    opt-outs have.
    """
    found: list[Flow] = [
        contacts.contacts(),
        *(custom_entities.custom_entity(table) for table in custom_entities.tables()),
    ]
    events = wiring().events_flows()
    found += [*events[:1], *wiring().opt_out.all()]
    return {flow.key: flow for flow in found} | {flow.feed: flow for flow in events}


@blueprint.function_name("console_status")
@blueprint.route("api/status", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_status(req: func.HttpRequest) -> func.HttpResponse:
    """Every flow, or with `flow` one alone: each costs a read of every bucket of its ledger."""
    found, name = flows(), req.params.get("flow")
    if name is not None and name not in found:
        return unknown_flow(name)
    return answer(200, **views.status({name: found[name]} if name else found, wiring().bridge))


@blueprint.function_name("console_dead_letters")
@blueprint.route("api/dead-letters", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    flow, limit = req.params.get("flow", "contacts"), req.params.get("limit", "100")
    if flow not in flows():
        return unknown_flow(flow)
    if not LIMIT.fullmatch(limit) or not 1 <= int(limit) <= 1000:
        return answer(400, error="limit must be a number from 1 to 1000.")
    if not is_row_key(after := req.params.get("after", "")):
        return answer(400, error="after must be the id that `next` gave.")
    return answer(200, **views.dead_letters(flow, wiring().bridge, after, int(limit)))


@blueprint.function_name("console_record")
@blueprint.route("api/records/{flow}/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_record(req: func.HttpRequest) -> func.HttpResponse:
    flow, found_id = req.route_params["flow"], record_id(req.route_params["id"])
    if flow not in flows():
        return unknown_flow(flow)
    if not found_id:
        return answer(400, error="The record's id must be a GUID, as Dataverse shows it.")
    found = views.record(flows()[flow], wiring().bridge, found_id)
    return (
        answer(200, **found)
        if found
        else answer(404, error=f"Flow {flow} has not seen record {found_id}.")
    )


@blueprint.function_name("console_jobs")
@blueprint.route("api/jobs", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_jobs(req: func.HttpRequest) -> func.HttpResponse:
    flow, limit = req.params.get("flow", ""), req.params.get("limit", "100")
    if flow and flow not in flows():
        return unknown_flow(flow)
    if not LIMIT.fullmatch(limit) or not 1 <= int(limit) <= 1000:
        return answer(400, error="limit must be a number from 1 to 1000.")
    return answer(200, jobs=jobs_of(flow, wiring().bridge, int(limit)))


@blueprint.function_name("console_job")
@blueprint.route("api/jobs/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_job(req: func.HttpRequest) -> func.HttpResponse:
    job_id = req.route_params["id"]
    found = wiring().bridge.jobs.find(job_id) if is_row_key(job_id) else None
    return answer(200, **job_json(found)) if found else answer(404, error=NO_JOB)


@blueprint.function_name("console_question")
@blueprint.route("api/flows/{flow}/question", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_question(req: func.HttpRequest) -> func.HttpResponse:
    """What the flow has stopped for and asks, with the records that it is about."""
    name = req.route_params["flow"]
    if name not in flows():
        return unknown_flow(name)
    found = question(flows()[name], wiring().bridge)
    return answer(200, **found) if found else answer(404, error=f"Flow {name} asks nothing.")


@blueprint.function_name("console_watch")
@blueprint.timer_trigger("timer", "0 */5 * * * *")
@in_time(RUN_SECONDS)
def console_watch(timer: func.TimerRequest, context: func.Context) -> None:
    telemetry.bind_trace(context.trace_context.trace_parent)
    if bridge := ready():
        summarize(views.watch(flows(), bridge), bridge)


def summarize(statuses: Mapping[str, Any], bridge: Bridge) -> None:
    """Writes what the console's start page shows."""
    figures, at = wiring().figures, bridge.now()
    before = figures.latest()
    seconds = at - before[0] if before else 0.0
    safe = safe_for_the_watch(wiring().opt_out, bridge)
    made = summary.summary(statuses, safe, before and before[1], seconds, at)
    summary.record(figures, made, at, seconds)
    for key in {flow.key for flow in flows().values() if flow.policy.counted_by}:
        bridge.groups.remove_old(key, at)
    wiring().activity.forget_old()
    wiring().plans.forget_old()


@blueprint.function_name("console_carry_on")
@blueprint.timer_trigger("timer", "20 * * * * *")
@in_time(RUN_SECONDS)
def console_carry_on(timer: func.TimerRequest, context: func.Context) -> None:
    """Jobs, each from the place that it has come to."""
    telemetry.bind_trace(context.trace_context.trace_parent)
    if bridge := ready():
        carry_on_all(flows(), bridge, JOBS_SECONDS, WORKS)


def unknown_flow(name: str) -> func.HttpResponse:
    return answer(404, error=f"There is no such flow: use one of {', '.join(flows())}.")
