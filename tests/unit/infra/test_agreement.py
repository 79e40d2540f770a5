"""Bicep, code and files name the same things: what needs no compiler to be seen.
tests/contract/infra has the rest.
"""

import json
import re
from pathlib import Path

import pytest

from dev.settings_bicep import FILE, GIVEN, LOCAL_ONLY, NotForBicep, form, text, triggers, tunable
from shared.settings import Settings, StorageSettings, environment_name

ROOT = Path(__file__).parents[3]
PLATFORM = {"FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT"}


def known() -> set[str]:
    return {environment_name(field) for field in Settings.model_fields}


def test_the_settings_of_bicep_are_those_of_the_code() -> None:
    assert FILE.read_text() == text(), "run `.venv/bin/python -m dev.settings_bicep`"


def test_every_setting_is_given_or_tunable_and_none_is_both() -> None:
    assert known() >= GIVEN
    assert set(tunable()) | GIVEN | LOCAL_ONLY == known()


def test_a_form_says_range_and_literals_and_no_secret_becomes_a_parameter() -> None:
    fields = Settings.model_fields
    assert form("N", fields["dataverse_page_size"]) == [
        "@minValue(1)",
        "@maxValue(5000)",
        "N: int?",
    ]
    assert form("N", fields["poll_budget_seconds"]) == ["@minValue(1)", "@maxValue(540)", "N: int?"]
    assert form("N", fields["opt_out_source"]) == ["N: 'filter' | 'scan' | 'file'?"]
    with pytest.raises(
        NotForBicep, match=r"N is a secret: give it in function_app\.bicep and name it in GIVEN"
    ):
        form("N", StorageSettings.model_fields["azurewebjobsstorage"])


def test_the_example_file_names_every_setting() -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    missing, unknown = known() - set(example), set(example) - PLATFORM - known()
    assert not missing, f"put {sorted(missing)} into local.settings.json.example"
    assert not unknown, f"take {sorted(unknown)} out of local.settings.json.example"


def test_triggers_name_only_settings_that_are_given() -> None:
    files = [path.read_text() for path in (ROOT / "functions").glob("*.py")]
    named = {name for file in files for name in re.findall(r"%(\w+)%", file)}
    assert named
    assert named <= known() - LOCAL_ONLY


def test_what_the_docs_keep_ready_are_functions() -> None:
    named = set(re.findall(r"function:(\w+)", (ROOT / "docs" / "deploy.md").read_text()))
    assert {"opt_out_deliver", "contacts_deliver"} <= named <= set(triggers())


@pytest.mark.parametrize(
    ("claim", "where"),
    [
        ("finish what they have in hand", []),
        ("only a bug of ours", []),
        ("az functionapp restart", ["operating.md"]),
    ],
)
def test_no_page_says_what_azure_does_not_do(claim: str, where: list[str]) -> None:
    """A deployment ends what runs at once; timeouts and crashes spend receipts too; a restart need
    not fetch a secret anew.

    A restart does make instances forget a function key, which one page says.
    """
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    assert [path.name for path in pages if claim in path.read_text()] == where


@pytest.mark.parametrize(
    "failure",
    ["51021", "`maximumInstanceCount` is refused", "older than 1.23.13", "Python 3.11", "HASHES",
     "Key Vault reference",
     "renewed secret", "PrincipalNotFound", "`Forbidden`", "publish profile", "ScopeLocked",
     "unhealthy", "receipts"],
)  # fmt: skip
def test_each_known_failure_has_its_row(failure: str) -> None:
    rows = (ROOT / "docs" / "deploy.md").read_text().split("## Troubleshooting")[1].splitlines()
    (row,) = [row for row in rows if failure in row]
    assert all(cell.strip() for cell in row.strip("|").split("|")), (
        "what you see, what it means, what to do"
    )


def test_no_line_that_an_alert_reads_is_sampled_away() -> None:
    sampling = json.loads((ROOT / "host.json").read_text())["logging"]["applicationInsights"][
        "samplingSettings"
    ]
    assert "Trace" in sampling["excludedTypes"].split(";")
