"""One company on one stack for the folder; Chromium for each file, for Playwright keeps a loop of
asyncio that no test after it could live with.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from dev.commands import browser as programs
from dev.commands.stack import Stack
from dev.seed import vehicles
from tests.browser.company import SETTINGS, Company
from tests.browser.windows import ARGUMENTS, Windows


def pytest_addoption(parser: pytest.Parser) -> None:
    """Taken when this directory is named on the command line, as `manage.py test` names it."""
    parser.addoption(
        "--take-pictures", action="store_true", help="take the pictures of docs/console.md again"
    )


@pytest.fixture
def take_pictures(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--take-pictures", False))


@pytest.fixture(scope="package")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    directory = tmp_path_factory.mktemp("browser")
    with Stack(directory=directory, settings=SETTINGS, publication=vehicles.PUBLICATION) as stack:
        found = Company(stack)
        found.begin()
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = programs.find()
    assert program, programs.MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def windows(chromium: Browser, company: Company) -> Iterator[Windows]:
    found = Windows(chromium, company.console)
    yield found
    found.close()
