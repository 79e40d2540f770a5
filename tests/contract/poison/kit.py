"""Records of every flow whose messages are poison, on real storage; their two systems, and
instances that collect.
"""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Campaign, Dynamics, wait_until
from functions import poison as function
from shared.pipeline.deliver import deliver
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.poison import Sorting, collect
from shared.pipeline.replay import replay
from shared.records import Change, Kind
from shared.settings import load_settings
from shared.state.envelope import envelopes
from shared.wiring import Wiring
from tests.contract.battery.kit import Killed, KilledAt

PACE = {
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "MAPPING_CACHE_SECONDS": "0",
    "EMAIL_EVENTS_SOURCE": "journal",
    "OPT_OUT_MODE": "both",
}
QUEUES = {
    "contacts": "contacts",
    "custom_entities-acs_vehicle": "custom-entities",
    "email_events": "email-events",
    "opt_out": "opt-out",
}
SECONDS = 120.0


class DiesAfter(KilledAt):
    """As KilledAt, at the call after so many."""

    def __init__(self, real: Any, method: str, calls: int, after: bool = False) -> None:
        super().__init__(real, method, after)
        self.left = calls

    def __getattr__(self, name: str) -> Any:
        if name == self.method and self.left > 0:
            self.left -= 1
            return getattr(self.real, name)
        return super().__getattr__(name)


class World:
    """Everything of a test: what was made has an id, and `arrived` says which of them the other
    system has.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.settings = load_settings(stack.environment)
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.wiring = self.instance()
        vehicles.put_documents(self.wiring.storage.container("config"))
        for flow in self.flows.values():
            flow.activate()

    def instance(self, **settings: object) -> Wiring:
        return Wiring(self.settings.model_copy(update=settings))

    @property
    def flows(self) -> dict[str, Flow]:
        wiring = self.wiring
        tables = [wiring.table_flow("contact"), wiring.table_flow("acs_vehicle")]
        found: list[Flow] = [*tables, wiring.events_delivery, wiring.opt_out.delivery()]
        return {flow.key: flow for flow in found}

    @property
    def bridge(self) -> Bridge:
        return self.wiring.bridge

    def sorting(self, wiring: Wiring) -> Sorting:
        def flow_of(queue: str, envelope: Any) -> Flow | None:
            return function.flow_in(wiring, queue, envelope)

        return Sorting(
            flow_of, {queue: flow for flow, queue in QUEUES.items()}, wiring.fingerprint_key
        )

    def collect(self, wiring: Wiring | None = None, **parts: Any) -> None:
        """One run of the timer; one that is killed ends there."""
        wiring = wiring or self.wiring
        collect(self.sorting(wiring), replace(wiring.bridge, **parts), SECONDS)

    def killed_while_collecting(
        self, part: str, method: str, calls: int, after: bool = False
    ) -> None:
        wiring = self.instance()
        parts = {part: DiesAfter(getattr(wiring.bridge, part), method, calls, after)}
        try:
            self.collect(wiring, **parts)
        except Killed:
            return
        raise AssertionError(f"no run reached call {calls} of {part}.{method}")

    def poison(self, flow: str, changes: list[Change], each: int = 1) -> None:
        """Puts the changes on the flow's poison queue, as the host does, `each` in a message."""
        table = {
            "contacts": "contact",
            "custom_entities-acs_vehicle": "acs_vehicle",
            "opt_out": "contact",
        }.get(flow, "journal")
        for first in range(0, len(changes), each):
            part = changes[first : first + each]
            for text, _ in envelopes(
                flow, table, 1, part, together=400 if flow == "email_events" else 0
            ):
                self.wiring.handoff.send(f"{QUEUES[flow]}-poison", text)

    def poisoned(self, queue: str) -> int:
        return self.wiring.handoff.length(f"{queue}-poison")

    def letters(self, flow: str) -> dict[str, str]:
        return {letter.record_id: letter.reason for letter in self.bridge.deadletters.page(flow)}

    def replay(self, flow: str) -> int:
        handed = replay(self.flows[flow], self.bridge, "dead_letters").count
        self.drain(flow)
        return handed

    def drain(self, flow: str) -> None:
        queue, handoff = QUEUES[flow], self.wiring.handoff

        def step() -> bool:
            while message := handoff.receive(queue, 30):
                deliver(self.flows[flow], self.bridge, message.content.encode(), message.receipts)
                handoff.complete(queue, message)
            return not handoff.length(queue)

        wait_until(step, f"an empty queue {queue}")

    def changes(self, flow: str, count: int) -> list[Change]:
        return [MADE[flow](self, number) for number in range(count)]

    def contact(self, number: int, **columns: Any) -> str:
        return self.dynamics.create_contact(
            lastname=f"Number {number}", emailaddress1=f"n{number}@example.org", **columns
        )

    def contact_change(self, number: int) -> Change:
        record_id = self.contact(number)
        row = {
            "contactid": record_id,
            "lastname": f"Number {number}",
            "emailaddress1": f"n{number}@example.org",
        }
        return Change(record_id, Kind.ROW, 1, row, self.bridge.now())

    def vehicle_change(self, number: int) -> Change:
        response = self.dynamics.http.ask(
            "POST", "/acs_vehicles", {"acs_vehicle_name": f"Car {number}"}
        )
        record_id = response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")
        return Change(record_id, Kind.REFERENCE, first_seen=self.bridge.now())

    def event_change(self, number: int) -> Change:
        contact = self.reader = getattr(self, "reader", "") or self.contact(0)
        at = "2026-01-31T08:00:00Z"
        row = {
            "kind": "click",
            "log_id": str(1000 + number),
            "contact": contact,
            "at": at,
            "url": "https://www.example.org/",
        }
        return Change(str(uuid.uuid4()), Kind.ROW, 0, row, self.bridge.now())

    def opt_out_change(self, number: int) -> Change:
        """The profile opted out, the contact did not: what the bridge read of it is all that
        tells.
        """
        record_id = self.contact(number)
        body = {"externalId": record_id, "email": f"n{number}@example.org", "blackListEmail": True}
        self.campaign.http.json("POST", "/profileAndServicesExt/profile", body)
        flags = [pair.flag for pair in self.wiring.opt_out_catalog.pairs()]
        values = {flag: flag == "blackListEmail" for flag in flags}
        row = {"campaign": {"values": values, "times": dict.fromkeys(flags, ""), "changed": ""}}
        return Change(record_id, Kind.ROW, 0, row, self.bridge.now())

    def arrived(self, flow: str) -> set[str]:
        if flow == "contacts":
            return {profile["externalId"] for profile in self.campaign.profiles()}
        if flow == "email_events":
            return {
                row["acs_eventid"] for row in self.dynamics.rows("acs_emailclicks", "acs_eventid")
            }
        if flow == "opt_out":
            listed = self.dynamics.contacts("contactid,donotbulkemail")
            return {row["contactid"] for row in listed if row["donotbulkemail"]}
        return {row["vehicleId"] for row in self.campaign.records("cusVehicle")}


MADE: dict[str, Callable[[World, int], Change]] = {
    "contacts": World.contact_change,
    "custom_entities-acs_vehicle": World.vehicle_change,
    "email_events": World.event_change,
    "opt_out": World.opt_out_change,
}


def emptied(stack: Stack) -> None:
    """Empty storage; what the systems hold stays, for its ids come once."""
    first = Wiring(load_settings(stack.environment))
    for table in first.storage.tables.list_tables():
        first.storage.tables.delete_table(table.name)
    for container in first.storage.blobs.list_containers():
        first.storage.blobs.delete_container(container.name)
    for queue in (*QUEUES.values(), *(f"{queue}-poison" for queue in QUEUES.values())):
        first.handoff.make(first.handoff.clients(queue))
        first.handoff.clients(queue).clear_messages()
