"""checkov reads every Bicep file and finds only what is justified here.

Its pins clash with the project's (pytest, aiohttp and more), so it has an environment of its own under .local/, made once.
It exits 0 on files that it cannot read: what it read is asserted too.
"""

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
HOME = ROOT / ".local" / "checkov"
PINNED = ROOT / "infra" / "checkov.txt"
JUSTIFIED = {
    "CKV_AZURE_13": "callers prove themselves by function key and shared secret; Dataverse's webhooks cannot sign in with Entra",
    "CKV_AZURE_17": "Dataverse's webhooks carry no client certificate",
    "CKV_AZURE_35": "defaultAction is Deny with networkIsolation; checkov does not follow the parameter",
    "CKV_AZURE_63": "a setting of App Service's own web server; requests are in Application Insights",
    "CKV_AZURE_65": "as 63; detailed error pages would show internals",
    "CKV_AZURE_66": "as 63",
    "CKV_AZURE_80": "no .NET runs here",
    "CKV_AZURE_88": "Flex Consumption keeps code in a blob container; Azure Files needs a shared key",
    "CKV_AZURE_109": "defaultAction is Deny with networkIsolation; checkov does not follow the parameter",
    "CKV_AZURE_206": "the SKU is the parameter storageRedundancy; checkov does not follow it",
    "CKV_AZURE_212": "Flex Consumption scales by itself; alwaysReady keeps instances",
    "CKV_AZURE_213": "Flex Consumption has no health check path",
    "CKV_AZURE_222": "Dataverse's webhooks come from the internet; storage and vault are what networkIsolation closes",
    "CKV_AZURE_225": "zone redundancy costs always-ready instances; a lost zone delays, and loses nothing",
}


def program() -> Path:
    return HOME / ("Scripts/checkov.cmd" if sys.platform == "win32" else "bin/checkov")


def installed() -> Path:
    wanted, stamp = hashlib.sha256(PINNED.read_bytes()).hexdigest(), HOME / "installed"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(HOME, clear=True, with_pip=True)
        python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", PINNED]
        subprocess.run(command, check=True)
        stamp.write_text(wanted)
    return program()


def scan(folder: Path) -> dict[str, Any]:
    command = [installed(), "-d", folder, "--framework", "bicep", "--compact", "--skip-download", "-o", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    return scan(ROOT / "infra")


def test_checkov_reads_every_file(report: dict[str, Any]) -> None:
    assert report["results"]["parsing_errors"] == []
    assert report["summary"]["parsing_errors"] == 0
    seen = {check["file_path"].lstrip("/") for kind in ("passed_checks", "failed_checks") for check in report["results"][kind]}
    assert {"modules/storage.bicep", "modules/key_vault.bicep", "modules/function_app.bicep"} <= seen


def test_what_checkov_finds_is_justified_and_what_is_justified_is_found(report: dict[str, Any]) -> None:
    found = {check["check_id"] for check in report["results"]["failed_checks"]}
    assert found == set(JUSTIFIED), {check["check_id"]: check["resource"] for check in report["results"]["failed_checks"]}


def test_a_file_that_checkov_cannot_read_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "bad.bicep").write_text("param a string = fail('checkov knows no fail')\n")
    (tmp_path / "good.bicep").write_bytes((ROOT / "infra" / "modules" / "storage.bicep").read_bytes())
    assert scan(tmp_path)["summary"]["parsing_errors"] == 1
