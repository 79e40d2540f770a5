"""The bridge's clients against the emulators over real HTTP: what each verb does, and what each
refusal becomes.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

import pytest

from dev.commands.stack import Stack
from dev.comparison import FixedToken
from dev.emulators.campaign.database import CAUSES
from dev.verbs import Campaign, Dynamics
from shared.calls import counting
from shared.campaign.client import Address, CampaignClient, Hrefs
from shared.dataverse.batch import BatchWriter, Operation, create_many, update_many
from shared.dataverse.changed import changed_ids
from shared.dataverse.client import DataverseClient
from shared.errors import Misconfigured, Rejected, Retryable, TokenExpired
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Transport, pooled
from shared.records import Outcome

BY_KEY = Address("profileAndServicesExt", "profile", "externalId")
BY_FILTER = Address(
    "profileAndServicesExt",
    "profile",
    "externalId",
    "filter",
    "byExternalid",
    "externalId_parameter",
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(directory=tmp_path_factory.mktemp("clients"), host=False) as running:
        yield running


@pytest.fixture
def dynamics(stack: Stack) -> Dynamics:
    dynamics = Dynamics(stack.facts)
    dynamics.emulator.json("POST", "/reset", {})
    return dynamics


@pytest.fixture
def dataverse(stack: Stack, dynamics: Dynamics) -> DataverseClient:
    transport = Transport("Dataverse", pooled("Dataverse", 10, 2), AdaptiveConcurrency(2))
    return DataverseClient(
        stack.facts["dataverse"], FixedToken(stack.facts["dataverse_token"]), transport, page_size=2
    )


@pytest.fixture
def eyes(stack: Stack) -> Campaign:
    eyes = Campaign(stack.facts)
    eyes.emulator.json("POST", "/reset", {})
    return eyes


@pytest.fixture
def campaign(stack: Stack, eyes: Campaign) -> CampaignClient:
    transport = Transport("Campaign", pooled("Campaign", 10, 2), AdaptiveConcurrency(2))
    token = FixedToken(stack.facts["campaign_token"])
    return CampaignClient(
        stack.facts["campaign"], stack.facts["campaign_api_key"], token, transport
    )


def read_all(client: DataverseClient, link: str = "") -> tuple[list[dict[str, Any]], str]:
    table, items, complete = client.table("contact"), [], False
    while not complete:
        page, link, complete = client.tracked(table, ["contactid", "lastname"], link)
        items += page
    return items, link


def test_a_tracked_read_gives_all_and_then_what_changed(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    ids = [dynamics.create_contact(lastname=f"n{number}") for number in range(5)]
    items, link = read_all(dataverse)
    assert {item["contactid"] for item in items} == set(ids)
    dynamics.change_contact(ids[0], lastname="changed")
    dynamics.delete_contact(ids[1])
    items, _ = read_all(dataverse, link)
    assert [(item.get("lastname"), item.get("reason")) for item in items] == [
        ("changed", None),
        (None, "deleted"),
    ]


def test_what_was_changed_since_a_moment_comes_page_by_page(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    for number in range(3):
        dynamics.create_contact(lastname=f"before {number}")
    dynamics.emulator.json("POST", "/clock", {"advance_seconds": 60})
    ids = [dynamics.create_contact(lastname=f"n{number}") for number in range(5)]
    rows = dataverse.rows(dataverse.table("contact"), ["contactid", "modifiedon"], ids)
    since = min(datetime.fromisoformat(row["modifiedon"]).timestamp() for row in rows)
    table, pages, link = dataverse.table("contact"), list[list[str]](), ""
    while not pages or link:
        page, link = changed_ids(dataverse, table, since, link)
        pages.append(page)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(chain(*pages)) == sorted(ids)
    assert changed_ids(dataverse, table, since + 3600) == ([], "")


def test_an_expired_token_asks_for_a_full_read(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    _, link = read_all(dataverse)
    dynamics.expire_change_tokens()
    with pytest.raises(TokenExpired):
        dataverse.tracked(dataverse.table("contact"), ["contactid"], link)


def test_rows_are_found_by_id_and_what_is_gone_is_not(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    ids = [dynamics.create_contact(lastname=f"n{number}") for number in range(3)]
    dynamics.delete_contact(ids[0])
    table = dataverse.table("contact")
    assert {row["lastname"] for row in dataverse.rows(table, ["lastname"], ids)} == {"n1", "n2"}
    assert dataverse.existing(table, ids) == set(ids[1:])


def test_a_thousand_ids_are_asked_for_in_three_requests(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    assert (
        dataverse.existing(
            dataverse.table("contact"),
            [f"{n:08x}-0000-0000-0000-000000000000" for n in range(1000)],
        )
        == set()
    )


def test_metadata_brings_lengths_labels_and_tracking(dataverse: DataverseClient) -> None:
    table = dataverse.table("contact")
    assert (table.entity_set, table.primary_id, table.change_tracking) == (
        "contacts",
        "contactid",
        True,
    )
    assert (table.columns["firstname"].type, table.columns["firstname"].max_length) == (
        "String",
        50,
    )
    assert table.columns["gendercode"].options == {1: "Male", 2: "Female"}
    assert table.columns["donotemail"].options == {0: "Allow", 1: "Do Not Allow"}
    assert (table.columns["birthdate"].type, table.columns["modifiedon"].type) == (
        "DateOnly",
        "DateTime",
    )
    assert set(table.columns["parentcustomerid"].targets) == {"account", "contact"}


def test_what_the_caller_may_not_or_cannot_read_pauses_the_flow(dataverse: DataverseClient) -> None:
    with pytest.raises(Misconfigured, match="correct the mapping"):
        dataverse.table("nothing")
    with pytest.raises(Misconfigured, match="correct the mapping"):
        dataverse.tracked(dataverse.table("contact"), ["contactid", "shoesize"])


def test_a_link_to_another_host_is_not_followed(dataverse: DataverseClient) -> None:
    with pytest.raises(Misconfigured, match="another host"):
        dataverse.same_host("http://evil.example.org/api/data/v9.2/contacts")


def test_the_organization_tells_its_change_window(dataverse: DataverseClient) -> None:
    assert dataverse.change_window_days() == 7
    assert len(dataverse.who_am_i()) == 36


@pytest.mark.parametrize(
    ("address", "known", "calls"),
    [
        (BY_KEY, False, {"POST": 1}),
        (BY_KEY, None, {"PATCH": 1, "POST": 1}),
        (BY_KEY, True, {"PATCH": 1, "POST": 1}),
        (BY_FILTER, False, {"POST": 1}),
        (BY_FILTER, None, {"GET": 1, "POST": 1}),
    ],
)
def test_a_record_is_created_whatever_was_believed(
    campaign: CampaignClient,
    eyes: Campaign,
    address: Address,
    known: bool | None,
    calls: dict[str, int],
) -> None:
    with counting() as counted:
        result = campaign.save(
            address, "a-1", {"externalId": "a-1", "firstName": "Ana"}, {"firstName": "Ana"}, known
        )
    assert (result.outcome, counted) == (Outcome.CREATED, Counter(calls))
    assert (eyes.profile("a-1") or {})["firstName"] == "Ana"


@pytest.mark.parametrize(
    ("address", "known", "calls"),
    [
        (BY_KEY, True, {"PATCH": 1}),
        (BY_KEY, None, {"PATCH": 1}),
        (BY_KEY, False, {"POST": 1, "PATCH": 1}),
        (BY_FILTER, True, {"PATCH": 1}),
        (BY_FILTER, False, {"POST": 1, "PATCH": 1}),
    ],
)
def test_a_record_is_updated_whatever_was_believed(
    campaign: CampaignClient,
    eyes: Campaign,
    address: Address,
    known: bool | None,
    calls: dict[str, int],
) -> None:
    campaign.create(address, {"externalId": "a-1", "firstName": "Ana"})
    with counting() as counted:
        result = campaign.save(
            address, "a-1", {"externalId": "a-1", "firstName": "Bea"}, {"firstName": "Bea"}, known
        )
    assert (result.outcome, counted) == (Outcome.UPDATED, Counter(calls))
    assert [profile["firstName"] for profile in eyes.profiles()] == ["Bea"]


@pytest.mark.parametrize("address", [BY_KEY, BY_FILTER], ids=["key", "filter"])
@pytest.mark.parametrize("known", [True, False, None])
@pytest.mark.parametrize(
    "update", [{"firstName": "Bea"}, {}], ids=["something to change", "nothing to change"]
)
def test_a_record_that_is_there_keeps_what_a_creation_alone_sends(
    campaign: CampaignClient,
    eyes: Campaign,
    address: Address,
    known: bool | None,
    update: dict[str, Any],
) -> None:
    eyes.http.json(
        "POST",
        f"/{address.path}",
        {"externalId": "a-1", "preferredLanguage": "fr_fr", "blackListEmail": True},
    )
    record = {"externalId": "a-1", "preferredLanguage": "de_de", "blackListEmail": False, **update}
    result = campaign.save(address, "a-1", record, update, known)
    kept = eyes.profile("a-1") or {}
    assert result.outcome == Outcome.UPDATED
    assert (kept["preferredLanguage"], kept["blackListEmail"]) == ("fr_fr", True)
    assert kept["firstName"] == update.get("firstName", "")


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "JSON string"])
@pytest.mark.parametrize("cause", list(CAUSES))
def test_a_database_that_fails_in_passing_refuses_no_record(
    campaign: CampaignClient, eyes: Campaign, cause: str, as_json: bool
) -> None:
    """Its text quotes the SQL, with columns such as sEmail and the record's values."""
    record = {
        "externalId": "a-1",
        "email": "a@example.org",
        "birthDate": "2000-01-01",
        "lastName": "already exists",
    }
    eyes.emulator.json(
        "POST", "/options", {"database": {"cause": cause, "times": 3}, "errorsAsJson": as_json}
    )
    for work in (
        lambda: campaign.create(BY_KEY, record),
        lambda: campaign.save(BY_KEY, "a-1", record, record, True),
        lambda: campaign.delete(BY_KEY, "a-1"),
    ):
        with pytest.raises(Retryable) as caught:
            work()
        assert "example.org" not in str(caught.value)
    campaign.save(BY_KEY, "a-1", record, record, None)
    assert eyes.profile("a-1")


def test_an_href_that_is_not_known_costs_one_call_and_one_that_is_void_is_looked_up_again(
    campaign: CampaignClient, eyes: Campaign
) -> None:
    campaign.create(BY_FILTER, {"externalId": "a-1"})
    for href, calls in (
        ("", {"GET": 1, "PATCH": 1}),
        (f"{campaign.url}/{BY_FILTER.path}/@void", {"GET": 1, "PATCH": 2}),
    ):
        campaign.hrefs.forget(BY_FILTER, "a-1")
        if href:
            campaign.hrefs.learn(BY_FILTER, "a-1", href)
        with counting() as counted:
            result = campaign.save(
                BY_FILTER, "a-1", {}, {"firstName": f"n{len(calls)}{len(href)}"}, True
            )
        assert (result.outcome, counted) == (Outcome.UPDATED, Counter(calls))


def test_the_cache_of_hrefs_is_bounded() -> None:
    hrefs = Hrefs(most=3)
    for number in range(5):
        hrefs.learn(BY_FILTER, str(number), "href")
    assert [hrefs.known(BY_FILTER, str(number)) for number in range(5)] == [
        "",
        "",
        "href",
        "href",
        "href",
    ]


@pytest.mark.parametrize("address", [BY_KEY, BY_FILTER])
def test_deleting_twice_is_harmless(
    campaign: CampaignClient, eyes: Campaign, address: Address
) -> None:
    campaign.create(address, {"externalId": "a-1"})
    for _ in range(2):
        campaign.delete(address, "a-1")
    assert list(eyes.profiles()) == []


def test_a_refusal_names_the_field_and_not_the_value(
    campaign: CampaignClient, eyes: Campaign
) -> None:
    with pytest.raises(Rejected) as caught:
        campaign.create(BY_KEY, {"externalId": "a-1", "firstName": "Z" * 31})
    assert (caught.value.reason, caught.value.field) == ("too_long", "firstName")
    assert "ZZZ" not in str(caught.value)


def test_campaign_metadata_brings_types_names_and_sub_nodes(
    campaign: CampaignClient, eyes: Campaign
) -> None:
    profile = campaign.resource("profileAndServicesExt", "profile")
    assert (profile.fields["email"].policy, profile.fields["firstName"].length) == ("email", 30)
    assert profile.fields["location.city"].type == "string"
    assert profile.fields["gender"].type == "enumeration"
    assert profile.fields["age"].read_only
    with pytest.raises(Misconfigured):
        campaign.resource("profileAndServicesExt", "cusNothing")


@pytest.mark.parametrize("known", [True, None, False])
def test_a_filter_that_answers_in_pages_finds_the_record_on_a_later_one(
    campaign: CampaignClient, eyes: Campaign, known: bool | None
) -> None:
    campaign.create(BY_KEY, {"externalId": "a-1", "firstName": "Ana"})
    eyes.emulator.json("POST", "/options", {"emptyPages": 2})
    result = campaign.save(
        BY_FILTER, "a-1", {"externalId": "a-1", "firstName": "Bea"}, {"firstName": "Bea"}, known
    )
    assert result.outcome == Outcome.UPDATED
    campaign.hrefs.forget(BY_FILTER, "a-1")
    assert (campaign.read(BY_FILTER, "a-1") or {})["firstName"] == "Bea"
    campaign.hrefs.forget(BY_FILTER, "a-1")
    campaign.delete(BY_FILTER, "a-1")
    assert list(eyes.profiles()) == []


def test_all_pages_of_a_list_are_read(campaign: CampaignClient, eyes: Campaign) -> None:
    for number in range(5):
        campaign.create(BY_KEY, {"externalId": f"a-{number}"})
    eyes.emulator.json("POST", "/options", {"pageLines": 2})
    assert len(list(campaign.rows(BY_KEY, ""))) == 5


@pytest.mark.parametrize("address", [BY_KEY, BY_FILTER])
def test_a_profile_that_an_organizational_unit_hides_is_a_dead_letter_that_says_so(
    campaign: CampaignClient, eyes: Campaign, address: Address
) -> None:
    campaign.create(address, {"externalId": "a-1"})
    eyes.emulator.json("POST", "/hide", {"resource": "profile", "key": "a-1"})
    assert campaign.read(address, "a-1") is None
    with pytest.raises(Rejected, match="organizational unit") as caught:
        campaign.save(address, "a-1", {"externalId": "a-1"}, {"firstName": "Bea"}, True)
    assert caught.value.reason == "duplicate_key"


@pytest.mark.parametrize("shape", ["nested", "flat"])
@pytest.mark.parametrize("bad", [0, 1])
def test_a_failed_change_set_is_recognised_in_either_shape(
    dataverse: DataverseClient, dynamics: Dynamics, shape: str, bad: int
) -> None:
    dynamics.emulator.json("POST", "/batch", {"failed_change_set": shape})
    subjects = ["x" * 300 if number == bad else "Call" for number in range(2)]
    sets = [
        [Operation("POST", "tasks", {"subject": subject}) for subject in subjects],
        [Operation("POST", "tasks", {"subject": "Write"})],
    ]
    refused, done = BatchWriter(dataverse).run(sets, "tasks")
    assert isinstance(refused, Rejected)
    assert (refused.reason, done) == ("too_long", None)
    assert [row["subject"] for row in dynamics.rows("tasks", "subject")] == ["Write"]


def test_a_change_set_of_bulk_messages_is_recognised(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    writer = BatchWriter(dataverse)
    table = writer.table("task")
    ids = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(3)]
    rows = [{"activityid": row_id, "subject": "Call"} for row_id in ids]
    sets = [
        [create_many(table, rows), update_many(table, [{"activityid": ids[0], "subject": "Write"}])]
    ]
    assert writer.run(sets, "tasks") == [None]
    (again,) = writer.run(sets, "tasks")
    assert isinstance(again, Rejected)
    assert again.reason == "duplicate_key"


def test_a_list_that_comes_in_pages_is_read_to_its_end(
    dataverse: DataverseClient, dynamics: Dynamics
) -> None:
    ids = [dynamics.create_contact(lastname=f"n{number}") for number in range(5)]
    dynamics.emulator.json("POST", "/paging", {"largest_page": 2})
    assert dataverse.existing(dataverse.table("contact"), ids) == set(ids)
