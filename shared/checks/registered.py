"""The webhooks that Dataverse has: endpoints, ours by their description, and their steps.

Only read.

Source: Microsoft Learn, "Register a webhook", "Register a plug-in".
"""

from typing import Any
from urllib.parse import quote

from shared.checks.wanted import OPT_OUT
from shared.dataverse.client import API, DataverseClient

MARK = "Made by the Adobe Campaign bridge"
PREFIX = "campaign-bridge"
WEBHOOK = 8  # the contract of an endpoint
STEP = (
    "sdkmessageprocessingstepid,name,statecode,stage,mode,filteringattributes,_sdkmessageid_value"
)
CUSTOM_ENTITIES = "custom_entities_webhook"
ENDPOINTS = {"contact": "contacts_webhook", OPT_OUT: "opt_out_webhook"}
Row = dict[str, Any]


class Registered:
    def __init__(self, client: DataverseClient) -> None:
        self.client = client

    def endpoints(self) -> dict[str, Row]:
        """Ours by path."""
        condition = f"contract eq {WEBHOOK} and startswith(description,'{MARK}')"
        rows = self.rows("serviceendpoints", "serviceendpointid,name,url,description", condition)
        return {row["name"].removeprefix(f"{PREFIX} "): row for row in rows}

    def others(self) -> list[Row]:
        """Webhook endpoints that somebody else has made."""
        rows = self.rows(
            "serviceendpoints", "serviceendpointid,name,url,description", f"contract eq {WEBHOOK}"
        )
        return [
            row for row in rows if not str(row["description"] or "").startswith(MARK) and row["url"]
        ]

    def steps_of(self, endpoint_id: str) -> list[Row]:
        return self.rows("sdkmessageprocessingsteps", STEP, f"_eventhandler_value eq {endpoint_id}")

    def message(self, message: str) -> str:
        """Its id."""
        return str(
            self.rows("sdkmessages", "sdkmessageid", f"name eq '{message}'")[0]["sdkmessageid"]
        )

    def rows(self, entity_set: str, columns: str, condition: str) -> list[Row]:
        url = f"{self.client.url}{API}{entity_set}?$select={columns}&$filter={quote(condition)}"
        return self.client.listed(url, entity_set)


def function_of(path: str) -> str:
    """The function that answers at this path: all tables but contact share one."""
    return ENDPOINTS.get(path, CUSTOM_ENTITIES)


def as_set(columns: str | None) -> set[str]:
    return {part.strip() for part in (columns or "").split(",") if part.strip()}
