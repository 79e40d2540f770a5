"""Replay of what Dynamics has changed since a moment, on both systems: those records alone are
written again, whatever the bridge remembers of them.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from shared.console.roles import Role
from shared.pipeline.jobs import carry_on_all
from shared.pipeline.replay import WORKS
from tests.contract.console.kit import World

MINUTE = 60.0


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    """Dynamics tells two changed rows at a time."""
    return new_world(DATAVERSE_PAGE_SIZE="2")


def later(world: World, seconds: float) -> None:
    """In Dynamics and for the bridge."""
    world.dynamics.emulator.json("POST", "/clock", {"advance_seconds": seconds})
    world.ahead += seconds


def create(world: World, *names: str) -> list[str]:
    return [world.dynamics.create_contact(firstname=name, lastname="x") for name in names]


def spoil(world: World, contacts: list[str]) -> None:
    """Somebody changes the profiles in Campaign; the bridge hears nothing of it."""
    for contact in contacts:
        profile = world.campaign.profile(contact)
        assert profile
        path = f"/profileAndServicesExt/profile/{profile['PKey']}"
        world.campaign.http.json("PATCH", path, {"firstName": "Spoiled"})


def names(world: World, contacts: list[str]) -> list[str]:
    return [(world.campaign.profile(contact) or {})["firstName"] for contact in contacts]


def test_what_was_changed_since_then_is_written_again_page_by_page(world: World) -> None:
    before = create(world, "Ana")
    later(world, MINUTE)
    since = world.dynamics.contact(create(world, "Ben")[0])["modifiedon"]
    changed = create(world, "Cleo", "Dan", "Eve")
    world.sync()
    spoil(world, before + changed)
    world.sync()
    assert names(world, before + changed) == ["Spoiled"] * 4
    later(world, MINUTE)
    plan = world.plan("replay_changed", flow="contacts", since=since)
    shown = world.data(plan, Role.OPERATOR)
    (which, *_) = shown["lines"]
    assert (which["text"], shown["count"]) == ("which_changed_more", 2)
    page = world.led_to(plan)
    assert world.led_to(plan) == page, "a double click is one job"
    job = world.data(page)
    assert (job["state"], job["counts"]) == ("done", {"handed_off": 4})
    world.contacts.drain()
    assert names(world, before + changed) == ["Spoiled", "Cleo", "Dan", "Eve"]
    ended, ordered, *_ = world.data("/activity")["acts"]
    assert (ended["act"], ordered["act"]) == ("job_ended", "replay_changed")


def test_a_job_that_was_cut_off_goes_on_with_its_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its steps take longer than somebody waits: the others are done by the timer."""
    contacts = create(world, "Ana", "Ben", "Cleo")
    world.sync()
    spoil(world, contacts)
    later(world, MINUTE)
    plan = world.plan("replay_changed", flow="contacts", since="2020-01-01T00:00Z")
    monkeypatch.setattr("shared.pipeline.replay.AT_ONCE_SECONDS", 0.0)
    job = world.data(world.led_to(plan))
    assert job["state"] != "done"
    carry_on_all(world.flows(), world.wiring.bridge, MINUTE, WORKS)
    assert world.data(f"/jobs/{job['id']}")["counts"] == {"handed_off": 3}
    world.contacts.drain()
    assert names(world, contacts) == ["Ana", "Ben", "Cleo"]


def test_nothing_was_changed(world: World) -> None:
    create(world, "Ana")
    later(world, 2 * MINUTE)
    since = "2020-01-01T00:00Z"
    assert world.ask("/plans", Role.OPERATOR, form=form(since)).status == 303
    world.ahead += 600 * MINUTE
    late = datetime.fromtimestamp(world.wiring.now() - 1, UTC)
    refused = world.data("/plans", Role.OPERATOR, form=form(f"{late:%Y-%m-%dT%H:%M:%SZ}"))
    assert refused["error"] == "nothing_changed"


def form(since: str) -> dict[str, str]:
    return {"kind": "replay_changed", "flow": "contacts", "since": since}
