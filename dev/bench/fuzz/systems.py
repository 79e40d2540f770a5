"""What both systems, the journal and the identity services may answer: each call of our clients,
with hostile answers.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from dev.bench.fuzz.mutations import CANARY, TEXTS, mutated_json
from shared import exact_json
from shared.campaign.auth import campaign_token
from shared.campaign.client import Address, CampaignClient
from shared.dataverse import wire
from shared.dataverse.auth import dataverse_token
from shared.dataverse.batch import BatchWriter, Operation
from shared.dataverse.client import DataverseClient
from shared.events.documents import default_events_document, read_events_document
from shared.events.journal import Journal
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.mapping import SourceTable
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.feeds import Filtered, Scanned
from shared.settings import load_settings

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ORG, CAMPAIGN, JOURNAL = (
    "https://org.example.org",
    "https://mc.example.org/acme/campaign",
    "https://events.example.org/a/b",
)
PROFILES = Address("profileAndServicesExt", "profile", "externalId")
FOUND = Address(
    "profileAndServicesExt",
    "profile",
    "externalId",
    "filter",
    "byExternalid",
    "externalId_parameter",
)
COLUMNS = (
    "contactid",
    "firstname",
    "emailaddress1",
    "donotbulkemail",
    "modifiedon",
    "annualincome",
)
CONTACT = SourceTable("contact", "contacts", "contactid", {})
STATUSES = (
    *[200] * 12,
    201,
    202,
    204,
    301,
    304,
    400,
    401,
    403,
    404,
    408,
    409,
    410,
    412,
    413,
    422,
    429,
    500,
    502,
    503,
    599,
)
SETTINGS = {
    "DATAVERSE_URL": ORG,
    "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "DATAVERSE_AUTH": "client_secret",
    "DATAVERSE_CLIENT_ID": "application",
    "DATAVERSE_TENANT_ID": "tenant",
    "DATAVERSE_CLIENT_SECRET": "a-secret-of-the-application",
    "CAMPAIGN_URL": CAMPAIGN,
    "CAMPAIGN_CLIENT_ID": "client",
    "CAMPAIGN_CLIENT_SECRET": "a-secret-of-the-client",
    "AzureWebJobsStorage__accountName": "account",
}
Driver = Callable[[bytes, Random], str]


class Token:
    """A credential that is always there."""

    def token(self, refused: str = "") -> str:
        return "synthetic"


def answering(body: bytes, random: Random) -> Callable[[Request], Response]:
    """Gives the body to the first calls, and sound nothing after that, so that no list is
    endless.
    """

    def send(_: Request) -> Response:
        headers = {"content-type": "application/json"}
        for name in ("retry-after", "date", "content-type", "link"):
            if random.random() < 0.1:
                headers[name] = random.choice(
                    (
                        *TEXTS,
                        "1e400",
                        "nan",
                        "Mon, 01 Jan 0001 00:00:00 -0000",
                        "0 a 0 0 0 +9999999999",
                    )
                )
        return Response(random.choice(STATUSES), headers, body)

    return send


def transport(body: bytes, random: Random) -> Transport:
    return Transport(
        "Campaign", answering(body, random), AdaptiveConcurrency(2), sleep=lambda _: None
    )


def dataverse(body: bytes, random: Random) -> DataverseClient:
    return DataverseClient(ORG, Token(), transport(body, random))


def campaign(body: bytes, random: Random) -> CampaignClient:
    return CampaignClient(CAMPAIGN, "key", Token(), transport(body, random))


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


HREF = f"{CAMPAIGN}/profileAndServicesExt/profile/@a"
RECORD: dict[str, Any] = {
    "PKey": "@a",
    "href": HREF,
    "externalId": ID,
    "email": f"{CANARY}@example.org",
    "lastModified": "2026-11-25 08:00:00.000Z",
    "blackListEmail": True,
    "blackListEmailLastModified": "2026-11-25 08:00:00.000Z",
}
ERRORS = [
    f"RST-360011 An error has occurred. The value '{CANARY}' of '@email' field is too long",
    {"error_code": "403000", "message": f"Api Key {CANARY} is not valid"},
]
LIST = {
    "content": [RECORD, RECORD],
    "next": {"href": f"{CAMPAIGN}/profileAndServicesExt/profile?_lineStart=2"},
}


def drive_records(body: bytes, random: Random) -> str:
    """Creations, changes, reads and deletions, by key and through a filter."""
    client, address, record = (
        campaign(body, random),
        random.choice((PROFILES, FOUND)),
        {"externalId": ID, "email": CANARY},
    )
    calls: Sequence[Callable[[], object]] = (
        lambda: client.save(
            address, ID, record, {"email": CANARY}, random.choice((True, False, None))
        ),
        lambda: client.create(address, record),
        lambda: client.read(address, ID),
        lambda: client.delete(address, ID),
    )
    random.choice(calls)()
    return ""


OPT_OUT = read_opt_out_document(default_opt_out_document())


def drive_lists(body: bytes, random: Random) -> str:
    """Both feeds of opt-outs: what they read, and the place that they remember."""
    status = random.choice((*[200] * 9, 500))
    sender = Transport(
        "Campaign", lambda _: Response(status, {}, body), AdaptiveConcurrency(2), lambda _: None
    )
    feed = random.choice((Filtered, Scanned))(
        CampaignClient(CAMPAIGN, "key", Token(), sender), lambda: 1.0
    )
    page = feed.page("", OPT_OUT, PROFILES)
    feed.page(page.link, OPT_OUT, PROFILES)
    return ""


FIELD = {
    "type": "string",
    "length": 128,
    "label": "E-mail",
    "dataPolicy": "email",
    "readOnly": False,
    "sortable": True,
}
RESOURCE = {
    "content": {
        "email": FIELD,
        "gender": {
            "type": "enumeration",
            "values": {"male": {"label": "Male"}, "female": "Female"},
        },
        "flags": {"type": "string", "values": [{"name": "a", "label": "A"}, "b"]},
        "location": {"type": "node", "content": {"city": FIELD}},
        "orgUnit": {"type": "link"},
    },
    "filters": {"href": f"{CAMPAIGN}/profileAndServicesExt/profile/filters"},
    "byEmail": {"data": "/profileAndServicesExt/profile/byEmail?email=$value"},
}


def drive_resources(body: bytes, random: Random) -> str:
    """Metadata of a resource, and its published filters."""
    campaign(body, random).resource("profileAndServicesExt", "profile")
    return ""


EVENTS = read_events_document(default_events_document())


def journal_event(kind: str) -> dict[str, Any]:
    """An event that holds a value wherever the document looks for one."""
    event: dict[str, Any] = {}
    for path in (EVENTS.journal.kinds[kind], *EVENTS.journal.fields.values()):
        *above, last = path.split(" > ")
        holder = event
        for key in above:
            holder = holder.setdefault(key, {})
        holder.setdefault(
            last, "2026-11-25T08:00:00Z" if path == EVENTS.journal.fields["at"] else ID
        )
    return event


JOURNAL_PAGES = [
    {
        "events": [
            {"position": f"cat:{kind}", "event": journal_event(kind)}
            for kind in EVENTS.journal.kinds
        ]
    }
]


def drive_journal(body: bytes, random: Random) -> str:
    page = Journal(JOURNAL, "key", "org", Token(), transport(body, random), lambda: 1.0).page(
        "", EVENTS
    )
    exact_json.carried([change.row for change in page.changes])
    return " ".join(
        str(change.row["fault"]["sentence"])
        for change in page.changes
        if change.row and "fault" in change.row
    )


TOKENS = [
    {"access_token": "abc", "expires_in": 3600, "token_type": "Bearer"},
    {"error": "invalid_client", "error_description": CANARY, "error_codes": [7000215]},
]


def drive_ims(body: bytes, random: Random) -> str:
    source = campaign_token(load_settings(SETTINGS), transport(body, random), lambda: 1.0e9)
    carried_by_header(source.token())
    return ""


def drive_entra(body: bytes, random: Random) -> str:
    """The description of the authority is sound, or hostile as well."""
    described = json.dumps(
        {
            "issuer": ORG,
            "authorization_endpoint": f"{ORG}/authorize",
            "token_endpoint": f"{ORG}/token",
        }
    )
    hostile, sound = answering(body, random), random.random() < 0.8

    def send(request: Request) -> Response:
        return (
            Response(200, {}, described.encode())
            if request.method == "GET" and sound
            else hostile(request)
        )

    carried_by_header(
        dataverse_token(load_settings({**SETTINGS, "DATAVERSE_AUTHORITY_URL": ORG}), send).token()
    )
    return ""


def carried_by_header(token: str) -> None:
    """As http.client checks it."""
    if "\n" in token or "\r" in token:
        raise AssertionError("a token with a line break")
    token.encode("latin-1")
