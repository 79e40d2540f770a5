"""Console: what an operator sees and does, over HTTP, and the figures that alerts read.

Routes      GET /api/status, /api/dead-letters, /api/records/<flow>/<id>; POST
            /api/flows/<flow>/start|stop|replay|discard
Timer       every five minutes: one line `watched` per flow
State       reads all of it; commands write `flows`, `checkpoints` and `deadletters` and put
            references on the queues
Guarantee   answers hold ids, codes and sentences; never a value of a record
On failure  400 and 404 with a sentence; 503 with the cause while settings are missing
"""

import re

import azure.functions as func

from functions import contacts, custom_entities
from functions.triggers import answer, errors_as_503, in_time, ready
from shared import telemetry
from shared.console import status as views
from shared.console.callers import caller
from shared.console.commands import (
    Discard,
    InvalidCommand,
    Replay,
    Start,
    Stop,
    check_length,
    read_command,
)
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS
from shared.identifiers import is_row_key, record_id
from shared.pipeline.flow import Flow
from shared.pipeline.replay import MOST_DISCARDED, discard, replay
from shared.pipeline.running import start, stop
from shared.pipeline.sweep import answer as answer_sweep
from shared.wiring import wiring

LIMIT = re.compile(r"\d{1,4}", re.ASCII)
COMMAND_LIMIT_BYTES = 64 * 1024
"""Of a command's body."""

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
@blueprint.route("status", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def console_status(req: func.HttpRequest) -> func.HttpResponse:
    return answer(200, **views.status(flows(), wiring().bridge))


@blueprint.function_name("console_dead_letters")
@blueprint.route("dead-letters", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
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
@blueprint.route("records/{flow}/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
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


@blueprint.function_name("console_command")
@blueprint.route("flows/{flow}/{command}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
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


def command_start(name: str, flow: Flow, body: bytes, by: str) -> func.HttpResponse:
    deletes, bridge = read_command(Start, body).deletes, wiring().bridge
    checkpoint = bridge.checkpoints.load(flow.key, flow.table)
    if name == flow.key and checkpoint.sweep == "asking":
        if deletes is None:
            return answer(400, error=bridge.flows.state(flow.key).reason)
        answer_sweep(flow, bridge, checkpoint, confirm=deletes == "confirm")
        telemetry.noted(
            flow=name, event="deletes_answered", count=checkpoint.missing, reason=deletes, by=by
        )
    start(name, bridge, by=by)
    return answer(200, flow=name, status="running")


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
    order = read_command(Replay, body)
    handled = replay(flow, wiring().bridge, order.what, order.record)
    if handled.left and order.what == "record":
        return answer(409, error=" ".join(handled.left))
    telemetry.noted(flow=flow.key, event="replayed", count=handled.count, reason=order.what, by=by)
    return answer(
        202, flow=flow.key, what=order.what, handed_off=handled.count, **handled.as_entry()
    )


COMMANDS = {
    "start": command_start,
    "stop": command_stop,
    "replay": command_replay,
    "discard": command_discard,
}


def unknown_flow(name: str) -> func.HttpResponse:
    return answer(404, error=f"There is no such flow: use one of {', '.join(flows())}.")
