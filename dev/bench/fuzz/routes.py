"""Every HTTP route and every queue function, called as the worker calls them, on a storage account
that holds nothing.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import azure.functions as func
from azure.functions.queue import QueueMessage

from dev.bench.fuzz.answering import CAMPAIGN, ID, JOURNAL, ORG, SETTINGS, Token
from dev.bench.fuzz.files import MAPPING
from dev.bench.fuzz.mutations import CANARY, TEXTS, mutated_bytes, mutated_json
from dev.bench.fuzz.storage import Account, Queue
from dev.settings_bicep import functions as listed_functions
from functions import triggers
from shared import wiring as composed
from shared.http.transport import Request, Response, Send
from shared.mapping import read_document
from shared.settings import load_settings
from shared.state.handoff import Handoff

PET = """\
table: new_pet
resource: cusPet
key:
  source: new_petid
  target: externalId
  lookup: filter
  filter: byExternalid
  parameter: externalId_parameter
fields:
  - {source: new_name, target: label}
links:
  - {source: new_owner, target: ownerId, parent: contact}
"""
JOURNAL_SETTINGS = {
    "EMAIL_EVENTS_SOURCE": "journal",
    "CAMPAIGN_JOURNAL_URL": JOURNAL,
    "CAMPAIGN_IMS_ORGANIZATION": "A@AdobeOrg",
}
ALLOWED = frozenset({200, 202, 400, 401, 403, 404, 409, 413, 503})
TABLES = {"contact": read_document(MAPPING), "new_pet": read_document(PET)}


def definition(table: str) -> dict[str, Any]:
    document = TABLES.get(table, TABLES["contact"])
    columns = {rule.source for rule in document.fields if rule.source} | {
        link.source for link in document.links
    }
    columns |= {name for rule in document.fields for name in rule.template_columns()} | {
        document.key.source
    }
    flags = {name for name in columns if name.startswith("donot")} | {
        "donotbulkemail",
        "donotemail",
        "donotphone",
        "donotfax",
    }
    names = {
        name: "Boolean" if name in flags else "String"
        for name in columns | flags | {"donotpostalmail", "statecode"}
    }
    attributes = [
        {"LogicalName": name, "AttributeType": kind, "MaxLength": 100}
        for name, kind in names.items()
    ]
    fixed = {
        "LogicalName": table,
        "EntitySetName": f"{table}s",
        "PrimaryIdAttribute": f"{table}id",
        "ChangeTrackingEnabled": True,
    }
    return {**fixed, "Attributes": attributes}


def resource(name: str) -> dict[str, Any]:
    document = next(one for one in TABLES.values() if one.resource == name)
    flags = {
        "blackListEmail",
        "blackListMobile",
        "blackListPhone",
        "blackListFax",
        "blackListPostalMail",
        "blackList",
        "ccpaOptOut",
    }
    content: dict[str, Any] = {name: {"type": "boolean"} for name in flags}
    for target in [rule.target for rule in document.fields] + [
        document.key.target,
        *(link.target for link in document.links),
    ]:
        outer, dot, inner = target.partition(".")
        if dot:
            content.setdefault(outer, {"type": "node", "content": {}})["content"][inner] = {
                "type": "string"
            }
        else:
            content[outer] = {"type": "string"}
    return {"content": content}


def in_dataverse(request: Request) -> Any:
    if (
        "EntityDefinitions" in request.url
        and "/Attributes/" not in request.url
        and "ManyToOne" not in request.url
    ):
        return definition(request.url.partition("LogicalName='")[2].partition("'")[0])
    return {
        "value": [],
        "UserId": ID,
        "RolePrivileges": [],
        "@odata.deltaLink": f"{ORG}/api/data/v9.2/contacts?$deltatoken=1",
    }


def in_campaign(request: Request) -> Any:
    if "resourceType" in request.url:
        return resource(request.url.rpartition("/")[2])
    return {
        "content": [],
        "PKey": "@a",
        "href": f"{CAMPAIGN}/profileAndServicesExt/profile/@a",
        "externalId": ID,
    }


def sound(system: str, timeout_seconds: float, connections: int) -> Send:
    """Both systems, which know the tables and nothing else."""

    def send(request: Request) -> Response:
        answer = in_dataverse(request) if request.url.startswith(ORG) else in_campaign(request)
        return Response(201 if request.method == "POST" else 200, {}, json.dumps(answer).encode())

    return send


@cache
def functions() -> Mapping[str, Callable[..., Any]]:
    """The app's functions by name, with its composition root on the empty account."""
    account, queue = Account(), Queue()
    for table, text in (("contact", MAPPING), ("new_pet", PET)):
        account.config.upload_blob(f"mappings/versions/{table}/000001.yaml", text.encode())
    account.config.upload_blob("mappings/new_pet.yaml", PET.encode())
    wiring = composed.Wiring(load_settings({**SETTINGS, **JOURNAL_SETTINGS}), lambda: 1.0e9, sound)
    given = {
        "storage": account,
        "handoff": Handoff(lambda _: cast(Any, queue)),
        "dataverse_tokens": Token(),
        "campaign_tokens": Token(),
    }
    wiring.__dict__.update(given)
    wiring.__dict__["bridge"] = replace(wiring.bridge, sleep=lambda _: None)
    composed._wiring[:] = [wiring]

    def postpone(queue: str, body: bytes, delay_seconds: float) -> None:
        wiring.handoff.send(queue, body.decode("utf-8", "replace"), delay_seconds)

    vars(triggers)["postpone"] = postpone
    return {name: function.get_user_function() for name, function in listed_functions().items()}


CONTEXT = SimpleNamespace(
    trace_context=SimpleNamespace(
        trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    )
)
WEBHOOK = {
    "PrimaryEntityName": "contact",
    "PrimaryEntityId": ID,
    "MessageName": "Update",
    "InitiatingUserId": ID,
    "InputParameters": [
        {
            "key": "Target",
            "value": {"Attributes": [{"key": "emailaddress1", "value": f"{CANARY}@example.org"}]},
        }
    ],
}
COMMANDS: list[Any] = [
    WEBHOOK,
    {**WEBHOOK, "PrimaryEntityName": "new_pet"},
    {"what": "record", "id": ID},
    {"what": "reason", "reason": "broken_line", "checked": True},
    {"deletes": "confirm"},
    {},
]
ROUTES = {
    "contacts_webhook": (), "custom_entities_webhook": ("table",), "opt_out_webhook": (),
    "console_status": (),
    "console_dead_letters": (), "console_record": ("flow", "id"),
    "console_jobs": (), "console_job": ("id",), "console_question": ("flow",),
    "console_command": ("flow", "command"), "opt_out_safe": (),
    "opt_out_contact": ("id",), "opt_out_decisions": (),
}  # fmt: skip
WITHOUT_CONTEXT = frozenset(name for name in ROUTES if not name.endswith("_webhook"))
USUAL = {
    "table": ("contact", "new_pet"), "flow": ("contacts", "custom_entities-new_pet", "opt_out"),
    "id": (ID, f"{{{ID}}}"),
    "command": ("start", "stop", "replay", "discard", "cancel"), "limit": ("10",), "after": (ID,),
    "day": ("2026-01-31",), "format": ("csv", "json"),
}  # fmt: skip


def given(name: str, random: Random) -> str:
    return random.choice(
        USUAL[name] if random.random() < 0.7 else (*TEXTS, "9" * 5000, "\ud800", "\u0661")
    )


def drive_routes(body: bytes, random: Random) -> str:
    """One request; an answer outside of the documented ones is an error."""
    name = random.choice(list(ROUTES))
    headers = {"x-webhook-secret": SETTINGS["DATAVERSE_WEBHOOK_SECRET"]}
    if random.random() < 0.2:
        headers[random.choice(("x-webhook-secret", "content-type", "traceparent"))] = random.choice(
            (*TEXTS, "\udcff", "x" * 70_000)
        )
    params = {
        key: given(key, random)
        for key in ("limit", "after", "flow", "day", "format")
        if random.random() < 0.4
    }
    request = func.HttpRequest(
        random.choice(("GET", "POST")),
        "https://bridge.example.org/api/x",
        headers=headers,
        params=params,
        route_params={key: given(key, random) for key in ROUTES[name]},
        body=body,
    )
    more = {} if name in WITHOUT_CONTEXT else {"context": CONTEXT}
    return said(functions()[name](req=request, **more))


def said(response: func.HttpResponse) -> str:
    """The sentence of a refusal, "" for a success."""
    if response.status_code not in ALLOWED:
        raise AssertionError(f"an answer with status {response.status_code}")
    if response.mimetype == "text/csv":
        return ""
    answer = json.loads(response.get_body())
    if response.status_code < 400:
        return ""
    sentence = answer["error"]
    if len(sentence.split()) < 3:
        raise AssertionError("a refusal without a sentence")
    return str(sentence)


CHANGES: list[Any] = [
    [
        {
            "record_id": ID,
            "kind": "row",
            "version": 7,
            "row": {"contactid": ID, "firstname": CANARY},
            "first_seen": 1.0,
        }
    ],
    [{"record_id": ID, "kind": "deleted", "first_seen": 1.0, "attempts": 2, "uncertain": True}],
    [
        {
            "record_id": ID,
            "kind": "reference",
            "replay": True,
            "origin": "deliveryLogs_1.txt:3",
            "sample": "a",
        }
    ],
]
FLOWS = (
    ("contacts", "contact"),
    ("custom_entities-new_pet", "new_pet"),
    ("opt_out", "contact"),
    ("email_events", "files"),
)
ENVELOPES = [
    {"v": 1, "flow": flow, "table": table, "bucket": 1, "mapping_version": 1, "changes": []}
    for flow, table in FLOWS
]
QUEUES = ("contacts_deliver", "custom_entities_deliver", "opt_out_deliver", "email_events_deliver")
HUGE = zlib.compress(b"[" + b" " * (60 << 20) + b"]", 9)


def messages(random: Random) -> bytes:
    """An envelope with other changes in it, packed as ours are, or as they are."""
    changes, outer = mutated_json(CHANGES)(random), mutated_json(ENVELOPES)(random)
    packed = HUGE if random.random() < 0.01 else mutated_bytes(zlib.compress(changes), random)
    inner = (
        changes if random.random() < 0.1 else json.dumps(base64.b64encode(packed).decode()).encode()
    )
    return outer.replace(b'"changes": []', b'"changes": ' + inner)


def drive_messages(body: bytes, random: Random) -> str:
    message = QueueMessage(id="1", body=body, dequeue_count=random.choice((1, 1, 2, 5)))
    functions()[random.choice(QUEUES)](message=message, context=CONTEXT)
    return ""
