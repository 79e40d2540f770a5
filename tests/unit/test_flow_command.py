"""`manage.py flow`: each word is one request of the app's own routes."""

import json
from typing import Any

import pytest

from admin import flow

ID = "00000000-0000-0000-0000-00000000000a"


COMMAND = "/api/flows/contacts/"


@pytest.mark.parametrize(
    ("words", "method", "path", "body"),
    [
        (["contacts", "question"], "GET", "/api/flows/contacts/question", None),
        (["contacts", "jobs"], "GET", "/api/jobs?flow=contacts", None),
        (["contacts", "start"], "POST", "/api/flows/contacts/start", {}),
        (["contacts", "start", "confirm"], "POST", COMMAND + "start", {"deletes": "confirm"}),
        (["contacts", "start", "discard"], "POST", COMMAND + "start", {"deletes": "discard"}),
        (["opt_out", "stop"], "POST", "/api/flows/opt_out/stop", {}),
        (["contacts", "replay", "all"], "POST", "/api/flows/contacts/replay", {"what": "all"}),
        (["contacts", "replay", ID], "POST", COMMAND + "replay", {"what": "record", "id": ID}),
        (["opt_out", "stop", "--why", "a test"], "POST", "/api/flows/opt_out/stop",
         {"why": "a test"}),
        (["contacts", "stop", "--plan"], "POST", COMMAND + "plan", {"kind": "stop"}),
        (["contacts", "replay", ID, "--plan"], "POST", COMMAND + "plan",
         {"kind": "send_again", "id": ID}),
        (["contacts", "cancel", "a-held-1"], "POST", COMMAND + "cancel", {"job": "a-held-1"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("status", "code"), [(200, 0), (400, 1)])
def test_a_word_is_one_request(
    words: list[str],
    method: str,
    path: str,
    body: Any,
    status: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(flow.URL, "https://bridge.example.org/")
    monkeypatch.setenv(flow.KEY, "anna.secret")
    asked: list[Any] = []

    def ask(*request: Any) -> tuple[int, Any]:
        asked.append(request)
        return status, {"flow": words[0]}

    monkeypatch.setattr(flow, "ask", ask)
    assert flow.run(words) == code
    assert asked == [(f"https://bridge.example.org{path}", "anna.secret", method, body)]
    told = capsys.readouterr()
    assert json.loads(told.out) == {"flow": words[0]}
    assert "secret" not in told.out + told.err


@pytest.mark.parametrize(
    ("words", "plan", "carried"),
    [
        (["poll"], {"kind": "poll"}, {"number": 0}),
        (
            ["replay", "letters", "--reason", "too_long", "--version", "7", "--number", "37"],
            {"kind": "replay_letters", "reason": "too_long", "version": 7},
            {"number": 37},
        ),
        (
            ["replay", "changed", "--since", "2026-01-31T08:00Z", "--number", "21"],
            {"kind": "replay_changed", "since": "2026-01-31T08:00Z"},
            {"number": 21},
        ),
        (
            ["put-back", "trackingLogs_7.txt", "--folder", "processed"],
            {"kind": "put_back", "file": "trackingLogs_7.txt", "folder": "processed"},
            {"number": 0},
        ),
        (
            ["discard", ID, "--checked", "--why", "file was wrong"],
            {"kind": "discard_letters", "id": ID, "checked": True},
            {"number": 0, "why": "file was wrong"},
        ),
    ],
)
def test_an_act_with_a_plan_is_two_requests(
    words: list[str], plan: Any, carried: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = planned_acts(monkeypatch, must_type=carried["number"])
    assert flow.run(["contacts", *words]) == 0
    paths = [f"https://bridge.example.org{COMMAND}{name}" for name in ("plan", "carry_out")]
    bodies = [plan, {"plan": "p1", "why": "", **carried}]
    assert [(one[0], one[3]) for one in asked] == list(zip(paths, bodies, strict=True))


def test_many_records_are_not_touched_without_their_number(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = planned_acts(monkeypatch, must_type=37)
    assert flow.run(["contacts", "replay", "letters", "--number", "36"]) == 1
    assert len(asked) == 1
    assert "--number 37" in capsys.readouterr().err


def planned_acts(monkeypatch: pytest.MonkeyPatch, must_type: int) -> list[Any]:
    monkeypatch.setenv(flow.URL, "https://bridge.example.org/")
    monkeypatch.setenv(flow.KEY, "anna.secret")
    asked: list[Any] = []

    def ask(*request: Any) -> tuple[int, Any]:
        asked.append(request)
        return 200, {"plan": "p1", "must_type": must_type}

    monkeypatch.setattr(flow, "ask", ask)
    return asked


def test_without_address_or_key_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(flow.URL, raising=False)
    monkeypatch.delenv(flow.KEY, raising=False)
    assert flow.run(["contacts", "question"]) == 2
    assert flow.URL in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://bridge.example.org", "file:///etc/passwd", "bridge"])
def test_a_key_goes_to_no_address_without_tls(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(flow.URL, address)
    monkeypatch.setenv(flow.KEY, "anna.secret")
    assert flow.run(["contacts", "question"]) == 2
    assert "https" in capsys.readouterr().err
