"""What the export workflows extract: the columns of each file and how a row is written in them.

Source: Adobe Campaign Standard documentation, "Exporting logs", "Extract file", "Import best practices" (form of dates).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from dev.emulators.campaign import values
from dev.emulators.campaign.logs import FAILURE_TYPE_LABELS, KINDS, STATUS_LABELS, BroadLog, TrackingLog
from dev.emulators.campaign.marketing import Marketing
from dev.emulators.campaign.store import Row

FLAGS = (
    "blackList",
    "blackListEmail",
    "blackListFax",
    "blackListMobile",
    "blackListPhone",
    "blackListPostalMail",
    "blackListPushnotification",
    "ccpaOptOut",
)
URL_TYPE_LABELS = {kind.url_type: kind.label for kind in KINDS.values()} | {10: "Email click", 11: "Email click"}
DELIVERY = ("deliveryName", "deliveryLabel", "campaignName", "campaignLabel", "mirrorPageUrl")
DELIVERY_LOG = (
    "logId", "externalId", "email", "status", "failureType", "failureReason", "eventDate", "lastModified", *DELIVERY
)  # fmt: skip
TRACKING_LOG = (
    "logId", "broadLogId", "externalId", "urlType", "logDate", "url", "urlLabel", "userAgent", "trackedDevice", *DELIVERY
)  # fmt: skip
Line = Iterable[object]


@dataclass(frozen=True, slots=True)
class Extract:
    """`rows` gives the lines of what changed later than one instant and not later than another, with labels if so asked."""

    file: str
    columns: tuple[str, ...]
    rows: Callable[[float, float, bool], Iterator[Line]]


def extracts(marketing: Marketing) -> dict[str, Extract]:
    dates = tuple(f"{flag}LastModified" for flag in FLAGS if f"{flag}LastModified" in profile_attributes(marketing))

    def messages(after: float, until: float, labels: bool) -> Iterator[Line]:
        return (message_line(row, labels) for row in marketing.logs.messages(after, until))

    def reactions(after: float, until: float, labels: bool) -> Iterator[Line]:
        return (reaction_line(row, labels) for row in marketing.logs.reactions(after, until))

    def opt_outs(after: float, until: float, labels: bool) -> Iterator[Line]:
        first, last = written(after), written(until)
        rows = marketing.engine.tables["profile"].rows.values()
        return (
            opt_out_line(row, dates, labels) for row in rows if row["externalId"] and first < str(row["lastModified"]) <= last
        )

    return {
        "delivery": Extract("deliveryLogs", DELIVERY_LOG, messages),
        "tracking": Extract("trackingLogs", TRACKING_LOG, reactions),
        "optOut": Extract("optOuts", ("externalId", *FLAGS, *dates, "lastModified"), opt_outs),
    }


def profile_attributes(marketing: Marketing) -> Iterable[str]:
    return marketing.engine.resources["profile"].attributes


def message_line(row: BroadLog, labels: bool) -> Line:
    coded: Line = (row.status, row.failure_type, row.reason.code if row.reason else 0)
    if labels:
        coded = (STATUS_LABELS[row.status], FAILURE_TYPE_LABELS[row.failure_type], row.reason.label if row.reason else "")
    return (row.number, row.external_id, row.email, *coded, shown(row.sent), shown(row.changed), *delivery_cells(row))


def reaction_line(row: TrackingLog, labels: bool) -> Line:
    url_type = URL_TYPE_LABELS[row.url_type] if labels else row.url_type
    happened = (url_type, shown(row.at), row.url, row.url_label, row.user_agent, row.device)
    return (row.number, row.message.number, row.message.external_id, *happened, *delivery_cells(row.message))


def delivery_cells(row: BroadLog) -> Line:
    delivery = row.delivery
    return (delivery.name, delivery.label, delivery.campaign, delivery.campaign_label, row.mirror_page)


def opt_out_line(row: Row, dates: tuple[str, ...], labels: bool) -> Line:
    words = ("No", "Yes") if labels else (0, 1)
    times = [str(row[name])[:19].replace("-", "/") for name in (*dates, "lastModified")]
    return (row["externalId"], *(words[bool(row[flag])] for flag in FLAGS), *times)


def shown(seconds: float) -> str:
    return shown_second(int(seconds))


@lru_cache(4096)
def shown_second(seconds: int) -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(seconds))


def written(seconds: float) -> str:
    return values.written(datetime.fromtimestamp(seconds, UTC))
