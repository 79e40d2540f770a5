"""E-mail events: Campaign's sends, opens, clicks and bounces to activities on the contact's
timeline.

Source      files that Campaign's workflows export to SFTP, and the I/O Events journal:
            EMAIL_EVENTS_SOURCE
Target      the activity tables that the events document names, regarding the contact
Triggers    timer EMAIL_EVENTS_SCHEDULE, queue `email-events`
State       checkpoints `email_events`, one for each source; counts in the ledger, no row of an
            event
Guarantee   every event exactly once: its id is made from Campaign's own, and it is only ever
            created
On failure  as contacts; each source fails by itself; a line or file that cannot be read is a dead
            letter, the rest arrives
"""

import azure.functions as func

from functions.triggers import in_time, on_message, on_timer, ready
from shared.deadlines import RUN_SECONDS
from shared.errors import Misconfigured
from shared.events.flow import EventsFlow
from shared.wiring import wiring

blueprint = func.Blueprint()


def email_events() -> EventsFlow:
    """The flow of any source: they differ in reading only."""
    flows = wiring().events_flows()
    if not flows:
        sentence = (
            "E-mail events wait on the queue while EMAIL_EVENTS_SOURCE is none: set it to files,"
            " journal or both."
        )
        raise Misconfigured("EMAIL_EVENTS_SOURCE", sentence)
    return flows[0]


@blueprint.function_name("email_events_poll")
@blueprint.timer_trigger("timer", "%EMAIL_EVENTS_SCHEDULE%")
@in_time(RUN_SECONDS)
def email_events_poll(timer: func.TimerRequest, context: func.Context) -> None:
    """The exported files."""
    poll_source("files", context)


@blueprint.function_name("email_events_poll_journal")
@blueprint.timer_trigger("timer", "%EMAIL_EVENTS_SCHEDULE%")
@in_time(RUN_SECONDS)
def email_events_poll_journal(timer: func.TimerRequest, context: func.Context) -> None:
    """The journal, by itself: an SFTP server that is slow or fails does not hold it up."""
    poll_source("journal", context)


def poll_source(name: str, context: func.Context) -> None:
    """Not where the source is switched off."""
    if not ready():
        return
    flows = {flow.table: flow for flow in wiring().events_flows()}
    if name in flows:
        on_timer(lambda: flows[name], context)


@blueprint.function_name("email_events_deliver")
@blueprint.queue_trigger("message", "email-events", "AzureWebJobsStorage")
@in_time(RUN_SECONDS)
def email_events_deliver(message: func.QueueMessage, context: func.Context) -> None:
    on_message(email_events, "email-events", message, context)
