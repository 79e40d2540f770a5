"""One compiler for a file of tests; without one the tests of infra/ are left out, and `manage.py
test` says so.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.bicep import Compiler, find
from tests.contract.infra.kit import GIVEN_BY_THE_WORKFLOW, NAMES, Deployment, Deployments

collect_ignore_glob = [] if find() else ["test_*.py"]


@pytest.fixture(scope="package")
def compiler() -> Iterator[Compiler]:
    with Compiler(GIVEN_BY_THE_WORKFLOW) as running:
        yield running


@pytest.fixture(scope="package")
def deployments(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Deployments:
    return Deployments(compiler, Path(tmp_path_factory.mktemp("parameters")))


@pytest.fixture(params=NAMES)
def deployment(request: pytest.FixtureRequest, deployments: Deployments) -> Deployment:
    """Each environment and each variant in turn."""
    return deployments.of(request.param)
