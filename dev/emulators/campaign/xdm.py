"""Events in the shape of Adobe's public schema `campaign-experienceevent`: whether Campaign's own
stream has it, no page says.

`@id` names what happened: the same for an event that comes twice. `xdm:broadLogID` and
`xdm:trackingLogID` are the log ids that the exported files have.
"""

from datetime import UTC, datetime
from typing import Any

from dev.emulators.campaign.logs import FAILURE_TYPES, KINDS, BroadLog, Reason, TrackingLog

CAMPAIGN = "https://ns.adobe.com/experience/campaign"
SOURCES = {"send": "pipelined-mta", "bounce": "pipelined-inMail"}
COUNTERS = {"send": "sends", "bounce": "bounces"} | {
    name: kind.counter for name, kind in KINDS.items()
}
CHANNELS = {"email": "email", "sms": "sms", "push": "mobile-app"}
TYPES = {number: name for name, number in FAILURE_TYPES.items()}


def event(
    kind: str, row: BroadLog | TrackingLog, at: float, failure: tuple[int, Reason] | None
) -> dict[str, Any]:
    """One event; `failure` is what a bounce said when it came."""
    message = row.message if isinstance(row, TrackingLog) else row
    body = {
        "@id": f"https://data.adobe.io/experienceid-{kind}-{row.number}",
        "xdm:timestamp": datetime.fromtimestamp(int(at), UTC).isoformat(),
        "xdm:directMarketing": {f"xdm:{COUNTERS[kind]}": {"xdm:value": 1}},
        "xdm:channel": {
            "@id": f"https://ns.adobe.com/xdm/channels/{CHANNELS[message.delivery.channel]}"
        },
        f"{CAMPAIGN}/message": message_of(message, row),
        f"{CAMPAIGN}/delivery": {
            "xdm:id": message.delivery.number,
            "xdm:messageClass": "one_time",
            "xdm:deliveryName": message.delivery.name,
            "xdm:deliveryLabel": message.delivery.label,
        },
        f"{CAMPAIGN}/marketingCampaign": {
            "xdm:campaignName": message.delivery.campaign,
            "xdm:campaignLabel": message.delivery.campaign_label,
        },
        f"{CAMPAIGN}/eventSource": SOURCES.get(kind, "pipelined-trackinglogd"),
    }
    if isinstance(row, TrackingLog) and row.browser:
        body["xdm:environment"] = {"xdm:browserDetails": {"xdm:userAgent": row.browser}}
        body["xdm:device"] = {"xdm:type": row.device}
    if isinstance(row, TrackingLog) and row.url:
        body[f"{CAMPAIGN}/link"] = {
            "xdm:url": row.url,
            "xdm:label": row.url_label,
            "xdm:category": kind,
        }
    if failure:
        body[f"{CAMPAIGN}/mutation"] = {
            "xdm:reason": failure[1].name,
            "xdm:type": TYPES[failure[0]],
        }
    return body


def message_of(message: BroadLog, row: BroadLog | TrackingLog) -> dict[str, Any]:
    held = {
        "xdm:id": message.number,
        "xdm:broadLogID": message.number,
        "xdm:profile": {"xdm:externalID": message.external_id},
        "xdm:mirrorPageURL": message.mirror_page,
        "xdm:seedMember": False,
        "xdm:proofMember": False,
        "xdm:controlGroupMember": False,
        "xdm:testMember": False,
    }
    return held | ({"xdm:trackingLogID": row.number} if isinstance(row, TrackingLog) else {})
