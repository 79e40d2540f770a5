"""Records that metadata refused are sent again, by themselves, when the metadata has changed: an
option was added, a field lengthened.
"""

from shared import telemetry
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind

MOST_AT_ONCE = 200


def reconsider(flow: Flow, bridge: Bridge) -> int:
    """Hands off the dead letters that other metadata than today's has made; returns how many.

    Each once for each metadata.
    """
    if not flow.metadata(reread=False):
        return 0
    if not bridge.deadletters.refused_before(flow.key, "", 1):
        return 0
    metadata = flow.metadata(reread=True)
    ids = bridge.deadletters.refused_before(flow.key, metadata, MOST_AT_ONCE)
    if not ids:
        return 0
    changes = [Change(record_id, Kind.REFERENCE, first_seen=bridge.now()) for record_id in ids]
    bridge.handoff.put(flow.queue, flow.key, flow.table, flow.mapping_version(), changes)
    for record_id in ids:
        bridge.deadletters.sent_again(flow.key, record_id, metadata)
    telemetry.noted(
        flow=flow.key, event="sent_again", count=len(ids), reason="metadata has changed"
    )
    return len(ids)
