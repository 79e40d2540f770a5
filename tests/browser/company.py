"""The company that the pages are looked at with: people, cars, mailings, opt-outs, refusals."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dev.commands.demo_scenes import REFUSAL
from dev.commands.preparing import put_documents
from dev.commands.stack import Stack
from dev.seed import mailings, vehicles
from dev.verbs import Campaign, Dynamics, Operator, wait_until
from tests.browser.people import ACCOUNTS, Somebody

MARK = "Zyxmarker"
"""In every text of one contact: found outside of the two systems, a value has leaked."""
POLLS = ("CONTACTS", "CUSTOM_ENTITIES", "EMAIL_EVENTS", "OPT_OUT")
SETTINGS = {
    "OPT_OUT_MODE": "both",
    "EMAIL_EVENTS_SOURCE": "both",
    **{f"{name}_SCHEDULE": "*/4 * * * * *" for name in POLLS},
}
"""Half as many polls as on the local stack: most pages need none, and idle ones take a fifth of a
core.
"""
PEOPLE, REFUSED, READERS = 40, 37, 20
PATIENCE = 240.0
"""Seconds: beside other work a stack takes long to begin."""
SELDOM = 0.5
"""Seconds between two looks at what costs the bridge hundreds of reads, such as its status."""
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"[:50]


@dataclass
class Company:
    """Both systems, the bridge, and the ids of what the pages show."""

    stack: Stack
    dynamics: Dynamics = field(init=False)
    campaign: Campaign = field(init=False)
    operator: Operator = field(init=False)
    people: list[str] = field(default_factory=list)
    """Contacts that arrive in Campaign."""
    marked: str = ""
    """The contact whose texts hold MARK."""
    hostile: str = ""
    """A contact whose texts are markup and formulas."""
    refused: str = ""
    """A contact with a dead letter."""
    job: str = ""
    """A job that was ordered in the console."""
    opted_out_on: str = ""
    """The day of the decisions, in UTC: another one, once midnight has passed, has none."""
    somebody: dict[str, Somebody] = field(default_factory=dict)

    def __post_init__(self) -> None:
        facts = self.stack.facts
        self.dynamics, self.campaign = Dynamics(facts), Campaign(facts)
        self.operator = Operator(facts)

    @property
    def console(self) -> str:
        return str(self.stack.facts["console"])

    def visitor(self, who: str) -> Somebody:
        """Signed in once for all tests; "nobody" is not."""
        if who not in self.somebody:
            self.somebody[who] = Somebody(self.console, ACCOUNTS.get(who, ""))
        return self.somebody[who]

    def planned(self, who: str, kind: str = "stop", flow: str = "contacts", **form: str) -> str:
        """The page of a plan that somebody who may act has just made."""
        made = self.visitor(who).post("/plans", {"kind": kind, "flow": flow, **form})
        return made.headers["Location"].removeprefix("/console")

    def order(self) -> str:
        """A job: all cars are read again. Returns its id."""
        plan = self.planned("operator", "replay_all", "custom_entities-acs_vehicle")
        return self.visitor("operator").post(plan).headers["Location"].rpartition("/")[2]

    def watch(self) -> None:
        """The figures of the start page are those of now."""
        before = self.figures_at()
        self.operator.fire("console_watch")
        wait_until(lambda: self.figures_at() != before, "the watch's figures", PATIENCE, SELDOM)

    def figures_at(self) -> Any:
        return self.visitor("viewer").json("").json()["at"]

    def begin(self) -> None:
        """Everything is written before anything is waited for, but who reads the mailings."""
        self.dynamics.seed(PEOPLE)
        self.people = self.dynamics.some_contact_ids(PEOPLE)
        self.map_cars()
        mailings.set_up(self.stack.facts)
        self.write_people()
        self.drive_cars()
        wait_until(lambda: {*self.people} <= self.profiles(), "the profiles", PATIENCE, SELDOM)
        mailings.send(self.dynamics, self.campaign, READERS)
        self.opt_out()
        wait_until(self.has_all_events, "the events", PATIENCE, SELDOM)
        wait_until(lambda: self.refused in self.letters(), "the dead letters", PATIENCE, SELDOM)
        self.wait_for_quiet()
        wait_until(lambda: self.operator.safe()["safe"], "safe to send", PATIENCE, SELDOM)
        self.job = self.order()
        self.watch()

    def map_cars(self) -> None:
        vehicles.create_tables(self.dynamics)
        documents = {name: path.read_bytes() for name, path in vehicles.DOCUMENTS.items()}
        put_documents(
            self.stack.facts["storage"],
            {f"mappings/{table}.yaml": text for table, text in documents.items()},
        )

    def write_people(self) -> None:
        """The marked one, the one with markup, and REFUSED whose first name is too long."""
        self.marked = self.dynamics.create_contact(
            firstname=MARK,
            lastname=f"{MARK}son",
            emailaddress1=f"{MARK.lower()}@example.org",
            address1_city=f"{MARK}ville",
            telephone1=f"+49 {MARK}",
            jobtitle=f"{MARK} officer",
        )
        self.hostile = self.dynamics.create_contact(
            firstname="=1+1", lastname=HOSTILE, emailaddress1="hostile@example.org"
        )
        self.refused = self.create(REFUSED, firstname="x" * 31, lastname=HOSTILE)[0]

    def profiles(self) -> set[str]:
        return {profile["externalId"] for profile in self.campaign.profiles()}

    def refuse_in_campaign(self, count: int) -> list[str]:
        """Contacts that Campaign refuses today, and would take tomorrow."""
        refusal = {"status": 500, "body": REFUSAL}
        self.campaign.faults({"match": {"method": "POST", "body": "Today"}, "action": refusal})
        made = self.create(count, firstname="Not", lastname="Today")
        wait_until(lambda: {*made} <= self.letters(), "the dead letters", PATIENCE, SELDOM)
        self.wait_for_polls()  # a webhook names a contact, and a poll does so later
        self.wait_for_quiet()
        self.campaign.faults()
        return made

    def create(self, count: int, **texts: str) -> list[str]:
        return [
            self.dynamics.create_contact(**texts, emailaddress1=f"{texts['firstname']}{n}@x.org")
            for n in range(count)
        ]

    def letters(self, flow: str = "contacts") -> set[str]:
        return {letter["record_id"] for letter in self.operator.dead_letters(flow)}

    def drive_cars(self) -> None:
        """The second waits for its owner, who was refused."""
        for number, owner in enumerate((self.marked, self.refused, self.people[0])):
            link = ("acs_ownerid", f"/contacts({owner})")
            vehicles.create(self.dynamics, "acs_vehicle", f"Car {number}", *link)

    def has_all_events(self) -> bool:
        found, _ = mailings.compare_events(self.stack.facts, self.dynamics, self.campaign)
        return bool(found.source) and found.agree

    def opt_out(self) -> None:
        for person in self.people[:3]:
            self.dynamics.change_contact(person, donotbulkemail=True)
        self.dynamics.change_contact(self.marked, donotphone=True)
        self.opted_out_on = datetime.now(UTC).date().isoformat()

    def wait_for_polls(self) -> None:
        """Until a poll of the contacts has ended that began after this moment: the second one."""
        for _ in range(2):
            before = self.operator.status()["polled_at"]
            another = partial(self.has_polled_since, before)
            wait_until(another, "a poll", PATIENCE, SELDOM)

    def has_polled_since(self, moment: str) -> bool:
        return bool(self.operator.status()["polled_at"] != moment)

    def wait_for_quiet(self) -> None:
        wait_until(self.operator.settled, "quiet", PATIENCE, SELDOM)
