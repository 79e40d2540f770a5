"""docs/architecture.md says where the state is: every table, container and queue that the code
opens, and no other.
"""

import ast
import re
from pathlib import Path

import pytest

from dev.settings_bicep import triggers
from shared.state.storage import CONTAINERS, TABLES

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "architecture.md").read_text().split("\n## State\n")[1].split("\n## ")[0]
ROW = re.compile(
    r"^\| (table|container|queues) (`[^|]+`) \| ([^|]+) \| `([\w/]+\.py)` \|$", re.MULTILINE
)
CODE = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").glob("*.py")]
OPENING = {
    "table": "table",
    "container": "container",
    "get_table_client": "table",
    "get_container_client": "container",
}


def rows() -> list[tuple[str, str, str]]:
    """Kind, name and file."""
    listed = [
        (kind, name, file)
        for kind, names, _, file in ROW.findall(SECTION)
        for name in re.findall("`([^`]+)`", names)
    ]
    assert len(listed) == len(set(listed)), "one stands twice"
    return listed


def opened() -> set[tuple[str, str]]:
    """Kind and name of what the code opens in the storage account."""
    calls = [
        node
        for path in CODE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]
    named = [
        (call.func, call.args[0].value)
        for call in calls
        if call.args and isinstance(call.args[0], ast.Constant)
    ]
    return {
        (OPENING[func.attr], str(name))
        for func, name in named
        if isinstance(func, ast.Attribute)
        and func.attr in OPENING
        and "storage" in ast.unparse(func.value)
    }


def queues() -> set[str]:
    return {trigger.queue_name for trigger in triggers().values() if trigger.type == "queueTrigger"}


def test_the_storage_has_what_is_opened_there() -> None:
    assert opened() == {("table", name) for name in TABLES} | {
        ("container", name) for name in CONTAINERS
    }


@pytest.mark.parametrize(
    ("kind", "named"),
    [("table", set(TABLES)), ("container", set(CONTAINERS)), ("queues", queues())],
    ids=("table", "container", "queues"),
)
def test_every_place_has_its_row_and_no_other_has(kind: str, named: set[str]) -> None:
    listed = {name for found, name, _ in rows() if found == kind}
    wanted = {name for name in named if not name.endswith("-poison")}
    assert listed == wanted, (
        f"docs/architecture.md, State, {kind}: add {sorted(wanted - listed)}, take"
        f" {sorted(listed - wanted)} out"
    )


def test_every_row_is_read() -> None:
    lines = [
        line
        for line in SECTION.splitlines()
        if line.startswith("| ") and not line.startswith("| place ")
    ]
    assert [match[0] for match in ROW.finditer(SECTION)] == lines


@pytest.mark.parametrize(("name", "file"), [(name, file) for _, name, file in rows()])
def test_who_writes_it_is_a_file_of_the_state(name: str, file: str) -> None:
    assert file.startswith("shared/state/"), name
    assert (ROOT / file).exists()
