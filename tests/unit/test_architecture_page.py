"""docs/architecture.md: each trace names files and functions that exist, and no more files than a
reader follows.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
TRACE = re.compile(r"^### Trace: (?P<title>.+)\n(?P<text>(?:(?!^##).*\n)*)", re.MULTILINE)
STEP = re.compile(r"^\d+\. `(?P<file>[\w/]+\.py)` `(?P<name>\w+)`", re.MULTILINE)
NAMED = re.compile(r"`(?P<file>(?:functions|shared)/[\w/]+\.py)`(?: `(?P<name>\w+)`)?")
MOST_FILES = {"an e-mail event": 8, "an opt-out": 8}


def traces() -> dict[str, list[tuple[str, str]]]:
    return {found["title"]: STEP.findall(found["text"]) for found in TRACE.finditer(PAGE)}


def names_in(file: str) -> set[str]:
    kinds = ast.FunctionDef, ast.ClassDef
    return {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, kinds)
    }


def test_every_flow_has_its_trace() -> None:
    titles = [
        "a contact, from timer to write",
        "a custom entity",
        "a webhook",
        "an e-mail event",
        "an opt-out",
    ]
    assert list(traces()) == titles


@pytest.mark.parametrize("title", traces())
def test_a_reader_follows_few_files(title: str) -> None:
    files = {file for file, _ in traces()[title]}
    assert 3 <= len(files) <= MOST_FILES.get(title, 6)


@pytest.mark.parametrize(
    ("file", "name"), sorted({found.groups() for found in NAMED.finditer(PAGE)}, key=str)
)
def test_what_the_page_names_exists(file: str, name: str | None) -> None:
    assert (ROOT / file).is_file()
    assert name is None or name in names_in(file)
