"""Answers of Campaign, of Adobe's identity service and of the journal: what is not recognised is
neither success nor absence.
"""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.calls import counting
from shared.campaign.auth import campaign_token
from shared.campaign.client import Address, CampaignClient
from shared.errors import ELSEWHERE, BridgeError, Misconfigured, Rejected, Retryable
from shared.events.documents import default_events_document, read_events_document
from shared.events.journal import Journal
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.records import Outcome
from shared.settings import Settings
from tests.unit.dataverse.kit import Token

URL = "https://campaign.example.org/acme/campaign"
KEY = Address("profileAndServicesExt", "profile", "externalId")
FILTER = Address(
    "profileAndServicesExt",
    "profile",
    "externalId",
    "filter",
    "byExternalid",
    "externalId_parameter",
)
HREF = f"{URL}/profileAndServicesExt/profile/@a"
RECORD = {"PKey": "@a", "href": HREF, "externalId": "a-1"}
NEXT = {"href": f"{URL}/profileAndServicesExt/profile/byExternalid?page=2"}
NO_RECORD = [
    pytest.param("", id="empty"),
    pytest.param("{}", id="an empty object"),
    pytest.param("[]", id="a list"),
    pytest.param("null", id="null"),
    pytest.param("<html>Sign in</html>", id="HTML"),
    pytest.param('{"PKey": "@a", "hr', id="cut off"),
    pytest.param(json.dumps({"externalId": "b-2"}), id="another record"),
    pytest.param(
        json.dumps({"externalId": "b-2", "PKey": "@b", "href": HREF}),
        id="another record with its address",
    ),
    pytest.param('"RST-360011 An error has occurred."', id="an error text as JSON"),
]


def transport(send: Callable[[Request], Response]) -> Transport:
    return Transport("Campaign", send, AdaptiveConcurrency(2), sleep=lambda _: None)


def client(send: Callable[[Request], Response]) -> CampaignClient:
    return CampaignClient(URL, "key", Token(), transport(send))


def always(status: int, body: str) -> CampaignClient:
    return client(lambda _: Response(status, {}, body.encode()))


WRITES = {
    "PATCH": lambda campaign: campaign.patched(KEY, "a-1", {"email": "a@example.org"}),
    "POST": lambda campaign: campaign.create(KEY, {"externalId": "a-1"}),
    "DELETE": lambda campaign: campaign.delete(KEY, "a-1"),
}


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize(
    ("status", "body", "doubtful"),
    [
        pytest.param(200, json.dumps(RECORD), False, id="a success"),
        pytest.param(200, "<html>Sign in</html>", True, id="a success of something else"),
        pytest.param(500, "An error has occurred.", True, id="500 with any text"),
        pytest.param(500, "the query took too long", True, id="500, the database was slow"),
        pytest.param(500, "deadlock detected", False, id="500, rolled back"),
        pytest.param(418, "", True, id="an unknown status"),
        *(
            pytest.param(status, "", True, id=f"{status}, not by Adobe's API")
            for status in ELSEWHERE
        ),
        pytest.param(504, "", True, id="504"),
        pytest.param(429, "", False, id="throttled"),
        pytest.param(503, "", False, id="503"),
        pytest.param(400, "", False, id="refused"),
        pytest.param(401, "", False, id="401"),
        pytest.param(403, "", False, id="403"),
        pytest.param(404, "", False, id="no such resource"),
    ],
)
def test_a_write_is_in_doubt_unless_its_answer_shows_what_was_done(
    verb: str, status: int, body: str, doubtful: bool
) -> None:
    with counting() as calls, contextlib.suppress(BridgeError):
        WRITES[verb](always(status, body))
    assert calls.unanswered is doubtful
    assert calls.done == int(body == json.dumps(RECORD))


def paged(*pages: dict[str, Any]) -> CampaignClient:
    left = list(pages)
    return client(
        lambda _: Response(200, {}, json.dumps(left.pop(0) if len(left) > 1 else left[0]).encode())
    )


@pytest.mark.parametrize("body", NO_RECORD)
@pytest.mark.parametrize("status", [200, 201])
def test_a_creation_that_is_not_answered_with_the_record_may_have_been_done(
    status: int, body: str
) -> None:
    with pytest.raises(Retryable) as raised:
        always(status, body).create(KEY, {"externalId": "a-1"})
    assert raised.value.uncertain


DEEP = "[" * 200_000
IDENTITY = Settings.model_construct(
    campaign_client_id="id",
    campaign_client_secret="synthetic",
    campaign_scopes="a",
    campaign_ims_url="https://ims.example.org",
)


@pytest.mark.parametrize("status", [200, 400, 500])
def test_an_answer_that_is_nested_without_end_is_an_error_of_ours_to_name(status: int) -> None:
    with pytest.raises(BridgeError):
        always(status, DEEP).patched(KEY, "a-1", {"email": "ana@example.org"})


def test_a_creation_is_recognised_by_its_record() -> None:
    result = always(201, json.dumps(RECORD)).create(KEY, {"externalId": "a-1"})
    assert (result.outcome, json.loads(result.answer)) == (Outcome.CREATED, RECORD)


@pytest.mark.parametrize("body", NO_RECORD)
def test_a_record_that_is_not_recognised_is_not_read_as_one(body: str) -> None:
    with pytest.raises((Retryable, Rejected)):
        always(200, body).read(KEY, "a-1")


@pytest.mark.parametrize(
    ("verb", "status", "body", "done"),
    [
        ("PATCH", 200, json.dumps(RECORD), True),
        ("PATCH", 204, "", True),
        ("PATCH", 200, "", False),
        ("PATCH", 200, "<html>Sign in</html>", False),
        (
            "PATCH",
            200,
            "RST-360011 An error has occurred - please contact your administrator.",
            False,
        ),
        ("PATCH", 200, '{"error_code": "500", "message": "Oops"}', False),
        ("PATCH", 200, json.dumps({"PKey": "@b", "href": HREF}), True),
        ("PATCH", 200, json.dumps({"externalId": "A-1"}), True),
        ("PATCH", 200, json.dumps({**RECORD, "externalId": "b-2"}), False),
        ("PATCH", 200, "{}", False),
        ("PATCH", 200, '{"code": 500, "message": "Oops. Something went wrong."}', False),
        ("PATCH", 200, '{"content": []}', False),
        ("DELETE", 200, "{}", True),
        ("DELETE", 200, '{"code": 500, "message": "Oops. Something went wrong."}', False),
        ("DELETE", 200, json.dumps({**RECORD, "externalId": "b-2"}), False),
        ("DELETE", 200, "", True),
        ("DELETE", 204, "", True),
        ("DELETE", 200, "<html>Sign in</html>", False),
        (
            "DELETE",
            200,
            "RST-360011 An error has occurred - please contact your administrator.",
            False,
        ),
    ],
)
def test_a_change_counts_only_where_it_is_recognised(
    verb: str, status: int, body: str, done: bool
) -> None:
    campaign = always(status, body)
    if done:
        assert campaign.done(verb, KEY, "a-1", {})
    else:
        with pytest.raises((Retryable, Misconfigured)):
            campaign.done(verb, KEY, "a-1", {})


def test_a_look_up_by_filter_reads_every_page() -> None:
    campaign = paged(
        {"content": [], "next": NEXT}, {"content": [{**RECORD, "externalId": "a-2"}, RECORD]}
    )
    assert campaign.place(FILTER, "a-1") == HREF


def test_only_the_last_page_shows_that_a_record_is_not_there() -> None:
    with pytest.raises(Rejected) as raised:
        paged({"content": [], "next": NEXT}, {"content": []}).place(FILTER, "a-1")
    assert raised.value.reason == "not_found"


@pytest.mark.parametrize("following", [None, {}, {"href": None}, {"href": ""}])
def test_a_list_without_a_next_link_ends(following: Any) -> None:
    campaign = paged({"content": [], "next": following})
    assert list(campaign.rows(FILTER, "/byExternalid")) == []


@pytest.mark.parametrize(
    "known", [True, None, False], ids=["known", "perhaps there", "thought to be new"]
)
@pytest.mark.parametrize(
    "update", [{"email": "a@example.org"}, {}], ids=["a change", "nothing to change"]
)
def test_what_only_a_creation_sends_reaches_no_record_that_is_there(
    known: bool | None, update: dict[str, Any]
) -> None:
    """Somebody else made it, or an attempt whose answer was lost: what it holds besides is
    Campaign's.
    """
    bodies: list[tuple[str, Any]] = []

    def send(request: Request) -> Response:
        bodies.append((request.method, json.loads(request.body or b"{}")))
        taken = b"RST-360011 A 'Profile' with the same key 'a-1' already exists."
        return (
            Response(500, {}, taken)
            if request.method == "POST"
            else Response(200, {}, json.dumps(RECORD).encode())
        )

    created = {
        "externalId": "a-1",
        "email": "a@example.org",
        "preferredLanguage": "de_de",
        "blackListEmail": False,
    }
    result = client(send).save(KEY, "a-1", created, update, known)
    expected = ("PATCH", update or {"externalId": "a-1"})
    assert bodies == ([("POST", created), expected] if known is False else [expected])
    assert result.outcome is Outcome.UPDATED


def test_a_list_that_gives_the_same_link_twice_is_no_list_to_its_end() -> None:
    with pytest.raises(Retryable, match="does not end"):
        paged({"content": [], "next": NEXT}).place(FILTER, "a-1")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        '{"content": null}',
        '{"content": ["a"]}',
        '{"content": [], "next": "x"}',
        "<html>",
    ],
)
def test_a_page_without_its_list_says_nothing(body: str) -> None:
    with pytest.raises(Retryable):
        always(200, body).page(KEY, "?_lineCount=1")
    with pytest.raises(Retryable):
        always(200, body).place(FILTER, "a-1")


def test_a_key_that_is_taken_by_a_record_that_is_not_shown_says_so() -> None:
    def send(request: Request) -> Response:
        taken = "RST-360011 A 'Profile' with the same key 'a-1' already exists."
        missing = "RST-360011 Unable to find document with path 'Profile' from key 'a-1'"
        return Response(
            500 if request.method == "POST" else 404,
            {},
            (taken if request.method == "POST" else missing).encode(),
        )

    with pytest.raises(Rejected, match="organizational unit") as raised:
        client(send).save(KEY, "a-1", {"externalId": "a-1"}, {}, None)
    assert raised.value.reason == "duplicate_key"


def test_an_identity_refusal_that_is_nested_without_end_is_told_by_its_status() -> None:
    source = campaign_token(
        IDENTITY, transport(lambda _: Response(400, {}, DEEP.encode())), lambda: 1000.0
    )
    with pytest.raises(Misconfigured, match="status 400"):
        source.token()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"access_token": "x"}',
        '{"access_token": "", "expires_in": 1}',
        '{"access_token": "x", "expires_in": "soon"}',
    ],
)
def test_an_identity_answer_without_a_token_is_asked_for_again(body: str) -> None:
    source = campaign_token(
        IDENTITY, transport(lambda _: Response(200, {}, body.encode())), lambda: 1000.0
    )
    with pytest.raises(Retryable):
        source.token()


def journal(body: str) -> Journal:
    tokens = transport(lambda _: Response(200, {}, body.encode()))
    return Journal("https://journal.example.org/x", "key", "org", Token(), tokens, lambda: 0.0)


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", '{"events": null}', '{"events": ["a"]}', "<html>"]
)
def test_a_journal_answer_without_events_is_not_the_end_of_the_journal(body: str) -> None:
    with pytest.raises(Retryable):
        journal(body).page("", read_events_document(default_events_document()))


def event_of(mirror_page: str) -> dict[str, Any]:
    """Adobe Experience Platform XDM sample "campaign-experienceevent", as the packaged document
    names its paths.
    """
    return {
        "xdm:timestamp": "2026-01-31T12:00:00Z",
        "xdm:directMarketing": {"xdm:sends": {"xdm:value": 1}},
        "https://ns.adobe.com/experience/campaign/message": {
            "xdm:broadLogID": "7",
            "xdm:mirrorPageURL": mirror_page,
            "xdm:profile": {"xdm:externalID": "11111111-0000-0000-0000-000000000001"},
        },
    }


def test_an_event_with_half_a_character_is_its_own_fault() -> None:
    urls = ["https://example.org/a", "https://example.org/\ud83d"]
    events = [{"position": str(number), "event": event_of(url)} for number, url in enumerate(urls)]
    page = journal(json.dumps({"events": events})).page(
        "", read_events_document(default_events_document())
    )
    faults = [
        change.row["fault"] for change in page.changes if change.row and "fault" in change.row
    ]
    assert (len(page.changes), len(faults)) == (2, 1)
    assert (faults[0]["rule"], faults[0]["field"]) == ("unsafe_characters", "mirror_page")
