"""Why did this contact not arrive? Found by e-mail, told from both systems, without a value."""

import json
import logging
from typing import Any

import pytest

from dev.commands.processes import ROOT
from dev.seed import examples
from shared.console.roles import Role
from shared.pipeline.running import stop
from tests.contract.console.kit import World

EMAIL, NAME = "marked.contact@example.org", "Markedname"
PERSONAL = (Role.VIEWER, Role.PERSONAL_DATA)


def contact(world: World, **columns: Any) -> str:
    named = {"firstname": "Ana", "lastname": NAME, "emailaddress1": EMAIL}
    return world.dynamics.create_contact(quietly=True, **{**named, **columns})


def found(world: World, text: str) -> str:
    sent = world.ask("/find", form={"q": text})
    return str(sent.headers.get("Location", sent.body.decode()))


def test_a_contact_is_found_by_its_address_before_the_bridge_has_seen_it(world: World) -> None:
    contact_id = contact(world)
    assert found(world, f" {EMAIL.upper()} ") == f"/console/records/contacts/{contact_id}"
    story = world.story(contact_id)
    assert story["standing"] == "unknown"
    assert [why["code"] for why in story["why"]] == ["why_never_seen", "why_first_read"]
    assert (story["in_dynamics"], story["in_campaign"]) == (True, False)


def test_an_id_is_found_in_dynamics_where_the_bridge_has_not_seen_it(world: World) -> None:
    contact_id = contact(world)
    assert found(world, f"{{{contact_id.upper()}}}").endswith(contact_id)
    world.sync()
    assert found(world, contact_id).endswith(contact_id)


def test_a_record_is_found_by_an_alternate_key(world: World) -> None:
    key = {"SchemaName": "acs_staffkey", "KeyAttributes": ["employeeid"]}
    world.dynamics.http.ask("POST", "/EntityDefinitions(LogicalName='contact')/Keys", key)
    contact_id = contact(world, employeeid="K-4711")
    contact(world, employeeid="K-4712")
    assert found(world, "k-4711") == f"/console/records/contacts/{contact_id}"
    assert json.loads(found(world, NAME))["found"] == []


def test_several_with_one_address_are_listed(world: World) -> None:
    ids = {contact(world), contact(world, emailaddress2=EMAIL, emailaddress1="x@example.org")}
    world.sync()
    listed = json.loads(found(world, EMAIL))["found"]
    assert {(one["record_id"], one["outcome"]) for one in listed} == {
        (one, "created") for one in ids
    }


@pytest.mark.parametrize("text", ["nobody@example.org", "o'hara@example.org", "a@b' or 1 eq 1"])
def test_what_is_nowhere_is_not_found(world: World, text: str) -> None:
    contact(world)
    answer = json.loads(found(world, text))
    assert (answer["found"], answer["missing"]) == ([], [])
    assert "Nothing was found" in answer["problem"]


@pytest.mark.parametrize("text", ["", " ", "x" * 201, "a\nb"])
def test_what_cannot_be_looked_for_is_said(world: World, text: str) -> None:
    assert world.ask("/find", form={"q": text}).status == 400


def test_a_record_that_arrived_is_as_it_should_be(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    story = world.story(contact_id)
    assert (story["standing"], story["missing"]) == ("as_it_should", [])
    assert {one["same"] for one in story["fields"]} == {"same"}
    assert [one["outcome"] for one in story["history"]] == ["created"]
    assert story["opt_outs"]["flags"]["blackListEmail"]["dynamics"] is False


def test_a_refused_record_says_what_to_do(world: World) -> None:
    contact_id = contact(world, emailaddress1="no address")
    world.sync()
    story = world.story(contact_id)
    assert story["standing"] == "refused"
    assert story["dead_letter"]["field"] == "email"
    assert story["in_campaign"] is False


def test_a_stopped_flow_is_named(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    world.dynamics.change_contact(contact_id, quietly=True, firstname="Anna")
    stop("contacts", world.wiring.bridge, by="Otto")
    story = world.story(contact_id)
    assert [why["code"] for why in story["why"]] == ["why_flow_stopped", "why_on_its_way"]
    assert story["why"][0]["by"] == "Otto"


def test_what_was_changed_in_campaign_differs(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    body = {"firstName": "Other", "preferredLanguage": "fr_fr"}
    world.campaign.http.json("PATCH", f"/profileAndServicesExt/profile/{contact_id}", body)
    story = world.story(contact_id)
    states = {one["field"]: one["same"] for one in story["fields"]}
    assert (states["firstName"], states["preferredLanguage"]) == ("differs", "campaigns_own")
    assert [why["code"] for why in story["why"]] == ["why_fields_differ"]


def test_a_deletion_that_is_not_read_yet(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    world.dynamics.delete_contact(contact_id, quietly=True)
    assert world.story(contact_id)["why"][0]["code"] == "why_not_deleted"
    world.sync()
    story = world.story(contact_id)
    assert (story["standing"], story["why"][0]["code"]) == ("as_it_should", "why_gone")


def test_who_is_opted_out_is_said_to_be_so(world: World) -> None:
    """As it should be, and still without an e-mail."""
    contact_id = contact(world, donotbulkemail=True)
    world.sync()
    story = world.story(contact_id)
    assert [why["code"] for why in story["why"]] == ["why_same", "why_opted_out"]
    assert story["why"][1]["sentence"].endswith("no such message: blackListEmail.")
    assert [why["code"] for why in world.story(contact(world))["why"]][-1] != "why_opted_out"


def test_who_is_opted_out_in_dynamics_alone_is_not_said_to_get_no_mail(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    world.dynamics.change_contact(contact_id, quietly=True, donotbulkemail=True)
    story = world.story(contact_id)
    assert [why["code"] for why in story["why"]][-1] == "why_opt_out_to_come"
    assert story["standing"] == "waiting"
    assert (
        "Campaign may still send it such messages: blackListEmail." in story["why"][-1]["sentence"]
    )


def test_the_examples_of_the_local_stack_are_what_the_page_says(world: World) -> None:
    ids = examples.create(world.dynamics)
    world.sync()
    told = {}
    for address in examples.ADDRESSES:
        assert found(world, address) == f"/console/records/contacts/{ids[address]}"
        story = world.story(ids[address])
        told[address] = (story["standing"], [why["code"] for why in story["why"]])
    assert told == {
        "arrived@example.org": ("as_it_should", ["why_same"]),
        "too.long@example.org": ("refused", ["why_letter"]),
        "opted.out@example.org": ("as_it_should", ["why_same", "why_opted_out"]),
    }
    page = (ROOT / "docs" / "console.md").read_text("utf-8")
    assert [address for address in told if address not in page] == []


def test_the_opt_out_s_story_is_the_contact_s(world: World) -> None:
    contact_id = contact(world)
    sent = world.ask(f"/records/opt_out/{contact_id}")
    assert sent.headers["Location"] == f"/console/records/contacts/{contact_id}"


@pytest.mark.parametrize("id_", ["x", "0f8fad5b-d9cb-469f-a165-70867728950e"])
def test_what_nobody_knows_has_no_story(world: World, id_: str) -> None:
    assert world.ask(f"/records/contacts/{id_}").status == 404


def test_values_are_shown_by_a_look_that_is_written_down(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    path = f"/records/contacts/{contact_id}/values"
    shown = {one["field"]: one for one in world.data(path, *PERSONAL, form={})["fields"]}
    assert (shown["email"]["dynamics"], shown["email"]["campaign"]) == (EMAIL, EMAIL)
    (noted,) = world.wiring.activity.page()
    assert (noted.act.act, noted.act.on) == ("look_at_values", f"contacts/{contact_id}")
    assert (noted.act.who, noted.act.role) == ("Paula", "Bridge.PersonalData")


@pytest.mark.parametrize("what", ["values", "download"])
def test_nobody_else_sees_values(world: World, what: str) -> None:
    contact_id = contact(world)
    for roles in ((Role.VIEWER,), (Role.VIEWER, Role.OPERATOR), (Role.MAPPER,)):
        sent = world.ask(f"/records/contacts/{contact_id}/{what}", *roles, form={})
        assert sent.status == 403
    assert world.wiring.activity.page() == []


def test_a_download_holds_all_and_is_written_down(world: World) -> None:
    contact_id = contact(world)
    world.sync()
    sent = world.ask(f"/records/contacts/{contact_id}/download", *PERSONAL, form={})
    content = json.loads(sent.body)
    assert content["missing"] == []
    assert content["dynamics"]["emailaddress1"] == content["campaign"]["email"] == EMAIL
    assert content["bridge"]["settled"]["outcome"] == "created"
    assert sent.headers["Content-Disposition"] == f'attachment; filename="record-{contact_id}.json"'
    assert [noted.act.act for noted in world.wiring.activity.page()] == ["download_record"]


def test_no_value_stands_in_a_page_a_table_or_a_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    contact_id = contact(world)
    world.sync()
    pages = [found(world, EMAIL), json.dumps(world.story(contact_id))]
    html = world.ask(f"/records/contacts/{contact_id}", accept="text/html").body.decode()
    world.ask(f"/records/contacts/{contact_id}/values", *PERSONAL, form={})
    tables = world.wiring.storage.tables
    rows = [
        str(row)
        for table in tables.list_tables()
        for row in tables.get_table_client(table.name).list_entities()
    ]
    assert rows
    ours = "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("bridge")
    )
    assert not [text for text in (*pages, html, *rows, ours) if EMAIL in text or NAME in text]
