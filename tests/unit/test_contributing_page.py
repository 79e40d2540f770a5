"""docs/contributing.md names files, names and tests that there are."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text("utf-8")
PATHS = sorted(set(re.findall(r"`((?:shared|functions|dev|admin|infra|tests)/[\w./]+)`", PAGE)))
NAMED = sorted(set(re.findall(r"`([\w./]+\.(?:py|bicep))` `(\w+)", PAGE)))
OF = sorted((file, name) for name, file in re.findall(r"`(\w+)` of `([\w./]+\.py)`", PAGE))
TESTS = sorted(set(re.findall(r"tests/[\w/.]+", PAGE)))


def beside(file: str) -> Path:
    """A file that is named without its folder stands in the one of the row's first file."""
    if "/" in file or (ROOT / file).exists():
        return ROOT / file
    (row,) = [line for line in PAGE.splitlines() if f"`{file}` `" in line]
    first = re.search(r"`([\w/]+)/\w+\.py`", row)
    assert first
    return ROOT / first[1] / file


@pytest.mark.parametrize("path", PATHS)
def test_a_file_or_folder_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("path", TESTS)
def test_a_test_is_there(path: str) -> None:
    assert (ROOT / path.rstrip(".")).exists()


@pytest.mark.parametrize(("file", "name"), [*NAMED, *OF])
def test_a_name_is_in_its_file(file: str, name: str) -> None:
    assert re.search(rf"\b{name}\b", beside(file).read_text("utf-8"))


def test_the_page_names_enough_to_be_held() -> None:
    assert len(PATHS) > 20
    assert ("shared/mapping/rule_checks.py", "FITTING") in NAMED
    assert ("shared/errors.py", "RULES") in OF
