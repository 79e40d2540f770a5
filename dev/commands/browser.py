"""Chromium for the browser tests: one that the machine has, else Debian's package."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PACKAGES = ("chromium", "fonts-noto-cjk")
"""Of Debian: the browser, and a font that has Japanese."""
MISSING = (
    "The browser tests are left out: there is no Chromium, and Debian's package cannot be installed"
    " here. Install Chromium or Chrome, then run the command again."
)
OS_RELEASE = Path("/etc/os-release")


def find() -> str | None:
    """The program of a browser that runs; None if there is none."""
    on_path = filter(None, map(shutil.which, NAMES))
    return next((name for name in (*on_path, *APPLICATIONS) if runs(name)), None)


def runs(program: str) -> bool:
    """False too for the stand-in of a package that is not installed."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def installs_debian_packages(release: Path = OS_RELEASE) -> bool:
    """Whether this is Debian, and we may install there. Ubuntu's package has no program in it."""
    is_debian = release.exists() and "ID=debian" in release.read_text("utf-8").splitlines()
    return is_debian and os.geteuid() == 0 and shutil.which("apt-get") is not None


def install() -> None:
    """Says so before it begins. Without a network nothing is installed, and `find` tells."""
    print("Installing", " and ".join(PACKAGES), "by apt-get ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *PACKAGES]):
        done = subprocess.run(
            ["apt-get", "--quiet", *command], env=environment, capture_output=True, check=False
        )
        if done.returncode:
            return


def found_or_installed(
    found: Callable[[], str | None] = find,
    may_install: Callable[[], bool] = installs_debian_packages,
    get: Callable[[], None] = install,
) -> str | None:
    """The program of a browser; None where there is none to be had."""
    if program := found():
        return program
    if not may_install():
        return None
    get()
    return found()
