"""What Campaign, the journal and the identity services may answer: each call of our clients, with
hostile answers.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from dev.bench.fuzz.answering import (
    CAMPAIGN,
    FOUND,
    ID,
    JOURNAL,
    ORG,
    PROFILES,
    SETTINGS,
    Token,
    answering,
    campaign,
    transport,
)
from dev.bench.fuzz.mutations import CANARY
from shared import exact_json
from shared.campaign.auth import campaign_token
from shared.campaign.client import CampaignClient
from shared.dataverse.auth import dataverse_token
from shared.events.documents import default_events_document, read_events_document
from shared.events.journal import Journal
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.feeds import FilterFeed, ScanFeed
from shared.settings import load_settings

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
    feed = random.choice((FilterFeed, ScanFeed))(
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
