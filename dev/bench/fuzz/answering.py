"""Clients whose systems give one hostile answer."""

from collections.abc import Callable
from random import Random

from dev.bench.fuzz.mutations import TEXTS
from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ORG = "https://org.example.org"
CAMPAIGN = "https://mc.example.org/acme/campaign"
JOURNAL = "https://events.example.org/a/b"
PROFILES = Address("profileAndServicesExt", "profile", "externalId")
FOUND = Address(
    "profileAndServicesExt",
    "profile",
    "externalId",
    "filter",
    "byExternalid",
    "externalId_parameter",
)
STATUSES = (
    *(*[200] * 12, 201, 202, 204, 301, 304),
    *(400, 401, 403, 404, 408, 409, 410, 412, 413, 422, 429, 500, 502, 503, 599),
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
