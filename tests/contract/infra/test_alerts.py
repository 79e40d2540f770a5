"""Alerts as Azure would be sent them: one for each promise, and their queries read what the code
writes.
"""

import re
from typing import Any

import pytest

from dev.settings_bicep import triggers
from tests.contract.infra.kit import GIVEN_BY_THE_WORKFLOW, ROOT, Deployment, Deployments
from tests.contract.infra.test_kql import read

KIND = "Microsoft.Insights/scheduledQueryRules"
PROMISED = {
    "failed",
    "unwritten",
    "dead-letters",
    "change-token",
    "silent",
    "unwatched",
    "secret-expiring",
}


def alerts(deployment: Deployment) -> dict[str, dict[str, Any]]:
    return {
        rule["name"].removeprefix("alert-bridge-dev-"): rule["properties"]
        for rule in deployment.all(KIND)
    }


def query(properties: dict[str, Any]) -> str:
    (criterion,) = properties["criteria"]["allOf"]
    asked: str = criterion["query"]
    return asked


def queues() -> set[str]:
    return {trigger.queue_name for trigger in triggers().values() if trigger.type == "queueTrigger"}


def test_the_alerts_are_those_that_were_promised(deployments: Deployments) -> None:
    assert set(alerts(deployments.of("usual"))) == PROMISED | {
        f"{queue}-poison" for queue in queues()
    }
    for name in PROMISED | {"poison"}:
        assert f"`{name}`" in (ROOT / "docs" / "deploy.md").read_text(), name


def test_a_poison_alert_watches_its_own_queue(deployments: Deployments) -> None:
    for queue in queues():
        assert f'tostring(line.queue) == "{queue}"' in query(
            alerts(deployments.of("usual"))[f"{queue}-poison"]
        )


def test_the_queries_as_azure_would_be_sent_them_are_read_without_findings(
    deployments: Deployments,
) -> None:
    """Every place of infra/queries is filled; test_kql.py looks the fields up."""
    sent = {name: query(rule) for name, rule in alerts(deployments.of("usual")).items()}
    assert not [name for name, asked in sent.items() if re.search(r"\{\w+\}", asked)]
    assert [name for name, found in read(sent).items() if found["diagnostics"]] == []


def minutes(duration: str) -> int:
    """Minutes of PT5M or PT2H."""
    amount, unit = re.fullmatch(r"PT(\d+)([MH])", duration).groups()  # type: ignore[union-attr]
    return int(amount) * (60 if unit == "H" else 1)


def test_no_event_falls_between_two_looks_even_if_it_comes_late(deployments: Deployments) -> None:
    """Lines reach the workspace minutes late: a window as long as the frequency misses what came
    late.
    """
    for name, rule in alerts(deployments.of("usual")).items():
        assert minutes(rule["windowSize"]) >= 2 * minutes(rule["evaluationFrequency"]), name


@pytest.mark.parametrize(
    ("name", "address"), [("dev", GIVEN_BY_THE_WORKFLOW["ALERT_EMAIL"]), ("usual", "")]
)
def test_a_person_is_told_where_one_is_named(
    deployments: Deployments, name: str, address: str
) -> None:
    people = deployments.of(name).one("Microsoft.Insights/actionGroups")["properties"]
    assert [receiver["emailAddress"] for receiver in people["emailReceivers"]] == (
        [address] if address else []
    )
    assert people["enabled"] is bool(address)
    assert len(people["groupShortName"]) <= 12
