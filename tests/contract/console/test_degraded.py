"""While a system or the storage is down or slow, a page answers within three seconds and names what
is missing.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from dev.commands.stack import Stack
from functions.console_pages import Served
from shared.checks.look import Look
from shared.console.front import Front
from shared.console.outgoing import Sent
from shared.console.patience import DRAWING_SECONDS
from shared.console.roles import Role
from shared.console.sitemap import ROUTES
from shared.console_settings import ConsoleSettings
from shared.settings import load_settings, problems
from shared.wiring import Wiring
from tests.contract.console.kit import Door, World
from tests.contract.silence import listening, says_nothing, silent_storage

READER_SECONDS = 3.0 + DRAWING_SECONDS
"""With what a busy test machine adds."""
PAGES = ("", "/records", "/dead-letters", "/opt-outs", "/setup", "/flows/contacts")


@contextmanager
def in_time() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < READER_SECONDS


def contact(world: World) -> str:
    found: str = world.dynamics.create_contact(quietly=True, lastname="Reader")
    world.sync()
    return found


def timed(world: World, path: str) -> Sent:
    with in_time():
        return world.ask(path)


def story(world: World, contact_id: str) -> dict[str, Any]:
    return dict(json.loads(timed(world, f"/records/contacts/{contact_id}").body))


def missing(found: dict[str, Any]) -> set[str]:
    return {one["part"] for one in found["missing"]}


@pytest.mark.parametrize("action", [{"status": 503}, {"delay_seconds": 8}], ids=["down", "slow"])
def test_campaign_is_missing(world: World, action: dict[str, Any]) -> None:
    contact_id = contact(world)
    world.story(contact_id)  # documents and metadata are known
    world.campaign.faults({"match": {"path": "profile"}, "action": action})
    found = story(world, contact_id)
    assert "part_campaign" in missing(found)
    assert found["standing"] == "unknown"
    assert found["in_dynamics"] is True
    assert [one["outcome"] for one in found["history"]] == ["created"]
    for path in PAGES:
        assert timed(world, path).status == 200


def test_a_preview_and_its_plan_do_not_wait_for_a_slow_campaign(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.console.pages.mapping_preview.ACT_SECONDS", 1.0)
    monkeypatch.setattr("shared.console.acts.mapping.TRIED_SECONDS", 1.0)
    mapper = (Role.VIEWER, Role.MAPPER)
    contact(world)
    opened = world.data("/mappings/contact/yaml", *mapper)
    form = {"etag": opened["etag"], "base": str(opened["base"])}
    changed = opened["document"] + "deletes: ignore\n"
    assert world.ask("/mappings/contact/save", *mapper, form={**form, "document": changed})
    assert world.ask("/mappings/contact/preview", *mapper, form={}).status == 200
    world.campaign.faults({"match": {"path": "profile"}, "action": {"delay_seconds": 8}})
    with in_time():
        sent = world.ask("/mappings/contact/preview", *mapper, form={})
    assert (sent.status, json.loads(sent.body)["error"]) == (503, "preview_late")
    etag = world.data("/mappings/contact/yaml", *mapper)["etag"]
    asked = {"kind": "mapping_in_force", "table": "contact", "etag": etag}
    with in_time():
        made = world.ask("/plans", *mapper, form=asked)
    plan = made.headers["Location"].removeprefix("/console")
    tried = [one for one in world.data(plan, *mapper)["lines"] if one["label"] == "label_tried"]
    assert [one["text"] for one in tried] == ["tried_too_late"]


def test_dynamics_is_missing(new_world: Callable[..., World], stack: Stack) -> None:
    with listening(says_nothing) as silent:
        world = new_world()
        contact_id = contact(world)
        world.story(contact_id)
        world.wiring.dataverse.url = f"http://127.0.0.1:{silent.port}"
        found = story(world, contact_id)
        assert "part_dynamics" in missing(found)
        assert found["in_campaign"] is True
        with in_time():
            sent = world.ask("/find", form={"q": "somebody@example.org"})
        assert json.loads(sent.body)["missing"][0]["part"] == "contact"
        for path in PAGES:
            assert timed(world, path).status == 200


def test_the_storage_is_missing(
    new_world: Callable[..., World], stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.console.pages.plans.PLAN_SECONDS", 2.0)
    with silent_storage(stack.environment["AzureWebJobsStorage"]) as storage:
        world = new_world(AzureWebJobsStorage=storage.connection_string)
        contact_id = contact(world)
        world.story(contact_id)
        storage.fall_silent()
        found = story(world, contact_id)
        assert "part_state" in missing(found)
        assert found["history"] is None, "nobody knows"
        assert timed(world, "/records").status == 200, "it asks nobody"
        for path in set(PAGES) - {"/records"}:
            sent = timed(world, path)
            assert sent.status in (200, 503)
            assert b"storage account" in sent.body or json.loads(sent.body)["missing"]
        with in_time():
            sent = world.ask("/plans", Role.OPERATOR, form={"kind": "stop", "flow": "contacts"})
        assert (sent.status, json.loads(sent.body)["error"]) == (503, "plan_late")
        storage.speak()


def test_settings_are_missing() -> None:
    """The door opens, each page names what is missing, and the set-up page is there."""
    without = {"DATAVERSE_URL": "https://d.example.org"}

    class Unset(Served):
        def look(self) -> Look:
            return Look(problems(without), lambda: Wiring(load_settings(without)))

    settings = ConsoleSettings.model_construct(console_url="https://c", console_environment="T")

    def unset() -> Any:
        return Wiring(load_settings(without))

    served = Unset(unset, unset)
    world = World.__new__(World)
    world.front = Front(settings, served, Door(), ROUTES, time.time)  # type: ignore[arg-type]
    for path in ("", "/opt-outs", "/dead-letters"):
        sent = timed(world, path)
        assert sent.status == 503
        assert b"CAMPAIGN_URL is missing" in sent.body
    page = json.loads(timed(world, "/setup").body)
    assert {one["subject"] for one in page["findings"] if one["state"] == "error"} >= {
        "CAMPAIGN_URL",
        "CAMPAIGN_CLIENT_ID",
    }
    assert missing(page) == {"part_findings"}
    sent = world.ask("/setup", Role.VIEWER, Role.OPERATOR, form={})
    found = json.loads(sent.body)["findings"]
    assert {one["state"] for one in found} == {"error", "skipped"}
