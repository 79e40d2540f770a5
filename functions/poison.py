"""Poison: messages that no delivery could carry out become dead letters, before the host deletes
them after seven days.

Source      queues `contacts-poison`, `custom-entities-poison`, `email-events-poison`,
            `opt-out-poison`
Target      table `deadletters`; container `poison` for a message that cannot be read
Timer       every five minutes, half a minute after the figures are written
State       ledger rows of the records, as rejected; counts of e-mail events
Guarantee   at least once: a dead letter for each record, then the end of its message
On failure  the message stays hidden for 15 minutes and is tried again; each queue by itself
"""

from functools import partial

import azure.functions as func

from functions import custom_entities
from functions.triggers import in_time, ready
from shared import telemetry
from shared.deadlines import RUN_SECONDS
from shared.entities.families import flow_of
from shared.pipeline.flow import Flow
from shared.pipeline.poison import Sorting, collect
from shared.state.envelope import Envelope
from shared.wiring import Wiring, wiring

blueprint = func.Blueprint()
SECONDS = 240.0  # of the five minutes until the next run


@blueprint.function_name("poison_collect")
@blueprint.timer_trigger("timer", "30 */5 * * * *")
@in_time(RUN_SECONDS)
def poison_collect(timer: func.TimerRequest, context: func.Context) -> None:
    telemetry.bind_trace(context.trace_context.trace_parent)
    if bridge := ready():
        collect(sorting(), bridge, SECONDS)


def sorting() -> Sorting:
    return Sorting(partial(flow_in, wiring()), shown_under(), wiring().fingerprint_key)


def flow_in(parts: Wiring, queue: str, envelope: Envelope) -> Flow | None:
    """The flow of an envelope, also one that is switched off; None where it is of another queue, or
    of no flow.
    """
    others: tuple[Flow, ...] = (parts.events_delivery, parts.opt_out.delivery())
    found = next(
        (flow for flow in others if (flow.queue, flow.key) == (queue, envelope.flow)), None
    )
    owner = flow_of(envelope.table)
    if found or not envelope.table or (owner.queue, owner.key) != (queue, envelope.flow):
        return found
    return parts.table_flow(envelope.table)


def shown_under() -> dict[str, str]:
    """By queue: the flow whose dead letters show what cannot be read.

    One that is on, for no page shows the others.
    """
    table = next(iter(custom_entities.tables()), "contact")
    events = "email_events" if wiring().events_flows() else "contacts"
    opt_outs = "opt_out" if wiring().opt_out.all() else "contacts"
    return {
        "contacts": "contacts",
        "custom-entities": flow_of(table).key,
        "email-events": events,
        "opt-out": opt_outs,
    }
