"""What people do meanwhile: they change contacts, and give commands to the bridge.

Names and addresses are synthetic.
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
COMMANDS = ("replay all", "replay record", "replay dead_letters", "stop", "expire tokens")
PAIRS = (("donotbulkemail", "blackListEmail"), ("donotphone", "blackListPhone"))
WEBHOOK_SHARE = 0.5
AGAIN_SECONDS = 20.0


class People:
    """`only`: of what is planned nothing else is done, for the shortest schedule.

    `done` are the labels of what was done.
    """

    def __init__(
        self, world: World, host: Host, systems: Systems, seconds: float, scenario: Scenario
    ) -> None:
        self.world, self.host, self.systems = world, host, systems
        self.scenario = scenario
        self.last_word: dict[tuple[str, str], bool] = {}
        """By contact and flag: what a person said last, on whichever side."""
        self.begin, self.seconds = world.scheduler.now, seconds
        self.done: list[str] = []
        draws = world.draws
        self.contacts = [
            str(UUID(int=0xC0 << 120 | number, version=4))
            for number in range(1, 2 + int(6 * draws.share("contacts")))
        ]
        self.stopped = 0

    def plan(self) -> None:
        """Everything that happens by itself, at moments that the seed draws."""
        draws = self.world.draws
        for number in range(10 + int(70 * draws.share("deeds"))):
            name = f"deed {number}"
            contact = draws.of(f"{name} contact", range(len(self.contacts)))
            if self.scenario.flags and draws.share(f"{name} of a flag") < 0.5:
                self.later(name, partial(self.decide, name, contact))
            else:
                self.later(
                    name, partial(self.do, name, draws.of(f"{name} what", CONTACT_DEEDS), contact)
                )
        for number in range(int(4 * draws.share("commands"))):
            name = f"command {number}"
            self.later(name, partial(self.command, name, draws.of(f"{name} what", COMMANDS)))

    def later(self, name: str, deed: Callable[[], None]) -> None:
        moment = self.begin + self.seconds * self.world.draws.share(f"{name} when")
        self.world.scheduler.at(moment, deed)

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
        there = self.there(contact)
        if not there and what != "delete":
            what = "create"
        elif there and what == "create":
            what = "change"
        elif not there:
            return
        if self.wanted(f"{name}: {what} contact {number}"):
            self.write(name, what, contact)
            if self.world.draws.share(f"{name} webhook") < WEBHOOK_SHARE:
                self.call_webhook(contact, what)

    def decide(self, name: str, number: int) -> None:
        """A person opts out or in: an edit of the contact, or a click that Campaign records."""
        draws, contact = self.world.draws, self.contacts[number]
        column, flag = draws.of(f"{name} pair", PAIRS)
        value, side = (
            draws.share(f"{name} value") < 0.6,
            draws.of(f"{name} side", ("Dynamics", "Campaign")),
        )
        profiles = self.systems.gateway.engine.tables["profile"]
        found = profiles.by_key(contact)
        if not self.there(contact) or (side == "Campaign" and found is None):
            return
        if side == "Campaign" and found is not None and profiles.rows[found][flag] == value:
            return  # Campaign records nothing, so nobody could know of it
        if not self.wanted(f"{name}: {flag} of contact {number} becomes {value} in {side}"):
            return
        self.last_word[contact, flag] = value
        if side == "Dynamics":
            self.systems.told("PATCH", f"/contacts({contact})", {column: value})
            if draws.share(f"{name} webhook") < WEBHOOK_SHARE:
                self.call_webhook(contact, "change", "opt_out_webhook")
        elif found is not None:
            self.systems.gateway.engine.change(profiles.resource, found, {flag: value})

    def there(self, contact: str) -> bool:
        return self.systems.dataverse.store.fetch("contact", "contactid", contact) is not None

    def write(self, name: str, what: str, contact: str) -> None:
        text = f"{name.replace(' ', '')}x{int(self.world.draws.share(f'{name} text') * 1000)}"
        columns: dict[str, Any] = {"firstname": text, "emailaddress1": f"{text}@example.org"}
        if what == "delete":
            for key in [key for key in self.last_word if key[0] == contact]:
                del self.last_word[key]
            self.systems.told("DELETE", f"/contacts({contact})")
        elif what == "create":
            self.systems.told(
                "POST", "/contacts", {"contactid": contact, "lastname": "Sample", **columns}
            )
        elif what in ("deactivate", "activate"):
            state = int(what == "deactivate")
            self.systems.told(
                "PATCH", f"/contacts({contact})", {"statecode": state, "statuscode": state + 1}
            )
        else:
            self.systems.told("PATCH", f"/contacts({contact})", columns)

    def call_webhook(self, contact: str, what: str, function: str = "contacts_webhook") -> None:
        message = {"create": "Create", "delete": "Delete"}.get(what, "Update")
        body = {"PrimaryEntityName": "contact", "PrimaryEntityId": contact, "MessageName": message}
        moment = self.world.scheduler.now + self.world.draws.between(
            self.world.draws.name("webhook"), 0.1, 20.0
        )
        self.world.scheduler.at(moment, partial(self.host.request, function, body, {}))

    def command(self, name: str, what: str) -> None:
        if not self.wanted(f"{name}: {what}"):
            return
        if what == "expire tokens":
            self.systems.dataverse.api.tracking.expire_all()
        elif what == "stop":
            self.stopped += 1
            self.insist(
                "stop",
                {},
                then=partial(self.start_later, self.world.draws.between(f"{name} for", 5.0, 240.0)),
            )
        else:
            order = what.split()[1]
            contact = self.world.draws.of(f"{name} contact", self.contacts)
            self.insist("replay", {"what": order, **({"id": contact} if order == "record" else {})})

    def start_later(self, seconds: float) -> None:
        """Once the stop was answered: who sees the flow run starts nothing."""
        self.world.scheduler.at(
            self.world.scheduler.now + seconds, partial(self.insist, "start", {})
        )

    def insist(
        self,
        command: str,
        body: dict[str, Any],
        attempts: int = 40,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Gives a command, and again until it was taken or refused; `then` follows."""

        def answered(status: int) -> None:
            if status >= 500 and attempts:
                moment = self.world.scheduler.now + AGAIN_SECONDS
                self.world.scheduler.at(
                    moment, partial(self.insist, command, body, attempts - 1, then)
                )
            else:
                then()

        self.host.request(
            "console_command", body, {"flow": "contacts", "command": command}, answered
        )
