"""Console: what an operator sees and does, over HTTP, and the figures that alerts read.

Routes      GET /api/status, /api/dead-letters, /api/records/<flow>/<id>, /api/jobs,
            /api/jobs/<id>, /api/flows/<flow>/question; POST
            /api/flows/<flow>/start|stop|replay|discard|cancel
Timers      every five minutes: one line `watched` per flow; every minute: jobs are carried on
State       reads all of it; commands write `flows`, `checkpoints`, `deadletters` and `jobs` and
            put references on the queues
Guarantee   answers hold ids, codes and sentences; never a value of a record
On failure  400 and 404 with a sentence; 503 with the cause while settings are missing
"""

import re

import azure.functions as func

from functions import contacts, custom_entities
from functions.triggers import answer, errors_as_503, in_time, ready
from shared import telemetry
from shared.console import status as views
from shared.console import summary
from shared.console.callers import caller
from shared.console.commands import (
    Cancel,
    Discard,
    InvalidCommand,
    Replay,
    Start,
    Stop,
    check_length,
    read_command,
)
from shared.console.jobs import job_json, jobs_of
from shared.console.opt_out import safe_to_send
from shared.console.questions import question
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS
from shared.identifiers import is_row_key, record_id
from shared.pipeline.answering import answer_held, asks
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.jobs import carry_on_all
from shared.pipeline.replay import (
    ALL,
    MOST_DISCARDED,
    WORKS,
    NotReplayed,
    begin,
    discard,
    handled_by,
    once_sentences,
    order_all,
    replay,
)
from shared.pipeline.running import start, stop
from shared.pipeline.selecting import order_letters
from shared.pipeline.sweep import answer as answer_sweep
from shared.state.jobs import Job
from shared.wiring import wiring

LIMIT = re.compile(r"\d{1,4}", re.ASCII)
COMMAND_LIMIT_BYTES = 64 * 1024
"""Of a command's body."""

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
    return answer(200, **views.status(flows(), wiring().bridge))


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


@blueprint.function_name("console_command")
@blueprint.route("api/flows/{flow}/{command}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_command(req: func.HttpRequest) -> func.HttpResponse:
    """A command on a flow. The key that it came with says who gave it."""
    name, command = req.route_params["flow"], req.route_params["command"]
    if name not in flows():
        return unknown_flow(name)
    if command not in COMMANDS:
        return answer(404, error=f"There is no such command: use one of {', '.join(COMMANDS)}.")
    if len(req.get_body()) > COMMAND_LIMIT_BYTES:
        return answer(
            413,
            error=(
                f"The body is larger than {COMMAND_LIMIT_BYTES} bytes; a command needs a few"
                " hundred."
            ),
        )
    try:
        check_length(req.headers)
        return COMMANDS[command](
            name, flows()[name], req.get_body(), caller(req.headers, req.params)
        )
    except InvalidCommand as error:
        return answer(400, error=str(error))


@blueprint.function_name("console_watch")
@blueprint.timer_trigger("timer", "0 */5 * * * *")
@in_time(RUN_SECONDS)
def console_watch(timer: func.TimerRequest, context: func.Context) -> None:
    telemetry.follow(context.trace_context.trace_parent)
    if bridge := ready():
        views.watch(flows(), bridge)
        summarize(bridge)


def summarize(bridge: Bridge) -> None:
    """Writes what the console's start page shows."""
    figures, at = wiring().figures, bridge.now()
    before = figures.latest()
    seconds = at - before[0] if before else 0.0
    statuses = views.status(flows(), bridge)["flows"]
    made = summary.summary(
        statuses, safe_to_send(wiring().opt_out, bridge), before and before[1], seconds
    )
    summary.record(figures, made, at, seconds)
    wiring().activity.forget_old()
    wiring().plans.forget_old()


@blueprint.function_name("console_carry_on")
@blueprint.timer_trigger("timer", "20 * * * * *")
@in_time(RUN_SECONDS)
def console_carry_on(timer: func.TimerRequest, context: func.Context) -> None:
    """Jobs, each from the place that it has come to."""
    telemetry.follow(context.trace_context.trace_parent)
    if bridge := ready():
        carry_on_all(flows(), bridge, JOBS_SECONDS, WORKS)


def command_start(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    """An answer to what the flow asks goes with it, where it asks."""
    deletes, bridge = read_command(Start, body).deletes, wiring().bridge
    if name == flow.key and (asked := question(flow, bridge)):
        if deletes is None:
            return answer(400, error=unanswered(name, asked["count"]), question=asked)
        confirm = deletes == "confirm"
        answer_sweep(flow, bridge, confirm, by)
        if asks(flow, bridge):
            answer_held(flow, bridge, confirm, by)
        telemetry.noted(
            flow=name, event="deletes_answered", count=asked["count"], reason=deletes, by=by
        )
    start(name, bridge, by=by)
    return answer(200, flow=name, status="running")


def unanswered(name: str, count: int) -> str:
    return (
        f"Flow {name} asks about {count} records: GET /api/flows/{name}/question lists them. Start"
        ' it with {"deletes": "confirm"} or {"deletes": "discard"}.'
    )


def command_stop(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    read_command(Stop, body)
    stop(name, wiring().bridge, by=by)
    return answer(200, flow=name, status="stopped")


def command_discard(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    order = read_command(Discard, body)
    handled = discard(flow, wiring().bridge, order.what, order.value, checked=order.checked)
    count, left = handled.count, handled.left
    if left and not count:
        return answer(409, error=" ".join(left), left=left.total())
    telemetry.noted(
        flow=flow.letters, event="dead_letters_discarded", count=count, reason=order.what, by=by
    )
    return answer(
        200,
        flow=name,
        what=order.what,
        discarded=count,
        more=count >= MOST_DISCARDED,
        **handled.as_entry(),
    )


def command_replay(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    order, bridge = read_command(Replay, body), wiring().bridge
    if order.what == "record":
        return replayed_record(flow, order.record, by)
    try:
        job = ordered(name, flow, order.what, by)
    except NotReplayed as error:
        return answer(409, error=str(error))
    job = begin(flow, bridge, job)
    handled = handled_by(job)
    telemetry.noted(flow=flow.key, event="replayed", count=handled.count, reason=order.what, by=by)
    entry = handled.as_entry()
    if order.what == ALL and (once := once_sentences(readers(name, flow))):
        entry = {"left": len(once), "why": once}
    return answer(
        202,
        flow=flow.key,
        what=order.what,
        handed_off=handled.count,
        job=job_json(job),
        **entry,
    )


def replayed_record(flow: Flow, record: str, by: str) -> func.HttpResponse:
    handled = replay(flow, wiring().bridge, "record", record)
    if handled.left:
        return answer(409, error=" ".join(handled.left))
    telemetry.noted(flow=flow.key, event="replayed", count=handled.count, reason="record", by=by)
    return answer(202, flow=flow.key, what="record", handed_off=handled.count)


def ordered(name: str, flow: Flow, what: str, by: str) -> Job:
    bridge = wiring().bridge
    if what == ALL:
        return order_all(name, readers(name, flow), bridge, by)
    return order_letters(flow, bridge, by)


def readers(name: str, flow: Flow) -> list[Flow]:
    """Whose polls read for a flow: its own, but where others read for it under other names."""
    if name != flow.letters:
        return [flow]
    found = {other.feed: other for other in flows().values() if other.letters == name}
    return [other for other in found.values() if other.reads]


def command_cancel(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    """A job that is cancelled keeps what it has done."""
    order, bridge = read_command(Cancel, body), wiring().bridge
    found = bridge.jobs.find(order.job) if is_row_key(order.job) else None
    if found is None or found.flow != name:
        return answer(404, error=NO_JOB)
    job = bridge.jobs.cancel(order.job) or found
    job = begin(flow, bridge, job)
    telemetry.noted(flow=name, event="job_cancelled", reason=job.kind, by=by)
    return answer(200, **job_json(job))


COMMANDS = {
    "start": command_start,
    "stop": command_stop,
    "replay": command_replay,
    "discard": command_discard,
    "cancel": command_cancel,
}


NO_JOB = "There is no such job: GET /api/jobs lists them. One is kept for 30 days."


def unknown_flow(name: str) -> func.HttpResponse:
    return answer(404, error=f"There is no such flow: use one of {', '.join(flows())}.")
