"""The story of opt-outs, over HTTP as a marketer and an operator see it, while instances die."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.seed import optouts
from dev.verbs import Http, wait_until
from dev.world import World, world_of

PACE = {"OPT_OUT_MODE": "both", "CLAIM_LEASE_SECONDS": "5"}
PROFILE = "/profileAndServicesExt/profile"
WEBHOOK_SECRET = {"x-webhook-secret": "not-the-secret-that-was-set"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory, pace = tmp_path_factory.mktemp("opt_outs"), {**LOCAL_PACE, **PACE}
    with Stack(directory=directory, instances=2, settings=pace, message_lease_seconds=5) as stack:
        running = world_of(stack)
        running.dynamics.seed(60)
        running.wait_for_quiet()
        wait_for_safety(running)
        yield running


def wait_for_safety(world: World) -> None:
    wait_until(lambda: world.operator.safe()["safe"], "safe to send", seconds=60, every=0.5)


def test_opt_outs_of_both_sides_arrive_while_instances_die(world: World) -> None:
    people = world.dynamics.some_contact_ids(40)
    for number, person in enumerate(people):
        if number % 2:
            world.dynamics.change_contact(
                person, quietly=True, donotphone=True, donotbulkemail=True
            )
        else:
            world.campaign.http.json(
                "PATCH", f"{PROFILE}/{person}", {"blackListEmail": True, "blackListPhone": True}
            )
    assert not world.operator.safe()["safe"]
    for number in (2, 1):
        world.stack.kill_instance(number)
        world.stack.start_instance(number)
    wait_until(
        lambda: optouts.compare_opt_outs(world.dynamics, world.campaign).agree,
        "both sides alike",
        seconds=60,
    )
    wait_for_safety(world)
    found = optouts.compare_opt_outs(world.dynamics, world.campaign)
    assert found.agree
    assert found.source >= 80
    assert not world.operator.dead_letters("opt_out")


def test_a_wrong_secret_pauses_deliveries_and_they_go_on_by_themselves(world: World) -> None:
    """The flow that delivers is not polled, so nobody but the timer would try it again.

    A webhook names the contact: a process that is new asks Campaign for the feed too, which then
    fails first and hands nothing off.
    """
    (person,) = world.dynamics.some_contact_ids(42)[41:]
    with a_wrong_secret(world):
        world.dynamics.change_contact(person, donotfax=True)
        wait_until(
            lambda: world.operator.status("opt_out")["status"] == "failed",
            "the deliveries to pause",
        )
        assert not world.operator.safe()["safe"]
    wait_until(
        lambda: (p := world.campaign.profile(person)) and p["blackListFax"], "the no in Campaign"
    )
    wait_for_safety(world)


@contextmanager
def a_wrong_secret(world: World) -> Iterator[None]:
    world.campaign.accept_secret("renewed-by-somebody")
    try:
        yield
    finally:
        world.campaign.accept_secret(world.stack.campaign_client_secret)
        world.campaign.renew(world.stack.new_campaign_token())


def test_a_contact_and_a_day_can_be_asked_for(world: World) -> None:
    person = world.dynamics.some_contact_ids(41)[40]
    world.campaign.http.json(
        "PATCH", f"{PROFILE}/{person}", {"ccpaOptOut": False, "blackListFax": True}
    )
    wait_until(lambda: world.dynamics.contact(person)["donotfax"], "the no in Dynamics")
    wait_for_safety(world)
    shown = world.operator.http.json("GET", f"/api/opt-out/{person}")["flags"]["blackListFax"]
    assert (shown["dynamics"], shown["campaign"], shown["agreed"]) == (True, True, True)
    listed = world.operator.http.ask("GET", "/api/opt-out?format=csv")
    assert listed.headers["Content-Type"].startswith("text/csv")
    assert (person, "blackListFax") in {
        (row["contact"], row["flag"]) for row in csv.DictReader(io.StringIO(listed.text))
    }
    decisions = world.operator.http.json("GET", "/api/opt-out")["decisions"]
    assert len(decisions) == len(list(csv.DictReader(io.StringIO(listed.text))))


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/api/opt-out/nobody", 400, "must be a GUID"),
        (
            "/api/opt-out/00000000-0000-0000-0000-000000000001",
            404,
            "Neither Dynamics nor Campaign knows",
        ),
        ("/api/opt-out?day=yesterday", 400, "day must be a date such as 2026-01-31."),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(
    world: World, path: str, status: int, sentence: str
) -> None:
    answer = world.operator.http.ask("GET", path)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_a_webhook_needs_the_secret(world: World) -> None:
    facts = world.stack.facts
    bridge = Http(facts["functions"], {"x-functions-key": facts["keys"]["opt_out_webhook"]})
    answer = bridge.ask("POST", "/api/dataverse/contact/opt-out", {}, **WEBHOOK_SECRET)
    assert (answer.status_code, "DATAVERSE_WEBHOOK_SECRET" in answer.json()["error"]) == (401, True)


def test_what_the_bridge_wrote_itself_wakes_it_not(world: World) -> None:
    """Who changed the contact is in the webhook's body; a change of somebody else's is looked
    at.
    """
    (person,) = world.dynamics.some_contact_ids(45)[44:]
    app = world.stack.environment["DATAVERSE_CLIENT_ID"]
    users = {
        row["applicationid"]: row["systemuserid"]
        for row in world.dynamics.rows("systemusers", "systemuserid,applicationid")
    }
    headers = {
        "x-functions-key": world.stack.facts["keys"]["opt_out_webhook"],
        "x-webhook-secret": world.stack.environment["DATAVERSE_WEBHOOK_SECRET"],
    }
    bridge = Http(world.stack.facts["functions"], headers)
    body = {"PrimaryEntityName": "contact", "PrimaryEntityId": person, "MessageName": "Update"}
    own = bridge.ask(
        "POST", "/api/dataverse/contact/opt-out", {**body, "InitiatingUserId": users[app]}
    )
    somebodys = bridge.ask(
        "POST", "/api/dataverse/contact/opt-out", {**body, "InitiatingUserId": person}
    )
    assert (own.status_code, own.json()) == (200, {"passed_over": person})
    assert (somebodys.status_code, somebodys.json()) == (202, {"accepted": person})


def test_the_status_has_a_row_for_each_feed_and_one_for_the_deliveries(world: World) -> None:
    flows = world.operator.http.json("GET", "/api/status")["flows"]
    assert {name for name in flows if name.startswith("opt_out")} == {
        "opt_out",
        "opt_out-from-dynamics",
        "opt_out-from-campaign",
    }
    assert {flows[name]["status"] for name in flows} == {"running"}
