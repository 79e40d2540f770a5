"""`.vscode/` fits the project: what it names is there."""

import json
from pathlib import Path

import pytest

from dev.commands.__main__ import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / ".vscode").glob("*.json"))


def test_the_editor_knows_how_to_start_debug_and_test() -> None:
    assert {path.name for path in FILES} == {
        "extensions.json",
        "launch.json",
        "settings.json",
        "tasks.json",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_the_editor_is_json(path: Path) -> None:
    assert json.loads(path.read_text("utf-8"))


def test_tasks_run_commands_that_there_are_and_launches_name_tasks() -> None:
    tasks = json.loads((ROOT / ".vscode" / "tasks.json").read_text("utf-8"))["tasks"]
    launches = json.loads((ROOT / ".vscode" / "launch.json").read_text("utf-8"))["configurations"]
    labels = {task["label"] for task in tasks}
    ours = [
        task["command"].split()[2]
        for task in tasks
        if task["command"].startswith("python3 manage.py ")
    ]
    assert ours
    assert set(ours) <= set(COMMANDS)
    assert {task["dependsOn"] for task in tasks if "dependsOn" in task} <= labels
    assert {launch["preLaunchTask"] for launch in launches if "preLaunchTask" in launch} <= labels
