"""What both systems say of tables and resources, for somebody at the screen.

Kept for a minute, and waited for a few seconds only: a page comes without it rather than late. An
answer that came too late is there for the next page.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextvars import Context
from dataclasses import dataclass
from typing import Any

from shared.campaign.client import CampaignClient
from shared.dataverse.client import DataverseClient
from shared.dataverse.samples import tracked_tables
from shared.deadlines import ANSWER_END_SECONDS, ANSWER_SECONDS, within
from shared.errors import BridgeError
from shared.mapping import SourceTable, TargetResource
from shared.threads import ThreadPool

KEPT_SECONDS = 60.0
PATIENCE_SECONDS = 2.2
"""Of one page, which shall be there within three seconds."""
ACT_SECONDS = 15.0
"""Of an act that makes no sense without an answer: a table's definition takes a dozen calls."""
THREADS = 4
APIS = ("profileAndServicesExt", "customResources")
"""Where resources that a table can be mapped to are looked for."""


@dataclass(frozen=True, slots=True)
class Glance:
    """Both systems' metadata as far as it was there in time."""

    source: SourceTable | None
    target: TargetResource | None
    missing: Mapping[str, str]
    """Why a system's part is missing, by the system's name; "" where it is only slow."""


class Given:
    """Metadata that is there already, as a compiler asks for it."""

    def __init__(self, source: SourceTable, target: TargetResource) -> None:
        self.source, self.target = source, target

    def table(self, logical_name: str) -> SourceTable:
        return self.source

    def resource(self, api: str, name: str) -> TargetResource:
        return self.target


class Systems:
    """One for a process."""

    def __init__(
        self,
        dataverse: Callable[[], DataverseClient],
        campaign: Callable[[], CampaignClient],
        now: Callable[[], float],
    ) -> None:
        self.dataverse, self.campaign, self.now = dataverse, campaign, now
        self.pool = ThreadPool(THREADS, "metadata")
        self.lock = threading.Lock()
        self.asked: dict[tuple[str, ...], Future[Any]] = {}

    def glance(
        self, table: str, api: str, resource: str, seconds: float = PATIENCE_SECONDS
    ) -> Glance:
        """Both at once; what is not there in time is missing."""
        source = self.ask(("table", table), lambda: self.dataverse().table(table))
        target = self.ask(
            ("resource", api, resource), lambda: self.campaign().resource(api, resource)
        )
        found, missing = self.together({"Dataverse": source, "Campaign": target}, seconds)
        return Glance(found.get("Dataverse"), found.get("Campaign"), missing)

    def choices(
        self, seconds: float = PATIENCE_SECONDS
    ) -> tuple[dict[str, str], dict[str, str], Mapping[str, str]]:
        """Tables of Dataverse, resources of Campaign with their API, and why a part is missing."""
        tables = self.ask(("tables",), lambda: tracked_tables(self.dataverse()))
        resources = self.ask(("resources",), self.resources)
        found, missing = self.together({"Dataverse": tables, "Campaign": resources}, seconds)
        return found.get("Dataverse") or {}, found.get("Campaign") or {}, missing

    def resources(self) -> dict[str, str]:
        """The API of each resource; the first that has it."""
        found: dict[str, str] = {}
        for api in APIS:
            for name in self.campaign().resources(api):
                found.setdefault(name, api)
        return found

    def ask(self, question: tuple[str, ...], work: Callable[[], Any]) -> "Future[Any]":
        """The answer to a question that is open, or was answered less than a minute ago.

        Else it is put now. A failure is not kept.
        """
        with self.lock:
            asked = self.asked.get(question)
            if asked is None or self.is_over(asked):
                asked = self.asked[question] = self.pool.submit(Context().run, self.timed, work)
            return asked

    def timed(self, work: Callable[[], Any]) -> tuple[Any, float]:
        """The answer and when it came. It runs in a context of its own: it may outlive the page
        that asked, and serves the next one.
        """
        with within(ANSWER_SECONDS, end_seconds=ANSWER_END_SECONDS):
            return work(), self.now()

    def is_over(self, asked: "Future[Any]") -> bool:
        if not asked.done():
            return False
        return asked.exception() is not None or self.now() - asked.result()[1] > KEPT_SECONDS

    def together(
        self, questions: "Mapping[str, Future[Any]]", seconds: float
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The answers that come in time, and why the others do not."""
        found: dict[str, Any] = {}
        missing: dict[str, str] = {}
        left = seconds
        for name, asked in questions.items():
            try:
                found[name] = asked.result(timeout=left)[0]
            except TimeoutError:
                missing[name], left = "", 0.0
            except BridgeError as error:
                missing[name] = str(error)
        return found, missing

    def forget(self) -> None:
        """Asks again at the next use: somebody has just published something."""
        with self.lock:
            self.asked.clear()
