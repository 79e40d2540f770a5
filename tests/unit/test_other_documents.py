"""Documents that another process has activated, in memory."""

from typing import Any

import pytest

from shared.errors import Cause, Retryable
from shared.mapping import default_document
from shared.pipeline.waiting_room import release_due
from tests.unit.memory import Memory, played

WITH_TITLE = default_document("contact").replace(
    "fields:\n", "fields:\n  - {source: jobtitle, target: thumbnail}\n", 1
)


@pytest.mark.parametrize(
    "rests",
    [
        pytest.param(False, id="on its queue"),
        pytest.param(True, id="in the waiting room, which knows no version"),
    ],
)
def test_rows_are_mapped_by_no_older_version_than_they_were_read_for(rests: bool) -> None:
    """This process has looked a moment ago, and would not look again for minutes."""

    def body(world: Memory) -> None:
        world.settings["MAPPING_CACHE_SECONDS"] = "300"
        world.contact(jobtitle="Astronaut")
        assert world.sync("contact") == ["created"]
        remembers = world.wiring
        world.document("contact", WITH_TITLE)
        world.another_instance()
        world.poll("contact")
        if rests:
            throttled(world)
            assert [s.outcome.value for s in world.deliver("contacts")] == ["waiting"]
            world.later(120.0)
        world.started[:] = [remembers]
        release_due(remembers.bridge, ["contacts"])
        assert [s.outcome.value for s in world.deliver("contacts")] == ["updated"]
        assert [row["thumbnail"] for row in world.held("contact")] == ["Astronaut"]

    played(body)


def throttled(world: Memory) -> None:
    """This instance is asked by Campaign to wait."""

    def asked_to_wait(*_: Any) -> Any:
        raise Retryable("Campaign throttles.", 90.0, cause=Cause.PAUSE)

    world.flow("contact").campaign.save = asked_to_wait
