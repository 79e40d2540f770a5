"""Chromium for the browser tests: found, installed, or said to be missing."""

import stat
from pathlib import Path

import pytest

from dev.commands import browser
from dev.commands.test import with_browser_or_without


def program(folder: Path, name: str, code: int) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_browser_that_does_not_run_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu has a file chromium-browser that only says how to get one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "chromium-browser", 1)
    assert browser.find() in (None, *browser.APPLICATIONS)
    chrome = program(tmp_path, "google-chrome", 0)
    assert browser.find() == str(chrome)


@pytest.mark.parametrize(
    ("text", "is_debian"),
    [("NAME=x\nID=debian\n", True), ("ID=ubuntu\nID_LIKE=debian\n", False), ("", False)],
)
def test_only_debian_has_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, is_debian: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    program(tmp_path, "apt-get", 0)
    release = tmp_path / "os-release"
    release.write_text(text)
    assert browser.installs_debian_packages(release) == is_debian
    assert not browser.installs_debian_packages(tmp_path / "none")


def test_who_is_not_root_installs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000, raising=False)
    release = tmp_path / "os-release"
    release.write_text("ID=debian\n")
    assert not browser.installs_debian_packages(release)


@pytest.mark.parametrize(
    ("before", "may", "after", "found", "installed"),
    [
        ("/usr/bin/chromium", True, "", "/usr/bin/chromium", 0),
        (None, True, "/usr/bin/chromium", "/usr/bin/chromium", 1),
        (None, True, None, None, 1),
        (None, False, None, None, 0),
    ],
)
def test_a_browser_is_installed_where_there_is_none(
    before: str | None, may: bool, after: str | None, found: str | None, installed: int
) -> None:
    times: list[None] = []
    answers = [before, after]
    given = browser.found_or_installed(
        lambda: answers.pop(0), lambda: may, lambda: times.append(None)
    )
    assert (given, len(times)) == (found, installed)


def test_without_a_browser_the_run_says_what_it_leaves_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browser, "found_or_installed", lambda: None)
    assert with_browser_or_without(["unit", "browser"]) == ["unit"]
    assert capsys.readouterr().err == f"{browser.MISSING}\n"
    assert with_browser_or_without(["unit"]) == ["unit"]
    assert capsys.readouterr().err == ""
