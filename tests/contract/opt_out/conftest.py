"""A stack once for the module; empty storage, empty systems and an empty SFTP folder for each test."""

from collections.abc import Callable, Iterator

import pytest

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.settings import load_settings
from shared.state.storage import CONTAINERS, TABLES
from shared.wiring import Wiring
from tests.contract.opt_out.kit import PACE, World


def pytest_addoption(parser: pytest.Parser) -> None:
    """For `manage.py bench opt-out`; taken when this directory is named on the command line."""
    parser.addoption("--model-examples", type=int, default=6, help="examples of the model for each clock setting")
    parser.addoption("--model-steps", type=int, default=15, help="steps of each")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(directory=tmp_path_factory.mktemp("opt-out"), host=False, settings=PACE) as running:
        yield running


def emptied(stack: Stack) -> None:
    first = Wiring(load_settings(stack.environment))
    for table in TABLES:
        first.storage.tables.delete_table(table)
    for container in CONTAINERS:
        if first.storage.blobs.get_container_client(container).exists():
            first.storage.blobs.delete_container(container)
    for queue in ("opt-out", "opt-out-poison", "contacts"):
        if first.handoff.length(queue):
            first.handoff.clients(queue).clear_messages()
    for system in (Dynamics(stack.facts), Campaign(stack.facts)):
        system.emulator.told("POST", "/reset", {})
    for place in (stack.sftp_root / stack.facts["sftp"]["exports"].strip("/")).glob("**/*"):
        if place.is_file():
            place.unlink()


@pytest.fixture
def new_world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    for name, value in stack.environment.items():
        if name.startswith("IDENTITY_"):
            monkeypatch.setenv(name, value)
    emptied(stack)
    return lambda *mode, **settings: World(stack, *mode, **settings)


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()
