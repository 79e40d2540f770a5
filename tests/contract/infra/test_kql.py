"""The queries of alerts and workbook, read by Microsoft's own parser of KQL (npm
@kusto/language-service-next).

No findings, and every field that one reads is a field of a line that the code writes.
"""

import inspect
import json
import logging
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import telemetry
from shared.records import Outcome
from shared.state.flows import FAILED, RUNNING, STOPPED

ROOT = Path(__file__).parents[3]
QUERIES = ROOT / "infra" / "queries"
ALERTS = (ROOT / "infra" / "modules" / "alerts.bicep").read_text()
WORKBOOK = json.loads((ROOT / "infra" / "workbook.json").read_text())
FILLED = {"{seconds}": "1800", "{letters}": "10", "{queue}": "contacts"}
# Azure Monitor Logs reference: tables AppTraces and AZKVAuditLogs, the columns that are of use here
TABLES = {
    "AppTraces": (
        "(TimeGenerated: datetime, Message: string, SeverityLevel: int, Properties: dynamic,"
        " OperationName: string, OperationId: string, ParentId: string, AppRoleName: string,"
        " AppRoleInstance: string, ItemCount: int, _ResourceId: string)"
    ),
    "AZKVAuditLogs": (
        "(TimeGenerated: datetime, OperationName: string, Category: string, ResultType: string,"
        " ResultSignature: string, CallerIPAddress: string, Identity: dynamic, RequestUri: string,"
        " _ResourceId: string)"
    ),
}
VALUES = {"status": {RUNNING, STOPPED, FAILED}, "outcome": set(Outcome), "queue": {"contacts"}}
EVENTS = ("settled", "settled_together", "polled", "watched", "flow_changed")


def queries() -> dict[str, str]:
    """Those of alerts are files, with places that Bicep fills; those of the workbook stand in its
    items.
    """
    found = {path.name: path.read_text() for path in sorted(QUERIES.glob("*.kql"))}
    for name, value in FILLED.items():
        found = {key: text.replace(name, value) for key, text in found.items()}
    shown = {
        f"workbook {item['name']}": item["content"]["query"]
        for item in WORKBOOK["items"]
        if item["type"] == 3
    }
    return found | shown


NAMES = sorted(queries())
WRONG = {
    "wrong keyword": (
        "AppTraces | extend line = parse_json(Message) | project By = tostring(line.by)"
    ),
    "wrong column": "AppTraces | project Massage",
    "wrong table": "AppTrace | count",
}


def read(asked: dict[str, str]) -> dict[str, Any]:
    node = shutil.which("node")
    assert node, "Node.js is needed, as for Azurite."
    command = [
        node,
        str(Path(__file__).with_name("read_kql.cjs")),
        str(ROOT / ".local" / "tools" / "node_modules"),
    ]
    given = json.dumps({"tables": TABLES, "queries": asked})
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=120, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """All in one start of the parser, which takes 3 s."""
    return read(queries() | WRONG)


def example(parameter: inspect.Parameter) -> Any:
    return {"str": "x", "int": 1, "float": 1.0}.get(
        str(parameter.annotation).removeprefix("<class '").removesuffix("'>"), {"x": 1}
    )


def fields(event: str, caplog: pytest.LogCaptureFixture) -> set[str]:
    """The fields of a line of this event, as the code writes it."""
    write: Callable[..., None] = getattr(telemetry, event)
    given = {
        name: example(one)
        for name, one in inspect.signature(write).parameters.items()
        if name != "level"
    }
    caplog.clear()
    with caplog.at_level(logging.INFO, "bridge"):
        write(**given)
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert line["event"] == event
    return set(line)


@pytest.mark.parametrize("name", NAMES)
def test_the_parser_finds_nothing(name: str, found: dict[str, Any]) -> None:
    assert found[name]["diagnostics"] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "secret-expiring.kql"])
def test_every_field_that_is_read_is_a_field_of_its_lines(
    name: str, found: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    compared: list[tuple[str, str]] = [tuple(pair) for pair in found[name]["compared"]]
    events = {value for field, value in compared if field == "event"}
    assert events
    assert events <= set(EVENTS)
    lines = [fields(event, caplog) for event in events]
    told_apart = re.search(
        r'\bEvent == "', queries()[name]
    )  # such a query reads each event's own fields
    assert set(found[name]["fields"]) <= (
        set.union(*lines) if told_apart else set.intersection(*lines)
    )
    for field, value in compared:
        assert field == "event" or value in VALUES[field], f"{field} is never {value}"


def test_outcomes_and_reasons_show_records_that_settle_together(
    found: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("workbook outcomes", "workbook reasons"):
        assert ["event", "settled_together"] in found[name]["compared"]
    counts = fields("settled_together", caplog) - {"event", "flow", "trace", "reasons"}
    assert counts <= set(found["workbook outcomes"]["fields"])
    assert "reasons" in found["workbook reasons"]["fields"]


def test_an_alert_for_each_flow_has_the_column_that_tells_them_apart(found: dict[str, Any]) -> None:
    rules = re.findall(r"queries/([\w.-]+)'.*?dimensions: (\w+|\[\])", ALERTS, re.DOTALL)
    apart = {name for name, dimensions in rules if dimensions == "byFlow"}
    assert {"failed.kql", "unwritten.kql", "unwatched.kql"} <= apart
    assert all({"Flow", "TimeGenerated"} <= set(found[name]["columns"]) for name in apart)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_query_is_found(name: str, found: dict[str, Any]) -> None:
    assert found[name]["diagnostics"]


def test_every_file_is_loaded_and_its_places_are_filled() -> None:
    loaded = dict(
        re.findall(r"loadTextContent\('\.\./queries/([\w.-]+)'\)(?:, '(\{\w+\})')?", ALERTS)
    )
    assert set(loaded) == {path.name for path in QUERIES.glob("*.kql")}
    for name, place in loaded.items():
        assert set(re.findall(r"\{\w+\}", (QUERIES / name).read_text())) == (
            {place} if place else set()
        ), name
    assert re.search(r"query: '", ALERTS) is None, "a query is a file of infra/queries"


def test_the_workbook_is_in_its_own_form() -> None:
    """Azure Monitor Workbooks, items: 1 is text, 3 a query on logs, 9 parameters; a query's time is
    a parameter that is there.
    """
    items = WORKBOOK["items"]
    assert WORKBOOK["version"] == "Notebook/1.0"
    assert len({item["name"] for item in items}) == len(items)
    assert {item["type"] for item in items} == {1, 3, 9}
    given = {
        one["name"] for item in items if item["type"] == 9 for one in item["content"]["parameters"]
    }
    assert given == {"Time"}
    for item in (item for item in items if item["type"] == 3):
        content = item["content"]
        assert (content["version"], content["queryType"]) == ("KqlItem/1.0", 0)
        assert content["resourceType"] == "microsoft.operationalinsights/workspaces"
        assert content["timeContextFromParameter"] in given
        assert content["visualization"] in {"table", "timechart", "barchart"}
        assert content["title"] and 0 < int(item["customWidth"]) <= 100
