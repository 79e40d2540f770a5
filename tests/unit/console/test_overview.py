"""The start page: what needs somebody, why and what next; calls; the latest acts; few reads."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from dev.simulation.tables import TableService
from shared.console.pages.overview import STALE_SECONDS
from shared.console.summary import summary
from shared.errors import Retryable
from shared.state.activity import Act
from tests.unit.console.kit import Console
from tests.unit.console.test_summary import STATUS

MOST_READS, MOST_BYTES = 6, 30_000


def with_flows(*keys: str) -> Console:
    made = Console()
    made.flows = {key: SimpleNamespace(key=key, letters=key) for key in keys}
    return made


@pytest.fixture
def console() -> Console:
    made = with_flows("contacts", "opt_out")
    found = {"contacts": STATUS, "opt_out": {**STATUS, "dead_letters": 0}}
    first = summary(found, {"safe": True, "reasons": []}, None, 0.0, made.clock - 1800)
    now = {**STATUS, "calls": {"POST": 740}, "outcomes": {"created": 740}}
    made.figures.save_latest(
        made.clock - 60,
        summary({**found, "contacts": now}, first["safe"], first, 300.0, made.clock),
    )
    return made


def put(console: Console, flow: str, **values: Any) -> None:
    row = {"PartitionKey": "flows", "RowKey": flow, "status": "running", **values}
    table = console.table("flows")
    named = {"reason": "", "setting": "", "by": "", "since": 0.0, "checked_at": 0.0}
    table.upsert_entity({**named, **row})
    console.clock += 5.0


def test_all_is_well(console: Console) -> None:
    page = console.data("")
    assert page["needing"] == []
    assert [one["name"] for one in page["flows"]] == ["Contacts", "Opt-outs"]
    assert page["flows"][0]["waits"] == [{"reason": "parent", "records": 3}]
    assert page["flows"][0]["day"][-1] == 240
    assert b"waiting for a parent: 3" in console.ask("").body


def test_a_yes_of_long_ago_is_no_yes_and_a_no_stays(console: Console) -> None:
    """Somebody may have opted out since the watch has run last."""
    console.clock += STALE_SECONDS
    page = console.data("")
    assert (page["is_stale"], page["safe"]["safe"]) == (True, None)
    html = console.ask("").body
    assert b"Safe to send" not in html
    assert b'<a href="/console/opt-outs">Not known whether' in html
    at, made = console.figures.latest() or (0.0, {})
    console.figures.save_latest(at, {**made, "safe": {"safe": False, "reasons": ["One waits."]}})
    assert console.data("")["safe"] == {"safe": False, "reasons": ["One waits."]}


@pytest.mark.parametrize("flow", ["opt_out", "opt_out-from-campaign"])
@pytest.mark.parametrize(
    "values",
    [
        {"status": "failed", "reason": "No token."},
        {"status": "stopped", "reason": "Stopped by Otto."},
        {"trouble": "Dynamics does not answer."},
    ],
)
def test_a_yes_is_not_known_any_more_once_opt_outs_do_not_run(
    flow: str, values: dict[str, str]
) -> None:
    """The watch's figures are up to five minutes old, the flows' own rows are of this moment."""
    console = with_flows("contacts", "opt_out", "opt_out-from-campaign")
    flows = dict.fromkeys(console.flows, STATUS)
    made = summary(flows, {"safe": True, "reasons": []}, None, 0.0, console.clock)
    console.figures.save_latest(console.clock - 60, made)
    put(console, "contacts", **values)
    assert console.data("")["safe"]["safe"] is True
    put(console, flow, **values)
    assert console.data("")["safe"] == {"safe": None, "reasons": []}
    assert b"Safe to send" not in console.ask("").body


def test_why_a_delivery_may_not_start_is_said_in_the_reader_s_language(console: Console) -> None:
    at, made = console.figures.latest() or (0.0, {})
    why = [
        {"code": "unsafe_queue", "arguments": {"count": 14}},
        {"code": "unsafe_failed", "arguments": {"name": "opt_out", "cause": "No token."}},
    ]
    safe = {"safe": False, "reasons": ["x", "y"], "why": why}
    console.figures.save_latest(at, {**made, "safe": safe})
    assert console.data("")["safe"]["reasons"] == [
        "14 messages with opt-outs are on their way. Wait a minute.",
        "Flow Opt-outs has failed: No token.",
    ]


def test_a_failed_flow_says_cause_and_next_step(console: Console) -> None:
    put(console, "contacts", status="failed", reason="No token: check CAMPAIGN_SCOPES.")
    (one,) = console.data("")["needing"]
    assert (one["key"], one["cause"], one["next"]) == (
        "contacts",
        "No token.",
        "Check CAMPAIGN_SCOPES.",
    )
    assert b"1 flow needs somebody" in console.ask("").body


def test_a_flow_that_has_no_answer_is_not_well(console: Console) -> None:
    put(console, "contacts", trouble="Campaign does not answer.")
    page, html = console.data(""), console.ask("").body
    assert page["needing"] == []
    assert [one["key"] for one in page["troubled"]] == ["contacts"]
    assert b"1 flow was interrupted" in html
    assert b"Campaign does not answer." in html
    assert b"All well" not in html


def test_a_flow_that_a_person_has_stopped_needs_nobody_and_is_not_well(console: Console) -> None:
    put(console, "contacts", status="stopped", reason="Stopped by Otto.", by="Otto")
    page, html = console.data(""), console.ask("").body
    assert page["needing"] == []
    assert page["stopped"] == [{"key": "contacts", "name": "Contacts"}]
    assert b"1 flow is stopped" in html
    assert b"All well" not in html


def test_refused_records_are_said_beside_all_is_well(console: Console) -> None:
    page, html = console.data(""), console.ask("").body
    assert page["dead_letters"] == STATUS["dead_letters"] > 1
    assert b"All well" in html
    assert f"{page['dead_letters']} records were refused and have not arrived.".encode() in html


def test_calls_of_all_flows_are_added_up(console: Console) -> None:
    calls = console.data("")["calls"]
    assert (calls["most"], calls["each"][-1], len(calls["at"])) == (240, 240, 48)
    assert calls["at"][-1] <= console.clock < calls["at"][-1] + 1800


def test_the_latest_acts_are_shown(console: Console) -> None:
    for number in range(8):
        console.activity.note(Act("Otto", "Bridge.Operator", "stop", "contacts", count=number))
        console.clock += 1.0
    assert [one["count"] for one in console.data("")["acts"]] == [7, 6, 5, 4, 3, 2]


def test_without_its_acts_the_page_is_shown(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any) -> Any:
        raise Retryable("The storage account does not answer.")

    monkeypatch.setattr(console.activity, "page", down)
    page = console.data("")
    assert [one["part"] for one in page["missing"]] == ["part_activity"]
    assert len(page["flows"]) == 2


@pytest.mark.parametrize(("age", "stale"), [(899.0, False), (901.0, True)])
def test_figures_that_are_old_say_so(console: Console, age: float, stale: bool) -> None:
    console.clock += age - 60.0
    assert console.data("")["is_stale"] is stale


def test_before_the_first_watch_the_page_says_so() -> None:
    console = with_flows("contacts")
    assert b"There are no figures yet" in console.ask("").body
    (line,) = console.data("")["flows"]
    assert (line["waiting"], line["per_minute"], line["dead_letters"]) == (None, None, None)
    figures = console.ask("").body.partition(b'class="number">')[2]
    assert b">0<" not in figures
    console.flows["contacts"].tells_changed = False
    of_flow = console.ask("/flows/contacts").body
    assert b"There are no figures yet" in of_flow
    assert (b"<dd>0</dd>" in of_flow, b"0 rows" in of_flow) == (False, False)


def test_the_page_costs_few_reads_and_few_bytes(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.ask("")
    reads: Counter[str] = Counter()
    tables: TableService = console.tables
    real, console.front.frame.asked_at = tables.perform, 0.0

    def counted(what: str, work: Any) -> Any:
        reads[what] += 1
        return real(what, work)

    monkeypatch.setattr(tables, "perform", counted)
    sent = console.ask("")
    assert 2 <= reads.total() <= MOST_READS, reads
    assert len(sent.body) < MOST_BYTES
