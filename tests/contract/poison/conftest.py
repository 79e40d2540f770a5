"""A stack once for the module; empty storage and empty systems for each test."""

from collections.abc import Iterator

import pytest

from dev.commands.stack import Stack
from dev.seed import vehicles
from dev.verbs import Dynamics
from shared.pipeline import poison
from tests.contract.events.kit import create_tables
from tests.contract.fresh import take_identity
from tests.contract.poison.kit import PACE, World, emptied


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("poison")
    optional = vehicles.PUBLICATION.read_text().replace(
        "cardinality: one", "cardinality: zeroOrOne"
    )
    (directory / "publication.yaml").write_text(optional)
    with Stack(
        directory=directory, host=False, settings=PACE, publication=directory / "publication.yaml"
    ) as running:
        vehicles.create_tables(Dynamics(running.facts))
        create_tables(running)
        yield running


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    take_identity(stack, monkeypatch)
    monkeypatch.setattr(poison, "HIDDEN_SECONDS", 1.0)
    emptied(stack)
    made = World(stack)
    made.campaign.renew(stack.new_campaign_token())
    return made
