"""Old names do not come back: each idea has one word, in code as on the pages (test_prose.py)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("shared", "functions", "admin", "dev")
    for path in (ROOT / folder).rglob("*.py")
)

OLD_NAMES = {
    "told": "what it is: observation, rows, message",
    "noes": "opt_outs",
    "sifted": "without_existing",
    "judged": "what it does: narrow, check",
    "born": "create_only",
    "BornWith": "CreateOnly",
    "several": "polymorphic_lookups, multiple_choice",
    "mend": "advice",
    "put_aside": "archived",
    "Filtered": "FilterFeed (Filtered is a mapping's result)",
    "Scanned": "ScanFeed",
    "Exported": "FileFeed",
    "Verdict": "RowFilter, FlagDecision, RowResult",
    "Agreement": "Reconciler",
    "Remembered": "SeenCache",
    "settled_seconds": "stable_seconds",
    "given_up": "exhausted",
}
OWN_MEANING = {
    ("shared/entities/deciding.py", "Filtered"),
    ("shared/mapping/__init__.py", "Filtered"),
    ("shared/mapping/compiling.py", "Filtered"),
    ("shared/console/standing.py", "Filtered"),
    ("shared/console/story.py", "Filtered"),
    ("shared/editing/previewing.py", "Filtered"),
    ("dev/emulators/campaign/values.py", "born"),
}
"""File and name, where the name stands for another idea and says it."""

OLD_PHRASES = re.compile(
    r"\b(anew|likewise|in vain|noes|mended|in force|taken into force|given up|held up)\b",
    re.IGNORECASE,
)


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that code gives to something, and every attribute that it asks for."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.alias(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def old_names(source: str) -> set[str]:
    return set(names(ast.parse(source))) & OLD_NAMES.keys()


@pytest.mark.parametrize("file", CODE)
def test_no_name_is_an_old_word(file: str) -> None:
    source = (ROOT / file).read_text("utf-8")
    found = {name for name in old_names(source) if (file, name) not in OWN_MEANING}
    assert {name: OLD_NAMES[name] for name in found} == {}


@pytest.mark.parametrize("file", CODE)
def test_no_text_has_an_old_phrase(file: str) -> None:
    assert OLD_PHRASES.findall((ROOT / file).read_text("utf-8")) == []


@pytest.mark.parametrize(("file", "name"), sorted(OWN_MEANING))
def test_an_exception_is_of_a_name_that_stands_there(file: str, name: str) -> None:
    assert name in old_names((ROOT / file).read_text("utf-8"))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("told = 1", {"told"}),
        ("def told(): ...", {"told"}),
        ("class Scanned: ...", {"Scanned"}),
        ("a.settled_seconds", {"settled_seconds"}),
        ("f(told=1)", {"told"}),
        ("def f(told): ...", {"told"}),
        ("from a import Verdict", {"Verdict"}),
        ("untold = 'told'", set()),
    ],
)
def test_an_old_word_is_found_wherever_a_name_stands(source: str, found: set[str]) -> None:
    assert old_names(source) == found
