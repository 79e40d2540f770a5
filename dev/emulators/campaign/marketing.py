"""What marketers and recipients do: deliveries are sent, mails opened, links clicked, addresses
bounce.

Deliveries and their logs live as long as the process. `on_event` hears of each message, reaction
and bounce.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from dev.emulators.campaign import errors
from dev.emulators.campaign.engine import Engine
from dev.emulators.campaign.logs import (
    FAILED,
    FAILURE_TYPES,
    SENT,
    BroadLog,
    Delivery,
    Logs,
    TrackingLog,
    reason_named,
)
from dev.emulators.campaign.orders import Bounce, Generate, React, Send
from dev.emulators.campaign.store import Row

DENIED = {
    "email": ("blackList", "blackListEmail"),
    "sms": ("blackList", "blackListMobile"),
    "push": ("blackList", "blackListPushnotification"),
}
ADDRESSES = {"email": "email", "sms": "mobilePhone", "push": "externalId"}
PROXY = "Mozilla/5.0"  # all that a mail provider's prefetching proxy says of itself
BROWSERS = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/140.0 Safari/537.36"
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
        " Gecko) Mobile/15E148"
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
        " Version/18.1"
    ),
)
LINKS = (
    "https://www.example.org/offers/spring",
    "https://www.example.org/shop",
    "https://www.example.org/contact?from=mail",
)
UNSUBSCRIBE = "https://t.example.org/lp/unsubscribe"
REASONS = {
    "hard": ("unknown_user", "refused", "disabled"),
    "soft": ("mailbox_full", "unreachable", "invalid_domain"),
}


class Marketing:
    """Acts on the logs; what an order names and is not there is an EngineError with status 404."""

    def __init__(
        self, engine: Engine, on_event: Callable[[str, BroadLog | TrackingLog], None]
    ) -> None:
        self.engine, self.on_event = engine, on_event
        self.reset()

    def reset(self) -> None:
        self.logs = Logs()

    def now(self, at: float | None = None) -> float:
        return self.engine.clock.time() if at is None else at

    def send(self, order: Send) -> dict[str, Any]:
        """Prepares and sends; who is left out is counted by the reason."""
        if order.name in self.logs.deliveries:
            raise errors.EngineError(409, f"There is a delivery {order.name} already.")
        delivery = self.logs.add_delivery(
            order.name, order.label, order.campaign, order.campaign_label, order.channel
        )
        excluded: Counter[str] = Counter()
        for number, row in self.targets(order.external_ids, ADDRESSES[order.channel]):
            if reason := exclusion(row, order.channel):
                excluded[reason] += 1
            else:
                self.post(delivery, number, row, self.now(order.at), order.machine_opens)
        counts = {
            "sent": len(delivery.recipients),
            "excluded": excluded.total(),
            "exclusions": dict(sorted(excluded.items())),
        }
        return {"delivery": delivery.number, "name": delivery.name, **counts}

    def targets(self, external_ids: list[str] | None, address: str) -> Iterable[tuple[int, Row]]:
        """The profiles that were asked for, an empty row for who is not there; else all that can be
        reached at all.
        """
        rows = [
            (number, row)
            for number, row in self.engine.tables["profile"].rows.items()
            if row["externalId"]
        ]
        if external_ids is None:
            return [(number, row) for number, row in rows if row[address]]
        held = {row["externalId"]: (number, row) for number, row in rows}
        return [held.get(external_id, (0, {})) for external_id in dict.fromkeys(external_ids)]

    def post(
        self, delivery: Delivery, number: int, row: Row, at: float, machine_opens: bool
    ) -> None:
        message = self.logs.add_message(
            delivery, number, row["externalId"], row[ADDRESSES[delivery.channel]], at
        )
        self.on_event("send", message)
        if machine_opens:
            self.record(message, "open", at, user_agent=PROXY)

    def react(self, order: React) -> dict[str, Any]:
        message = self.message(order.delivery, order.external_id)
        if order.url_type and order.kind != "click":
            raise errors.NotDone(f"The emulator knows one URL type of {order.kind} only.")
        url = order.url or {
            "click": LINKS[0],
            "mirror": message.mirror_page,
            "unsubscribe": UNSUBSCRIBE,
        }.get(order.kind, "")
        agent = order.user_agent or BROWSERS[0]
        row = self.record(message, order.kind, self.now(order.at), url, agent, order.url_type)
        return {"logId": row.number, "broadLogId": message.number}

    def record(
        self,
        message: BroadLog,
        kind: str,
        at: float,
        url: str = "",
        user_agent: str = "",
        url_type: int = 0,
    ) -> TrackingLog:
        row = self.logs.add_reaction(message, kind, at, url, user_agent, url_type)
        if kind == "unsubscribe":
            self.opt_out(message)
        self.on_event(kind, row)
        return row

    def opt_out(self, message: BroadLog) -> None:
        if message.profile in self.engine.tables["profile"].rows:
            self.engine.change(
                self.engine.resources["profile"], message.profile, {"blackListEmail": True}
            )

    def bounce(self, order: Bounce) -> dict[str, Any]:
        """Changes the row of a message that counted as sent until now; no other is written."""
        message = self.message(order.delivery, order.external_id)
        self.fail(message, order.type, order.reason or REASONS[order.type][0], self.now(order.at))
        return {"logId": message.number}

    def fail(self, message: BroadLog, failure_type: str, reason: str, at: float) -> None:
        found = reason_named(reason)
        if found is None:
            raise errors.NotDone(f"The emulator knows no number for the failure reason {reason}.")
        message.status = FAILED
        message.failure_type = FAILURE_TYPES[failure_type]
        message.reason = found
        message.changed = at
        self.on_event("bounce", message)

    def generate(self, order: Generate) -> dict[str, int]:
        """Counts by kind.

        Who bounces does nothing else; others may open and click several times.
        """
        chance = random.Random(order.seed)
        counts = Counter({"bounce": 0, "open": 0, "click": 0, "unsubscribe": 0})
        sent = [
            message
            for message in self.known(order.delivery).recipients.values()
            if message.status == SENT
        ]
        for message in sent:
            if chance.random() < order.bounces:
                failure_type = chance.choice(("hard", "hard", "soft"))
                self.fail(message, failure_type, chance.choice(REASONS[failure_type]), self.now())
                counts["bounce"] += 1
            else:
                counts.update(self.lively(order, message, chance))
        return dict(counts)

    def lively(self, order: Generate, message: BroadLog, chance: random.Random) -> Iterable[str]:
        for kind, share, times, urls in (
            ("open", order.opens, (1, 1, 2, 3), ("",)),
            ("click", order.clicks, (1, 1, 2), LINKS),
            ("unsubscribe", order.unsubscribes, (1,), (UNSUBSCRIBE,)),
        ):
            for _ in range(chance.choice(times) if chance.random() < share else 0):
                self.record(message, kind, self.now(), chance.choice(urls), chance.choice(BROWSERS))
                yield kind

    def known(self, name: str | int) -> Delivery:
        delivery = self.logs.delivery(name)
        if delivery is None:
            raise errors.EngineError(404, f"There is no delivery {name}.")
        return delivery

    def message(self, delivery: str | int, external_id: str) -> BroadLog:
        message = self.known(delivery).recipients.get(external_id)
        if message is None:
            raise errors.EngineError(404, f"The delivery {delivery} was not sent to {external_id}.")
        return message


def exclusion(row: Row, channel: str) -> str:
    """Why a profile gets nothing; empty if it does get the message."""
    if not row:
        return "unknown"
    return next(
        (flag for flag in DENIED[channel] if row[flag]),
        "" if row[ADDRESSES[channel]] else "noAddress",
    )
