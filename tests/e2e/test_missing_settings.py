"""A deployment whose settings are incomplete: everything loads, one message names all that is
missing, nothing is lost.
"""

from collections.abc import Iterator

import pytest

from dev.commands.stack import Stack
from dev.verbs import Dynamics, Http
from dev.world import World, world_of

MISSING = {"CAMPAIGN_URL": "", "CAMPAIGN_CLIENT_SECRET": "", "DATAVERSE_URL": "nonsense"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Stack(directory=tmp_path_factory.mktemp("missing"), settings=MISSING) as stack:
        yield world_of(stack)


def test_the_functions_load_and_one_message_names_all_missing_settings(world: World) -> None:
    names = {function["name"] for function in world.operator.admin.json("GET", "/admin/functions")}
    assert {"contacts_poll", "contacts_webhook", "contacts_deliver", "console_status"} <= names
    response = world.operator.http.ask("GET", "/api/status")
    assert response.status_code == 503
    for name in MISSING:
        assert name in response.json()["error"]
    assert "nonsense" not in response.text


def test_a_webhook_is_told_to_come_again(world: World) -> None:
    contact_id = Dynamics(world.stack.facts).create_contact(lastname="Waits")
    headers = {
        "x-functions-key": world.stack.facts["keys"]["contacts_webhook"],
        "x-webhook-secret": world.stack.webhook_secret,
    }
    body = {"PrimaryEntityName": "contact", "PrimaryEntityId": contact_id, "MessageName": "Update"}
    assert (
        Http(world.stack.facts["functions"], headers)
        .ask("POST", "/api/dataverse/contact", body)
        .status_code
        == 503
    )
