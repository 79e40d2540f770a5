"""What a timer, a webhook and a queue message do, the same for every flow: unwrap, take the step,
answer.
"""

import functools
import hmac
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import azure.functions as func

from shared import telemetry
from shared.dataverse.wire import Malformed, webhook_reference
from shared.deadlines import ENDS, within
from shared.errors import BridgeError, Misconfigured, Retryable
from shared.pipeline.delays import until_sent
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.poll import poll
from shared.pipeline.receipts import Receipt, deliver_records, or_give_up
from shared.pipeline.waiting_room import release_due
from shared.records import Change, Kind
from shared.setting_types import text
from shared.unconfigured import fail_all, postpone
from shared.wiring import wiring

WEBHOOK_LIMIT_BYTES = 512 * 1024
"""Of a webhook's body. Dataverse cuts its bodies at 256 KB."""

SECRET_HEADER = "x-webhook-secret"  # noqa: S105  # the header's name
UNSET_DELAY_SECONDS = 60.0
ANOTHER_ORGANIZATION = (
    "The webhook comes from another organization than DATAVERSE_URL names, such as a copy of it. "
    "Remove the bridge's steps there: `manage.py setup dataverse --remove`."
)
Endpoint = Callable[[func.HttpRequest], func.HttpResponse]


class NotTaken(Exception):
    """Nothing takes what this webhook tells: a step is left over in Dataverse.

    The sentence says which, and what removes it.
    """


def left_over(path: str) -> str:
    return (
        f"Remove the endpoint 'campaign-bridge {path}' and its steps in Dataverse: run `manage.py"
        " setup dataverse`."
    )


def on_timer(flow: Callable[[], Flow], context: func.Context, turn_seconds: float = inf) -> None:
    """`turn_seconds`: no page is begun after it, where other tables wait."""
    telemetry.bind_trace(context.trace_context.trace_parent)
    if bridge := ready():
        known = flow()
        release(known, bridge)
        poll(known, bridge, turn_seconds)


def release(flow: Flow, bridge: Bridge) -> None:
    """What waits for its time, or waited until the flow ran, goes on; a failure leaves it for the
    next tick.
    """
    try:
        release_due(bridge, [flow.letters])
    except Retryable as error:
        logging.getLogger("bridge").warning("%s", error)


def on_message(
    flow: Callable[[], Flow], queue: str, message: func.QueueMessage, context: func.Context
) -> None:
    """What cannot be delivered now goes back on the queue; the function raises only what the host
    shall show again.
    """
    telemetry.bind_trace(context.trace_context.trace_parent)
    body, bridge, target_flow = message.get_body(), None, None
    receipt = Receipt(queue, body, message.dequeue_count or 1, age_seconds(message))
    try:
        if bridge := ready():
            target_flow = or_give_up(bridge, receipt, flow)
            if target_flow is None:
                return
    except (Misconfigured, Retryable) as error:
        logging.getLogger("bridge").error("%s", error)
    if bridge and target_flow:
        deliver_records(target_flow, bridge, receipt)
    else:
        until_sent(time.sleep, partial(postpone, queue, body, UNSET_DELAY_SECONDS))


def age_seconds(message: func.QueueMessage) -> float:
    """Since it was put on the queue, by our clock; 0 where the host does not tell."""
    inserted = message.insertion_time
    return max(0.0, time.time() - inserted.timestamp()) if inserted else 0.0


def ready() -> Bridge | None:
    """What steps work with; None while settings are missing or unresolved, and then all flows are
    failed with that cause.
    """
    try:
        return wiring().bridge
    except Misconfigured as error:
        fail_all(error)
        return None


def on_webhook(
    flow: Callable[[], Flow],
    req: func.HttpRequest,
    context: func.Context,
    ours: Callable[[], str] | None = None,
) -> func.HttpResponse:
    """Puts a reference on the queue and answers. Of the body nothing is believed but ids and table.

    What the user `ours` changed is the flow's own write: it is known, and the feed brings it if it
    should be somebody else's.
    """
    telemetry.bind_trace(context.trace_context.trace_parent)
    try:
        return received(flow, req, ours)
    except BridgeError as error:
        return answer(503, error=str(error))


def received(
    flow: Callable[[], Flow], req: func.HttpRequest, ours: Callable[[], str] | None
) -> func.HttpResponse:
    """The secret first: of who does not know it nothing is read."""
    if not knows_secret(req, text(wiring().settings.dataverse_webhook_secret)):
        return refuse(
            401, f"The header {SECRET_HEADER} does not hold the secret of DATAVERSE_WEBHOOK_SECRET."
        )
    bridge = wiring().bridge
    try:
        target_flow = flow()
    except NotTaken as error:
        return refuse(404, str(error))
    body = req.get_body()
    if len(body) > WEBHOOK_LIMIT_BYTES:
        return refuse(
            413,
            f"The body is larger than {WEBHOOK_LIMIT_BYTES} bytes; Dataverse sends at most 256 KB.",
            target_flow.key,
        )
    try:
        reference = webhook_reference(body)
    except Malformed as error:
        return refuse(400, str(error), target_flow.key)
    if reference.table != target_flow.table:
        return refuse(
            400,
            f"This address takes changes of table {target_flow.table} only: correct the step's"
            " registration.",
            target_flow.key,
        )
    if reference.organization and not wiring().is_own_organization(reference.organization):
        return refuse(400, ANOTHER_ORGANIZATION, target_flow.key)
    if ours and reference.user and reference.user == user_of(ours):
        return answer(200, passed_over=reference.record_id)
    change = Change(reference.record_id, Kind.REFERENCE, first_seen=bridge.now())
    bridge.handoff.put(target_flow.queue, target_flow.key, target_flow.table, 0, [change])
    return answer(202, accepted=reference.record_id)


def knows_secret(req: func.HttpRequest, secret: str) -> bool:
    """A header that is missing, doubled or of any bytes is a wrong one."""
    given = req.headers.get(SECRET_HEADER, "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), secret.encode())


def user_of(ours: Callable[[], str]) -> str:
    """Our own user in Dataverse, "" while it cannot be asked for."""
    try:
        return ours()
    except BridgeError:
        return ""


def refuse(status: int, reason: str, flow: str = "") -> func.HttpResponse:
    telemetry.refused(flow=flow, reason=reason)
    return answer(status, error=reason)


def in_time[**P, R](seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """An invocation's one budget: RUN_SECONDS for timers and messages, ANSWER_SECONDS where
    somebody waits.
    """

    end_seconds = ENDS[seconds]

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            with within(seconds, end_seconds=end_seconds):
                return function(*args, **kwargs)

        vars(wrapped)["budget_seconds"] = seconds  # for whoever asks what a function has
        return wrapped

    return wrap


def errors_as_503(endpoint: Endpoint) -> Endpoint:
    """Answers with the cause when settings are missing or a system cannot be reached."""

    @functools.wraps(endpoint)
    def wrapped(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return endpoint(req)
        except BridgeError as error:
            return answer(503, error=str(error))

    return wrapped


def answer(code: int, /, **body: Any) -> func.HttpResponse:
    text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return func.HttpResponse(text, status_code=code, mimetype="application/json")
