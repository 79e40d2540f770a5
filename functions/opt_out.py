"""Opt-out: each contact's opt-outs are the same in Dataverse and Campaign.

Source      columns of contact (change tracking; webhook as wake-up); flags of profiles
            (OPT_OUT_SOURCE); OPT_OUT_MODE says which
Target      the other side's column or flag, and nothing else of the record
Triggers    timers OPT_OUT_SCHEDULE, POST /api/dataverse/contact/opt-out, queue `opt-out`; GET
            /api/opt-out, /api/safe-to-send
State       checkpoints `opt_out-from-dynamics`, `opt_out-from-campaign`; ledger partitions
            `opt_out-*`; table `decisions`
Guarantee   no opt-out is lost: both sides end equal, and where the later one is not known,
            opt-out wins
On failure  as contacts; a feed that fails stops neither the other nor deliveries
"""

import azure.functions as func

from functions.triggers import (
    NotTaken,
    answer,
    errors_as_503,
    in_time,
    left_over,
    on_message,
    on_timer,
    on_webhook,
    ready,
)
from shared.console import opt_out as views
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS
from shared.identifiers import record_id
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, OptOutFlow
from shared.pipeline.running import not_running_reason
from shared.wiring import wiring

blueprint = func.Blueprint()


def opt_out() -> OptOutFlow:
    return wiring().opt_out.deliver()


def from_dynamics() -> OptOutFlow:
    """NotTaken in a mode that carries no opt-outs of Dynamics."""
    parts = wiring().opt_out
    if not parts.writes_campaign:
        sentence = f"OPT_OUT_MODE is {parts.mode.value}, so nothing takes opt-outs of Dynamics."
        raise NotTaken(f"{sentence} {left_over('contact/opt-out')}")
    return opt_out()


@blueprint.function_name("opt_out_poll")
@blueprint.timer_trigger("timer", "%OPT_OUT_SCHEDULE%")
@in_time(RUN_SECONDS)
def opt_out_poll(timer: func.TimerRequest, context: func.Context) -> None:
    """Dynamics' feed, and what is to be done now and then."""
    if not (bridge := ready()):
        return
    poll_feed(FROM_DYNAMICS, context)
    if wiring().opt_out.polls():
        not_running_reason(opt_out(), bridge)
        wiring().opt_out.catch_up(bridge)


@blueprint.function_name("opt_out_poll_campaign")
@blueprint.timer_trigger("timer", "%OPT_OUT_SCHEDULE%")
@in_time(RUN_SECONDS)
def opt_out_poll_campaign(timer: func.TimerRequest, context: func.Context) -> None:
    """Campaign's feed, by itself: while Dynamics' has much to read, for minutes, this one goes on
    every time.
    """
    if ready():
        poll_feed(FROM_CAMPAIGN, context)


def poll_feed(key: str, context: func.Context) -> None:
    """Not where the mode does not read that side."""
    feeds = {feed.key: feed for feed in wiring().opt_out.polls()}
    if key in feeds:
        on_timer(lambda: feeds[key], context)


@blueprint.function_name("opt_out_webhook")
@blueprint.route(
    "api/dataverse/contact/opt-out", methods=["POST"], auth_level=func.AuthLevel.FUNCTION
)
@in_time(ANSWER_SECONDS)
def opt_out_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return on_webhook(from_dynamics, req, context, ours=lambda: wiring().own_user)


@blueprint.function_name("opt_out_deliver")
@blueprint.queue_trigger("message", "opt-out", "AzureWebJobsStorage")
@in_time(RUN_SECONDS)
def opt_out_deliver(message: func.QueueMessage, context: func.Context) -> None:
    on_message(opt_out, "opt-out", message, context)


@blueprint.function_name("opt_out_safe")
@blueprint.route("api/safe-to-send", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def opt_out_safe(req: func.HttpRequest) -> func.HttpResponse:
    return answer(200, **views.safe_to_send(wiring().opt_out, wiring().bridge))


@blueprint.function_name("opt_out_contact")
@blueprint.route("api/opt-out/{id}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def opt_out_contact(req: func.HttpRequest) -> func.HttpResponse:
    contact_id = record_id(req.route_params["id"])
    if not contact_id:
        return answer(400, error="The contact's id must be a GUID, as Dataverse shows it.")
    found = views.contact(opt_out(), wiring().bridge, contact_id)
    return (
        answer(200, **found)
        if found
        else answer(404, error=f"Neither Dynamics nor Campaign knows contact {contact_id}.")
    )


@blueprint.function_name("opt_out_decisions")
@blueprint.route("api/opt-out", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
@errors_as_503
def opt_out_decisions(req: func.HttpRequest) -> func.HttpResponse:
    """All decisions of a day (UTC; today if none is named), as JSON or, with format=csv, as a
    file.
    """
    parts = wiring().opt_out
    day = req.params.get("day") or views.today(parts)
    if not views.is_day(day):
        return answer(400, error="day must be a date such as 2026-01-31.")
    if req.params.get("format", "json") != "csv":
        return answer(200, day=day, decisions=views.decisions(parts, day))
    headers = {"Content-Disposition": f'attachment; filename="opt-out-{day}.csv"'}
    return func.HttpResponse(
        views.csv_of(parts, day), status_code=200, mimetype="text/csv", headers=headers
    )
