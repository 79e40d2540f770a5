"""What people do with the two systems and the bridge, as verbs: for the demo, the benchmarks and
the end-to-end tests.

Everything goes over the same HTTP that the real systems have; `facts` is what `.local/stack.json`
holds.
"""

import itertools
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from shared import exact_json
from shared.state.flows import CACHE_SECONDS

TIMEOUT_SECONDS = 120
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.7


class NotYet(AssertionError):
    """What was waited for did not come in time."""


def wait_until[Result](
    condition: Callable[[], Result], what: str, seconds: float = 60, every: float | None = None
) -> Result:
    """The condition's first truthy result; NotYet with `what` after so many seconds.

    Looks every so many seconds, or ever less often, and rests as long as a look took: who looks
    takes time from what is waited for.
    """
    began = time.monotonic()
    deadline, pause = began + seconds, every or FIRST_PAUSE_SECONDS
    while not (result := condition()):
        looked = time.monotonic()
        if looked > deadline:
            raise NotYet(f"waited {seconds:g} s for {what}")
        time.sleep(max(pause, looked - began))
        began = time.monotonic()
        pause = every or min(1.3 * pause, LONGEST_PAUSE_SECONDS)
    return result


class Http:
    """A session on one base URL that knows its headers."""

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        self.base, self.session = base.rstrip("/"), requests.Session()
        self.session.trust_env = False
        self.session.headers.update(headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            names.setdefault("Content-Type", "application/json")
        return self.session.request(method, url, data=data, headers=names, timeout=TIMEOUT_SECONDS)

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's JSON; an error status raises with the answer's text."""
        response = self.answered(method, path, body, **headers)
        return response.json() if response.content else None

    def answered(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> requests.Response:
        response = self.ask(method, path, body, **headers)
        if response.status_code >= 400:
            raise AssertionError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response


class Dynamics:
    """A user's hands in Dataverse.

    `quietly` writes without raising webhooks, so that only the poll can see it.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.root = facts["dataverse"]
        headers = {
            "Authorization": f"Bearer {facts['dataverse_token']}",
            "OData-Version": "4.0",
            "Accept": "application/json",
        }
        self.http = Http(self.root + "/api/data/v9.2", headers)
        self.emulator = Http(self.root + "/_emulator", {})

    def quiet(self, quietly: bool) -> dict[str, str]:
        return {"MSCRM.BypassBusinessLogicExecution": "CustomSync,CustomAsync"} if quietly else {}

    def create_contact(self, quietly: bool = False, **columns: Any) -> str:
        response = self.http.ask("POST", "/contacts", columns, **self.quiet(quietly))
        if response.status_code != 204:
            raise AssertionError(f"create: {response.status_code} {response.text[:300]}")
        return response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    def change_contact(self, contact_id: str, quietly: bool = False, **columns: Any) -> None:
        self.http.json(
            "PATCH", f"/contacts({contact_id})", columns, If_Match="*", **self.quiet(quietly)
        )

    def deactivate_contact(self, contact_id: str, quietly: bool = False) -> None:
        self.change_contact(contact_id, quietly, statecode=1, statuscode=2)

    def delete_contact(self, contact_id: str, quietly: bool = False) -> None:
        self.http.json("DELETE", f"/contacts({contact_id})", **self.quiet(quietly))

    def contact(self, contact_id: str) -> dict[str, Any]:
        return dict(self.http.json("GET", f"/contacts({contact_id})"))

    def contacts(self, columns: str) -> Iterator[dict[str, Any]]:
        return self.rows("contacts", columns)

    def rows(self, entity_set: str, columns: str) -> Iterator[dict[str, Any]]:
        path = f"/{entity_set}?$select={columns}"
        while path:
            page = exact_json.read(
                self.http.answered("GET", path, Prefer="odata.maxpagesize=5000").content
            )
            yield from page["value"]
            path = page.get("@odata.nextLink", "")

    def some_contact_ids(self, count: int) -> list[str]:
        return [row["contactid"] for row in itertools.islice(self.contacts("contactid"), count)]

    def seed(self, contacts: int, seed: int = 1) -> None:
        self.emulator.json("POST", "/seed", {"contacts": contacts, "seed": seed})

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.emulator.json("POST", "/faults", list(faults))

    def expire_change_tokens(self) -> None:
        """As when the change-tracking window has passed, or the table's definition has changed."""
        self.emulator.json("POST", "/expire_change_tokens", {})


class Campaign:
    """A marketer's eyes on Campaign, and what its administrator may change."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self.facts = facts
        headers = {
            "Authorization": f"Bearer {facts['campaign_token']}",
            "X-Api-Key": facts["campaign_api_key"],
        }
        self.http = Http(facts["campaign"], headers)
        host = urllib.parse.urlsplit(facts["campaign"])
        self.emulator = Http(f"{host.scheme}://{host.netloc}/_emulator", {})

    def renew(self, token: str) -> None:
        self.http.session.headers["Authorization"] = f"Bearer {token}"

    def profile(self, contact_id: str) -> dict[str, Any] | None:
        """The profile that carries the contact's id, from the emulator's own list: no call is
        counted, no token is needed.
        """
        return next(
            (
                profile
                for profile in self.profiles(contact_id)
                if profile["externalId"] == contact_id
            ),
            None,
        )

    def profiles(self, contact_id: str = "") -> Iterator[dict[str, Any]]:
        return self.records("profile", f"&externalId={contact_id}" if contact_id else "")

    def records(self, resource: str, query: str = "") -> Iterator[dict[str, Any]]:
        """All records of a resource, hidden ones too."""
        url = f"{self.emulator.base}/dump?api={resource}{query}"
        response = self.emulator.session.get(url, stream=True, timeout=TIMEOUT_SECONDS)
        for line in response.iter_lines():
            if line:
                yield json.loads(line)

    def calls(self) -> dict[str, int]:
        return dict(self.emulator.json("GET", "/calls"))

    def peaks(self) -> dict[str, int]:
        """Most calls under way at once, by verb and route, since `count_peaks`."""
        return dict(self.emulator.json("GET", "/peaks"))

    def count_peaks(self) -> None:
        self.emulator.json("POST", "/peaks", {})

    def write_calls(self, resource: str = "profile") -> dict[str, int]:
        """Calls on a resource's records by verb."""
        counted = {"POST": 0, "PATCH": 0, "GET": 0, "DELETE": 0}
        for name, count in self.calls().items():
            verb, route = name.split(" ", 1)
            if (
                route.startswith(f"/profileAndServicesExt/{resource}")
                and "resourceType" not in route
                and "metadata" not in route
            ):
                counted[verb] = counted.get(verb, 0) + count
        return counted

    def faults(self, *faults: Mapping[str, Any]) -> None:
        self.emulator.json("POST", "/faults", list(faults))

    def accept_secret(self, secret: str) -> None:
        """Adobe's side knows another client secret from now on; tokens issued before are void."""
        self.emulator.json("POST", "/secret", {"client_secret": secret})

    def expire_tokens(self) -> None:
        self.emulator.json("POST", "/tokens/expire", {})

    def latency(self, milliseconds: int) -> None:
        self.emulator.json("POST", "/latency", {"milliseconds": milliseconds})


class Operator:
    """A person at the bridge's own HTTP routes, with a key for each thing that is done there."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        keys = facts["keys"]
        self.http = Http(facts["functions"], {"x-functions-key": keys["reading"]})
        self.commands = Http(facts["functions"], {"x-functions-key": keys["commands"]})
        self.campaign = Http(facts["functions"], {"x-functions-key": keys["safe_to_send"]})
        self.admin = Http(facts["functions"], {"x-functions-key": facts["master_key"]})
        self.storage = facts["storage"]

    def status(self, flow: str = "contacts") -> dict[str, Any]:
        return dict(self.http.json("GET", f"/api/status?flow={flow}")["flows"][flow])

    def waiting(self, flow: str) -> int:
        """How many records of a flow wait; 0 also of a flow whose document has not been read."""
        answer = self.http.ask("GET", f"/api/status?flow={flow}")
        if answer.status_code == 404:
            return 0
        return int(answer.json()["flows"][flow]["records"].get("waiting", 0))

    def start(self, flow: str = "contacts", **body: Any) -> Any:
        return self.commands.json("POST", f"/api/flows/{flow}/start", body)

    def stop(self, flow: str = "contacts") -> Any:
        """The command's answer, once no process remembers the flow as running any more."""
        answer = self.commands.json("POST", f"/api/flows/{flow}/stop", {})
        time.sleep(CACHE_SECONDS)
        return answer

    def replay(self, flow: str = "contacts", **body: Any) -> Any:
        return self.commands.json("POST", f"/api/flows/{flow}/replay", body)

    def dead_letters(self, flow: str = "contacts") -> list[dict[str, Any]]:
        return list(
            self.http.json("GET", f"/api/dead-letters?flow={flow}&limit=1000")["dead_letters"]
        )

    def record(self, record_id: str, flow: str = "contacts") -> dict[str, Any]:
        return dict(self.http.json("GET", f"/api/records/{flow}/{record_id}"))

    def safe(self) -> dict[str, Any]:
        return dict(self.campaign.json("GET", "/api/safe-to-send"))

    def fire(self, function: str) -> None:
        self.admin.json("POST", f"/admin/functions/{function}", {})

    def queued(self, flow: str) -> int:
        """Messages on the flow's queue, by one read; a status costs the bridge some seventy."""
        name = flow.partition("-")[0].replace("_", "-")
        with QueueClient.from_connection_string(self.storage, name) as queue:
            try:
                return int(queue.get_queue_properties().approximate_message_count or 0)
            except ResourceNotFoundError:
                return 0

    def settled(self, flow: str = "contacts") -> bool:
        """Everything read, nothing queued, nothing waiting, no sweep under way."""
        if self.queued(flow):
            return False
        status = self.status(flow)
        waiting = status["records"].get("waiting", 0) or status["waiting"]
        return (
            status["phase"] == "delta"
            and not status["backlog_messages"]
            and not waiting
            and not status["sweep"]
        )
