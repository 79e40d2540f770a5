"""The flows that the battery is run on. Adding a flow is adding its case here."""

import json
from typing import Any

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Campaign, Dynamics
from shared.tables import TableFlow
from shared.wiring import Wiring


class Contacts:
    """Contacts to profiles; the text is the last name."""

    name, queue = "contacts", "contacts"

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)

    def flow(self, wiring: Wiring) -> TableFlow:
        return wiring.table_flow("contact")

    def create(self, text: str) -> str:
        return self.dynamics.create_contact(firstname="Ana", lastname=text, emailaddress1="ana@example.org")

    def change(self, record_id: str, text: str) -> None:
        self.dynamics.change_contact(record_id, lastname=text)

    def delete(self, record_id: str) -> None:
        self.dynamics.delete_contact(record_id)

    def held(self, record_id: str) -> list[str]:
        return [p["lastName"] for p in self.campaign.profiles(record_id) if p["externalId"] == record_id]

    def target_writes(self) -> int:
        calls = self.campaign.write_calls()
        return calls["POST"] + calls["PATCH"] + calls["DELETE"]

    def target_fault(self, *faults: dict[str, Any]) -> None:
        self.campaign.faults(
            *[{**fault, "match": {"route": "^/profileAndServicesExt/profile", **fault.get("match", {})}} for fault in faults]
        )

    def source_fault(self, *faults: dict[str, Any]) -> None:
        self.dynamics.faults(*faults)

    def refuse(self, text: str) -> None:
        refusal = "RST-360011 The value 'x' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field"
        self.target_fault({"match": {"body": f'"lastName": ?{json.dumps(text)}'}, "action": {"status": 500, "body": refusal}})

    def break_credential(self) -> None:
        self.campaign.accept_secret("renewed-by-somebody")

    def mend_credential(self) -> None:
        self.campaign.accept_secret(self.stack.campaign_client_secret)

    def reset(self) -> None:
        self.dynamics.emulator.told("POST", "/reset", {})
        self.campaign.emulator.told("POST", "/reset", {})

    def prepare(self, wiring: Wiring) -> None:
        """Contacts come with a packaged document."""


class Vehicles(Contacts):
    """A custom table to a custom resource, found by filter; the text is its name."""

    name, queue = "custom_entities-acs_vehicle", "custom-entities"

    def flow(self, wiring: Wiring) -> TableFlow:
        return wiring.table_flow("acs_vehicle")

    def create(self, text: str) -> str:
        response = self.dynamics.http.ask("POST", "/acs_vehicles", {"acs_vehicle_name": text})
        return response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    def change(self, record_id: str, text: str) -> None:
        self.dynamics.http.told("PATCH", f"/acs_vehicles({record_id})", {"acs_vehicle_name": text}, If_Match="*")

    def delete(self, record_id: str) -> None:
        self.dynamics.http.told("DELETE", f"/acs_vehicles({record_id})")

    def held(self, record_id: str) -> list[str]:
        return [str(row["name"]) for row in self.campaign.records("cusVehicle") if row["vehicleId"] == record_id]

    def target_writes(self) -> int:
        calls = self.campaign.write_calls("cusVehicle")
        return calls["POST"] + calls["PATCH"] + calls["DELETE"]

    def target_fault(self, *faults: dict[str, Any]) -> None:
        route = {"route": "^/profileAndServicesExt/cusVehicle"}
        self.campaign.faults(*[{**fault, "match": {**route, **fault.get("match", {})}} for fault in faults])

    def refuse(self, text: str) -> None:
        refusal = "RST-360011 The value 'x' is not valid for the 'cus:cusVehicle:name' enumeration of the '@name' field"
        self.target_fault({"match": {"body": f'"name": ?{json.dumps(text)}'}, "action": {"status": 500, "body": refusal}})

    def reset(self) -> None:
        super().reset()
        vehicles.create_tables(self.dynamics)

    def prepare(self, wiring: Wiring) -> None:
        vehicles.put_documents(wiring.storage.container("config"))


CASES = [Contacts, Vehicles]
