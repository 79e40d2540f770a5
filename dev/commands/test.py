"""`manage.py test [unit|contract|e2e|browser] [--host func] [-- pytest's own options]`: style,
types, tests.

With `--host func` the conformance app and the functions of the e2e tests run under Azure Functions
Core Tools.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from dev.bicep import find, missing
from dev.commands import browser, core_tools
from dev.commands.processes import ROOT

COMPILED_ONCE = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(ROOT / ".local" / "pycache"),
}
"""The tests start hundreds of processes, and most of a start is the compiling of the same files."""

KINDS = ("unit", "contract", "e2e", "browser")
WORKERS = 3
"""For 2 cores, which two of them leave idle while both wait; more of them start so many stacks at
once that some fail.
"""


def run(argv: list[str]) -> int:
    """Exit code of the first check that fails; pytest's closing line is the last that is printed,
    unless types are wrong.
    """
    own, passed_on = split(argv)
    options = parse(own)
    if options.host == "func" and core_tools.find() is None:
        print(core_tools.HOW_TO_GET_IT, file=sys.stderr)
        return 1
    kinds = with_browser_or_without(options.kinds or KINDS)
    if not kinds:
        return 1
    if "contract" in kinds:
        tell_what_is_left_out()
    environment = os.environ | {"TEST_HOST": options.host} | COMPILED_ONCE
    for style in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        if code := module(style, environment).wait():
            return code
    return types_and_tests(kinds, options.host, passed_on, environment)


def types_and_tests(
    kinds: Sequence[str], host: str, passed_on: list[str], environment: dict[str, str]
) -> int:
    """Side by side, for types are one process's work. What mypy finds is shown at the end."""
    types = module(
        ["mypy"], environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    folders = [folder(kind, host) for kind in KINDS if kind in kinds]
    spread = ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
    code = module(["pytest", *spread, "--durations=40", *folders, *passed_on], environment).wait()
    found, _ = types.communicate()
    if types.returncode:
        print(found, end="")
    return code or types.returncode


def module(
    arguments: list[str], environment: dict[str, str], **options: Any
) -> subprocess.Popen[Any]:
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, **options
    )


def folder(kind: str, host: str) -> str:
    """Under another host, of the contracts only what every host must keep."""
    return "tests/contract/conformance" if kind == "contract" and host else f"tests/{kind}"


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Before and after `--`: what follows is pytest's."""
    place = argv.index("--") if "--" in argv else len(argv)
    return argv[:place], argv[place + 1 :]


def parse(own: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py test", description="Style, types and tests.")
    parser.add_argument("kinds", nargs="*", metavar="|".join(KINDS), help="all if none is given")
    parser.add_argument(
        "--host",
        choices=("func",),
        default="",
        help="under Azure Functions Core Tools: conformance, e2e",
    )
    options = parser.parse_args(own)
    if unknown := [kind for kind in options.kinds if kind not in KINDS]:
        parser.error(f"There is no kind of test called {unknown[0]}: use {', '.join(KINDS)}.")
    return options


def with_browser_or_without(kinds: Sequence[str]) -> list[str]:
    """Without the kind `browser`, and a line that says so, where there is no browser to be had."""
    if "browser" not in kinds or browser.found_or_installed():
        return list(kinds)
    print(browser.MISSING, file=sys.stderr)
    return [kind for kind in kinds if kind != "browser"]


def tell_what_is_left_out() -> None:
    """One line if there is no Bicep compiler: tests/contract/infra needs it."""
    if find() is None:
        print(missing(), file=sys.stderr)
