"""One process per function, as on Flex Consumption: workers and hosts that end at random moments lose and double nothing."""

import random
import time
from collections.abc import Iterator

import pytest

from dev.commands.stack import Stack
from dev.verbs import wait_until
from tests.e2e.conftest import World, world_of
from tests.e2e.test_kills import PACE

BUSY = ["function:contacts_deliver", "function:opt_out_deliver", "function:contacts_poll"]
CONTACTS, FAULTS, SEED = 800, 12, 20261126


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("groups")
    with Stack(directory=directory, groups=True, settings=PACE, latency_ms=20, message_lease_seconds=5) as stack:
        yield world_of(stack)


def test_nothing_is_lost_or_doubled_when_workers_and_hosts_of_single_functions_end(world: World) -> None:
    chance = random.Random(SEED)
    world.dynamics.seed(CONTACTS)
    wait_until(lambda: world.campaign.write_calls()["POST"] > 20, "the load to begin")
    ids = world.dynamics.some_contact_ids(CONTACTS)
    for number in range(FAULTS):
        for contact_id in chance.sample(ids, 10):
            world.dynamics.change_contact(contact_id, True, middlename=f"Edit{number}", donotbulkemail=chance.random() < 0.5)
        end_one(world.stack, chance)
        for contact_id in chance.sample(ids, 2):
            ids.remove(contact_id)
            world.dynamics.delete_contact(contact_id, True)
        time.sleep(chance.uniform(0, 0.5))  # the moment of the next fault is random; nothing waits for it
    world.wait_for_agreement(SEED, len(ids))


def end_one(stack: Stack, chance: random.Random) -> None:
    """A crash of a worker, the death of a machine, or a deployment; of a group that has work."""
    number = 1 + stack.groups.index(chance.choice(BUSY))
    kind = chance.choice(["worker", "worker", "machine", "deployment"])
    if kind == "worker":
        stack.kill_worker(number)
    elif kind == "machine":
        stack.kill_instance(number)
        stack.start_instance(number)
    else:
        stack.deploy_now(number)
