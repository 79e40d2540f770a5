"""Writes that Campaign carries out late: after the bridge has made them again, or has written
something else.

The emulator drops the first request; the test carries it out at the moment that it chooses.
"""

from collections.abc import Callable

from shared.pipeline.waiting_room import release_due
from tests.contract.opt_out.kit import PROFILE, World

DOUBT_SECONDS = 2000.0
"""Longer than any doubt: CAMPAIGN_DOUBT_SECONDS is 600."""


def no_answer(method: str) -> list[dict[str, object]]:
    match = {"method": method, "path": "/profileAndServicesExt/profile"}
    return [{"match": match, "action": {"drop": "before"}, "times": 1}]


def end_doubt(world: World) -> None:
    world.ahead += DOUBT_SECONDS
    assert release_due(world.wiring.bridge) > 0
    world.deliver_contacts()
    for _ in range(2):
        world.sync()


def test_an_opt_in_that_is_carried_out_late_takes_no_opt_out_back(
    new_world: Callable[..., World],
) -> None:
    world = new_world("both")
    person = world.person(contact=True, profile=True)
    world.quiet()
    world.in_dynamics(person, False)
    world.campaign.emulator.json("POST", "/faults", no_answer("PATCH"))
    world.sync()
    assert world.says(person) == (False, False)
    world.in_dynamics(person, True)
    world.sync()
    assert world.says(person) == (True, True)
    world.in_campaign(person, False)  # the first request, late
    world.sync()
    assert world.says(person) == (True, True)
    end_doubt(world)
    assert world.says(person) == (True, True)


def test_an_opt_in_that_campaign_never_tells_of_is_found_when_the_doubt_ends(
    new_world: Callable[..., World],
) -> None:
    world = new_world("to-campaign")
    person = world.person(contact=True, profile=True)
    world.quiet()
    world.in_dynamics(person, False)
    world.campaign.emulator.json("POST", "/faults", no_answer("PATCH"))
    world.sync()
    world.in_dynamics(person, True)
    world.sync()
    world.in_campaign(person, False)
    end_doubt(world)
    assert world.says(person) == (True, True)


def test_an_update_that_is_carried_out_late_does_not_stay(new_world: Callable[..., World]) -> None:
    world = new_world("disabled")
    person = world.contact()
    world.backfill()
    world.dynamics.change_contact(person, quietly=True, lastname="second")
    world.campaign.emulator.json("POST", "/faults", no_answer("PATCH"))
    world.backfill()
    world.dynamics.change_contact(person, quietly=True, lastname="third")
    world.backfill()
    world.campaign.http.json("PATCH", f"{PROFILE}/{person}", {"lastName": "second"})
    end_doubt(world)
    assert world.campaign.profile(person)["lastName"] == "third"
    calls = world.campaign.write_calls()["PATCH"]
    world.dynamics.change_contact(person, quietly=True, jobtitle="not mapped")
    world.backfill()
    assert world.campaign.write_calls()["PATCH"] == calls, "the doubt has ended"


def test_a_creation_that_is_carried_out_after_the_deletion_does_not_stay(
    new_world: Callable[..., World],
) -> None:
    world = new_world("disabled", RETRY_DELAY_SECONDS="5")
    world.contact()
    world.backfill()
    person = world.contact()
    world.campaign.emulator.json("POST", "/faults", no_answer("POST"))
    world.contacts.poll()
    for message in world.contacts.messages():
        world.contacts.deliver(message)
    world.dynamics.http.json("DELETE", f"/contacts({person})")
    world.contacts.poll()
    for message in world.contacts.messages():
        world.contacts.deliver(message)
    assert world.campaign.profile(person) is None
    world.profile(person)
    end_doubt(world)
    assert world.campaign.profile(person) is None


def test_a_doubt_costs_one_call_and_without_faults_there_is_none(
    new_world: Callable[..., World],
) -> None:
    world = new_world("disabled")
    person = world.contact()
    world.backfill()
    world.ahead += DOUBT_SECONDS
    assert release_due(world.wiring.bridge) == 0
    world.dynamics.change_contact(person, quietly=True, lastname="second")
    world.campaign.emulator.json("POST", "/faults", no_answer("PATCH"))
    world.backfill()
    before = world.campaign.write_calls()["PATCH"]
    end_doubt(world)
    assert world.campaign.write_calls()["PATCH"] == before + 1
