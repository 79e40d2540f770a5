"""Stories of contacts, from an edit in Dynamics to the profile in Campaign."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient

from dev.commands.demo_scenes import REFUSAL
from dev.comparison import compare
from dev.verbs import Http, wait_until
from dev.world import World
from shared.mapping import default_document


@pytest.fixture(autouse=True)
def no_faults(world: World) -> Iterator[None]:
    yield
    world.dynamics.faults()
    world.campaign.faults()


ANA = {"firstname": "Ana", "lastname": "Test", "emailaddress1": "ana@example.org"}


def webhook_body(contact_id: str) -> dict[str, object]:
    return {
        "PrimaryEntityName": "contact",
        "PrimaryEntityId": contact_id,
        "MessageName": "Update",
        "Depth": 1,
    }


def test_after_the_initial_load_both_systems_agree(world: World) -> None:
    world.wait_for_quiet()
    comparison = compare(world.stack.facts)
    assert comparison.agree, str(comparison)
    assert comparison.source == comparison.target >= 300


def test_an_edit_arrives_by_webhook_before_any_poll(world: World) -> None:
    contact_id = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(contact_id, firstName="Ana", email="ana@example.org")
    world.dynamics.change_contact(contact_id, firstname="Anna", address1_city="Lyon")
    assert world.wait_for_profile(contact_id, firstName="Anna")["location"]["city"] == "Lyon"  # type: ignore[index]


def test_an_edit_that_raises_no_webhook_arrives_by_the_poll(world: World) -> None:
    contact_id = world.dynamics.create_contact(quietly=True, **ANA)
    world.wait_for_profile(contact_id, lastName="Test")


def test_a_deactivated_contact_stays_and_a_deleted_one_goes(world: World) -> None:
    contact_id = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(contact_id)
    world.dynamics.deactivate_contact(contact_id)
    world.wait_for_quiet()
    assert world.campaign.profile(contact_id)
    world.dynamics.delete_contact(contact_id)
    world.wait_for_no_profile(contact_id)


def test_an_opt_out_reaches_campaign_whichever_box_was_ticked(world: World) -> None:
    contact_id = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(contact_id, blackListEmail=False)
    world.dynamics.change_contact(contact_id, donotbulkemail=True)
    world.wait_for_profile(contact_id, blackListEmail=True)


@pytest.mark.parametrize(
    "name",
    [
        "田中太郎",
        "محمد علي",
        "Zoë 🎉👩‍👩‍👧",
        'O\'Brien "Bob" \\ <b>&amp;',
        "𠜎𠜱𝔘𝔫𝔦",
        "{firstname}",
    ],
)
def test_names_arrive_as_they_were_typed(world: World, name: str) -> None:
    contact_id = world.dynamics.create_contact(firstname=name, lastname=name, emailaddress1=None)
    profile = world.wait_for_profile(contact_id, firstName=name)
    assert (profile["lastName"], profile["email"]) == (name, "")


def test_contacts_that_share_an_email_each_have_a_profile(world: World) -> None:
    ids = [
        world.dynamics.create_contact(
            firstname=f"Twin{n}", lastname="Test", emailaddress1="twin@example.org"
        )
        for n in (1, 2)
    ]
    assert [world.wait_for_profile(contact_id)["firstName"] for contact_id in ids] == [
        "Twin1",
        "Twin2",
    ]


@pytest.mark.parametrize(
    ("columns", "field", "rule"),
    [
        ({"firstname": "x" * 31}, "firstName", "too_long"),
        ({"emailaddress1": "nobody at example"}, "email", "not_an_email"),
        ({"lastname": "bell\u0007"}, "lastName", "unsafe_characters"),
    ],
)
def test_a_value_that_campaign_refuses_becomes_one_dead_letter_with_field_and_rule(
    world: World, columns: dict[str, str], field: str, rule: str
) -> None:
    bad = world.dynamics.create_contact(**{**ANA, **columns})
    neighbour = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(neighbour)
    letter = wait_until(
        lambda: next((x for x in world.operator.dead_letters() if x["record_id"] == bad), None),
        "the dead letter",
    )
    assert letter
    assert (letter["field"], letter["reason"]) == (field, rule)
    assert field in letter["sentence"]
    assert not any(value in letter["sentence"] for value in columns.values())
    world.dynamics.change_contact(bad, **ANA)
    world.wait_for_profile(bad, firstName="Ana")
    wait_until(
        lambda: bad not in [x["record_id"] for x in world.operator.dead_letters()],
        "the dead letter's end",
    )


def test_what_campaign_itself_refuses_is_replayed_after_the_fix(world: World) -> None:
    world.campaign.faults(
        {"match": {"body": "Refused Once"}, "action": {"status": 500, "body": REFUSAL}}
    )
    contact_id = world.dynamics.create_contact(**{**ANA, "lastname": "Refused Once"})
    wait_until(
        lambda: contact_id in [x["record_id"] for x in world.operator.dead_letters()],
        "the dead letter",
    )
    world.campaign.faults()
    world.operator.replay(what="record", id=contact_id)
    world.wait_for_profile(contact_id, lastName="Refused Once")


def test_the_console_tells_what_happened_to_a_record_oldest_first(world: World) -> None:
    contact_id = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(contact_id)
    world.dynamics.change_contact(contact_id, firstname="Anna")
    world.wait_for_profile(contact_id, firstName="Anna")
    reported = wait_until(
        lambda: (
            (r := world.operator.record(contact_id))["outcome"] in ("updated", "unchanged") and r
        ),
        "its history",
    )
    assert [entry["outcome"] for entry in reported["history"]][:2] == ["created", "updated"]  # type: ignore[index]
    assert reported["in_target"] is True  # type: ignore[index]


def test_status_counts_records_calls_and_ages(world: World) -> None:
    """A poll may hand something off after all was quiet, so the age is looked at until it is 0."""
    world.wait_for_quiet()
    status = wait_until(
        lambda: (s := world.operator.status())["oldest_unwritten_seconds"] == 0.0 and s,
        "nothing to be unwritten",
    )
    assert status
    assert status["status"] == "running"
    assert sum(status["records"].values()) >= 300
    assert status["calls"]["POST"] >= 300
    assert 0 <= status["token_age_seconds"] < 60


def test_one_flow_is_asked_for_alone_or_by_a_name_that_is_none(world: World) -> None:
    one = world.operator.http.json("GET", "/api/status?flow=opt_out")
    assert list(one["flows"]) == ["opt_out"]
    unknown = world.operator.http.ask("GET", "/api/status?flow=contact")
    assert (unknown.status_code, unknown.json()["error"].startswith("There is no such flow")) == (
        404,
        True,
    )
    assert len(world.operator.http.json("GET", "/api/status")["flows"]) > 1


STRANGER = "0badf00d-0000-0000-0000-000000000001"


def nothing_was_queued(world: World) -> bool:
    """Had a reference to the stranger been queued, the bridge would know it by the time that a
    later webhook has arrived.
    """
    world.wait_for_profile(world.dynamics.create_contact(**ANA))
    return world.operator.http.ask("GET", f"/api/records/contacts/{STRANGER}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[]", 400),
        (b"{}", 400),
        (
            b'{"PrimaryEntityName":"contact","PrimaryEntityId":"1 or 1=1","MessageName":"Update"}',
            400,
        ),
        (
            b'{"PrimaryEntityName":"account","PrimaryEntityId":"%s","MessageName":"Update"}'
            % STRANGER.encode(),
            400,
        ),
        (b'{"PrimaryEntityName":"contact","PrimaryEntityId":"%s"}' % STRANGER.encode(), 400),
        (b'{"PrimaryEntityName":["contact"],"PrimaryEntityId":{},"MessageName":1}', 400),
        (json.dumps({**webhook_body(STRANGER), "Filler": " " * 512 * 1024}).encode(), 413),
    ],
)
def test_a_malformed_webhook_is_refused_and_nothing_is_queued(
    world: World, body: bytes, status: int
) -> None:
    headers = {
        "x-functions-key": world.stack.facts["keys"]["contacts_webhook"],
        "x-webhook-secret": world.stack.webhook_secret,
    }
    http = Http(world.stack.facts["functions"], headers)
    response = http.session.post(f"{http.base}/api/dataverse/contact", data=body, timeout=30)
    assert (response.status_code, "error" in response.json()) == (status, True)
    assert nothing_was_queued(world)


@pytest.mark.parametrize(
    "headers", [{}, {"x-functions-key": "wrong"}, {"x-webhook-secret": "wrong"}]
)
def test_a_wrong_key_or_secret_is_refused_and_nothing_is_queued(
    world: World, headers: dict[str, str]
) -> None:
    given = (
        headers
        if "x-webhook-secret" not in headers
        else {**headers, "x-functions-key": world.stack.facts["keys"]["contacts_webhook"]}
    )
    response = Http(world.stack.facts["functions"], given).ask(
        "POST", "/api/dataverse/contact", webhook_body(STRANGER)
    )
    assert response.status_code == 401
    assert nothing_was_queued(world)


def test_profiles_of_others_are_never_touched_and_one_with_the_contacts_id_is_taken_over(
    world: World,
) -> None:
    contact_id = "c0ffee00-0000-0000-0000-000000000001"
    world.campaign.renew(world.stack.new_campaign_token())
    mine = {"firstName": "Old", "email": "ana@example.org", "externalId": contact_id}
    world.campaign.http.json(
        "POST",
        "/profileAndServicesExt/profile",
        {"firstName": "Somebody", "email": "ana@example.org"},
    )
    world.campaign.http.json("POST", "/profileAndServicesExt/profile", mine)
    world.dynamics.create_contact(**ANA, contactid=contact_id)
    world.wait_for_profile(contact_id, firstName="Ana")
    others = [
        profile for profile in world.campaign.profiles() if profile["firstName"] == "Somebody"
    ]
    assert [(profile["email"], profile["externalId"]) for profile in others] == [
        ("ana@example.org", "")
    ]


def config(world: World) -> ContainerClient:
    return ContainerClient.from_connection_string(world.stack.facts["storage"], "config")


def test_an_unsound_mapping_document_changes_nothing_and_all_its_problems_are_told(
    world: World,
) -> None:
    text = (
        default_document("contact")
        .replace("target: firstName", "target: firstNam")
        .replace("source: fax", "source: fox")
    )
    config(world).upload_blob("mappings/contact.yaml", text, overwrite=True)
    problem = wait_until(lambda: world.operator.status()["mapping_problem"], "the problems")
    assert "no field firstNam" in problem
    assert "no column fox" in problem
    assert "stays active" in problem
    contact_id = world.dynamics.create_contact(**ANA)
    world.wait_for_profile(contact_id, firstName="Ana")


def test_a_document_of_another_table_is_not_taken_for_this_one(world: World) -> None:
    text = default_document("contact").replace("table: contact", "table: account")
    config(world).upload_blob("mappings/contact.yaml", text, overwrite=True)
    wait_until(
        lambda: "maps table account" in world.operator.status()["mapping_problem"], "the problem"
    )


def test_a_new_field_in_the_document_reaches_every_profile_without_a_restart(world: World) -> None:
    text = default_document("contact").replace(
        "fields:\n", "fields:\n  - {source: jobtitle, target: cusDisplayName}\n", 1
    )
    contact_id = world.dynamics.create_contact(**ANA, jobtitle="Astronaut")
    world.wait_for_profile(contact_id, cusDisplayName="")
    config(world).upload_blob("mappings/contact.yaml", text, overwrite=True)
    world.wait_for_profile(contact_id, cusDisplayName="Astronaut")
    wait_until(lambda: not world.operator.status()["mapping_problem"], "the problems' end")
    world.wait_for_quiet()


def test_deletions_missed_while_no_token_watched_are_found_after_the_full_read(
    world: World,
) -> None:
    world.wait_for_quiet()
    world.operator.stop()
    ids = world.dynamics.some_contact_ids(3)
    for contact_id in ids:
        world.dynamics.delete_contact(contact_id, quietly=True)
    world.dynamics.expire_change_tokens()
    world.operator.start()
    for contact_id in ids:
        world.wait_for_no_profile(contact_id)
    world.wait_for_quiet()


def test_too_many_missing_records_are_not_deleted_unasked(world: World) -> None:
    world.dynamics.seed(300, seed=77)
    world.wait_for_quiet()
    world.operator.stop()
    ids = world.dynamics.some_contact_ids(250)
    for contact_id in ids:
        world.dynamics.delete_contact(contact_id, quietly=True)
    world.dynamics.expire_change_tokens()
    world.operator.start()
    state = wait_until(
        lambda: (s := world.operator.status())["status"] == "failed" and s, "the question"
    )
    assert "too many to delete unasked" in state["reason"]  # type: ignore[index]
    assert sum(world.campaign.profile(contact_id) is not None for contact_id in ids) > 100
    world.operator.start(deletes="confirm")
    for contact_id in ids:
        world.wait_for_no_profile(contact_id)
    world.wait_for_quiet()
    assert compare(world.stack.facts).agree


def test_a_message_that_cannot_be_read_is_a_dead_letter_and_goes_with_it(world: World) -> None:
    queue = QueueClient.from_connection_string(world.stack.facts["storage"], "contacts")
    queue.send_message("no envelope, and no base64")
    wait_until(lambda: world.operator.status()["poison_messages"] == 1, "the host to set it aside")
    world.operator.fire("poison_collect")
    status = wait_until(
        lambda: (s := world.operator.status())["poison_letters"] and s, "the dead letter"
    )
    assert status
    assert (status["poison_messages"], status["poison_letters"]) == (0, 1)
    (letter,) = [
        one for one in world.operator.dead_letters() if one["reason"] == "unreadable_message"
    ]
    assert letter["origin"] == "contacts-poison"
    world.operator.commands.json(
        "POST", "/api/flows/contacts/discard", {"what": "record", "id": letter["record_id"]}
    )
    assert world.operator.status()["poison_letters"] == 0


def test_no_personal_data_is_written_anywhere_but_to_campaign(world: World) -> None:
    mark = "Xyzzymark"
    columns = {
        "firstname": mark,
        "lastname": mark,
        "emailaddress1": f"{mark}@example.org",
        "address1_city": mark,
        "telephone1": mark,
    }
    created = world.dynamics.create_contact(**columns)
    world.wait_for_profile(created, firstName=mark)
    world.dynamics.change_contact(created, lastname=f"{mark}2")
    world.wait_for_profile(created, lastName=f"{mark}2")
    refused = world.dynamics.create_contact(**{**columns, "firstname": mark * 5})
    wait_until(
        lambda: refused in [x["record_id"] for x in world.operator.dead_letters()], "the refusal"
    )
    world.campaign.faults(
        {
            "match": {"body": mark},
            "action": {"status": 500, "body": f"'{mark}' is not valid for"},
            "times": 1,
        }
    )
    world.dynamics.change_contact(created, middlename=mark)
    world.campaign.faults(
        {"match": {"body": mark}, "action": {"status": 429, "body": mark}, "times": 5}
    )
    world.dynamics.change_contact(created, nickname=mark, middlename=f"{mark}3")
    world.wait_for_profile(created, middleName=f"{mark}3")
    world.dynamics.delete_contact(created)
    world.wait_for_no_profile(created)
    world.wait_for_quiet()
    for log in Path(world.stack.directory / "logs").glob("host-*.log"):
        assert mark not in log.read_text(errors="replace"), log.name
    assert not [place for place, text in everything_stored(world) if mark in text]


def everything_stored(world: World) -> list[tuple[str, str]]:
    """Every entity, blob and queue's metadata of the storage account, as text."""
    from azure.data.tables import TableServiceClient
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

    found: list[tuple[str, str]] = []
    connection = world.stack.facts["storage"]
    tables = TableServiceClient.from_connection_string(connection)
    for table in tables.list_tables():
        found += [
            (f"table {table.name}", str(dict(entity)))
            for entity in tables.get_table_client(table.name).list_entities()
        ]
    blobs = BlobServiceClient.from_connection_string(connection)
    for container in blobs.list_containers():
        client = blobs.get_container_client(container.name)
        found += [
            (blob.name, client.download_blob(blob.name).readall().decode(errors="replace"))
            for blob in client.list_blobs()
        ]
    queues = QueueServiceClient.from_connection_string(connection)
    found += [
        (f"queue {queue.name}", str(queue.metadata))
        for queue in queues.list_queues(include_metadata=True)
    ]
    assert {"table ledger", "table deadletters"} <= {place for place, _ in found}
    return found
