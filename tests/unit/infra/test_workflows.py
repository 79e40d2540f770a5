"""The workflows: they hold no secret, ask for the least, and show a plan before production.

What any workflow must keep, actionlint and zizmor read
(tests/contract/infra/test_workflow_readers.py).
"""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EVERY = pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(
        path.read_text(), Loader=yaml.BaseLoader
    )  # all is text: `on` stays `on`
    return loaded


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(path)["jobs"]
    return found


@EVERY
def test_a_commit_has_its_tag_beside_it_and_every_own_workflow_exists(path: Path) -> None:
    for line in re.findall(r"uses: ([^.\s].*)", path.read_text()):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    for job in jobs(path).values():
        if "uses" in job:
            called = load(ROOT / job["uses"])["on"]["workflow_call"] or {}
            assert set(job.get("with", {})) == set(
                called.get("inputs", {}) if isinstance(called, dict) else {}
            )


@EVERY
def test_permissions_are_the_least(path: Path) -> None:
    assert load(path)["permissions"] == {"contents": "read"}
    for name, job in jobs(path).items():
        assert (
            job.get("permissions", {}).items() <= {"contents": "read", "id-token": "write"}.items()
        ), name


@EVERY
def test_no_secret_is_named(path: Path) -> None:
    assert "secrets." not in path.read_text()


@EVERY
def test_every_script_is_bash(path: Path) -> None:
    for job in jobs(path).values():
        for step in job.get("steps", []):
            done = subprocess.run(
                ["bash", "-n"],
                input=step.get("run", ""),
                text=True,
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr


def test_the_tests_run_on_every_push() -> None:
    test = load(ROOT / ".github" / "workflows" / "test.yml")
    assert test["on"]["push"] == {"branches": ["**"]}
    scripts = [step.get("run") for step in test["jobs"]["test"]["steps"]]
    assert scripts.index("az bicep install") < scripts.index("python3 manage.py test")


def test_production_comes_after_tests_dev_and_a_plan_that_changes_nothing() -> None:
    deploy = jobs(ROOT / ".github" / "workflows" / "deploy.yml")
    assert {name: job.get("needs", "") for name, job in deploy.items()} == {
        "test": "", "dev": "test", "prod-plan": "dev", "prod": "prod-plan",
    }  # fmt: skip
    assert {name: job["with"]["apply"] for name, job in deploy.items() if "with" in job} == {
        "dev": "true", "prod-plan": "false", "prod": "true",
    }  # fmt: skip
    for job in deploy.values():
        assert "with" not in job or (ROOT / job["with"]["parameters"]).exists()


def test_what_changes_azure_is_only_done_when_asked() -> None:
    steps = jobs(ROOT / ".github" / "workflows" / "deploy-environment.yml")["deploy"]["steps"]
    changing = [
        step
        for step in steps
        if re.search(r"deployment group create|config-zip", step.get("run", ""))
    ]
    assert len(changing) == 2
    assert {step["if"] for step in changing} == {"inputs.apply"}
    assert steps.index(
        next(step for step in steps if "what-if" in step.get("run", ""))
    ) < steps.index(changing[0])


def test_the_archive_holds_what_is_shipped_and_azd_finds_it() -> None:
    script = (ROOT / ".github" / "workflows" / "deploy-environment.yml").read_text()
    names = re.search(r"git archive .* HEAD (.+)$", script, re.MULTILINE)
    assert names is not None
    assert names[1].split() == [
        "function_app.py",
        "host.json",
        "requirements.txt",
        "functions",
        "shared",
    ]
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert (ROOT / azd["infra"]["path"] / f"{azd['infra']['module']}.bicep").exists()
    assert azd["services"]["bridge"]["language"] == "python"
    assert azd["services"]["bridge"]["remoteBuild"] is True
    assert azd["requiredVersions"]["azd"] == ">= 1.23.13"
    assert (
        "'azd-service-name': 'bridge'"
        in (ROOT / "infra" / "modules" / "function_app.bicep").read_text()
    )
