"""A table with a column of every kind that values can go wrong in, and a person's hands on its
definition.
"""

from typing import Any

import yaml

from dev.seed.tables import Table
from dev.verbs import Dynamics
from shared.console import status as views
from tests.contract.battery.kit import Worker, outcomes
from tests.contract.parents.kit import Queue, World

FRENCH = [{"Label": "Bon", "LanguageCode": 1036}]
MOODS = {"Options": [{"Value": 1,
                      "Label": {"LocalizedLabels": [{"Label": "Good", "LanguageCode": 1033}]}},
                     {"Value": 2,
                      "Label": {"LocalizedLabels": [*FRENCH,
                                                    {"Label": "Gut", "LanguageCode": 1031}]}},
                     {"Value": 3, "Label": {"LocalizedLabels": FRENCH}}]}  # fmt: skip
WIDE = {"MaxValue": 922337203685478, "MinValue": -922337203685478}
THING = Table(
    "acs_thing",
    columns={
        "acs_mood": {"kind": "Picklist", "OptionSet": MOODS},
        "acs_money": {"kind": "Money", "Precision": 4, **WIDE},
        "acs_ratio": {"kind": "Decimal", "Precision": 10, **WIDE},
        "acs_day": {
            "kind": "DateTime",
            "Format": "DateOnly",
            "DateTimeBehavior": {"Value": "UserLocal"},
        },
        "acs_short": {"MaxLength": 100, "target": {"length": 10}},
        "acs_mail": {"MaxLength": 100, "target": {"length": 100, "policy": "email"}},
    },
)


def document(**changes: Any) -> dict[str, Any]:
    """The table's document; `changes` are keys of the document, or `fields` by their column."""
    found = THING.document()
    rules = changes.pop("rules", {})
    found["fields"] = [rule | rules.get(rule["source"], {}) for rule in found["fields"]]
    return found | changes


class Things(World):
    """One record at a time: written in Dynamics, polled, delivered, looked at in Campaign."""

    def add(self, table: str) -> None:
        """Its worker; the document comes with `use`."""
        self.workers[table] = Worker(Queue(table), self.wiring)  # type: ignore[arg-type]

    def use(self, **changes: Any) -> str:
        """Puts a document into `config`; what stands in its way, "" if nothing does."""
        config = self.wiring.storage.container("config")
        config.upload_blob(
            f"mappings/{THING.name}.yaml", yaml.safe_dump(document(**changes)), overwrite=True
        )
        return str(self.workers[THING.name].flow.activate())

    def write(self, text: str) -> str:
        """A row from a body as it stands, for a float would round it."""
        http = self.dynamics.http
        response = http.session.post(
            f"{http.base}/acs_things",
            data=text.encode(),
            headers={"Content-Type": "application/json"},
        )
        assert response.status_code == 204, response.text
        return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))

    def deliver(self) -> list[str]:
        worker = self.workers[THING.name]
        return [
            outcome
            for message in worker.messages()
            for outcome in outcomes(worker.deliver(message))
        ]

    def settle(self) -> list[str]:
        """Polls and delivers once."""
        self.workers[THING.name].poll()
        return self.deliver()

    def record(self, record_id: str) -> dict[str, Any]:
        """What Campaign holds."""
        return next(
            one for one in self.campaign.records(THING.resource) if one["recordId"] == record_id
        )

    def reported(self, record_id: str) -> dict[str, Any]:
        """What `GET /api/records` answers."""
        return views.record(self.workers[THING.name].flow, self.wiring.bridge, record_id) or {}

    def totals(self) -> dict[str, int]:
        """`outcomes` of `GET /api/status`."""
        flow = self.workers[THING.name].flow
        return dict(views.flow_status(flow, self.wiring.bridge, flow.key)["outcomes"])

    def letters(self) -> list[str]:
        return [
            letter.reason
            for letter in self.wiring.bridge.deadletters.page(self.workers[THING.name].flow.key)
        ]

    def metadata_reads(self) -> int:
        calls = self.dynamics.emulator.json("GET", "/calls")
        return sum(
            count
            for name, count in calls.items()
            if "PicklistAttributeMetadata" in name and "Multi" not in name
        )


def insert_option(dynamics: Dynamics, value: int, label: str, publish: bool = True) -> None:
    """As the person does who adds an option to the column of moods."""
    labels = {"LocalizedLabels": [{"Label": label, "LanguageCode": 1033}]}
    body = {
        "EntityLogicalName": THING.name,
        "AttributeLogicalName": "acs_mood",
        "Value": value,
        "Label": labels,
    }
    dynamics.http.json("POST", "/InsertOptionValue", body)
    if publish:
        dynamics.http.json("POST", "/PublishAllXml", {})
