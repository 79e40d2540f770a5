"""checkov reads the evaluated deployment of production and finds only what is justified here.

Its pins clash with the project's (pytest, aiohttp and more), so it has an environment of its own
under .local/, made once. It exits 0 on files that it cannot read: what it read is asserted too.
"""

import copy
import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.contract.infra.kit import Deployments

ROOT = Path(__file__).parents[3]
HOME = ROOT / ".local" / "checkov"
PINNED = ROOT / "infra" / "checkov.txt"
JUSTIFIED = {
    "CKV_AZURE_13": (
        "callers prove themselves by function key and shared secret; Dataverse's webhooks cannot"
        " sign in with Entra"
    ),
    "CKV_AZURE_17": "Dataverse's webhooks carry no client certificate",
    "CKV_AZURE_63": (
        "a setting of App Service's own web server; requests are in Application Insights"
    ),
    "CKV_AZURE_65": "as 63; detailed error pages would show internals",
    "CKV_AZURE_66": "as 63",
    "CKV_AZURE_78": (
        "Flex Consumption refuses ftpsState; basicPublishingCredentialsPolicies closes FTP"
    ),
    "CKV_AZURE_80": "no .NET runs here",
    "CKV_AZURE_88": (
        "Flex Consumption keeps code in a blob container; Azure Files needs a shared key"
    ),
    "CKV_AZURE_206": "zones are enough: a second region is the parameter storageRedundancy",
    "CKV_AZURE_212": "Flex Consumption scales by itself; alwaysReady keeps instances",
    "CKV_AZURE_213": "Flex Consumption has no health check path",
    "CKV_AZURE_222": (
        "Dataverse's webhooks come from the internet; storage and vault are what networkIsolation"
        " closes"
    ),
    "CKV_AZURE_225": (
        "zoneRedundant is a parameter: it costs always-ready instances; a lost zone delays, and"
        " loses nothing"
    ),
}


def program() -> Path:
    return HOME / ("Scripts/checkov.cmd" if sys.platform == "win32" else "bin/checkov")


def installed() -> Path:
    wanted, stamp = hashlib.sha256(PINNED.read_bytes()).hexdigest(), HOME / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(HOME, clear=True, with_pip=True)
        python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        command = [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            PINNED,
        ]
        subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return program()


def scan(resources: list[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """The report on an evaluated deployment, written as one flat template."""
    template = {
        "$schema": (
            "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
        ),
        "contentVersion": "1.0.0.0",
        "resources": [
            {key: part for key, part in resource.items() if key != "id"} for resource in resources
        ],
    }
    (folder / "evaluated.json").write_text(json.dumps(template))
    command = [
        installed(),
        "-f",
        folder / "evaluated.json",
        "--framework",
        "arm",
        "--compact",
        "--skip-download",
        "-o",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def resources(deployments: Deployments) -> list[dict[str, Any]]:
    return deployments.of("prod").resources


@pytest.fixture(scope="module")
def report(
    resources: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    return scan(resources, Path(tmp_path_factory.mktemp("checkov")))


def test_checkov_reads_every_resource(
    report: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] == len(
        {(resource["type"], resource["name"]) for resource in resources}
    )
    checks = [*report["results"]["passed_checks"], *report["results"]["failed_checks"]]
    for kind in (
        "Microsoft.Storage/storageAccounts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.Web/sites",
    ):
        assert any(check["resource"].startswith(f"{kind}.") for check in checks), kind


def test_what_checkov_finds_is_justified_and_what_is_justified_is_found(
    report: dict[str, Any],
) -> None:
    found = {check["check_id"]: check["resource"] for check in report["results"]["failed_checks"]}
    assert set(found) == set(JUSTIFIED), found


def test_an_open_door_is_noticed(resources: list[dict[str, Any]], tmp_path: Path) -> None:
    opened = copy.deepcopy(resources)
    (account,) = [
        resource for resource in opened if resource["type"] == "Microsoft.Storage/storageAccounts"
    ]
    account["properties"]["publicNetworkAccess"] = "Enabled"
    account["properties"]["networkAcls"]["defaultAction"] = "Allow"
    found = {check["check_id"] for check in scan(opened, tmp_path)["results"]["failed_checks"]}
    assert found - set(JUSTIFIED) >= {"CKV_AZURE_35", "CKV_AZURE_59"}
