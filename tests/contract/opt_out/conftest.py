"""A stack once for the module; empty storage, empty systems and an empty SFTP folder for each
test.
"""

from collections.abc import Callable, Iterator

import pytest

from dev.commands.stack import Stack
from tests.contract.fresh import empty_storage, empty_systems, take_identity
from tests.contract.opt_out.kit import PACE, World


def pytest_addoption(parser: pytest.Parser) -> None:
    """For `manage.py bench opt-out`; taken when this directory is named on the command line."""
    parser.addoption(
        "--model-examples", type=int, default=2, help="examples of the model for each clock setting"
    )
    parser.addoption("--model-steps", type=int, default=15, help="steps of each")


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(directory=tmp_path_factory.mktemp("opt-out"), host=False, settings=PACE) as running:
        yield running


def emptied(stack: Stack) -> None:
    empty_storage(stack, "opt-out", "opt-out-poison", "contacts")
    empty_systems(stack)


@pytest.fixture
def new_world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    take_identity(stack, monkeypatch)
    emptied(stack)
    return lambda *mode, **settings: World(stack, *mode, **settings)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()
