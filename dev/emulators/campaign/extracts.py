"""What the export workflows extract: the columns of each file and how a row is written in them.

Source: Adobe Campaign Standard documentation, "Exporting logs", "Extract file", "Import best
practices" (form of dates).
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from dev.emulators.campaign import values
from dev.emulators.campaign.languages import LANGUAGES, Labels
from dev.emulators.campaign.logs import MESSAGE_TYPES, BroadLog, TrackingLog
from dev.emulators.campaign.marketing import Marketing
from dev.emulators.campaign.orders import Export
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
DELIVERY = ("deliveryName", "deliveryLabel", "campaignName", "campaignLabel", "mirrorPageUrl")
DELIVERY_LOG = (
    "logId", "externalId", "email", "status", "failureType", "failureReason", "eventDate",
    "lastModified", *DELIVERY
)  # fmt: skip
TRACKING_LOG = (
    "logId", "broadLogId", "externalId", "urlType", "logDate", "url", "urlLabel", "userAgent",
    "trackedDevice", *DELIVERY
)  # fmt: skip
Line = Iterable[object]


@dataclass(frozen=True, slots=True)
class Style:
    """How an order wants its cells: `labels` in place of codes, times of a zone's clocks, columns
    beside the usual ones.
    """

    labels: Labels | None
    zone: str
    more: tuple[str, ...]

    @staticmethod
    def of(order: Export) -> "Style":
        return Style(
            LANGUAGES[order.language] if order.labels else None, order.time_zone, order.more
        )


@dataclass(frozen=True, slots=True)
class Extract:
    """`rows` gives the lines of what changed later than one instant and not later than another."""

    file: str
    usual: tuple[str, ...]
    rows: Callable[[float, float, Style], Iterator[Line]]

    def columns(self, order: Export) -> tuple[str, ...]:
        return (*self.usual, *order.more)


def extracts(marketing: Marketing) -> dict[str, Extract]:
    dates = tuple(
        f"{flag}LastModified"
        for flag in FLAGS
        if f"{flag}LastModified" in profile_attributes(marketing)
    )

    def messages(after: float, until: float, style: Style) -> Iterator[Line]:
        return (message_line(row, style) for row in marketing.logs.messages(after, until))

    def reactions(after: float, until: float, style: Style) -> Iterator[Line]:
        return (reaction_line(row, style) for row in marketing.logs.reactions(after, until))

    def opt_outs(after: float, until: float, style: Style) -> Iterator[Line]:
        first, last = written(after), written(until)
        rows = marketing.engine.tables["profile"].rows.values()
        return (
            opt_out_line(row, dates, style)
            for row in rows
            if row["externalId"] and first < str(row["lastModified"]) <= last
        )

    return {
        "delivery": Extract("deliveryLogs", DELIVERY_LOG, messages),
        "tracking": Extract("trackingLogs", TRACKING_LOG, reactions),
        "optOut": Extract("optOuts", ("externalId", *FLAGS, *dates, "lastModified"), opt_outs),
    }


def profile_attributes(marketing: Marketing) -> Iterable[str]:
    return marketing.engine.resources["profile"].attributes


def message_line(row: BroadLog, style: Style) -> Line:
    reason = row.reason.code if row.reason else 0
    coded: Line = (row.status, row.failure_type, reason)
    if style.labels:
        coded = (
            style.labels.status[row.status],
            style.labels.failure_type[row.failure_type],
            style.labels.reason[reason],
        )
    times = (shown(row.sent, style.zone), shown(row.changed, style.zone))
    return (
        row.number,
        row.external_id,
        row.address,
        *coded,
        *times,
        *delivery_cells(row),
        *more_cells(row, style),
    )


def reaction_line(row: TrackingLog, style: Style) -> Line:
    url_type = style.labels.url_type[row.url_type] if style.labels else row.url_type
    happened = (
        url_type,
        shown(row.at, style.zone),
        row.url,
        row.url_label,
        row.user_agent,
        row.device,
    )
    ids = (row.number, row.message.number, row.message.external_id)
    return (*ids, *happened, *delivery_cells(row.message), *more_cells(row.message, style))


def delivery_cells(row: BroadLog) -> Line:
    delivery = row.delivery
    return (
        delivery.name,
        delivery.label,
        delivery.campaign,
        delivery.campaign_label,
        row.mirror_page,
    )


def more_cells(row: BroadLog, style: Style) -> Line:
    """The message's channel and when it was sent, where the workflow has these columns."""
    code = MESSAGE_TYPES[row.delivery.channel]
    known = {
        "messageType": style.labels.channel[code] if style.labels else code,
        "sentDate": shown(row.sent, style.zone),
    }
    return (known[name] for name in style.more)


def opt_out_line(row: Row, dates: tuple[str, ...], style: Style) -> Line:
    words: tuple[object, object] = style.labels.flag if style.labels else (0, 1)
    times = [shown_time(str(row[name]), style.zone) for name in (*dates, "lastModified")]
    return (row["externalId"], *(words[bool(row[flag])] for flag in FLAGS), *times)


def shown_time(text: str, zone: str) -> str:
    """A time of a profile, which is in UTC: "" stays empty."""
    return text and shown(datetime.fromisoformat(text).timestamp(), zone)


def shown(seconds: float, zone: str) -> str:
    return shown_second(int(seconds), zone)


@lru_cache(4096)
def shown_second(seconds: int, zone: str) -> str:
    if zone == "UTC":
        return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(seconds))
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).strftime("%Y/%m/%d %H:%M:%S")


def written(seconds: float) -> str:
    return values.written(datetime.fromtimestamp(seconds, UTC))
