"""What a timer, a webhook and a queue message do, the same for every flow: unwrap, take the step, answer."""

import functools
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

import azure.functions as func

from shared import telemetry
from shared.dataverse.wire import Malformed, webhook_reference
from shared.errors import BridgeError, Misconfigured
from shared.flow import Flow
from shared.records import Change, Kind
from shared.settings import text
from shared.steps import deliver, poll
from shared.wiring import postpone, wiring

WEBHOOK_LIMIT_BYTES = 512 * 1024  # Dataverse cuts its bodies at 256 KB
SECRET_HEADER = "x-webhook-secret"  # noqa: S105  # the header's name
UNSET_DELAY_SECONDS = 60.0
Endpoint = Callable[[func.HttpRequest], func.HttpResponse]


def on_timer(flow: Callable[[], Flow], context: func.Context) -> None:
    telemetry.follow(context.trace_context.trace_parent)
    poll(flow(), wiring().bridge)


def on_message(flow: Callable[[], Flow], queue: str, message: func.QueueMessage, context: func.Context) -> None:
    telemetry.follow(context.trace_context.trace_parent)
    try:
        known, bridge = flow(), wiring().bridge
    except Misconfigured as error:
        logging.getLogger("bridge").error("%s", error)
        postpone(queue, message.get_body(), UNSET_DELAY_SECONDS)
        return
    deliver(known, bridge, message.get_body(), message.dequeue_count or 1)


def on_webhook(
    flow: Callable[[], Flow], req: func.HttpRequest, context: func.Context, ours: Callable[[], str] | None = None
) -> func.HttpResponse:
    """Puts a reference on the queue and answers. Of the body nothing is believed but ids and table.

    What the user `ours` changed is the flow's own write: it is known, and the feed brings it if it should be somebody else's.
    """
    telemetry.follow(context.trace_context.trace_parent)
    try:
        known, bridge = flow(), wiring().bridge
    except BridgeError as error:
        return answer(503, error=str(error))
    secret = text(bridge.settings.dataverse_webhook_secret)
    if not hmac.compare_digest(req.headers.get(SECRET_HEADER, "").encode(), secret.encode()):
        return refuse(known, 401, f"The header {SECRET_HEADER} does not hold the secret of DATAVERSE_WEBHOOK_SECRET.")
    body = req.get_body()
    if len(body) > WEBHOOK_LIMIT_BYTES:
        return refuse(known, 413, f"The body is larger than {WEBHOOK_LIMIT_BYTES} bytes; Dataverse sends at most 256 KB.")
    try:
        table, record_id, user = webhook_reference(body)
    except Malformed as error:
        return refuse(known, 400, str(error))
    if table != known.table:
        return refuse(known, 400, f"This address takes changes of table {known.table} only: correct the step's registration.")
    if ours and user and user == told_by(ours):
        return answer(200, passed_over=record_id)
    change = Change(record_id, Kind.REFERENCE, first_seen=bridge.now())
    bridge.handoff.put(known.queue, known.key, known.table, 0, [change])
    return answer(202, accepted=record_id)


def told_by(ours: Callable[[], str]) -> str:
    """Our own user in Dataverse, "" while it cannot be asked for."""
    try:
        return ours()
    except BridgeError:
        return ""


def refuse(flow: Flow, status: int, reason: str) -> func.HttpResponse:
    telemetry.refused(flow=flow.key, reason=reason)
    return answer(status, error=reason)


def told(endpoint: Endpoint) -> Endpoint:
    """Answers with the cause when settings are missing or a system cannot be reached."""

    @functools.wraps(endpoint)
    def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return endpoint(req)
        except BridgeError as error:
            return answer(503, error=str(error))

    return wrapped


def answer(code: int, /, **body: Any) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(body, ensure_ascii=False), status_code=code, mimetype="application/json")
