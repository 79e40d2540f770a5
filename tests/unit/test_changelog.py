"""CHANGELOG.md: each release begins with what an operator does, in order; each heading stands
once.
"""

import re
from pathlib import Path

import pytest

from shared.console.release import RELEASE

TEXT = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
RELEASES: dict[str, str] = dict(
    re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
)
FIRST = "To do, in this order"


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest) -> str:
    return RELEASES[str(request.param)]


def test_there_is_what_was_not_released() -> None:
    assert "Unreleased" in RELEASES


def test_the_code_names_its_release_as_the_changelog_does() -> None:
    assert RELEASE in RELEASES


def test_a_release_begins_with_what_to_do(release: str) -> None:
    assert release.lstrip().startswith(f"### {FIRST}\n")


def parts(release: str) -> dict[str, str]:
    return dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", release, re.MULTILINE | re.DOTALL))


def test_what_to_do_is_numbered_through_its_three_parts(release: str) -> None:
    todo = parts(release)[FIRST]
    assert re.findall(r"^\*\*(.+)\*\*$", todo, re.MULTILINE) == [
        "Before you deploy",
        "Deploy",
        "Right after",
    ]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", todo, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers


def test_each_heading_and_each_entry_stands_once(release: str) -> None:
    headings = re.findall(r"^### (.+)$", release, re.MULTILINE)
    entries = re.findall(r"^- (.+)$", release, re.MULTILINE)
    assert (len(headings), len(entries)) == (len(set(headings)), len(set(entries)))


def test_what_to_do_stands_nowhere_else(release: str) -> None:
    rest = [
        line
        for heading, part in parts(release).items()
        if heading != FIRST
        for line in part.splitlines()
    ]
    assert [line for line in rest if re.search(r"\bTo (do|set|redeploy|look at)\b", line)] == []
