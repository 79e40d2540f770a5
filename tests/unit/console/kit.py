"""The console's own door with its own routes, on the simulation's tables: who asks is chosen."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

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
from shared.settings import load_settings
from shared.state.activity import Act, ActivityLog
from shared.state.figures import Figures
from shared.state.flows import Flows
from shared.state.jobs import Jobs
from shared.state.plans import Plans
from tests.unit.test_settings import COMPLETE

URL = "https://bridge.example.org"
FORM = "application/x-www-form-urlencoded"
ROLES = {
    "vera": (Role.VIEWER,),
    "otto": (Role.VIEWER, Role.OPERATOR),
    "mia": (Role.VIEWER, Role.MAPPER),
    "olga": (Role.VIEWER, Role.OPERATOR),
    "nils": (),
}


class Console:
    """`flows`: what services.flows() gives. `ask` is a browser's request, `act` a form's."""

    def __init__(self, flows: Mapping[str, Any] | None = None, **bridge: Any) -> None:
        self.clock = 1_700_000_000.0
        self.numbers = iter(range(1, 10_000))
        self.tables = TableService(lambda what, work: work())
        self.flows = dict(
            flows or {"contacts": SimpleNamespace(key="contacts", letters="contacts")}
        )
        self.settings = load_settings({**COMPLETE, "DELETE_BRAKE_RECORDS": "20"})
        self.bridge = SimpleNamespace(
            now=self.now,
            settings=self.settings,
            flows=Flows(self.table("flows"), self.now),
            jobs=Jobs(self.table("jobs"), self.now),
            **bridge,
        )
        self.figures = Figures(self.table("figures"))
        self.activity = ActivityLog(self.table("activity"), self.now, self.token)
        self.plans = Plans(self.table("plans"), self.now, self.token)
        self.seal = Seal([b"k" * 32])
        services = SimpleNamespace(
            bridge=self.bridge,
            figures=self.figures,
            activity=self.activity,
            plans=self.plans,
            opt_out=None,
            flows=lambda: self.flows,
        )
        self.front = Front(
            ConsoleSettings.model_construct(console_url=URL, console_environment="TEST"),
            cast("Services", services),
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
    ) -> Sent:
        """A form makes it a POST of one of our own pages; a list of pairs repeats a field."""
        person = Session(
            who.title(), f"{who}@example.org", who, ROLES[who], self.clock - 9, self.clock - 9
        )
        headers = {"cookie": f"{SESSION}={person.sealed(self.seal)}", "accept": accept}
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

    def acts(self) -> list[Act]:
        """Newest first."""
        return [noted.act for noted in self.activity.page()]
