"""Registers the bridge's webhook in Dataverse over its Web API (Microsoft Learn: Register a webhook; Register a plug-in)."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import quoteattr

from dev.verbs import Dynamics

MESSAGES = ("Create", "Update", "Delete")
WEBHOOK, HTTP_HEADER, POST_OPERATION, ASYNCHRONOUS = 8, 5, 40, 1


def register(facts: Mapping[str, Any], address: str, function_key: str, secret: str, table: str = "contact") -> None:
    """One endpoint that sends the function key and the shared secret as headers, and a step for each message."""
    http = Dynamics(facts).http
    headers = {"x-functions-key": function_key, "x-webhook-secret": secret}
    settings = "".join(f"<setting name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in headers.items())
    endpoint = {
        "name": f"campaign-bridge {table}",
        "url": address,
        "contract": WEBHOOK,
        "authtype": HTTP_HEADER,
        "authvalue": f"<settings>{settings}</settings>",
    }
    endpoint_id = created(http.ask("POST", "/serviceendpoints", endpoint))
    for message in MESSAGES:
        http.told("POST", "/sdkmessageprocessingsteps", step(http, table, message, endpoint_id))


def step(http: Any, table: str, message: str, endpoint_id: str) -> dict[str, Any]:
    message_id = http.told("GET", f"/sdkmessages?$select=sdkmessageid&$filter=name eq '{message}'")["value"][0]["sdkmessageid"]
    condition = f"primaryobjecttypecode eq '{table}' and sdkmessageid/name eq '{message}'"
    filters = http.told("GET", f"/sdkmessagefilters?$select=sdkmessagefilterid&$filter={condition}")["value"]
    return {
        "name": f"campaign-bridge {table} {message}",
        "stage": POST_OPERATION,
        "mode": ASYNCHRONOUS,
        "rank": 1,
        "supporteddeployment": 0,
        "asyncautodelete": True,
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint_id})",
        "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filters[0]['sdkmessagefilterid']})",
    }


def created(response: Any) -> str:
    if response.status_code != 204:
        raise AssertionError(f"registering the webhook: {response.status_code} {response.text[:300]}")
    return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))
