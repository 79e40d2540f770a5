"""Records whose deliveries are cut off again and again: what is written of them ends the process.

Their messages do not tell: who comes again meets the claim of the one that was cut off, and sends
another message. The ledger does: a claim that ends unsettled names the records that were to be
written under it. Those that were cut off twice in a row are delivered one by one, so that one which
ends a process harms no other. After MOST_CUT_OFFS a record becomes a dead letter, as its message
would (shared/pipeline/receipts.py). An edit or a replay has it tried once more.
"""

from collections.abc import Sequence

from shared import telemetry
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.letters import FLAW, MOST_CUT_OFFS, POISONED
from shared.pipeline.settle import resend
from shared.records import Change, Outcome, Settlement
from shared.state.envelope import Envelope
from shared.state.ledger_rows import LedgerRow, View

ONE_BY_ONE = 2


def without_lethal(
    flow: Flow, bridge: Bridge, envelope: Envelope, view: View, decisions: Sequence[Decision]
) -> tuple[list[Decision], list[Settlement]]:
    """The decisions that this delivery carries out, and the settlements of records that are not
    tried any more. What is to be delivered by itself is sent.
    """
    suspects = {
        one.change.record_id: row
        for one in decisions
        if one.act is not Act.NOTHING
        and (row := view.rows.get(one.change.record_id)) is not None
        and row.cut_offs >= ONE_BY_ONE
    }
    if not suspects:
        return list(decisions), []
    exhausted = [one.change for one in decisions if is_lethal(one.change, suspects)]
    over = {change.record_id for change in exhausted}
    alone = [] if len(decisions) == 1 else [id_ for id_ in suspects if id_ not in over]
    for one in decisions:
        if one.change.record_id in alone:
            resend(flow, bridge, envelope, [one.change], 0)
    if alone:
        telemetry.noted(flow=flow.key, event="cut_off", count=len(alone))
    settlements = [Settlement(one, Outcome.REJECTED, POISONED, "", FLAW) for one in exhausted]
    apart = {*over, *alone}
    return [one for one in decisions if one.change.record_id not in apart], settlements


def is_lethal(change: Change, suspects: dict[str, LedgerRow]) -> bool:
    row = suspects.get(change.record_id)
    if row is None or row.cut_offs < MOST_CUT_OFFS:
        return False
    once_more = change.replay or change.version > row.version
    return row.cut_offs > MOST_CUT_OFFS or not once_more
