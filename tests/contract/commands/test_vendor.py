"""The console's editor is what `manage.py vendor` makes of its sources, and it offers what fits."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dev.commands.vendor import VENDORED, built, run
from shared.editing.completion import words
from shared.editing.systems import Glance
from tests.unit.mapping.metadata import CONTACT, PROFILE

ROOT = Path(__file__).parents[3]
EDITOR = ROOT / "dev" / "editor"
WORDS = words(Glance(CONTACT, PROFILE, {}))
DOCUMENT = """\
table: contact
key: {source: contactid, target: externalId}
fields:
  - {source: firstname, target: firstName}
  - source: lastname
    target: lastName
filters: {all: [{field: statecode}]}

"""
SCRIPT = """
import { offered } from %s;
const { before, lines, number, words } = JSON.parse(await new Response(process.stdin).text());
console.log(JSON.stringify(offered(before, lines, number, words)));
"""


def test_the_file_is_what_its_sources_make() -> None:
    """If this fails: `python3 manage.py vendor`, and commit what it writes."""
    assert VENDORED.read_bytes() == built()


def test_every_part_of_the_editor_has_its_version() -> None:
    """What a part needs is named too: no build takes another version than the one before."""
    named = json.loads((ROOT / "package.json").read_text())["dependencies"]
    packages = ROOT / ".local" / "tools" / "node_modules"
    left = {name for name in named if name.startswith("@codemirror/") or name == "style-mod"}
    seen: set[str] = set()
    while left:
        name = left.pop()
        seen.add(name)
        found = json.loads((packages / name / "package.json").read_text())
        assert found["version"] == named[name], name
        left |= set(found.get("dependencies", {})) - seen
    assert "@lezer/common" in seen


def test_it_takes_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["now"]) == 2
    assert "takes no arguments" in capsys.readouterr().err


def test_it_names_its_licence_and_loads_nothing() -> None:
    text = VENDORED.read_text("utf-8")
    assert "MIT License" in text[:400]
    assert not re.search(r"\beval\(|new Function\(|import\(", text)


def asked(before: str, number: int) -> Any:
    """What is offered behind this text, as the beginning of a line of the document."""
    lines = DOCUMENT.split("\n")
    lines[number] = before
    told = {"before": before, "lines": lines, "number": number, "words": WORDS}
    script = SCRIPT % json.dumps((EDITOR / "completing.js").as_uri())
    command = ["node", "--input-type=module", "--eval", script]
    done = subprocess.run(
        command, input=json.dumps(told), capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


def labels(found: Any) -> list[str]:
    return [option["label"] for option in found["options"]]


@pytest.mark.parametrize(
    ("before", "number", "word", "offered"),
    [
        ("  - {source: fir", 3, "fir", "firstname"),
        ("    source: ", 4, "", "firstname"),
        ("  - {source: firstname, target: loc", 3, "loc", "location.city"),
        ('  - {template: "{firstname} {la', 3, "la", "lastname"),
        ("  - {source: firstname, inv", 3, "inv", "invalid"),
        ("  - {source: firstname, invalid: ", 3, "", "omit"),
        ("  - {source: firstname, apply_updates: f", 3, "f", "false"),
        ("key: {source: contactid, lookup: ", 1, "", "filter"),
        ("filters: {all: [{field: statecode, is: ", 6, "", "starts_with"),
        ("filters: {field: sta", 6, "sta", "statecode"),
        ("del", 7, "del", "deletes"),
        ("deletes: ", 7, "", "ignore"),
    ],
)  # fmt: skip
def test_what_fits_is_offered(before: str, number: int, word: str, offered: str) -> None:
    found = asked(before, number)
    assert found["word"] == word
    assert offered in labels(found)


@pytest.mark.parametrize("before", ["table: ", "# a remark about it", "time_zone: Eur"])
def test_nothing_is_offered_where_nothing_is_known(before: str) -> None:
    assert asked(before, 0) is None


def test_a_field_that_is_read_only_is_not_offered() -> None:
    read_only = {name for name, one in PROFILE.fields.items() if one.read_only}
    assert not read_only & set(labels(asked("  - {source: firstname, target: ", 3)))
