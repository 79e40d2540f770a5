"""The story of three mailings while instances die: every event is on its contact's timeline,
once.
"""

from collections.abc import Iterator

import pytest

from dev.commands.demo import DEMO_PACE
from dev.commands.stack import Stack
from dev.seed import mailings
from dev.verbs import wait_until
from dev.world import World, world_of

PACE = {**DEMO_PACE, "CLAIM_LEASE_SECONDS": "5"}


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("mailings")
    with Stack(directory=directory, instances=2, settings=PACE, message_lease_seconds=5) as stack:
        running = world_of(stack)
        running.dynamics.seed(60)
        running.wait_for_quiet()
        mailings.set_up(stack.facts)
        yield running


def test_every_event_is_on_the_timeline_once_when_instances_are_killed(world: World) -> None:
    delay = {"match": {"method": "POST", "route": "batch"}, "action": {"delay_seconds": 0.3}}
    world.dynamics.faults(delay)
    mailings.send(world.dynamics, world.campaign)
    wait_until(
        lambda: any(world.dynamics.rows("acs_emailsends", "activityid")),
        "the first send",
        every=0.02,
    )
    for number in (2, 1):
        world.stack.kill_instance(number)
        world.stack.start_instance(number)
    world.dynamics.faults()

    def agree() -> bool:
        comparison, _ = mailings.compare_events(world.stack.facts, world.dynamics, world.campaign)
        return comparison.agree and comparison.source > 0

    wait_until(agree, "each event once", 120, every=0.5)
    wait_until(
        lambda: world.operator.status("email_events")["backlog_messages"] == 0, "an empty queue"
    )
    assert agree()
    status = world.operator.status("email_events")
    assert (status["dead_letters"], status["poison_messages"]) == (0, 0)
    rows = list(world.dynamics.rows("acs_emailsends", "statecode"))
    assert {row["statecode"] for row in rows} == {1}
