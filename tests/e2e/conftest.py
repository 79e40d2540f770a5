"""The whole local stack, once for a file of stories; each story brings its own contacts."""

from collections.abc import Iterator

import pytest

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.world import World, world_of


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Stack(directory=tmp_path_factory.mktemp("stack"), settings=LOCAL_PACE) as stack:
        running = world_of(stack)
        running.dynamics.seed(300)
        running.wait_for_quiet()
        yield running
