"""A sales person in Dynamics, a customer who clicks in Campaign's mails, and the opt-out flow
between them.
"""

import time
from typing import Any

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.console import opt_out as views
from shared.entities.flow import TableFlow
from shared.opt_out.documents import default_opt_out_document
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, OptOutFlow
from shared.pipeline.poll import poll
from shared.records import Settlement
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.battery.conftest import LEASE_SECONDS
from tests.contract.battery.kit import Worker, outcomes

CACHE_SECONDS = 5
PACE = {
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "MAPPING_CACHE_SECONDS": str(CACHE_SECONDS),
}
COLUMN, FLAG = "donotbulkemail", "blackListEmail"
PROFILE = "/profileAndServicesExt/profile"


class Feed:
    """As much of a case as a worker asks for: the feed of one side."""

    name, queue = "opt_out", "opt-out"

    def __init__(self, key: str) -> None:
        self.key = key

    def flow(self, wiring: Wiring) -> OptOutFlow:
        return next(flow for flow in wiring.opt_out.polls() if flow.key == self.key)


class Delivering(Worker):
    """Polls one feed, delivers as the queue function does."""

    def __init__(self, key: str, wiring: Wiring) -> None:
        super().__init__(Feed(key), wiring)  # type: ignore[arg-type]
        self.poller, self.flow = self.flow, wiring.opt_out.deliver()

    def poll(self, bridge: Any = None) -> str:
        return poll(self.poller, bridge or self.bridge)


class Backfill:
    name, queue = "contacts", "contacts"

    def flow(self, wiring: Wiring) -> TableFlow:
        return wiring.table_flow("contact")


class World:
    """`ahead` moves the bridge's own clock."""

    def __init__(self, stack: Stack, mode: str = "both", **settings: str) -> None:
        self.stack, self.mode = stack, mode
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.campaign.renew(stack.new_campaign_token())
        self.settings = load_settings(
            {**stack.environment, "OPT_OUT_MODE": mode, **settings}
        ).model_copy(update={"claim_lease_seconds": LEASE_SECONDS})
        self.ahead = 0.0
        self.patched_by_contacts = 0
        self.restart()

    def restart(self) -> None:
        """Another instance, that remembers nothing."""
        self.wiring = Wiring(self.settings, now=lambda: time.time() + self.ahead)
        self.contacts = Worker(Backfill(), self.wiring)  # type: ignore[arg-type]
        keys = [flow.key for flow in self.wiring.opt_out.polls()]
        self.sides = {key: Delivering(key, self.wiring) for key in keys}

    @property
    def from_dynamics(self) -> Delivering:
        return self.sides[FROM_DYNAMICS]

    @property
    def from_campaign(self) -> Delivering:
        return self.sides[FROM_CAMPAIGN]

    def document(self, old: str, new: str) -> None:
        """Puts a document, and lets the time pass until the bridge looks again."""
        text = default_opt_out_document()
        assert old in text
        self.wiring.storage.container("config").upload_blob(
            "opt-out/opt_out.yaml", text.replace(old, new), overwrite=True
        )
        self.ahead += CACHE_SECONDS

    def person(self, contact: bool = False, profile: bool = False, **columns: Any) -> str:
        """A contact with its profile; each side's own no."""
        contact_id = self.contact(contact, **columns)
        self.profile(contact_id, profile)
        return contact_id

    def contact(self, no: bool = False, **columns: Any) -> str:
        name = {"lastname": "Reader", "emailaddress1": "reader@example.org"}
        return self.dynamics.create_contact(quietly=True, **name, **{COLUMN: no}, **columns)

    def profile(self, contact_id: str, no: bool = False) -> None:
        body = {"externalId": contact_id, "email": "reader@example.org", FLAG: no}
        self.campaign.http.json("POST", PROFILE, body)

    def in_dynamics(self, contact_id: str, no: bool, column: str = COLUMN) -> None:
        self.dynamics.change_contact(contact_id, quietly=True, **{column: no})

    def in_campaign(self, contact_id: str, no: bool, flag: str = FLAG) -> None:
        self.campaign.http.json("PATCH", f"{PROFILE}/{contact_id}", {flag: no})

    def says(
        self, contact_id: str, column: str = COLUMN, flag: str = FLAG
    ) -> tuple[bool, bool | None]:
        """(Dynamics, Campaign)."""
        profile = self.campaign.profile(contact_id)
        return bool(self.dynamics.contact(contact_id)[column]), profile and profile[flag]

    def sync(self, *keys: str) -> list[Settlement]:
        """Both feeds, or those named, until nothing is on the queue."""
        settlements = []
        for key in keys or self.sides:
            settlements += self.sides[key].sync()
        return settlements

    def quiet(self) -> None:
        """Until neither feed brings anything that must be written."""
        for _ in range(10):
            if not {"updated", "waiting"} & set(outcomes(self.sync())):
                return
        raise AssertionError("the two sides do not come to rest")

    def backfill(self) -> None:
        self.contacts.poll()
        self.deliver_contacts()

    def deliver_contacts(self) -> None:
        self.count(self.contacts.drain())

    def count(self, settlements: list[Settlement]) -> None:
        self.patched_by_contacts += sum(
            settlement.calls.get("PATCH", 0) for settlement in settlements
        )

    def writes(self) -> tuple[int, int]:
        """Writes to (Dynamics, Campaign) since the last reset, a person's included, the contacts
        flow's not.
        """
        dynamics = self.dynamics.emulator.json("GET", "/calls")
        patched = sum(count for call, count in dynamics.items() if call.startswith("PATCH"))
        return patched, self.campaign.write_calls()["PATCH"] - self.patched_by_contacts

    def reads(self) -> int:
        """How often Campaign was asked for one profile since the last reset."""
        return int(self.campaign.calls().get("GET /profileAndServicesExt/profile/{key}", 0))

    def safe(self) -> dict[str, Any]:
        return views.safe_to_send(self.wiring.opt_out, self.wiring.bridge)

    def decisions(self) -> list[dict[str, Any]]:
        parts = self.wiring.opt_out
        return views.decisions(parts, views.today(parts))
