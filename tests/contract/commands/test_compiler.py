"""The Bicep compiler is found where people have it; without one a line says what is left out."""

from pathlib import Path

import pytest

from dev.bicep import WANTED, find, missing


def stand_in(folder: Path, version: str) -> Path:
    """A program that says its version as the compiler does."""
    folder.mkdir(parents=True)
    program = folder / "bicep"
    program.write_text(f"#!/bin/sh\necho 'Bicep CLI version {version} (0123456789)'\n")
    program.chmod(0o755)
    return program


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sh` is all there is."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / "azure"))


def looked() -> str | None:
    return find.__wrapped__()


def test_none_is_said_in_one_line() -> None:
    assert looked() is None
    assert missing().count("\n") == 0
    assert f"No Bicep compiler {WANTED[0]}.{WANTED[1]} or newer was found" in missing()
    assert "`az bicep install`" in missing()


def test_one_on_the_path_is_taken(tmp_path: Path) -> None:
    assert looked() is None
    program = stand_in(tmp_path / "path", "0.49.2")
    assert looked() == str(program)


def test_that_of_az_is_taken_where_the_path_has_an_old_one(tmp_path: Path) -> None:
    stand_in(tmp_path / "path", "0.30.23")
    assert looked() is None
    program = stand_in(tmp_path / "azure" / "bin", "1.0.1")
    assert looked() == str(program)


def test_what_does_not_run_is_none(tmp_path: Path) -> None:
    stand_in(tmp_path / "path", "0.49.2").write_text("no program")
    assert looked() is None
