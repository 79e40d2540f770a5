"""Registers the bridge's webhooks: an endpoint for each path that listens, a step for each message,
filtered by columns.

An endpoint is ours if its description says so; what else there is stays untouched. Its secrets
cannot be read back, so its description holds a keyed hash that tells whether they have changed.
Source: Microsoft Learn, "Register a webhook", "Register a plug-in".
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from xml.sax.saxutils import quoteattr

from admin.setup.making import Making
from shared.checks.registered import MARK, PREFIX, WEBHOOK, Registered, Row, as_set, function_of
from shared.checks.wanted import Subscription

HTTP_HEADER, POST_OPERATION, ASYNCHRONOUS = 5, 40, 1
ENABLED = {"statecode": 0, "statuscode": 1}


@dataclass(frozen=True, slots=True)
class Receiver:
    """The function app: its address, a key of each function that is an endpoint, and the secret of
    DATAVERSE_WEBHOOK_SECRET.

    Printed without keys and secret.
    """

    address: str
    keys: Mapping[str, str]
    secret: str

    def __repr__(self) -> str:
        return f"Receiver({self.address})"

    def endpoint(self, path: str) -> Row:
        return {
            "name": f"{PREFIX} {path}",
            "url": self.url(path),
            "contract": WEBHOOK,
            "authtype": HTTP_HEADER,
            "description": f"{MARK}; credential {self.fingerprint(path)}",
        }

    def url(self, path: str) -> str:
        return f"{self.address.rstrip('/')}/api/dataverse/{path}"

    def has_key(self, path: str) -> bool:
        return function_of(path) in self.keys

    def fingerprint(self, path: str) -> str:
        return hmac.digest(
            self.secret.encode(), self.keys[function_of(path)].encode(), "sha256"
        ).hex()[:16]

    def credential(self, path: str) -> Row:
        headers = {"x-functions-key": self.keys[function_of(path)], "x-webhook-secret": self.secret}
        settings = "".join(
            f"<setting name={quoteattr(name)} value={quoteattr(value)}/>"
            for name, value in headers.items()
        )
        return {"authvalue": f"<settings>{settings}</settings>"}


class Webhooks(Making):
    """`run` with a receiver registers; without one it brings the steps of what is registered in
    step with the documents.
    """

    def run(self, wanted: Mapping[str, Subscription], receiver: Receiver | None) -> None:
        ours = self.registered.endpoints()
        for path, endpoint in ours.items():
            if path not in wanted:
                self.take_away(path, endpoint)
        for path, subscription in wanted.items():
            if endpoint_id := self.endpoint(path, ours.get(path), receiver):
                self.steps(subscription, endpoint_id if endpoint_id != "planned" else "")

    def remove(self) -> None:
        for path, endpoint in self.registered.endpoints().items():
            self.take_away(path, endpoint)

    @property
    def registered(self) -> Registered:
        return Registered(self.dataverse.client)

    def endpoint(self, path: str, there: Row | None, receiver: Receiver | None) -> str:
        """Its id, "planned" while it is only that, "" without one.

        Each endpoint has the key of its own function.
        """
        name = f"webhook of {path}"
        if receiver is None:
            if there is None:
                self.kept(
                    f"no {name}, changes arrive by poll: give --functions and --function-keys to"
                    " register it"
                )
                return ""
            self.found(name)
            return str(there["serviceendpointid"])
        if not receiver.has_key(path):
            return self.without_key(path, there, receiver)
        wanted = receiver.endpoint(path)
        if there is None:
            ids: list[str] = []
            self.make(
                "created",
                f"{name} at {wanted['url']}",
                lambda: ids.append(self.created(wanted | receiver.credential(path), name)),
            )
            return ids[0] if ids else "planned"
        if different := [part for part in ("url", "description") if there[part] != wanted[part]]:
            what = " and ".join(
                "credential" if part == "description" else part for part in different
            )
            change = {part: wanted[part] for part in different} | receiver.credential(path)
            row = f"serviceendpoints({there['serviceendpointid']})"
            self.make(
                "updated", f"{name}: {what}", lambda: self.dataverse.change(row, name, change)
            )
        else:
            self.found(name)
        return str(there["serviceendpointid"])

    def without_key(self, path: str, there: Row | None, receiver: Receiver) -> str:
        """What is registered at this address stays as it is: so one endpoint's key can be renewed
        alone.
        """
        name, function = f"webhook of {path}", function_of(path)
        if there is not None and there["url"] == receiver.url(path):
            self.kept(f"{name} with its key: --function-keys has none of {function}")
            return str(there["serviceendpointid"])
        self.problem(
            f"--function-keys has no key of {function}, so {name} cannot be registered at"
            f" {receiver.url(path)}",
            "missing",
        )
        return ""

    def created(self, body: Row, what: str) -> str:
        return self.dataverse.created(self.dataverse.post("serviceendpoints", what, body))

    def steps(self, wanted: Subscription, endpoint_id: str) -> None:
        there = self.registered.steps_of(endpoint_id) if endpoint_id else []
        for message in wanted.messages:
            message_id = self.registered.message(message)
            found = [step for step in there if step["_sdkmessageid_value"] == message_id]
            self.step(wanted, message, message_id, endpoint_id, found)

    def step(
        self,
        wanted: Subscription,
        message: str,
        message_id: str,
        endpoint_id: str,
        there: list[Row],
    ) -> None:
        name = f"step {PREFIX} {wanted.path} {message}"
        columns = ",".join(wanted.columns) if message == "Update" else None
        for double in there[1:]:
            path = f"sdkmessageprocessingsteps({double['sdkmessageprocessingstepid']})"
            self.make(
                "removed",
                f"{name}, which was there twice",
                partial(self.dataverse.delete, path, name),
            )
        if not there:
            body = self.step_body(wanted, message, message_id, columns, endpoint_id)
            self.make(
                "created",
                name,
                lambda: self.dataverse.post("sdkmessageprocessingsteps", name, body),
            )
        elif change := difference(there[0], columns):
            path = f"sdkmessageprocessingsteps({there[0]['sdkmessageprocessingstepid']})"
            what = ", ".join(
                {"statecode": "enabled"}.get(part, part) for part in change if part != "statuscode"
            )
            self.make(
                "updated", f"{name}: {what}", lambda: self.dataverse.change(path, name, change)
            )
        else:
            self.found(name)

    def step_body(
        self,
        wanted: Subscription,
        message: str,
        message_id: str,
        columns: str | None,
        endpoint_id: str,
    ) -> Row:
        condition = (
            f"primaryobjecttypecode eq '{wanted.table}' and sdkmessageid/name eq '{message}'"
        )
        filters = self.dataverse.rows("sdkmessagefilters", "sdkmessagefilterid", condition)
        return {
            "name": f"{PREFIX} {wanted.path} {message}",
            "description": MARK,
            "stage": POST_OPERATION,
            "mode": ASYNCHRONOUS,
            "rank": 1,
            "supporteddeployment": 0,
            "asyncautodelete": True,
            "filteringattributes": columns,
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint_id})",
            "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
            "sdkmessagefilterid@odata.bind": (
                f"/sdkmessagefilters({filters[0]['sdkmessagefilterid'] if filters else ''})"
            ),
        }

    def take_away(self, name: str, endpoint: Row) -> None:
        """Steps first: an endpoint that steps use cannot be deleted."""
        for step in self.registered.steps_of(endpoint["serviceendpointid"]):
            path = f"sdkmessageprocessingsteps({step['sdkmessageprocessingstepid']})"
            self.make(
                "removed",
                f"step {step['name']}",
                partial(self.dataverse.delete, path, f"step {step['name']}"),
            )
        path = f"serviceendpoints({endpoint['serviceendpointid']})"
        self.make(
            "removed",
            f"webhook of {name}",
            partial(self.dataverse.delete, path, f"webhook of {name}"),
        )


def difference(step: Row, columns: str | None) -> Row:
    """What must change for the step to do what is wanted of it."""
    change: Row = {}
    if columns is not None and as_set(step["filteringattributes"]) != as_set(columns):
        change["filteringattributes"] = columns
    if step["statecode"] != 0:
        change |= ENABLED
    return change
