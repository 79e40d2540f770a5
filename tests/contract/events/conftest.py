"""A stack once for the module; empty storage, empty systems and an empty SFTP folder for each
test.
"""

from collections.abc import Iterator

import pytest

from dev.commands.stack import Stack
from tests.contract.events.kit import PACE, World, create_tables
from tests.contract.fresh import empty_storage, empty_systems, take_identity


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(directory=tmp_path_factory.mktemp("events"), host=False, settings=PACE) as running:
        yield running


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    take_identity(stack, monkeypatch)
    empty_storage(stack, "email-events")
    empty_systems(stack)
    create_tables(stack)
    return World(stack)
