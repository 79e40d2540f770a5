"""Campaigns for the demo: three deliveries, what recipients do, and the comparison."""

from collections.abc import Iterator, Mapping
from typing import Any

from azure.storage.blob import ContainerClient

from admin.connection import GivenToken, client
from admin.setup.activities import Activities
from admin.setup.customizing import Customizing
from dev.comparison import Comparison
from dev.verbs import Campaign, Dynamics, Http
from shared.events.documents import (
    KINDS,
    EventsDocument,
    default_events_document,
    read_events_document,
)
from shared.events.logs import JournalReader

FLOW = "email_events"
RECIPIENTS, DELIVERIES = 300, ("DM101", "DM102", "DM103")
DOCUMENT = (
    default_events_document()
    .replace("stable_seconds: 60", "stable_seconds: 2")
    .replace("bounces: hard ", "bounces: all ")
)


def set_up(facts: Mapping[str, Any]) -> None:
    """The activity tables, and a document that takes soft bounces too and does not wait a minute
    for files.
    """
    customizing = Customizing(client(facts["dataverse"], GivenToken(facts["dataverse_token"])))
    Activities(customizing, lambda _: None).run()
    config = ContainerClient.from_connection_string(facts["storage"], "config")
    config.upload_blob("events/email_events.yaml", DOCUMENT, overwrite=True)


def send(dynamics: Dynamics, campaign: Campaign, recipients: int = RECIPIENTS) -> None:
    """Each delivery is sent and exported; then its recipients act, and some of its messages come
    back.
    """
    readers = dynamics.some_contact_ids(recipients)
    for seed, name in enumerate(DELIVERIES):
        about = {
            "label": f"Offers {name}",
            "campaign": "CMP1",
            "campaignLabel": "Spring",
            "externalIds": readers,
        }
        campaign.emulator.json("POST", "/deliveries", {"name": name, **about})
        campaign.emulator.json("POST", "/export", {"log": "both"})
        campaign.emulator.json(
            "POST", "/generate", {"delivery": name, "seed": seed, "bounces": 0.05}
        )
        campaign.emulator.json("POST", "/export", {"log": "both"})


def journal_events(
    facts: Mapping[str, Any], campaign: Campaign, document: EventsDocument
) -> Iterator[dict[str, Any]]:
    """Every event of Campaign's journal, from its beginning."""
    token = campaign.http.session.headers["Authorization"]
    headers = {
        "Authorization": token,
        "x-api-key": facts["campaign_api_key"],
        "x-ims-org-id": facts["ims_organization"],
    }
    http, reader, link = (
        Http(facts["journal"], headers),
        JournalReader(document),
        facts["journal"] + "?limit=1000",
    )
    while (answer := http.ask("GET", link)).status_code == 200:
        events = [reader.read(item["event"]) for item in answer.json()["events"]]
        yield from (event for event in events if event)
        link = answer.links["next"]["url"]
        link = link if link.startswith("http") else facts["ims"] + link


def compare_events(
    facts: Mapping[str, Any], dynamics: Dynamics, campaign: Campaign
) -> tuple[Comparison, dict[str, str]]:
    """Event by event, with the contact that each is about; and "in Campaign / in Dynamics" of each
    kind.
    """
    document = read_events_document(DOCUMENT)
    events = {event["id"]: event for event in journal_events(facts, campaign, document)}
    found, counts = Comparison("event", "activity", source=len(events)), {}
    for kind in KINDS:
        expected = {key: event["contact"] for key, event in events.items() if event["kind"] == kind}
        rows = list(
            dynamics.rows(f"{document.rule(kind).table}s", "acs_eventid,_regardingobjectid_value")
        )
        there = {row["acs_eventid"]: row["_regardingobjectid_value"] for row in rows}
        counts[kind] = f"{len(expected)} / {len(rows)}"
        found.target += len(rows)
        found.missing += sorted(expected.keys() - there.keys())
        found.extra += sorted(there.keys() - expected.keys())
        found.duplicates += ["twice"] * (len(rows) - len(there))
        found.different += [
            key for key in expected.keys() & there.keys() if expected[key] != there[key]
        ]
    return found, counts
