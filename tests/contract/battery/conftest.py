"""Emulators and Azurite once for the module; empty storage and empty systems for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.commands.stack import Stack
from dev.seed.vehicles import PUBLICATION
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.battery.cases import CASES, KEPT
from tests.contract.battery.kit import Case, KeptCase, Worker
from tests.contract.fresh import empty_storage, take_identity

PACE = {
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "CLAIM_LEASE_SECONDS": "5",
    "MAPPING_CACHE_SECONDS": "30",
    "EMAIL_EVENTS_SOURCE": "journal",
}
LEASE_SECONDS = 2.0
"""Of a claim: shorter than the settings allow, for tests wait until it ends."""

TIMEOUTS = {"CAMPAIGN_TIMEOUT_SECONDS": "2", "DATAVERSE_TIMEOUT_SECONDS": "3"}


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("stack")
    optional = PUBLICATION.read_text().replace("cardinality: one", "cardinality: zeroOrOne")
    (directory / "publication.yaml").write_text(optional)
    with Stack(
        directory=directory, host=False, settings=PACE, publication=directory / "publication.yaml"
    ) as running:
        yield running


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for a KeptCase runs on the flows that have one, any other on all flows."""
    if "case" in metafunc.fixturenames:
        kept = metafunc.function.__annotations__.get("case") is KeptCase
        cases = KEPT if kept else CASES
        metafunc.parametrize("case", cases, ids=[case.name for case in cases], indirect=True)


@pytest.fixture
def case(request: pytest.FixtureRequest, stack: Stack) -> Case:
    made: Case = request.param(stack)
    made.reset()
    made.mend_credential()
    return made


@pytest.fixture
def new_worker(
    case: Case, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Worker]]:
    """Makes instances that share the storage; each has its own clients, caches and clock."""
    take_identity(stack, monkeypatch)
    settings = load_settings({**stack.environment, **TIMEOUTS, **case.settings}).model_copy(
        update={"claim_lease_seconds": LEASE_SECONDS}
    )
    empty_storage(stack, case.queue)
    case.prepare(Wiring(settings))
    made: list[Worker] = []

    def make(**overrides: object) -> Worker:
        worker = Worker(case, Wiring(settings.model_copy(update=overrides)))
        worker.flow.activate()
        made.append(worker)
        return worker

    yield make
    for worker in made:
        worker.bridge.writers.shutdown()


@pytest.fixture
def worker(new_worker: Callable[..., Worker]) -> Worker:
    return new_worker()
