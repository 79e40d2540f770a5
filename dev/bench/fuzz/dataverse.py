"""What Dataverse may answer: each call of our client, with hostile answers."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from dev.bench.fuzz.answering import ID, ORG, Token, dataverse
from dev.bench.fuzz.mutations import CANARY, TEXTS, mutated_json
from shared import exact_json
from shared.dataverse import wire
from shared.dataverse.batch import BatchWriter, Operation
from shared.dataverse.client import DataverseClient
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Response, Transport
from shared.mapping import SourceTable

COLUMNS = (
    "contactid",
    "firstname",
    "emailaddress1",
    "donotbulkemail",
    "modifiedon",
    "annualincome",
)
CONTACT = SourceTable("contact", "contacts", "contactid", {})
ROW: dict[str, Any] = {
    "@odata.etag": 'W/"12345"',
    "contactid": ID,
    "firstname": CANARY,
    "emailaddress1": f"{CANARY}@example.org",
    "donotbulkemail": True,
    "modifiedon": "2026-11-25T08:00:00Z",
    "annualincome": 12345.67,
}
PAGES: list[Any] = [
    {"value": [ROW, ROW], "@odata.nextLink": f"{ORG}/api/data/v9.2/contacts?$skiptoken=1"},
    {
        "value": [ROW, {"id": ID, "reason": "deleted"}],
        "@odata.deltaLink": f"{ORG}/api/data/v9.2/contacts?$deltatoken=1",
    },
    {"error": {"code": "0x80040217", "message": f"contact With Id = {CANARY} Does Not Exist"}},
]


def drive_pages(body: bytes, random: Random) -> str:
    """Tracked pages, rows by id, what exists, and a conditional write."""
    client = dataverse(body, random)
    call = random.randrange(4)
    if call == 0:
        items, link, _ = client.tracked(
            CONTACT, COLUMNS, random.choice(("", f"{ORG}/api/data/v9.2/contacts?$deltatoken=1"))
        )
        changes = [wire.change(item, "contactid", 1.0) for item in items]
        json.dumps(link).encode()
        exact_json.carried([change.row for change in changes])
    elif call == 1:
        [
            wire.lookup_table(row, "_ownerid_value")
            for row in client.rows(CONTACT, COLUMNS, [ID], lookup_tables=True)
        ]
    elif call == 2:
        client.existing(CONTACT, [ID])
    else:
        client.update(
            CONTACT, ID, {"donotbulkemail": True}, random.choice(('W/"1"', *TEXTS)), COLUMNS
        )
    return ""


LABEL = {
    "LocalizedLabels": [{"Label": "Male", "LanguageCode": 1033}],
    "UserLocalizedLabel": {"Label": "Male", "LanguageCode": 1033},
}
ATTRIBUTE: dict[str, Any] = {
    "LogicalName": "gendercode",
    "AttributeType": "Picklist",
    "AttributeTypeName": {"Value": "PicklistType"},
    "IsValidForRead": True,
    "MaxLength": 100,
    "Targets": ["account"],
    "DateTimeBehavior": {"Value": "UserLocal"},
    "Format": "DateOnly",
    "OptionSet": {
        "Options": [{"Value": 1, "Label": LABEL}],
        "TrueOption": {"Value": 1, "Label": LABEL},
    },
    "GlobalOptionSet": {
        "Options": [
            {"Value": 2, "Label": {"LocalizedLabels": [{"Label": "x", "LanguageCode": 1031}]}}
        ]
    },
}
DEFINITION: dict[str, Any] = {
    "LogicalName": "contact",
    "EntitySetName": "contacts",
    "PrimaryIdAttribute": "contactid",
    "ChangeTrackingEnabled": True,
    "Attributes": [ATTRIBUTE],
    "value": [
        {
            **ATTRIBUTE,
            "languagecode": 1033,
            "expirechangetrackingindays": 7,
            "ReferencingAttribute": "ownerid",
            "ReferencedEntity": "team",
            "ReferencingEntityNavigationPropertyName": "ownerid_team",
        }
    ],
    "UserId": ID,
    "RolePrivileges": [{"PrivilegeName": "prvReadContact", "PrivilegeId": ID, "Depth": "Global"}],
}


def drive_metadata(body: bytes, random: Random) -> str:
    """Definitions of tables, the organization's settings, and whom the token is of."""
    client = dataverse(body, random)
    calls: Sequence[Callable[[], object]] = (
        lambda: client.table("contact"),
        lambda: BatchWriter(client).table("task"),
        client.base_language,
        client.change_window_days,
        client.who_am_i,
        client.privileges,
        lambda: client.rights.check_reads_all("prvReadContact", "rows of contact"),
    )
    random.choice(calls)()
    return ""


BATCH_TYPE = "multipart/mixed; boundary=b"
BATCHES = [
    (
        "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type:"
        " application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\nHTTP/1.1"
        " 204 No Content\r\nContent-Length: 0\r\n\r\n\r\n--c--\r\n--b--\r\n"
    ),
    "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nHTTP/1.1 400"
    " Bad Request\r\nContent-Type:"
    ' application/json\r\n\r\n{"error":{"code":"0x80040237","message":"'
    + CANARY
    + ' lastname"}}\r\n--b--\r\n',
]
PARTS = (
    "Content-Length: " + "9" * 5000, "Content-Length: \u00b2", "Content-Transfer-Encoding: base64",
    "Content-Transfer-Encoding: x-uuencode", "Content-Type: multipart/mixed; boundary=b",
    "Content-Type: multipart/mixed; boundary=", "Content-Type: message/rfc822",
    "Content-Type: text/plain; charset=nonsense", "HTTP/1.1 999 ?", "HTTP/1.1 204 " + "x" * 5000,
    "--b", "--c", "--c--", "--b--", "Content-Type: multipart/mixed; boundary*0*=utf-8''%ED%A0%80",
    "\x00", "Content-Type: application/http; a=\"" + "\\" * 500,
)  # fmt: skip


def batches(random: Random) -> bytes:
    """Answers to a `$batch` with other lines, parts within parts, and without their end."""
    lines = random.choice(BATCHES).split("\r\n")
    for _ in range(random.choice((0, 1, 1, 2, 5))):
        at = random.randrange(len(lines))
        lines[at : at + random.choice((0, 1))] = [random.choice((*PARTS, *lines))]
    if random.random() < 0.05:
        depth = random.choice((50, 400, 3000))
        lines = [
            line
            for n in range(depth)
            for line in (f"--b{n}", f"Content-Type: multipart/mixed; boundary=b{n + 1}", "")
        ]
        lines[0] = "--b"
    return (
        mutated_json([[]])(random)
        if random.random() < 0.02
        else "\r\n".join(lines).encode("utf-8", "surrogatepass")
    )


def drive_batch(body: bytes, random: Random) -> str:
    content_type = random.choice(
        (BATCH_TYPE, BATCH_TYPE, BATCH_TYPE, "multipart/mixed", *TEXTS[:12])
    )
    status = random.choice((200, 200, 200, 202, 400, 500))
    sender = Transport(
        "Dataverse",
        lambda _: Response(status, {"content-type": content_type}, body),
        AdaptiveConcurrency(2),
        lambda _: None,
    )
    operation = Operation("POST", "contacts", {"lastname": CANARY})
    refused = BatchWriter(DataverseClient(ORG, Token(), sender)).run([[operation]], "contacts")
    return str(refused[0] or "")
