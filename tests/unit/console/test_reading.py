"""How far a flow has read: of about how many rows, how long that lasts, how old its token is."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.console.reading import left, reading
from shared.console.summary import rows_per_minute
from shared.entities.flow import TableFlow
from shared.errors import Retryable
from shared.pipeline.flow import Flow

DELTA = {"phase": "delta", "rows_read": 900, "token_age_seconds": 3600.0}
FULL = {"phase": "full", "rows_read": 250, "rows_per_minute": 100.0, "token_age_seconds": None}


class Dataverse:
    url = "https://d.example.org"

    def __init__(self, down: bool = False) -> None:
        self.down = down

    def change_window_days(self) -> int:
        return 7

    def get(self, url: str, route: str) -> dict[str, Any]:
        if self.down:
            raise Retryable("Dataverse does not answer.")
        assert url.endswith("RetrieveTotalRecordCount(EntityNames=%5B%27contact%27%5D)")
        return {"EntityRecordCountCollection": {"Values": [1250]}}


def contacts(down: bool = False) -> TableFlow:
    nothing = cast("Any", None)
    system = cast("Any", Dataverse(down))
    return TableFlow("contacts", "contacts", "contact", nothing, system, nothing, b"", lambda: 0.0)


def test_a_first_read_has_progress_and_time_left() -> None:
    found, missing = reading(contacts(), FULL)
    assert (found["rows_read"], found["about_rows"], found["left_seconds"]) == (250, 1250, 600)
    assert missing == []


def test_a_token_has_its_age_against_the_window() -> None:
    found, _ = reading(contacts(), DELTA)
    assert (found["token_age_seconds"], found["window_seconds"]) == (3600.0, 7 * 86_400.0)
    assert not found["is_token_old"]
    old, _ = reading(contacts(), {**DELTA, "token_age_seconds": 5 * 86_400.0})
    assert old["is_token_old"]


def test_what_dynamics_does_not_tell_is_missing() -> None:
    found, missing = reading(contacts(down=True), FULL)
    assert (found["about_rows"], found["left_seconds"]) == (None, None)
    assert [one.part for one in missing] == ["part_dynamics"]


def test_other_flows_ask_nobody() -> None:
    found, missing = reading(cast("Flow", SimpleNamespace(key="email_events")), FULL)
    assert (found["about_rows"], missing) == (None, [])


@pytest.mark.parametrize(
    ("about", "rows", "rate", "seconds"),
    [(100, 50, 50.0, 60), (100, 120, 50.0, 0), (None, 5, 5.0, None), (100, 50, 0.0, None)],
)
def test_the_time_that_is_left(about: Any, rows: int, rate: float, seconds: Any) -> None:
    assert left(about, rows, rate) == seconds


@pytest.mark.parametrize(
    ("before", "now", "rate"),
    [
        (("full", 100), ("full", 600), 100.0),
        (("delta", 100), ("full", 600), 0.0),
        (("full", 600), ("full", 100), 0.0),
    ],
)
def test_the_rate_of_a_read(before: Any, now: Any, rate: float) -> None:
    found, earlier = ({"phase": phase, "rows_read": rows} for phase, rows in (now, before))
    assert rows_per_minute(found, earlier, 300.0) == rate
    assert rows_per_minute(found, None, 300.0) == 0.0
