"""Each flow is watched on its own: what fails for one leaves the lines of the others whole."""

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.console import status
from shared.pipeline.flow import Bridge, Flow

FIGURES: dict[str, Any] = {
    "status": "running", "oldest_unwritten_seconds": 0.0, "token_age_seconds": None,
    "backlog_messages": 0, "poison_messages": 0, "poison_letters": 0, "dead_letters": 0,
}  # fmt: skip


def flow(key: str) -> Flow:
    return cast(Flow, SimpleNamespace(key=key, queue=key))


@pytest.mark.parametrize("broken", [("first",), ("second",), ("third",), ("first", "third")])
def test_one_flow_that_fails_hides_no_other(
    broken: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def figures(flow: Flow, bridge: Bridge, key: str) -> dict[str, Any]:
        if flow.key in broken:
            raise KeyError(flow.key)
        return FIGURES

    monkeypatch.setattr(status, "flow_status", figures)
    keys = ("first", "second", "third")
    with caplog.at_level(logging.INFO, "bridge"), pytest.raises(KeyError):
        status.watch({key: flow(key) for key in keys}, cast(Bridge, None))
    watched = [
        key
        for key in keys
        if any(f'"flow": "{key}"' in record.getMessage() for record in caplog.records)
    ]
    assert watched == [key for key in keys if key not in broken]
