"""The navigation says how much needs somebody, and no page waits for that."""

from types import SimpleNamespace
from typing import Any, cast

from shared.console.frame import REFRESH_SECONDS, Frame, counts_of
from shared.console.visit import Services
from shared.errors import Misconfigured, Retryable

LINE = {"status": "running", "mapping_problem": "", "dead_letters": 0}
FAILED = {**LINE, "status": "failed", "dead_letters": 3}
SUMMARY = {
    "flows": {
        "contacts": {**LINE, "mapping_problem": "x", "dead_letters": 4},
        "email_events-from-files": FAILED,
        "opt_out": LINE,
    },
    "safe": {"safe": False, "reasons": []},
}


class Figures:
    def __init__(self) -> None:
        self.reads, self.found, self.down = 0, cast("Any", SUMMARY), False

    def latest(self) -> Any:
        self.reads += 1
        if self.down:
            raise Retryable("The storage account does not answer.")
        return (1.0, self.found) if self.found else None


def frame(figures: Figures, clock: list[float]) -> Frame:
    settings = SimpleNamespace(
        dataverse_url="https://contoso.crm4.dynamics.com",
        campaign_url="https://mc.adobe.io/contoso-mkt-prod1/campaign",
    )
    services = SimpleNamespace(figures=figures, settings=settings)
    return Frame(cast("Services", services), lambda: clock[0])


def test_what_needs_somebody_is_counted_by_page() -> None:
    assert counts_of(SUMMARY) == {
        "/": 2,
        "/dead-letters": 7,
        "/mappings": 1,
        "/events": 1,
        "/opt-outs": 1,
    }


def test_both_organizations_are_named() -> None:
    assert frame(Figures(), [1.0]).facts()["systems"] == (
        "contoso.crm4.dynamics.com",
        "contoso-mkt-prod1",
    )


def test_counts_are_read_once_in_a_while() -> None:
    figures, clock = Figures(), [100.0]
    made = frame(figures, clock)
    assert made.needs()["/dead-letters"] == 7
    assert made.needs()["/dead-letters"] == 7
    assert figures.reads == 1
    clock[0] += REFRESH_SECONDS
    figures.down = True
    made.needs()
    assert made.needs()["/dead-letters"] == 7, "as it was before"


def test_before_the_first_watch_nothing_needs_anybody() -> None:
    figures = Figures()
    figures.found = None
    assert frame(figures, [100.0]).needs() == {}


def test_settings_that_are_missing_break_no_frame() -> None:
    class Missing:
        figures = Figures()

        @property
        def settings(self) -> Any:
            raise Misconfigured("settings", "Set these.")

    assert Frame(cast("Services", Missing()), lambda: 1.0).facts()["systems"] == ("", "")
