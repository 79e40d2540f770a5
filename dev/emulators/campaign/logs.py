"""Deliveries of every channel with their two logs, in memory: a broad log row per message sent, a
tracking log row per reaction.

Codes: Adobe Campaign Standard documentation, "Indicator calculation" and "Understanding delivery
failures".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

SENT, FAILED = 1, 2
FAILURE_TYPES = {"soft": 1, "hard": 2}
MESSAGE_TYPES = {"email": 0, "sms": 1, "push": 40}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message failed: `code` and `label` in the logs, `name` in events."""

    code: int
    label: str
    name: str


REASONS = (
    Reason(1, "User unknown", "unknown_user"),
    Reason(2, "Invalid domain", "invalid_domain"),
    Reason(3, "Unreachable", "unreachable"),
    Reason(4, "Account disabled", "disabled"),
    Reason(5, "Mailbox full", "mailbox_full"),
    Reason(6, "Not connected", "not_connected"),
    Reason(8, "Address on denylist", "blacklisted"),
    Reason(20, "Refused", "refused"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A reaction: `url_type` and labels in the tracking log, `counter` of the event's
    `xdm:directMarketing`.
    """

    url_type: int
    label: str
    url_label: str
    counter: str


KINDS = {
    "click": Kind(1, "Email click", "", "clicks"),
    "open": Kind(2, "Open", "Open", "opens"),
    "unsubscribe": Kind(3, "Opt-out", "Opt-out", "unsubscriptions"),
    "mirror": Kind(6, "Mirror page", "Mirror page", "mirrorPages"),
}


@dataclass(slots=True)
class Delivery:
    """`recipients` holds the broad log rows by external id; `campaign` is the campaign's id as
    marketers see it.
    """

    number: int
    name: str
    label: str
    campaign: str
    campaign_label: str
    channel: str = "email"
    recipients: dict[str, "BroadLog"] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class BroadLog:
    """One message; `profile` is the row that it was sent to, `address` where.

    Times are seconds since 1970; a late bounce moves `changed`.
    """

    number: int
    delivery: Delivery
    profile: int
    external_id: str
    address: str
    sent: float
    changed: float
    status: int = SENT
    failure_type: int = 0
    reason: Reason | None = None

    @property
    def mirror_page(self) -> str:
        code = blake2b(b"%d" % self.number, digest_size=12).hexdigest()
        return f"https://t.example.org/nl/jsp/m.jsp?c={code}"


@dataclass(frozen=True, slots=True, eq=False)
class TrackingLog:
    """One reaction to a message."""

    number: int
    message: BroadLog
    kind: str
    url_type: int
    at: float
    url: str
    url_label: str
    user_agent: int
    device: str
    browser: str


class Logs:
    """All deliveries; log ids increase and are never given twice."""

    def __init__(self) -> None:
        self.deliveries: dict[str, Delivery] = {}
        self.broad: list[BroadLog] = []
        self.tracking: list[TrackingLog] = []

    def delivery(self, name: str | int) -> Delivery | None:
        """By name, or by its id."""
        return self.deliveries.get(str(name)) or next(
            (d for d in self.deliveries.values() if str(d.number) == str(name)), None
        )

    def add_delivery(
        self, name: str, label: str, campaign: str, campaign_label: str, channel: str
    ) -> Delivery:
        number = 1001 + len(self.deliveries)
        delivery = Delivery(number, name or f"DM{number}", label, campaign, campaign_label, channel)
        self.deliveries[delivery.name] = delivery
        return delivery

    def add_message(
        self, delivery: Delivery, profile: int, external_id: str, address: str, at: float
    ) -> BroadLog:
        message = BroadLog(
            10_001 + len(self.broad), delivery, profile, external_id, address, at, at
        )
        self.broad.append(message)
        delivery.recipients[external_id] = message
        return message

    def add_reaction(
        self,
        message: BroadLog,
        kind: str,
        at: float,
        url: str = "",
        user_agent: str = "",
        url_type: int = 0,
    ) -> TrackingLog:
        known = KINDS[kind]
        label = known.url_label or url.partition("?")[0].rstrip("/").rpartition("/")[2]
        agent, device = hashed(user_agent), device_of(user_agent)
        number = 50_001 + len(self.tracking)
        row = TrackingLog(
            number,
            message,
            kind,
            url_type or known.url_type,
            at,
            url,
            label,
            agent,
            device,
            user_agent,
        )
        self.tracking.append(row)
        return row

    def messages(self, after: float, until: float) -> Iterator[BroadLog]:
        """Changed in this time, in the order of their ids."""
        return (row for row in self.broad if after < row.changed <= until)

    def reactions(self, after: float, until: float) -> Iterator[TrackingLog]:
        return (row for row in self.tracking if after < row.at <= until)


def reason_named(name: str) -> Reason | None:
    """By its label in the logs or its machine name in events, in any case."""
    wanted = name.casefold()
    return next(
        (reason for reason in REASONS if wanted in (reason.label.casefold(), reason.name)), None
    )


def hashed(user_agent: str) -> int:
    """Campaign keeps a signed number in place of the browser's name."""
    return (
        int.from_bytes(blake2b(user_agent.encode(), digest_size=4).digest(), signed=True)
        if user_agent
        else 0
    )


def device_of(user_agent: str) -> str:
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    return "mobile" if "Mobile" in user_agent else "pc"
