"""A stack without a host once for the session; empty storage and systems for each test."""

from collections.abc import Callable, Iterator

import pytest

from dev.commands.stack import Stack
from tests.contract.console.kit import PACE, World
from tests.contract.fresh import empty_storage, empty_systems, take_identity


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(directory=tmp_path_factory.mktemp("console"), host=False, settings=PACE) as running:
        yield running


@pytest.fixture
def new_world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    take_identity(stack, monkeypatch)
    empty_storage(stack, "contacts", "opt-out")
    empty_systems(stack)
    yield lambda **settings: World(stack, **settings)
    empty_systems(stack)  # what was made slow or broken is as it was


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy test machine makes nothing late, where a test does not ask about that."""
    if request.module.__name__.endswith("test_degraded"):
        return
    monkeypatch.setattr("shared.console.patience.PART_SECONDS", 60.0)
    monkeypatch.setattr("shared.console.front.PAGE_SECONDS", 90.0)
    monkeypatch.setattr("functions.console_pages.FLOWS_SECONDS", 60.0)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()
