"""Console: what an operator sees and does, over HTTP, and the figures that alerts read.

Routes      GET /api/status, /api/dead-letters, /api/records/<flow>/<id>; POST /api/flows/<flow>/start|stop|replay|discard
Timer       every five minutes: one line `watched` per flow
State       reads all of it; commands write `flows`, `checkpoints` and `deadletters` and put references on the queues
Guarantee   answers hold ids, codes and sentences; never a value of a record
On failure  400 and 404 with a sentence; 503 with the cause while settings are missing
"""

import json
from collections import Counter
from typing import Any

import azure.functions as func

from functions import contacts, custom_entities
from functions.triggers import answer, told
from shared import telemetry
from shared.console import status as views
from shared.flow import Flow, OnceFlow
from shared.identifiers import record_id
from shared.letters import Left
from shared.letters import told as told_of
from shared.running import start, stop
from shared.steps import MOST_DISCARDED, discard, replay
from shared.sweep import answer as answer_sweep
from shared.wiring import wiring

blueprint = func.Blueprint()


def flows() -> dict[str, Flow]:
    """Every flow by its key: contacts, one for each table of the custom entities, e-mail events and opt-outs if they are on.

    Each source of e-mail events has a row of its own by the name of its feed, as both sides of opt-outs have.
    """
    found: list[Flow] = [contacts.contacts(), *(custom_entities.custom_entity(table) for table in custom_entities.tables())]
    events = wiring().events_flows()
    found += [*events[:1], *wiring().opt_out.all()]
    return {flow.key: flow for flow in found} | {flow.feed: flow for flow in events}


@blueprint.function_name("console_status")
@blueprint.route("status", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@told
def console_status(req: func.HttpRequest) -> func.HttpResponse:
    return answer(200, **views.status(flows(), wiring().bridge))


@blueprint.function_name("console_dead_letters")
@blueprint.route("dead-letters", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@told
def console_dead_letters(req: func.HttpRequest) -> func.HttpResponse:
    flow, limit = req.params.get("flow", "contacts"), req.params.get("limit", "100")
    if flow not in flows():
        return unknown_flow(flow)
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        return answer(400, error="limit must be a number from 1 to 1000.")
    return answer(200, **views.dead_letters(flow, wiring().bridge, req.params.get("after", "").replace("'", ""), int(limit)))


@blueprint.function_name("console_record")
@blueprint.route("records/{flow}/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@told
def console_record(req: func.HttpRequest) -> func.HttpResponse:
    flow, found_id = req.route_params["flow"], record_id(req.route_params["id"])
    if flow not in flows():
        return unknown_flow(flow)
    if not found_id:
        return answer(400, error="The record's id must be a GUID, as Dataverse shows it.")
    found = views.record(flows()[flow], wiring().bridge, found_id)
    return answer(200, **found) if found else answer(404, error=f"Flow {flow} has not seen record {found_id}.")


@blueprint.function_name("console_command")
@blueprint.route("flows/{flow}/{command}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@told
def console_command(req: func.HttpRequest) -> func.HttpResponse:
    """A command on a flow; the body may say `by` whom, `deletes` for start, `what`, `id` and `reason` for replay and discard,
    `checked` for discard."""
    name, command = req.route_params["flow"], req.route_params["command"]
    if name not in flows():
        return unknown_flow(name)
    if command not in COMMANDS:
        return answer(404, error=f"There is no command {command}: use {', '.join(COMMANDS)}.")
    try:
        body = json.loads(req.get_body() or b"{}")
    except ValueError:
        return answer(400, error="The body must be JSON, or empty.")
    if not isinstance(body, dict):
        return answer(400, error="The body must be a JSON object, or empty.")
    return COMMANDS[command](name, flows()[name], body)


@blueprint.function_name("console_watch")
@blueprint.timer_trigger("timer", "0 */5 * * * *")
def console_watch(timer: func.TimerRequest, context: func.Context) -> None:
    telemetry.follow(context.trace_context.trace_parent)
    views.watch(flows(), wiring().bridge)


def command_start(name: str, flow: Flow, body: dict[str, Any]) -> func.HttpResponse:
    bridge, deletes = wiring().bridge, body.get("deletes")
    if deletes not in (None, "confirm", "skip"):
        return answer(400, error='deletes must be "confirm" or "skip".')
    checkpoint = bridge.checkpoints.load(flow.key, flow.table)
    if name == flow.key and checkpoint.sweep == "asking" and not isinstance(flow, OnceFlow):
        if deletes is None:
            return answer(400, error=bridge.flows.state(flow.key).reason)
        answer_sweep(flow, bridge, checkpoint, confirm=deletes == "confirm")
    start(name, bridge, by=who(body))
    return answer(200, flow=name, status="running")


def command_stop(name: str, flow: Flow, body: dict[str, Any]) -> func.HttpResponse:
    stop(name, wiring().bridge, by=who(body))
    return answer(200, flow=name, status="stopped")


def command_discard(name: str, flow: Flow, body: dict[str, Any]) -> func.HttpResponse:
    """Names what it gives up: nothing is given up by an empty body."""
    what, given = body.get("what"), record_id(body.get("id"))
    value = given if what == "record" else str(body.get("reason", ""))
    if what not in ("record", "reason", "dead_letters"):
        return answer(400, error='what must be "record" with id, "reason" with reason, or "dead_letters" for all of the flow.')
    if what == "record" and not given:
        return answer(400, error="id must be the GUID of the dead letter's record.")
    if what == "reason" and not value:
        return answer(400, error="reason must be the code that the dead letters have, such as broken_line.")
    left = Counter[Left]()
    count = discard(flow, wiring().bridge, what, value, checked=body.get("checked") is True, left=left)
    if left and not count:
        return answer(409, error=" ".join(left), left=left.total())
    telemetry.noted(flow=flow.letters, event="dead_letters_discarded", count=count)
    return answer(200, flow=name, what=what, discarded=count, more=count >= MOST_DISCARDED, **told_of(left))


def command_replay(name: str, flow: Flow, body: dict[str, Any]) -> func.HttpResponse:
    what, given = body.get("what", "dead_letters"), record_id(body.get("id"))
    if what not in ("all", "record", "dead_letters"):
        return answer(400, error='what must be "all", "record" or "dead_letters".')
    if what == "record" and not given:
        return answer(400, error="id must be the GUID of the record to replay.")
    left = Counter[Left]()
    handed_off = replay(flow, wiring().bridge, what, given, left)
    if left and what == "record":
        return answer(409, error=" ".join(left))
    return answer(202, flow=flow.key, what=what, handed_off=handed_off, **told_of(left))


COMMANDS = {"start": command_start, "stop": command_stop, "replay": command_replay, "discard": command_discard}


def who(body: dict[str, Any]) -> str:
    return str(body.get("by", "a person"))[:100]


def unknown_flow(name: str) -> func.HttpResponse:
    return answer(404, error=f"There is no such flow: use one of {', '.join(flows())}.")
