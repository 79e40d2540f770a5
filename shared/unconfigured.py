"""What is done while settings are missing."""

import time

from shared import telemetry
from shared.entities.families import flow_of
from shared.entities.parents import REFETCHED
from shared.errors import Misconfigured
from shared.events.flow import KEY as EVENTS
from shared.opt_out.deciding import Mode
from shared.opt_out.flow import KEY as OPT_OUT
from shared.pipeline.running import fail_flow
from shared.settings import ChosenFlows, load, load_storage_settings
from shared.state.activity import ActivityLog
from shared.state.documents import Documents
from shared.state.envelope import references_only
from shared.state.flows import FAILED, Flows
from shared.state.handoff import open_handoff
from shared.state.storage import Storage


def fail_all(error: Misconfigured) -> None:
    """Pauses every flow that the storage shows, with the cause, while settings are missing."""
    try:
        storage = Storage(load_storage_settings())
    except Misconfigured:
        telemetry.flow_changed(flow="", status=FAILED, reason=str(error), by="bridge")
        return
    activity = ActivityLog(storage.table("activity"), time.time)
    flows = Flows(storage.table("flows"), time.time, activity.flow_changed)
    tables = Documents(storage.container("config")).tables()
    keys = [flow_of(table).key for table in sorted({"contact", *tables})]
    for key in [*keys, *chosen_flows()]:
        fail_flow(key, flows, error)


def chosen_flows() -> list[str]:
    """The flows that can be left out and are on; none while the settings cannot be read."""
    try:
        chosen = load(ChosenFlows)
    except Misconfigured:
        return []
    found = {
        EVENTS: chosen.email_events_source != "none",
        OPT_OUT: chosen.opt_out_mode != Mode.DISABLED.value,
    }
    return [key for key, is_on in found.items() if is_on]


def postpone(queue: str, body: bytes, delay_seconds: float) -> None:
    """Puts a message back for later, without the rows that can be read again.

    A message that cannot be delivered while settings are missing must not be poisoned.
    """
    text = references_only(body) if queue in REFETCHED else body.decode("utf-8", "replace")
    open_handoff(load_storage_settings()).send(queue, text, delay_seconds)
