"""The set-up page names settings by origin, and what the checks have found, with what to do."""

from typing import Any

import pytest

from shared.console.pages import set_up
from shared.settings import origins
from tests.unit.console.kit import Console
from tests.unit.test_settings import COMPLETE

FOUND = [
    {"check": "storage", "subject": "", "state": "ok", "message": "Written.", "next": ""},
    {"check": "sftp", "subject": "x", "state": "error", "message": "Gone.", "next": "Make it."},
    {"check": "settings", "subject": "", "state": "error", "message": "Old.", "next": "-"},
]


class Problems:
    """The settings as they are now, and nothing else."""

    problems = ()
    inside = True
    settings = type("S", (), {"model_fields_set": {"a"}})


@pytest.fixture
def console() -> Console:
    made = Console()
    made.front.services.look = lambda: Problems()  # type: ignore[method-assign, return-value, assignment]
    return made


def test_findings_are_listed_with_what_must_be_fixed_first(console: Console) -> None:
    console.figures.save("findings", 5.0, {"findings": FOUND, "by": "Otto"})
    page = console.data("/setup", "vera")
    assert [one["check"] for one in page["findings"]] == ["sftp", "settings", "storage"]
    assert page["findings"][1]["state"] == "ok", "the settings are looked at now"
    assert (page["counts"]["error"], page["at"], page["by"]) == (1, 5.0, "Otto")


def test_nothing_is_run_by_looking(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(set_up, "run_all", never)
    assert console.data("/setup", "vera")["at"] == 0.0
    assert console.acts() == []


def test_who_runs_them_is_written_down(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "run_all", lambda *_: [])
    sent = console.ask("/setup", "otto", {})
    assert sent.headers["Location"] == "/console/setup"
    assert [(act.who, act.act, act.on) for act in console.acts()] == [
        ("Otto", "run_checks", "setup")
    ]
    assert console.data("/setup")["by"] == "Otto"
    assert console.ask("/setup", "vera", {}).status == 403


def test_a_setting_is_named_with_its_origin_and_without_its_value() -> None:
    given = {**COMPLETE, "CONSOLE_ENVIRONMENT": "PROD", "SFTP_HOST": " "}
    found = {one.name: one for one in origins(given)}
    assert found["DATAVERSE_URL"].origin == "given"
    assert found["SFTP_HOST"].origin == "none"
    assert found["OPT_OUT_MODE"].origin == "default"
    assert found["CAMPAIGN_CLIENT_SECRET"].is_secret
    assert not found["CAMPAIGN_URL"].is_secret
    text = str(origins(given))
    assert not [value for value in given.values() if repr(value) in text]
