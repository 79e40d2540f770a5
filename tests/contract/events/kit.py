"""Campaign's marketer, Dynamics' sales person and the e-mail events flow between them, on real
storage and real SFTP.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from admin.connection import GivenToken, client
from admin.setup.activities import Activities
from admin.setup.customizing import Customizing
from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.events.documents import default_events_document
from shared.events.flow import EventsFlow
from shared.records import Settlement
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.battery.kit import Worker

PACE = {
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "MAPPING_CACHE_SECONDS": "30",
    "EMAIL_EVENTS_SOURCE": "both",
}
TABLES = {kind: f"acs_email{kind}" for kind in ("send", "open", "click", "bounce")}


MORE = {"click": ",acs_trackingurl", "bounce": ",acs_bouncetype,acs_bouncereason"}


def create_tables(stack: Stack) -> None:
    token = GivenToken(stack.facts["dataverse_token"])
    assert (
        Activities(Customizing(client(stack.facts["dataverse"], token)), lambda _: None).run() == 0
    )


class Source:
    """As much of a case as a worker asks for: one of the two sources."""

    name, queue = "email_events", "email-events"

    def __init__(self, number: int) -> None:
        self.number = number

    def flow(self, wiring: Wiring) -> EventsFlow:
        return wiring.events_flows()[self.number]


class World:
    """`now` may be moved on; files are taken at once (`stable_seconds: 0`) unless a test puts
    another document.
    """

    def __init__(self, stack: Stack, **settings: str) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.ahead = 0.0
        self.settings = load_settings({**stack.environment, **settings})
        self.wiring = self.instance()
        self.document(lambda text: text)
        self.files, self.journal = (Worker(Source(number), self.wiring) for number in (0, 1))  # type: ignore[arg-type]

    def instance(self) -> Wiring:
        return Wiring(self.settings, now=lambda: time.time() + self.ahead)

    def document(self, change: Callable[[str], str]) -> None:
        """Puts the default document, changed, and takes it into force."""
        text = change(default_events_document().replace("stable_seconds: 60", "stable_seconds: 0"))
        self.wiring.storage.container("config").upload_blob(
            "events/email_events.yaml", text, overwrite=True
        )
        assert self.wiring.events_flows()[0].activate() == ""

    def profile(self, contact_id: str, email: str) -> None:
        """The contact's profile, as the contacts flow would have made it."""
        body = {"externalId": contact_id, "email": email, "mobilePhone": "+49301234567"}
        self.campaign.http.json("POST", "/profileAndServicesExt/profile", body)

    def contact(self, name: str) -> str:
        contact_id = self.dynamics.create_contact(
            lastname=name, emailaddress1=f"{name.lower()}@example.org"
        )
        self.profile(contact_id, f"{name.lower()}@example.org")
        return contact_id

    def send(self, name: str = "DM101", **more: Any) -> Any:
        body = {
            "name": name,
            "label": "Spring sale",
            "campaign": "CMP1",
            "campaignLabel": "Spring",
            **more,
        }
        return self.campaign.emulator.json("POST", "/deliveries", body)

    def react(self, contact: str, kind: str, delivery: str = "DM101", **more: Any) -> Any:
        return self.campaign.emulator.json(
            "POST", "/events", {"delivery": delivery, "kind": kind, "externalId": contact, **more}
        )

    def bounce(
        self,
        contact: str,
        kind: str = "hard",
        delivery: str = "DM101",
        reason: str = "user unknown",
    ) -> Any:
        body = {"delivery": delivery, "externalId": contact, "type": kind, "reason": reason}
        return self.campaign.emulator.json("POST", "/bounce", body)

    def export(self, **more: Any) -> list[str]:
        files = self.campaign.emulator.json("POST", "/export", {"log": "both", **more})["files"]
        return [str(file["name"]) for file in files]

    def sync(self) -> list[Settlement]:
        """Both sources, and what they handed off."""
        self.files.poll()
        self.journal.poll()
        return self.files.drain()

    def activities(self, kind: str) -> list[dict[str, Any]]:
        columns = (
            "activityid,subject,statecode,statuscode,actualstart,_regardingobjectid_value,"
            "acs_eventid,acs_campaignname"
        )
        columns += ",acs_deliveryname,acs_eventdate,acs_mirrorpageurl,description" + MORE.get(
            kind, ""
        )
        return list(self.dynamics.rows(f"{TABLES[kind]}s", columns))

    @property
    def folder(self) -> Path:
        """The exports' folder, on the server's own disk."""
        return self.stack.sftp_root / self.stack.facts["sftp"]["exports"].strip("/")

    def names(self, below: str = "") -> list[str]:
        place = self.folder / below
        return (
            sorted(path.name for path in place.iterdir() if path.is_file())
            if place.is_dir()
            else []
        )

    def lines(self, name: str) -> list[str]:
        return (self.folder / name).read_text().splitlines()

    def letters(self) -> list[tuple[str, str]]:
        return [
            (letter.reason, letter.sentence)
            for letter in self.wiring.bridge.deadletters.page("email_events")
        ]

    def counts(self) -> dict[str, int]:
        return {kind: len(self.activities(kind)) for kind in TABLES}
