"""The console's own door with its own routes, on the simulation's tables: who asks is chosen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from dev.simulation.blobs import BlobService
from dev.simulation.tables import TableService
from shared.console.front import SESSION, Front
from shared.console.incoming import Incoming
from shared.console.outgoing import Sent
from shared.console.roles import Role
from shared.console.session import Seal, Session
from shared.console.sign_in import SignIn
from shared.console.sitemap import ROUTES
from shared.console.visit import Services
from shared.console_settings import ConsoleSettings
from shared.errors import Refusal, Rejected
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import PlainFlow, Policy
from shared.records import Change, Kind, Outcome, Page
from shared.settings import load_settings
from shared.state import activity as log
from shared.state.brakes import Brakes
from shared.state.checkpoints import Checkpoint, Checkpoints
from shared.state.deadletters import DeadLetter, DeadLetters
from shared.state.figures import Figures
from shared.state.flows import Flows
from shared.state.groups import Groups
from shared.state.job_results import JobResults
from shared.state.jobs import Jobs
from shared.state.ledger import Ledger
from shared.state.ledger_rows import LedgerRow
from shared.state.plans import Plans
from shared.state.sweeps import Sweeps
from shared.state.waiting import Waiting
from tests.unit.test_settings import COMPLETE

URL = "https://bridge.example.org"
FORM = "application/x-www-form-urlencoded"
ROLES = {
    "vera": (Role.VIEWER,),
    "otto": (Role.VIEWER, Role.OPERATOR),
    "mia": (Role.VIEWER, Role.MAPPER),
    "olga": (Role.VIEWER, Role.OPERATOR),
    "paula": (Role.VIEWER, Role.PERSONAL_DATA),
    "nils": (),
}


def guid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


class FakeFlow(PlainFlow):
    """Contacts: `rows` is what Dynamics holds, by id. A row with "refuse" is refused."""

    key = feed = letters = queue = "contacts"
    table, policy = "contact", Policy(detects_missed_deletes=True)

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, str]] = {}
        self.polled = 0
        self.changed_pages: list[list[str]] = []
        self.asked: list[tuple[float, str]] = []

    def mapping_version(self) -> int:
        return 8

    def activate(self) -> str:
        return ""

    def read(self, checkpoint: Checkpoint) -> Page:
        self.polled += 1
        return Page((), "next", complete=True)

    @property
    def tells_changed(self) -> bool:
        return bool(self.changed_pages)

    def changed(self, since: float, link: str) -> tuple[list[str], str]:
        self.asked.append((since, link))
        number = int(link or 0)
        is_last = number + 1 >= len(self.changed_pages)
        return self.changed_pages[number], "" if is_last else str(number + 1)

    def look(self, changes: Sequence[Change]) -> list[Change]:
        return [
            replace(one, row=row, kind=Kind.REFERENCE if row else Kind.DELETED)
            for one in changes
            for row in [self.rows.get(one.record_id)]
        ]

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        if change.row is None:
            return Decision(change, Act.DELETE, Outcome.DELETED)
        if change.row.get("refuse"):
            raise Rejected(Refusal("mobilePhone", "too_long", "It is too long."))
        return Decision(change, Act.SAVE, known=True)


class Queue:
    """The queues: what was handed off."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def put(self, queue: str, flow: str, table: str, version: int, changes: Any, **_: Any) -> int:
        self.ids += [change.record_id for change in changes]
        return 1

    def length(self, queue: str) -> int:
        return 0

    def take_back(self, queue: str, most: int) -> int:
        return 0


class Console:
    """`ask` is a browser's request, `plan` the form that begins an act.

    The state is in memory, but where services of tables and blobs are given.
    """

    def __init__(self, tables: Any = None, blobs: Any = None) -> None:
        self.clock = 1_700_000_000.0
        self.numbers = iter(range(1, 10_000))
        self.tables: Any = tables or TableService(lambda what, work: work())
        blobs = blobs or BlobService(lambda what, work: work(), self.now)
        self.flow, self.queue = FakeFlow(), Queue()
        self.flows: dict[str, Any] = {"contacts": self.flow}
        self.settings = load_settings({**COMPLETE, "DELETE_BRAKE_RECORDS": "20"})
        containers: dict[str, Any] = {
            name: blobs.get_container_client(name)
            for name in ("letters", "poison", "results", "sweeps")
        }
        for container in containers.values():
            container.create_container()
        self.activity = log.ActivityLog(self.table("activity"), self.now, self.token)
        self.bridge = SimpleNamespace(
            now=self.now,
            settings=self.settings,
            flows=Flows(self.table("flows"), self.now, self.activity.flow_changed),
            jobs=Jobs(self.table("jobs"), self.now, self.activity.job_ended),
            results=JobResults(containers["results"]),
            deadletters=DeadLetters(
                self.table("deadletters"), containers["letters"], containers["poison"]
            ),
            checkpoints=Checkpoints(self.table("checkpoints")),
            brakes=Brakes(self.table("brakes")),
            groups=Groups(self.table("figures")),
            waiting=Waiting(self.table("waiting"), self.now, lambda _: None),
            sweeps=Sweeps(containers["sweeps"]),
            ledger=Ledger(self.table("ledger")),
            handoff=self.queue,
        )
        self.figures = Figures(self.table("figures"))
        self.plans = Plans(self.table("plans"), self.now, self.token)
        self.seal = Seal([b"k" * 32])
        self.services = SimpleNamespace(
            bridge=self.bridge,
            figures=self.figures,
            activity=self.activity,
            plans=self.plans,
            opt_out=None,
            settings=self.settings,
            flows=lambda: self.flows,
        )
        self.front = Front(
            ConsoleSettings.model_construct(console_url=URL, console_environment="TEST"),
            cast("Services", self.services),
            cast("SignIn", SimpleNamespace(seal=self.seal)),
            ROUTES,
            self.now,
        )

    def now(self) -> float:
        return self.clock

    def token(self) -> str:
        return f"{next(self.numbers):04d}"

    def table(self, name: str) -> Any:
        return self.tables.create_table_if_not_exists(name)

    def ask(
        self,
        path: str,
        who: str = "otto",
        form: Any = None,
        accept: str = "text/html",
        query: Mapping[str, str] | None = None,
        language: str = "en",
    ) -> Sent:
        """A form makes it a POST of one of our own pages; a list of pairs repeats a field."""
        person = Session(
            who.title(), f"{who}@example.org", who, ROLES[who], self.clock - 9, self.clock - 9
        )
        headers = {"cookie": f"{SESSION}={person.sealed(self.seal)}", "accept": accept}
        headers["accept-language"] = language
        if form is None:
            return self.front.answer(Incoming("GET", path, query or {}, headers))
        headers |= {"sec-fetch-site": "same-origin", "content-type": FORM}
        return self.front.answer(Incoming("POST", path, {}, headers, urlencode(form).encode()))

    def data(self, path: str, who: str = "otto", **query: str) -> Any:
        """The JSON twin of a page."""
        return json.loads(self.ask(path, who, accept="application/json", query=query).body)

    def plan(self, kind: str, who: str = "otto", **form: Any) -> str:
        """The path of the plan's page."""
        sent = self.ask("/plans", who, {"kind": kind, **form})
        assert sent.status == 303, sent.body.decode()
        return str(sent.headers["Location"]).removeprefix("/console")

    def letters(self, count: int, reason: str = "too_long", first: int = 0, **more: Any) -> None:
        for number in range(first, first + count):
            letter = DeadLetter(
                "contacts", guid(number), reason, "mobilePhone", "Shorten it.", 7, 1, self.clock
            )
            self.bridge.deadletters.put(replace(letter, **more))

    def carry(self, plan: str, who: str = "otto", **form: Any) -> str:
        """Carries a plan out; the path of the page that it led to."""
        sent = self.ask(plan, who, form)
        assert sent.status == 303, sent.body.decode()
        return str(sent.headers["Location"]).removeprefix("/console")

    def acts(self) -> list[log.Act]:
        """Without the ends of jobs, newest first."""
        return [noted.act for noted in self.activity.page() if noted.act.act != "job_ended"]
