#!/usr/bin/env python3
"""The one command: python3 manage.py demo | test | up | stop | bench | setup | check | mapping |
flow | package | lock | vendor.

Needs nothing but a Python (3.8 or newer) to begin with: finds a Python 3.13, makes .venv, installs
what is locked, gets Azurite and the readers of tests by npm, and runs the command there. A second
run finds all of it in place.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
TOOLS = ROOT / ".local" / "tools"
WANTED = (3, 13)
PROBE = "import sys; print(*sys.version_info[:2])"


class CannotSetUp(Exception):
    """Says in one sentence what is missing and what to install."""


def version_of(command):
    """(major, minor) of a Python, None if it does not run."""
    try:
        answer = subprocess.run(
            [*command, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30
        )
        return (
            tuple(int(part) for part in answer.stdout.split()) if answer.returncode == 0 else None
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def candidates():
    """Where a Python 3.13 may be: this one, PATH, pyenv, the `py` launcher of Windows."""
    yield [sys.executable]
    for name in ("python3.13", "python3", "python"):
        found = shutil.which(name)
        if found:
            yield [found]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for folder in sorted(pyenv.glob("3.13*"), reverse=True):
        yield [str(folder / "bin" / "python")]
    windows = Path(os.environ.get("USERPROFILE", "")) / ".pyenv" / "pyenv-win" / "versions"
    for folder in sorted(windows.glob("3.13*"), reverse=True):
        yield [str(folder / "python.exe")]
    if shutil.which("py"):
        yield ["py", "-3.13"]


def find_python():
    for command in candidates():
        if version_of(command) == WANTED:
            return command
    raise CannotSetUp(
        "No Python 3.13 was found: install it from python.org, with pyenv (`pyenv install 3.13`) or"
        " with your package manager."
    )


def venv_python():
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint(*files):
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def run_step(title, command, **options):
    """One step of the first set-up, in one line; its output only if it fails."""
    print(title, "...", flush=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except OSError as error:
        raise CannotSetUp(
            "{}: {} could not be run ({}).".format(title, command[0], error.strerror)
        ) from None
    if done.returncode:
        raise CannotSetUp(
            "{} failed:\n{}".format(title, done.stdout.decode(errors="replace")[-2000:])
        )


def set_up_python():
    """.venv with what requirements-dev.txt locks; a stamp tells when nothing is to be done."""
    wanted = fingerprint(ROOT / "requirements-dev.txt")
    stamp = VENV / "installed"
    if (
        stamp.exists()
        and stamp.read_text() == wanted
        and version_of([str(venv_python())]) == WANTED
    ):
        return
    if version_of([str(venv_python())]) != WANTED:
        run_step("Making .venv", [*find_python(), "-m", "venv", "--clear", str(VENV)])
    pip = [str(venv_python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run_step(
        "Installing Python packages",
        [*pip, "--require-hashes", "-r", str(ROOT / "requirements-dev.txt")],
    )
    stamp.write_text(wanted)


def set_up_tools():
    """Azurite, and what reads queries and workflows in tests, by npm, under .local/tools."""
    wanted = fingerprint(ROOT / "package.json")
    stamp = TOOLS / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    npm = shutil.which("npm")
    if not npm:
        raise CannotSetUp(
            "npm was not found: install Node.js 20 or newer, which brings it; Azurite needs both."
        )
    TOOLS.mkdir(parents=True, exist_ok=True)
    shutil.copy(str(ROOT / "package.json"), str(TOOLS / "package.json"))
    flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
    run_step("Installing npm packages", [npm, "install", *flags], cwd=str(TOOLS))
    stamp.write_text(wanted)


def hand_over(arguments):
    """Runs the command in .venv and passes each signal on once: a terminal's Ctrl-C would else
    reach the child twice.
    """
    apart = {} if os.name == "nt" else {"start_new_session": True}
    child = subprocess.Popen(
        [str(venv_python()), "-m", "dev.commands", *arguments],
        cwd=str(ROOT),
        env=dict(os.environ, MANAGE_CALLED_FROM=str(Path.cwd())),
        **apart,
    )
    if os.name == "nt":
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGINT, lambda *_: child.send_signal(signal.SIGINT))
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


def main(arguments):
    try:
        set_up_python()
        if arguments and arguments[0] in ("demo", "test", "up", "bench", "vendor"):
            set_up_tools()
    except CannotSetUp as error:
        print(error, file=sys.stderr)
        return 1
    return hand_over(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
