"""What a page costs: reads of storage, bytes, requests, time of the server."""

import time
from collections.abc import Iterator
from statistics import median

import pytest

from dev.bench.storage_calls import counted_storage
from dev.seed import vehicles
from functions.console_pages import Served
from shared.console.front import SESSION, Front
from shared.console.incoming import Incoming
from shared.console.outgoing import Sent
from shared.console.roles import Role
from shared.console.session import Session
from shared.console.sitemap import ROUTES
from shared.console_settings import ConsoleSettings
from shared.pipeline.flow import Flow
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.browser.addresses import PAGES, address
from tests.browser.company import Company
from tests.browser.windows import Windows
from tests.contract.console.kit import Door
from tests.contract.fresh import take_identity

START_READS, START_BYTES, START_REQUESTS = 6, 30 * 1024, 4
START_SECONDS = 0.120
MOST_READS, MOST_BYTES = 40, 100 * 1024
MOST_TIMES_AN_EMPTY_PAGE = 30
"""The empty page is the one that says that somebody is signed out. Measured: 20 to 23 times, 14 ms
beside 0.65 ms, so that a start page that takes twice as long is above it.
"""
ROUNDS, BATCHES = 40, 3
ASKED_NOW = {"/opt-outs": 250}
"""Reads of a page that takes no summary: whether a delivery may start is asked of the ledger."""
EACH_PAGE = pytest.mark.parametrize("route", PAGES, ids=lambda route: route.path or "/")


class Server:
    """The door in this process, on the company's own storage and systems."""

    def __init__(self, company: Company) -> None:
        self.wiring = Wiring(load_settings(company.stack.environment))
        self.front = Front(
            ConsoleSettings.model_construct(console_url="https://c", console_environment="TEST"),
            Served(lambda: self.wiring, self.flows),
            Door(),  # type: ignore[arg-type]
            ROUTES,
            self.wiring.now,
        )
        now = self.wiring.now()
        ada = Session("Ada Admin", "ada.admin@example.org", "1", tuple(Role), now, now)
        self.cookie = f"{SESSION}={ada.sealed(Door.seal)}"

    def flows(self) -> dict[str, Flow]:
        events = self.wiring.events_flows()
        cars = [self.wiring.table_flow(table) for table in ("contact", *vehicles.DOCUMENTS)]
        found = [*cars, *events[:1], *self.wiring.opt_out.all()]
        return {flow.key: flow for flow in found} | {flow.feed: flow for flow in events}

    def get(self, path: str) -> Sent:
        return self.front.answer(Incoming("GET", path, {}, {"cookie": self.cookie}))

    def seconds(self, path: str) -> float:
        began = time.perf_counter()
        assert self.get(path).status == 200
        return time.perf_counter() - began


@pytest.fixture(scope="module")
def server(company: Company) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        take_identity(company.stack, patch)
        patch.setenv("SSL_CERT_FILE", company.stack.environment["SSL_CERT_FILE"])
        yield Server(company)


def reads(server: Server, path: str) -> int:
    """Requests of one page to storage, and to the systems where it asks them, once everything that
    is kept in memory is there.
    """
    server.get(path)
    with counted_storage() as requests:
        server.get(path)
    return len(requests)


def test_the_start_page_keeps_its_budget(server: Server) -> None:
    assert reads(server, "") <= START_READS
    assert len(server.get("").body) <= START_BYTES


def test_the_start_page_takes_little_longer_than_an_empty_page(server: Server) -> None:
    """As a ratio of medians of requests that take turns, for the machine may be busy: of several
    batches the one that was disturbed least.
    """
    batches = [medians(server, "", "/signed-out") for _ in range(BATCHES)]
    assert min(start for start, _ in batches) <= START_SECONDS
    assert min(start / empty for start, empty in batches) <= MOST_TIMES_AN_EMPTY_PAGE


def medians(server: Server, *paths: str) -> list[float]:
    took = [[server.seconds(path) for path in paths] for _ in range(ROUNDS)]
    return [median(times) for times in zip(*took, strict=True)]


@EACH_PAGE
def test_a_page_reads_summaries_and_no_tables(
    server: Server, company: Company, route: object
) -> None:
    path = address(route, company)  # type: ignore[arg-type]
    assert reads(server, path.partition("?")[0]) <= ASKED_NOW.get(path, MOST_READS)
    assert len(server.get(path).body) <= MOST_BYTES


def test_the_start_page_is_four_requests_and_then_one(windows: Windows) -> None:
    """Style and script are kept by the browser; a new tab asks for its sign again."""
    with windows.open("viewer") as window:
        window.go("")
        assert len({*window.urls}) <= START_REQUESTS
    with windows.open("viewer") as window:
        window.go("/opt-outs")
        sizes = window.page.evaluate(
            "performance.getEntriesByType('resource').filter((one) => /css|js$/.test(one.name))"
            ".map((one) => one.transferSize)"
        )
        assert sizes == [0, 0]
