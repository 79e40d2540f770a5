"""Docs, workflows and files give the parameters of the template, and name what it makes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dev.bicep import Compiler
from shared.settings import Settings, environment_name
from tests.contract.infra.kit import ENVIRONMENTS, GIVEN_BY_THE_WORKFLOW, INFRA, ROOT, Deployments

DEPLOY = (ROOT / "docs" / "deploy.md").read_text()
OWN = {
    "contactsSchedule": "CONTACTS_SCHEDULE",
    "customEntitiesSchedule": "CUSTOM_ENTITIES_SCHEDULE",
    "emailEventsSchedule": "EMAIL_EVENTS_SCHEDULE",
    "optOutSchedule": "OPT_OUT_SCHEDULE",
    "optOutMode": "OPT_OUT_MODE",
    "optOutSource": "OPT_OUT_SOURCE",
    "emailEventsSource": "EMAIL_EVENTS_SOURCE",
    "dataverseAuth": "DATAVERSE_AUTH",
    "campaignConcurrency": "CAMPAIGN_MAX_CONCURRENCY",
    "dataverseConcurrency": "DATAVERSE_MAX_CONCURRENCY",
}


@pytest.fixture(scope="module")
def parameters(compiler: Compiler) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compiler.template(INFRA / "main.bicep")["parameters"]
    return found


def required(parameters: dict[str, dict[str, Any]]) -> set[str]:
    return {
        name
        for name, made in parameters.items()
        if made["metadata"]["description"].startswith("Required. ")
    }


@pytest.mark.parametrize(("parameter", "setting"), OWN.items())
def test_a_parameter_has_the_default_of_its_setting(
    parameters: dict[str, dict[str, Any]], parameter: str, setting: str
) -> None:
    defaults = {
        environment_name(field): info.get_default() for field, info in Settings.model_fields.items()
    }
    assert parameters[parameter]["defaultValue"] == defaults[setting]


def test_azd_asks_for_every_parameter_that_has_no_default(
    parameters: dict[str, dict[str, Any]],
) -> None:
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert required(parameters) <= set(given) <= set(parameters)
    for name in required(parameters):
        assert re.fullmatch(r"\$\{\w+\}", given[name]["value"]), (
            name
        )  # with a default azd would not ask
    assert given["maximumInstanceCount"]["value"] == "${MAXIMUM_INSTANCE_COUNT=40}"


def test_what_the_docs_call_a_parameter_is_one(parameters: dict[str, dict[str, Any]]) -> None:
    table = DEPLOY.split("## Parameters")[1].split("\n## ")[0]
    listed = {
        name
        for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == set(parameters)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=[path.stem for path in ENVIRONMENTS])
def test_an_environment_is_named_like_its_file_and_takes_what_the_workflow_sets(
    path: Path, deployments: Deployments
) -> None:
    workflow = (ROOT / ".github" / "workflows" / "deploy-environment.yml").read_text()
    read = set(re.findall(r"readEnvironmentVariable\('(\w+)'", path.read_text()))
    assert read == set(GIVEN_BY_THE_WORKFLOW)
    for name in read:
        assert f"      {name}: ${{{{ vars.{name} }}}}" in workflow, name
    tags = deployments.of(path.stem).one("Microsoft.Web/sites")["tags"]
    assert tags == {
        "environment": path.stem,
        "azd-env-name": path.stem,
        "azd-service-name": "bridge",
    }


def test_every_environment_that_the_workflow_deploys_has_its_file() -> None:
    deploy = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    assert {ROOT / name for name in re.findall(r"parameters: (\S+)", deploy)} == set(ENVIRONMENTS)


def test_the_queue_figures_of_host_json_are_those_of_bicep_and_docs(
    parameters: dict[str, dict[str, Any]],
) -> None:
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    assert parameters["queueBatchSize"]["defaultValue"] == queues["batchSize"]
    assert queues["newBatchThreshold"] == queues["batchSize"] * 2
    for name, figure in queues.items():
        assert f"`{name}` | {figure} |" in DEPLOY, name


def test_the_docs_name_every_role_and_ci_may_assign_no_other(deployments: Deployments) -> None:
    roles = deployments.of("usual").all("Microsoft.Authorization/roleAssignments")
    for role in roles:
        assert f"| {role['properties']['description']} |" in DEPLOY
    assigned = {role["properties"]["roleDefinitionId"].split("/")[-1] for role in roles}
    condition = (INFRA / "ci-roles.condition").read_text()
    lists = [
        set(re.findall(r"[0-9a-f-]{36}", part))
        for part in re.findall(r"GuidEquals \{(.+?)\}", condition)
    ]
    assert lists == [assigned, assigned]
    actions = re.findall(r"ActionMatches\{'(.+?)'\}", condition)
    assert actions == [
        "Microsoft.Authorization/roleAssignments/write",
        "Microsoft.Authorization/roleAssignments/delete",
    ]


def test_the_docs_name_every_output(deployments: Deployments) -> None:
    for name in deployments.of("usual").outputs:
        assert name in DEPLOY, name
