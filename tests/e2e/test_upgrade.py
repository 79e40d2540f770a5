"""What an earlier version left in the storage is finished by this one: messages, ledger, checkpoint
and dead letters.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty, TableServiceClient
from azure.storage.queue import QueueClient, TextBase64EncodePolicy

from dev.commands.settings import LOCAL_PACE
from dev.commands.stack import Stack
from dev.verbs import wait_until
from dev.world import World, world_of

STATE = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "upgrade" / "state-v1.json").read_text("utf-8")
)
CHANGED, DELETED, NEW, REJECTED = (
    f"00000000-0000-4000-8000-{number:012d}" for number in range(1, 5)
)


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The systems as they stood when the earlier version was stopped; the functions of this one
    start last.
    """
    with Stack(
        directory=tmp_path_factory.mktemp("upgrade"), host=False, settings=LOCAL_PACE
    ) as stack:
        left = world_of(stack)
        for contact_id in (CHANGED, NEW, REJECTED):
            left.dynamics.create_contact(
                True, contactid=contact_id, firstname="Ana", lastname=f"Test {contact_id[-1]}"
            )
        for contact_id in (CHANGED, DELETED):
            left.campaign.http.json(
                "POST",
                "/profileAndServicesExt/profile",
                {"externalId": contact_id, "lastName": "Old"},
            )
        restore(stack.facts["storage"], delta_link(left))
        stack.with_host = True
        stack.start_host()
        yield world_of(stack)


def delta_link(world: World) -> str:
    answer = world.dynamics.http.json(
        "GET", "/contacts?$select=firstname,lastname", Prefer="odata.track-changes"
    )
    return str(answer["@odata.deltaLink"])


def restore(connection: str, link: str) -> None:
    with TableServiceClient.from_connection_string(connection) as service:
        for table, entities in STATE["tables"].items():
            client = service.create_table_if_not_exists(table)
            for entity in entities:
                client.create_entity(
                    {name: restored(value, link) for name, value in entity.items()}
                )
    for queue, messages in STATE["queues"].items():
        client = QueueClient.from_connection_string(
            connection, queue, message_encode_policy=TextBase64EncodePolicy()
        )
        client.create_queue()
        for message in messages:
            client.send_message(message, time_to_live=-1)


def restored(value: Any, link: str) -> Any:
    if isinstance(value, dict):
        return EntityProperty(value["int64"], EdmType.INT64)
    return link if value == "{link}" else value


def test_what_an_earlier_version_left_is_finished_and_nothing_is_lost(world: World) -> None:
    world.wait_for_profile(CHANGED, lastName="Test 1")
    world.wait_for_profile(NEW, lastName="Test 3")
    world.wait_for_no_profile(DELETED)
    letters = wait_until(world.operator.dead_letters, "the dead letter of before")
    assert [(letter["record_id"], letter["reason"]) for letter in letters] == [
        (REJECTED, "too_long")
    ]
    world.operator.replay(what="dead_letters")
    world.wait_for_profile(REJECTED, lastName="Test 4")
    world.wait_for_quiet()
    wait_until(lambda: not world.operator.status()["backlog_messages"], "an empty queue")
    status = world.operator.status()
    assert (status["status"], status["poison_messages"]) == ("running", 0)
    assert not world.operator.dead_letters()
    assert sorted(profile["externalId"] for profile in world.campaign.profiles()) == [
        CHANGED,
        NEW,
        REJECTED,
    ]
