"""The console's pages on the real systems: a browser's requests without a browser."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from functions.console_pages import Served
from shared.console.front import SESSION, Front
from shared.console.incoming import Incoming
from shared.console.outgoing import Sent
from shared.console.roles import Role
from shared.console.session import Seal, Session
from shared.console.sitemap import ROUTES
from shared.console_settings import ConsoleSettings
from shared.pipeline.flow import Flow
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.battery.kit import Worker

FORM = "application/x-www-form-urlencoded"
PACE = {"RETRY_DELAY_SECONDS": "0", "MAPPING_CACHE_SECONDS": "0", "CLAIM_LEASE_SECONDS": "5"}


class Door:
    """What a sign-in leaves behind."""

    seal = Seal([b"k" * 32])


class Contacts:
    name, queue = "contacts", "contacts"

    def flow(self, wiring: Wiring) -> Any:
        return wiring.table_flow("contact")


class Pages:
    """The console on a wiring, for whoever has the roles that a test names."""

    def __init__(self, wiring: Wiring, flows: Callable[[], Mapping[str, Flow]]) -> None:
        self.front = Front(
            ConsoleSettings.model_construct(console_url="https://c", console_environment="TEST"),
            Served(lambda: wiring, flows),
            Door(),  # type: ignore[arg-type]
            ROUTES,
            wiring.now,
        )

    def ask(
        self,
        path: str,
        *roles: Role,
        form: Mapping[str, str] | None = None,
        accept: str = "application/json",
        **query: str,
    ) -> Sent:
        """A form makes it a POST of one of our own pages."""
        now = self.front.now()
        person = Session("Paula", "paula@example.org", "1", roles or (Role.VIEWER,), now, now)
        headers = {"cookie": f"{SESSION}={person.sealed(Door.seal)}", "accept": accept}
        if form is None:
            return self.front.answer(Incoming("GET", path, query, headers))
        headers |= {"sec-fetch-site": "same-origin", "content-type": FORM}
        return self.front.answer(Incoming("POST", path, {}, headers, urlencode(form).encode()))

    def data(self, path: str, *roles: Role, **more: Any) -> dict[str, Any]:
        return dict(json.loads(self.ask(path, *roles, **more).body))

    def plan(self, kind: str, **form: str) -> str:
        """The path of an operator's plan."""
        return self.led_to("/plans", kind=kind, **form)

    def led_to(self, path: str, **form: str) -> str:
        """Where a form of an operator's leads, behind /console."""
        sent = self.ask(path, Role.OPERATOR, form=form)
        assert sent.status == 303, sent.body.decode()
        return str(sent.headers["Location"]).removeprefix("/console")


class World(Pages):
    """Both systems, the bridge's contacts and opt-outs, and its console. `ahead`: of its clock."""

    def __init__(self, stack: Stack, **settings: str) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.campaign.renew(stack.new_campaign_token())
        self.ahead = 0.0
        given = load_settings({**stack.environment, **settings})
        self.wiring = Wiring(given, now=lambda: time.time() + self.ahead)
        self.contacts = Worker(Contacts(), self.wiring)  # type: ignore[arg-type]
        self.contacts.flow.activate()
        super().__init__(self.wiring, self.flows)

    def flows(self) -> dict[str, Flow]:
        found: list[Flow] = [self.contacts.flow, *self.wiring.opt_out.all()]
        return {flow.key: flow for flow in found}

    def story(self, record_id: str, *roles: Role) -> dict[str, Any]:
        return self.data(f"/records/contacts/{record_id}", *roles)

    def sync(self) -> None:
        self.contacts.sync()
