"""Custom entities: any mapped Dataverse table to a Campaign resource, linked to its parents.

Source      Dataverse tables with a document `mappings/<table>.yaml`, change tracking; webhook as
            wake-up
Target      the document's Campaign resource, found through its published filter
Triggers    timer CUSTOM_ENTITIES_SCHEDULE, POST /api/dataverse/<table>, queue `custom-entities`;
            the envelope names the table
State       checkpoint and ledger partitions `custom_entities-<table>-*`; table `waiting`
Guarantee   at least once; the newest version wins; a child never reaches Campaign before its parent
On failure  as contacts; what is misconfigured pauses its own table, the others go on
"""

from functools import partial
from math import inf

import azure.functions as func

from functions.triggers import NotTaken, in_time, left_over, on_message, on_timer, on_webhook, ready
from shared.deadlines import ANSWER_SECONDS, RUN_SECONDS, seconds_left, within
from shared.entities.flow import TableFlow
from shared.entities.parents import catch_up
from shared.identifiers import table_name
from shared.pipeline.turns import TURN_SECONDS, share
from shared.pipeline.waiting_room import release_due
from shared.state.envelope import read_envelope
from shared.wiring import wiring

blueprint = func.Blueprint()


def tables() -> list[str]:
    """Every table with a document but contact, which has a flow of its own."""
    return [table for table in wiring().catalog.tables() if table != "contact"]


def custom_entity(table: str) -> TableFlow:
    return wiring().table_flow(table)


def mapped(name: str) -> TableFlow:
    """The flow of a table that has a document; NotTaken for any other name."""
    if not (table := table_name(name)):
        raise NotTaken(
            "The address names no table: write /api/dataverse/<logical name of the table>."
        )
    if table not in tables():
        raise NotTaken(
            f"There is no mapping document of table {table}, so nothing takes its changes."
            f" {left_over(table)}"
        )
    return custom_entity(table)


@blueprint.function_name("custom_entities_poll")
@blueprint.timer_trigger("timer", "%CUSTOM_ENTITIES_SCHEDULE%")
@in_time(RUN_SECONDS)
def custom_entities_poll(timer: func.TimerRequest, context: func.Context) -> None:
    """Tables take turns: one with much to read, or that does not answer, leaves time for all.

    Then whatever waits, of any flow, and may go on now.
    """
    if not (bridge := ready()):
        return
    listed = wiring().turns.order(tables())
    turn_seconds = TURN_SECONDS if len(listed) > 1 else inf
    for position, table in enumerate(listed):
        with within(share(seconds_left(), len(listed) - position - 1)):
            on_timer(partial(custom_entity, table), context, turn_seconds)
    release_due(bridge)
    catch_up(bridge, wiring().catalog.unknown_seconds())


@blueprint.function_name("custom_entities_webhook")
@blueprint.route("api/dataverse/{table}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
@in_time(ANSWER_SECONDS)
def custom_entities_webhook(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    return on_webhook(partial(mapped, req.route_params["table"]), req, context)


@blueprint.function_name("custom_entities_deliver")
@blueprint.queue_trigger("message", "custom-entities", "AzureWebJobsStorage")
@in_time(RUN_SECONDS)
def custom_entities_deliver(message: func.QueueMessage, context: func.Context) -> None:
    on_message(
        lambda: custom_entity(read_envelope(message.get_body()).table),
        "custom-entities",
        message,
        context,
    )
