"""What stands around every page: both organizations, and in the navigation how much needs somebody.

The counts are the watch's, read once in a while by each process: no page waits for them.
"""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from shared.console.patience import pool
from shared.console.visit import Services
from shared.errors import BridgeError
from shared.state.flows import FAILED

REFRESH_SECONDS = 30.0
FIRST_WAIT_SECONDS = 0.3
Counts = Mapping[str, int]


class Frame:
    """One for a process; many threads ask at once."""

    def __init__(self, services: Services, now: Callable[[], float]) -> None:
        self.services, self.now, self.lock = services, now, threading.Lock()
        self.found: Counts = {}
        self.asked_at = 0.0

    def facts(self) -> dict[str, Any]:
        return {"systems": self.systems(), "needs": self.needs()}

    def systems(self) -> tuple[str, str]:
        """Host of the Dynamics organization, and name of the Campaign instance."""
        try:
            settings = self.services.settings
        except BridgeError:
            return ("", "")
        path = urlsplit(settings.campaign_url).path.strip("/")
        return urlsplit(settings.dataverse_url).netloc, path.partition("/")[0]

    def needs(self) -> Counts:
        """How much needs somebody, by the page that shows it; as it was a moment ago."""
        with self.lock:
            is_due = self.now() - self.asked_at >= REFRESH_SECONDS
            first = not self.asked_at
            if is_due:
                self.asked_at = self.now()
        if is_due:
            asked: Future[None] = pool("parts").submit(self.refresh)
            if first:
                self.wait(asked)
        return self.found

    def wait(self, asked: "Future[None]") -> None:
        try:
            asked.result(FIRST_WAIT_SECONDS)
        except TimeoutError:
            return

    def refresh(self) -> None:
        try:
            made = self.services.figures.latest()
        except BridgeError:
            return
        self.found = counts_of(made[1]) if made else {}


def counts_of(summary: Mapping[str, Any]) -> Counts:
    """Of the watch's summary; what is 0 is not there."""
    flows = summary["flows"].values()
    events = [line for key, line in summary["flows"].items() if key.startswith("email_events")]
    found = {
        "/": sum(1 for line in flows if line["status"] == FAILED or line["mapping_problem"]),
        "/dead-letters": sum(line["dead_letters"] for line in flows),
        "/mappings": sum(1 for line in flows if line["mapping_problem"]),
        "/events": sum(1 for line in events if line["status"] == FAILED),
        "/opt-outs": 1 if summary["safe"]["safe"] is False else 0,
    }
    return {page: count for page, count in found.items() if count}
