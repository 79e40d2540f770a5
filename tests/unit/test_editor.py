"""`.vscode/` fits the project: what it names is there."""

import json
import re
from pathlib import Path

import pytest

from dev.commands.__main__ import COMMANDS
from dev.commands.up import RUNNING, STARTING

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


def test_the_functions_wait_for_what_up_prints() -> None:
    tasks = json.loads((ROOT / ".vscode" / "tasks.json").read_text("utf-8"))["tasks"]
    (waited,) = [task for task in tasks if " up " in task["command"]]
    background = waited["problemMatcher"]["background"]
    assert re.search(background["beginsPattern"], STARTING)
    assert re.search(background["endsPattern"], RUNNING)
    assert not re.search(background["endsPattern"], STARTING)


def test_launches_of_tests_and_modules_name_what_there_is() -> None:
    launches = json.loads((ROOT / ".vscode" / "launch.json").read_text("utf-8"))["configurations"]
    settings = json.loads((ROOT / ".vscode" / "settings.json").read_text("utf-8"))
    folders = settings["python.testing.pytestArgs"]
    assert all((ROOT / folder).is_dir() for folder in folders)
    assert {launch["module"] for launch in launches if "module" in launch} == {"pytest"}
