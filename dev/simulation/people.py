"""What people do meanwhile: they change contacts on either side.

Names and addresses are synthetic, and marked: a check looks for them where nothing personal may be.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from dev.simulation.host import Host
from dev.simulation.scenarios import Scenario
from dev.simulation.systems import Systems
from dev.simulation.world import World

CONTACT_DEEDS = (
    "create",
    "change",
    "change",
    "change",
    "change",
    "deactivate",
    "activate",
    "delete",
    "delete",
    "create",
)
PAIRS = (("donotbulkemail", "blackListEmail"), ("donotphone", "blackListPhone"))
SIDES = ("Dynamics", "Campaign")
WEBHOOK_SHARE = 0.5
ADMINISTRATION_SECONDS = 7.0
"""After which somebody tries again whom a restored environment does not let in."""

MARK = "zqmarked"
"""In every value of a record that people write."""


class People:
    """`last_word`: by contact and flag, what a person said last, on whichever side.

    `deleted`: contacts that were deleted at least once. `unseen`: contacts whose profile Campaign
    shows to nobody. `words`: how often somebody is about to say that Dynamics was restored. It
    is in administration mode until then: nobody else is let in.
    """

    def __init__(
        self, world: World, host: Host, systems: Systems, seconds: float, scenario: Scenario
    ) -> None:
        self.world, self.host, self.systems = world, host, systems
        self.scenario = scenario
        self.last_word: dict[tuple[str, str], bool] = {}
        self.deleted, self.unseen, self.words = set[str](), set[str](), 0
        self.begin, self.seconds = world.scheduler.now, seconds
        self.contacts = ids("contact", 1 + int(6 * world.draws.share("contacts")))

    def plan(self) -> None:
        """Everything that happens by itself, at moments that the seed draws."""
        draws = self.world.draws
        for number in range(10 + int(70 * draws.share("deeds"))):
            name = f"deed {number}"
            contact = draws.of(f"{name} contact", range(len(self.contacts)))
            if self.scenario.flags and draws.share(f"{name} of a flag") < 0.5:
                decide = partial(self.decide, name, contact)
                in_dynamics = draws.of(f"{name} side", SIDES) == "Dynamics"
                self.later(name, partial(self.let_in, decide) if in_dynamics else decide)
            else:
                what = draws.of(f"{name} what", CONTACT_DEEDS)
                self.later(name, partial(self.let_in, partial(self.do, name, what, contact)))

    def later(self, name: str, deed: Callable[[], None]) -> None:
        moment = self.begin + self.seconds * self.world.draws.share(f"{name} when")
        self.world.scheduler.at(moment, deed)

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        self.world.scheduler.at(self.world.scheduler.now + seconds, deed)

    def let_in(self, deed: Callable[[], None]) -> None:
        """Does it in Dynamics, now or as soon as people are let in again."""
        if self.words:
            self.after(ADMINISTRATION_SECONDS, partial(self.let_in, deed))
        else:
            deed()

    def wanted(self, label: str) -> bool:
        """Whether it is done; remembered among what happened, so that the shortest schedule holds
        the deeds that it needs.
        """
        faults = self.world.faults
        if faults.only is not None and label not in faults.only:
            return False
        faults.happened.append(label)
        self.world.note(label)
        return True

    def do(self, name: str, what: str, number: int) -> None:
        """Does it to the contact, or what comes closest to it."""
        contact = self.contacts[number]
        there = self.systems.there("contact", contact)
        if not there and what != "delete":
            what = "create"
        elif there and what == "create":
            what = "change"
        elif not there:
            return
        if self.wanted(f"{name}: {what} contact {number}"):
            self.write(name, what, contact)
            if self.world.draws.share(f"{name} webhook") < WEBHOOK_SHARE:
                self.call_webhook("contact", contact, what)

    def decide(self, name: str, number: int) -> None:
        """A person opts out or in: an edit of the contact, or a click that Campaign records."""
        draws, contact = self.world.draws, self.contacts[number]
        column, flag = draws.of(f"{name} pair", PAIRS)
        value = draws.share(f"{name} value") < 0.6
        side = draws.of(f"{name} side", SIDES)
        profiles = self.systems.gateway.engine.tables["profile"]
        found = profiles.by_key(contact)
        there = self.systems.there("contact", contact)
        if not there or (side == "Campaign" and found is None):
            return
        if side == "Campaign" and found is not None and profiles.rows[found][flag] == value:
            return  # Campaign records nothing, so nobody could know of it
        if not self.wanted(f"{name}: {flag} of contact {number} becomes {value} in {side}"):
            return
        self.last_word[contact, flag] = value
        if side == "Dynamics":
            self.systems.by_person("PATCH", f"/contacts({contact})", {column: value})
            if draws.share(f"{name} webhook") < WEBHOOK_SHARE:
                self.call_webhook("contact", contact, "change", "opt_out_webhook")
        elif found is not None:
            self.systems.gateway.engine.change(profiles.resource, found, {flag: value})

    def write(self, name: str, what: str, contact: str) -> None:
        text = self.text(name)
        columns: dict[str, Any] = {"firstname": text, "emailaddress1": f"{text}@example.org"}
        if what == "delete":
            self.forget(contact)
            self.systems.by_person("DELETE", f"/contacts({contact})")
        elif what == "create":
            created = {"contactid": contact, "lastname": f"Sample {MARK}", **columns}
            self.systems.by_person("POST", "/contacts", created)
        elif what in ("deactivate", "activate"):
            self.systems.by_person("PATCH", f"/contacts({contact})", state(what))
        else:
            self.systems.by_person("PATCH", f"/contacts({contact})", columns)

    def text(self, name: str) -> str:
        share = self.world.draws.share(f"{name} text")
        return f"{MARK}{name.replace(' ', '')}x{int(share * 1000)}"

    def forget(self, contact: str) -> None:
        """Who is deleted has said nothing any more."""
        self.deleted.add(contact)
        for key in [key for key in self.last_word if key[0] == contact]:
            del self.last_word[key]

    def call_webhook(self, table: str, record: str, what: str, function: str = "") -> None:
        message = {"create": "Create", "delete": "Delete"}.get(what, "Update")
        body = {"PrimaryEntityName": table, "PrimaryEntityId": record, "MessageName": message}
        function = function or (
            "contacts_webhook" if table == "contact" else "custom_entities_webhook"
        )
        if function.removesuffix("_webhook") not in self.scenario.flows:
            return
        seconds = self.world.draws.between(self.world.draws.name("webhook"), 0.1, 20.0)
        self.after(seconds, partial(self.host.request, function, body, {"table": table}))


def ids(kind: str, number: int) -> list[str]:
    first = {"contact": 0xC0, "acs_car": 0xCA, "acs_service": 0x5E}[kind]
    return [str(UUID(int=first << 120 | one, version=4)) for one in range(1, 1 + number)]


def state(what: str) -> dict[str, int]:
    """The columns of a row that is deactivated or activated."""
    inactive = int(what == "deactivate")
    return {"statecode": inactive, "statuscode": inactive + 1}
