"""While a flow asks about destructive changes, deliveries only look: what is destructive joins the
question, so that its list becomes complete.
"""

from collections.abc import Callable

from shared.pipeline.brake import needs_answer, park, waits_for_answer
from shared.pipeline.decision import Decision
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.settle import settle
from shared.records import Change, Settlement
from shared.state.envelope import Envelope
from shared.state.ledger_rows import View, partition_name

Decide = Callable[[Flow, Bridge, View, list[Change]], list[Decision]]


def join_question(
    flow: Flow, bridge: Bridge, envelope: Envelope, changes: list[Change], decide: Decide
) -> list[Settlement]:
    """The settlements of what waits for the answer now; everything else is left as it is."""
    ids = [change.record_id for change in changes]
    view = bridge.ledger.view(partition_name(flow.key, envelope.bucket), ids, bridge.now())
    if view.header.writing:  # a delivery was cut off: the next one under a claim takes that over
        return []
    parked = [
        waits_for_answer(one)
        for one in decide(flow, bridge, view, changes)
        if needs_answer(flow, view, one)
    ]
    settled = settle(flow, bridge, envelope, view, parked) if parked else []
    park(flow, bridge, envelope.table, settled)
    return settled
