"""requirements.txt and requirements-dev.txt are complete locks of the .in files: two installations
a month apart are the same.
"""

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
NAMES = ("requirements", "requirements-dev")
EACH = pytest.mark.parametrize("name", NAMES)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
DEPLOYED = {
    "azure-functions",
    "azure-storage-queue",
    "azure-identity",
    "msal",
    "requests",
    "pydantic",
}


def direct(name: str) -> dict[str, str]:
    """Package and its exact version, for each line of an .in file that is a requirement."""
    lines = [line.split("#")[0].strip() for line in (ROOT / f"{name}.in").read_text().splitlines()]
    found = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(one.name): str(one.specifier) for one in found}


def entries(name: str) -> list[str]:
    """Each requirement of a lock with its hashes, as one line."""
    text = (ROOT / f"{name}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def locked(name: str) -> dict[str, Requirement]:
    found = [Requirement(entry.split(" --hash")[0]) for entry in entries(name)]
    return {canonicalize_name(one.name): one for one in found}


@EACH
def test_every_direct_requirement_is_locked_at_its_version(name: str) -> None:
    lock = locked(name)
    assert direct(name)
    assert {package: str(lock[package].specifier) for package in direct(name)} == direct(name)


@EACH
def test_every_line_is_pinned_exactly_and_hashed(name: str) -> None:
    for entry in entries(name):
        requirement, *hashes = re.split(r"\s+(?=--hash)", entry.strip())
        assert re.fullmatch(r"==[^*]+", str(Requirement(requirement).specifier)), requirement
        assert hashes and all(HASH.fullmatch(one.strip()) for one in hashes), requirement


@EACH
def test_what_a_locked_package_needs_is_locked_too(name: str) -> None:
    lock = locked(name)
    for package, requirement in lock.items():
        if requirement.marker and not requirement.marker.evaluate():
            continue
        wanted = [Requirement(line) for line in requires(package) or []]
        for one in wanted:
            if not one.marker or one.marker.evaluate({"extra": ""}):
                found = lock.get(canonicalize_name(one.name))
                assert found and one.specifier.contains(str(found.specifier)[2:]), (
                    f"{package} needs {one}"
                )


def test_a_laptop_runs_the_versions_that_are_deployed() -> None:
    deployed, laptop = locked("requirements"), locked("requirements-dev")
    assert {name: str(one) for name, one in deployed.items()} == {
        name: str(laptop[name]) for name in deployed
    }


@EACH
def test_a_lock_names_no_index_and_no_path(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    assert not re.search(r"(?<!\S)-(?!-hash=)|://| @ |file:", text)


def test_the_required_packages_are_named() -> None:
    assert set(direct("requirements")) >= DEPLOYED
    assert "pytest" in direct("requirements-dev")


def test_no_project_table_makes_a_tool_install_the_folder() -> None:
    assert "[project]" not in (ROOT / "pyproject.toml").read_text()
