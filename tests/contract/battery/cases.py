"""The flows that the battery is run on.

Adding a flow is adding its case to CASES; to KEPT if the ledger keeps its records.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from admin.setup.definitions import Column
from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Campaign, Dynamics
from shared.entities.flow import TableFlow
from shared.events.documents import default_events_document
from shared.events.flow import EventsFlow
from shared.events.logs import event_id
from shared.opt_out.flow import OptOutFlow
from shared.wiring import Wiring
from tests.contract.events.kit import create_tables


class Contacts:
    """Contacts to profiles; the text is the last name."""

    name, queue, written = "contacts", "contacts", "created"
    settings: Mapping[str, str] = {}
    refusal, credential, replayed = (
        ("bad_enumeration_value", True),
        "CAMPAIGN_CLIENT_SECRET",
        "updated",
    )
    deaths = (("claim", True), ("settle", False), ("settle", True))

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)

    def flow(self, wiring: Wiring) -> TableFlow:
        return wiring.table_flow("contact")

    def create(self, text: str) -> str:
        return self.dynamics.create_contact(
            firstname="Ana", lastname=text, emailaddress1="ana@example.org"
        )

    def change(self, record_id: str, text: str) -> None:
        self.dynamics.change_contact(record_id, lastname=text)

    def delete(self, record_id: str) -> None:
        self.dynamics.delete_contact(record_id)

    def held(self, record_id: str) -> list[str]:
        return [
            p["lastName"] for p in self.campaign.profiles(record_id) if p["externalId"] == record_id
        ]

    def target_writes(self) -> int:
        calls = self.campaign.write_calls()
        return calls["POST"] + calls["PATCH"] + calls["DELETE"]

    def target_fault(self, *faults: dict[str, Any]) -> None:
        self.campaign.faults(
            *[
                {
                    **fault,
                    "match": {"route": "^/profileAndServicesExt/profile", **fault.get("match", {})},
                }
                for fault in faults
            ]
        )

    def source_fault(self, *faults: dict[str, Any]) -> None:
        self.dynamics.faults(*faults)

    def refuse(self, text: str) -> None:
        refusal = (
            "RST-360011 The value 'x' is not valid for the 'nms:recipient:gender' enumeration of"
            " the '@gender' field"
        )
        self.target_fault(
            {
                "match": {"body": f'"lastName": ?{json.dumps(text)}'},
                "action": {"status": 500, "body": refusal},
            }
        )

    def advice(self) -> None:
        self.target_fault()

    def break_credential(self) -> None:
        self.campaign.accept_secret("renewed-by-somebody")

    def mend_credential(self) -> None:
        self.campaign.accept_secret(self.stack.campaign_client_secret)

    def reset(self) -> None:
        self.dynamics.emulator.json("POST", "/reset", {})
        self.campaign.emulator.json("POST", "/reset", {})

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
        self.dynamics.http.json(
            "PATCH", f"/acs_vehicles({record_id})", {"acs_vehicle_name": text}, If_Match="*"
        )

    def delete(self, record_id: str) -> None:
        self.dynamics.http.json("DELETE", f"/acs_vehicles({record_id})")

    def held(self, record_id: str) -> list[str]:
        return [
            str(row["name"])
            for row in self.campaign.records("cusVehicle")
            if row["vehicleId"] == record_id
        ]

    def target_writes(self) -> int:
        calls = self.campaign.write_calls("cusVehicle")
        return calls["POST"] + calls["PATCH"] + calls["DELETE"]

    def target_fault(self, *faults: dict[str, Any]) -> None:
        route = {"route": "^/profileAndServicesExt/cusVehicle"}
        self.campaign.faults(
            *[{**fault, "match": {**route, **fault.get("match", {})}} for fault in faults]
        )

    def refuse(self, text: str) -> None:
        refusal = (
            "RST-360011 The value 'x' is not valid for the 'cus:cusVehicle:name' enumeration of the"
            " '@name' field"
        )
        self.target_fault(
            {
                "match": {"body": f'"name": ?{json.dumps(text)}'},
                "action": {"status": 500, "body": refusal},
            }
        )

    def reset(self) -> None:
        super().reset()
        vehicles.create_tables(self.dynamics)

    def prepare(self, wiring: Wiring) -> None:
        vehicles.put_documents(wiring.storage.container("config"))


class EmailEvents:
    """Clicks, told by the journal, to activities; the text is the last part of the URL.

    Nothing can be changed or deleted.
    """

    name, queue, written = "email_events", "email-events", "created"
    settings: Mapping[str, str] = {}
    refusal, credential, replayed = ("too_long", True), "DATAVERSE_AUTH", "unchanged"
    deaths = (("count", False), ("count", True))

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.refused: set[str] = set()

    def flow(self, wiring: Wiring) -> EventsFlow:
        self.made = wiring.events_flows()[0]
        return self.made

    def create(self, text: str) -> str:
        tail = "/" + "x" * 100 if text in self.refused else ""
        url = f"https://www.example.org/{quote(text)}{tail}"
        click = {"delivery": "DM101", "kind": "click", "externalId": self.contact, "url": url}
        return event_id(
            "click", str(self.campaign.emulator.json("POST", "/events", click)["logId"])
        )

    def rows(self) -> list[tuple[str, str]]:
        listed = self.dynamics.rows("acs_emailclicks", "acs_eventid,acs_trackingurl")
        return [
            (row["acs_eventid"], unquote(row["acs_trackingurl"].split("/")[3])) for row in listed
        ]

    def held(self, record_id: str) -> list[str]:
        return [text for found, text in self.rows() if found == record_id]

    def target_writes(self) -> int:
        """Rows created: a request that finds its rows there already writes none."""
        return len(self.rows())

    def target_fault(self, *faults: dict[str, Any]) -> None:
        self.dynamics.faults(
            *[{**fault, "match": {"route": "batch", **fault.get("match", {})}} for fault in faults]
        )

    def refuse(self, text: str) -> None:
        """The column is shorter than when its definition was read: what is known to be too long
        would be cut.
        """
        self.refused.add(text)
        self.made.catalog.active()
        self.column(60)

    def advice(self) -> None:
        self.column(4000)

    def column(self, longest: int) -> None:
        """The column is made anew, with another length."""
        place = "/EntityDefinitions(LogicalName='acs_emailclick')/Attributes"
        self.dynamics.http.json("DELETE", f"{place}(LogicalName='acs_trackingurl')")
        self.dynamics.http.json(
            "POST", place, Column("acs_trackingurl", "Tracking URL", longest, "Url").body()
        )

    def break_credential(self) -> None:
        self.dynamics.faults({"match": {"path": "/api/data/"}, "action": {"status": 401}})

    def mend_credential(self) -> None:
        self.dynamics.faults()

    def reset(self) -> None:
        self.dynamics.emulator.json("POST", "/reset", {})
        self.campaign.emulator.json("POST", "/reset", {})
        create_tables(self.stack)
        self.contact = self.dynamics.create_contact(
            lastname="Reader", emailaddress1="reader@example.org"
        )
        self.campaign.renew(self.stack.new_campaign_token())
        profile = {"externalId": self.contact, "email": "reader@example.org"}
        self.campaign.http.json("POST", "/profileAndServicesExt/profile", profile)
        self.campaign.emulator.json("POST", "/deliveries", {"name": "DM101"})

    def prepare(self, wiring: Wiring) -> None:
        """Clicks only: the delivery's own send would be one more event."""
        text = default_events_document().replace(
            "  send:\n    enabled: true", "  send:\n    enabled: false"
        )
        wiring.storage.container("config").upload_blob(
            "events/email_events.yaml", text, overwrite=True
        )


class OptOutToCampaign:
    """A no in Dynamics, to a profile that does not know of it; the text is only what the test calls
    the contact.
    """

    name, queue, written = "opt_out to Campaign", "opt-out", "updated"
    settings: Mapping[str, str] = {"OPT_OUT_MODE": "both"}
    refusal, credential, replayed = (
        ("bad_enumeration_value", True),
        "CAMPAIGN_CLIENT_SECRET",
        "unchanged",
    )
    deaths = (("claim", True), ("settle", False), ("settle", True))
    place, contact_says, profile_says = 0, True, False

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.texts: dict[str, str] = {}
        self.refused: set[str] = set()

    def flow(self, wiring: Wiring) -> OptOutFlow:
        """The feed and the delivery of one direction as one flow."""
        return replace(wiring.opt_out.polls()[self.place], key="opt_out")

    def create(self, text: str) -> str:
        record_id = self.dynamics.create_contact(
            lastname="Reader", donotbulkemail=self.contact_says
        )
        profile = {
            "externalId": record_id,
            "email": "reader@example.org",
            "blackListEmail": self.profile_says,
        }
        self.campaign.http.json("POST", "/profileAndServicesExt/profile", profile)
        self.texts[record_id] = text
        if text in self.refused:
            self.target_fault(self.refusing(record_id))
        return record_id

    def held(self, record_id: str) -> list[str]:
        return [self.texts[record_id]] if self.target_says(record_id) else []

    def target_says(self, record_id: str) -> bool:
        profile = self.campaign.profile(record_id)
        return bool(profile and profile["blackListEmail"])

    def target_writes(self) -> int:
        return self.campaign.write_calls()["PATCH"]

    def target_fault(self, *faults: dict[str, Any]) -> None:
        route = {"route": "^/profileAndServicesExt/profile"}
        self.campaign.faults(
            *[{**fault, "match": {**route, **fault.get("match", {})}} for fault in faults]
        )

    def refuse(self, text: str) -> None:
        self.refused.add(text)

    def refusing(self, record_id: str) -> dict[str, Any]:
        refusal = (
            "RST-360011 The value 'x' is not valid for the 'nms:recipient:flag' enumeration of the"
            " '@blackListEmail' field"
        )
        return {
            "match": {"method": "PATCH", "path": record_id},
            "action": {"status": 500, "body": refusal},
        }

    def advice(self) -> None:
        self.target_fault()

    def break_credential(self) -> None:
        """Profiles cannot be read any more; they can be made, so that a test can go on."""
        self.target_fault({"match": {"method": "GET"}, "action": {"status": 401}})

    def mend_credential(self) -> None:
        self.target_fault()

    def reset(self) -> None:
        self.dynamics.emulator.json("POST", "/reset", {})
        self.campaign.emulator.json("POST", "/reset", {})
        self.campaign.accept_secret(self.stack.campaign_client_secret)
        self.campaign.renew(self.stack.new_campaign_token())

    def prepare(self, wiring: Wiring) -> None:
        """Opt-outs come with a packaged document."""


class OptOutToDynamics(OptOutToCampaign):
    """A no in Campaign, to a contact that does not know of it."""

    name = "opt_out to Dynamics"
    refusal, credential = ("refused_value", False), "DATAVERSE_AUTH"
    place, contact_says, profile_says = 1, False, True

    def target_says(self, record_id: str) -> bool:
        return bool(self.dynamics.contact(record_id)["donotbulkemail"])

    def target_writes(self) -> int:
        calls = self.dynamics.emulator.json("GET", "/calls")
        return sum(count for call, count in calls.items() if call.startswith("PATCH"))

    def target_fault(self, *faults: dict[str, Any]) -> None:
        self.dynamics.faults(
            *[{**fault, "match": {"method": "PATCH", **fault.get("match", {})}} for fault in faults]
        )

    def refusing(self, record_id: str) -> dict[str, Any]:
        refusal = {"error": {"code": "0x80040265", "message": "A plug-in refused it."}}
        return {"match": {"path": record_id}, "action": {"status": 400, "body": refusal}}


KEPT = [Contacts, Vehicles]
CASES = [*KEPT, EmailEvents, OptOutToCampaign, OptOutToDynamics]
