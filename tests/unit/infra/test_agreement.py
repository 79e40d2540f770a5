"""Bicep, code and files name the same things: settings, queues, state, fields of log lines, parameters, commands."""

import ast
import json
import re
from pathlib import Path

import pytest

from shared.settings import Settings, environment_name
from shared.state.storage import CONTAINERS, TABLES
from tests.unit.infra.bicep import INFRA, entries, items, read, text, words

ROOT = INFRA.parent
LOCAL_ONLY = {"AzureWebJobsStorage"}  # a connection string: never in Azure
PARAMETER_FILES = [INFRA / "main.parameters.json", *sorted((INFRA / "environments").glob("*.json"))]


def known() -> dict[str, str]:
    return {environment_name(field): info.get_default() for field, info in Settings.model_fields.items()}


def triggers() -> set[str]:
    files = [path.read_text() for path in (ROOT / "functions").glob("*.py")]
    return {queue for file in files for queue in re.findall(r'queue_trigger\("\w+", "([\w-]+)"', file)}


def flows() -> set[str]:
    return set(words(read("main.bicep").variable("flows")))


def test_the_settings_are_those_of_the_code() -> None:
    bridge = items(read("modules/function_app.bicep").variable("bridge"))
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    platform = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT"}
    assert set(bridge) == set(known()) - LOCAL_ONLY
    assert set(example) - platform == set(known())


def test_a_setting_written_as_a_value_is_the_default_of_the_code() -> None:
    for name, node in items(read("modules/function_app.bicep").variable("bridge")).items():
        if node.type == "string" and "${" not in text(node):
            assert text(node).strip("'") == str(known()[name]), name


def test_triggers_name_only_settings_that_are_given() -> None:
    files = [path.read_text() for path in (ROOT / "functions").glob("*.py")]
    named = {name for file in files for name in re.findall(r"%(\w+)%", file)}
    assert named
    assert named <= set(items(read("modules/function_app.bicep").variable("bridge")))


@pytest.mark.parametrize(
    ("parameter", "setting"),
    [
        ("contactsSchedule", "CONTACTS_SCHEDULE"),
        ("customEntitiesSchedule", "CUSTOM_ENTITIES_SCHEDULE"),
        ("emailEventsSchedule", "EMAIL_EVENTS_SCHEDULE"),
        ("optOutSchedule", "OPT_OUT_SCHEDULE"),
        ("optOutMode", "OPT_OUT_MODE"),
        ("optOutSource", "OPT_OUT_SOURCE"),
        ("emailEventsSource", "EMAIL_EVENTS_SOURCE"),
        ("dataverseAuth", "DATAVERSE_AUTH"),
        ("campaignConcurrency", "CAMPAIGN_MAX_CONCURRENCY"),
        ("dataverseConcurrency", "DATAVERSE_MAX_CONCURRENCY"),
    ],
)
def test_a_parameter_has_the_default_of_its_setting(parameter: str, setting: str) -> None:
    assert text(read("main.bicep").declarations("parameter")[parameter].body).strip("'") == str(known()[setting])


def test_every_queue_that_a_trigger_names_is_a_flow_of_the_list() -> None:
    assert flows() == triggers()


def test_every_flow_has_queue_poison_queue_and_poison_alert_from_the_list() -> None:
    storage, alerts = read("modules/storage.bicep"), read("modules/alerts.bicep")
    for file, resource, named in (
        (storage, "queues", "name: flow\n"),
        (storage, "poisonQueues", "name: '${flow}-poison'"),
        (alerts, "poison", 'tostring(line.queue) == "${flow}"'),
    ):
        body = file.declarations("resource")[resource].body
        assert body.type == "for_statement"
        assert text(body).startswith("[for flow in flows:")
        assert named in text(body)


def test_state_is_what_the_code_opens() -> None:
    storage = read("modules/storage.bicep")
    assert sorted(words(storage.variable("tableNames"))) == sorted(TABLES)
    assert sorted(words(storage.variable("containerNames"))) == sorted((*CONTAINERS, "deployment"))


def written_fields() -> dict[str, set[str]]:
    """The fields of each event that shared/telemetry.py writes, as its functions' parameters."""
    made = ast.parse((ROOT / "shared" / "telemetry.py").read_text())
    functions = [node for node in made.body if isinstance(node, ast.FunctionDef)]
    return {node.name: {argument.arg for argument in node.args.kwonlyargs} | {"event", "trace"} for node in functions}


def queries() -> list[str]:
    alerts, workbook = read("modules/alerts.bicep"), json.loads((INFRA / "workbook.json").read_text())
    shared = {name: text(alerts.variable(name)).strip("'") for name in ("watched", "changed")}
    poison = text(alerts.declarations("resource")["poison"].body).split("query: '")[1].split("'\n")[0]
    raw = [rule["query"] for rule in entries(alerts.variable("rules"))] + [poison]
    shown = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    return [q.replace("${watched}", shared["watched"]).replace("${changed}", shared["changed"]) for q in raw] + shown


@pytest.mark.parametrize("query", [query for query in queries() if "line." in query])
def test_a_query_reads_only_fields_that_its_lines_have(query: str) -> None:
    events = re.findall(r'tostring\(line\.event\) (?:==|in) (\(?"[\w", ]+)', query)
    names = {name for event in events for name in re.findall(r'"(\w+)"', event)}
    assert names
    assert names <= set(written_fields())
    assert set(re.findall(r"line\.(\w+)", query)) <= set.intersection(*(written_fields()[name] for name in names))


def test_the_alerts_are_those_that_were_promised() -> None:
    rules = {rule["name"] for rule in entries(read("modules/alerts.bicep").variable("rules"))}
    assert rules == {"failed", "unwritten", "dead-letters", "change-token", "silent", "secret-expiring"}
    for name in rules | {"poison"}:
        assert f"`{name}`" in (ROOT / "docs" / "deploy.md").read_text(), name


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=[path.name for path in PARAMETER_FILES])
def test_parameters_files_name_only_parameters_of_the_template(path: Path) -> None:
    given = json.loads(path.read_text())["parameters"]
    declared = read("main.bicep").declarations("parameter")
    assert set(given) <= set(declared)
    for name, entry in given.items():
        allowed = re.search(r"@allowed\(\[(.*?)\]\)", declared[name].decorators, re.DOTALL)
        assert "${" in str(entry["value"]) or not allowed or str(entry["value"]) in re.findall(r"[\w.]+", allowed[1]), name


def test_there_is_a_parameters_file_for_each_environment() -> None:
    for name in ("dev", "prod"):
        parameters = json.loads((INFRA / "environments" / f"{name}.parameters.json").read_text())["parameters"]
        assert parameters["environmentName"]["value"] == name


def test_azd_gives_every_parameter_that_has_no_default() -> None:
    declared = read("main.bicep").declarations("parameter")
    required = {name for name, made in declared.items() if "Required." in made.decorators}
    assert required <= set(json.loads((INFRA / "main.parameters.json").read_text())["parameters"])


def test_what_the_docs_call_a_parameter_is_one() -> None:
    table = (ROOT / "docs" / "deploy.md").read_text().split("## Parameters")[1].split("\n## ")[0]
    listed = {name for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(read("main.bicep").declarations("parameter"))


def test_the_queue_figures_of_host_json_are_those_of_bicep_and_docs() -> None:
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    declared = read("main.bicep").declarations("parameter")
    assert text(declared["queueBatchSize"].body) == str(queues["batchSize"])
    assert queues["newBatchThreshold"] == queues["batchSize"] * 2
    for name, figure in queues.items():
        assert f"`{name}` | {figure} |" in (ROOT / "docs" / "deploy.md").read_text(), name


def test_no_line_that_an_alert_reads_is_sampled_away() -> None:
    sampling = json.loads((ROOT / "host.json").read_text())["logging"]["applicationInsights"]["samplingSettings"]
    assert "Trace" in sampling["excludedTypes"].split(";")
