"""Instances die at random moments of a load with edits going on; in the end both systems agree. The seed is in each message."""

import random
import time
from collections.abc import Iterator

import pytest

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.comparison import compare, mapping_in_force
from dev.verbs import wait_until
from tests.e2e.conftest import World, world_of

INSTANCES, CONTACTS, KILLS, SEED = 4, 3000, 10, 20261123
PACE = {**LOCAL_PACE, "CLAIM_LEASE_SECONDS": "5", "CAMPAIGN_TIMEOUT_SECONDS": "5", "CAMPAIGN_MAX_CONCURRENCY": "4"}


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("kills")
    with Stack(directory=directory, instances=INSTANCES, settings=PACE, latency_ms=40, message_lease_seconds=5) as stack:
        yield world_of(stack)


def test_nothing_is_lost_doubled_or_stale_when_instances_are_killed(world: World) -> None:
    chance = random.Random(SEED)
    world.dynamics.seed(CONTACTS)
    wait_until(lambda: world.campaign.write_calls()["POST"] > 100, "the load to begin")
    ids = world.dynamics.some_contact_ids(CONTACTS)
    for number in range(KILLS):
        instance = chance.randrange(1, INSTANCES + 1)
        for contact_id in chance.sample(ids, 15):
            world.dynamics.change_contact(contact_id, True, middlename=f"Edit{number}", donotbulkemail=chance.random() < 0.5)
        world.stack.kill_instance(instance)
        for contact_id in chance.sample(ids, 3):
            ids.remove(contact_id)
            world.dynamics.delete_contact(contact_id, True)
        time.sleep(chance.uniform(0, 0.5))  # the moment of the next kill is random; nothing waits for it
        world.stack.start_instance(instance)
    wait_until(world.operator.settled, f"quiet (seed {SEED})", 240)
    mapping = mapping_in_force(world.stack.facts)
    comparison = wait_until(
        lambda: (c := compare(world.stack.facts, mapping)).agree and c, f"agreement (seed {SEED})", 120, every=2
    )
    assert comparison
    assert comparison.source == comparison.target == len(ids)
    assert not comparison.duplicates
    assert not world.operator.dead_letters()
    assert world.operator.status()["poison_messages"] == 0
