"""Contacts: Dataverse `contact` to Campaign profile.

Source      Dataverse `contact`, change tracking; webhook as wake-up
Target      Campaign profile, matched on the Dataverse contact id
Triggers    timer CONTACTS_SCHEDULE, POST /api/dataverse/contact, queue `contacts`
State       checkpoint `contacts`; ledger partitions `contacts-*`
Guarantee   at least once; the newest version of a contact wins
On failure  retryable: back on the queue; rejected: dead letter; misconfigured: flow pauses
"""

import azure.functions as func

from functions.triggers import in_time, on_message, on_timer, on_webhook
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS
from shared.entities.flow import TableFlow
from shared.wiring import wiring

blueprint = func.Blueprint()


def contacts() -> TableFlow:
    return wiring().table_flow("contact")


@blueprint.function_name("contacts_poll")
@blueprint.timer_trigger("timer", "%CONTACTS_SCHEDULE%")
@in_time(RUN_SECONDS)
def contacts_poll(timer: func.TimerRequest, context: func.Context) -> None:
    on_timer(contacts, context)


@blueprint.function_name("contacts_webhook")
@blueprint.route("api/dataverse/contact", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
def contacts_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return on_webhook(contacts, req, context)


@blueprint.function_name("contacts_deliver")
@blueprint.queue_trigger("message", "contacts", "AzureWebJobsStorage")
@in_time(RUN_SECONDS)
def contacts_deliver(message: func.QueueMessage, context: func.Context) -> None:
    on_message(contacts, "contacts", message, context)
