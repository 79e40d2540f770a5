"""`manage.py test [unit|contract|e2e] [-- pytest's own options]`: style, types, tests."""

import subprocess
import sys

from dev.bicep import find, missing
from dev.commands.processes import ROOT

KINDS = ("unit", "contract", "e2e")


def run(argv: list[str]) -> int:
    """Exit code of the first check that fails; pytest's closing line is the last that is printed."""
    own, _, passed_on = " ".join(argv).partition("-- ") if "--" in argv else (" ".join(argv), "", "")
    chosen = own.split()
    if unknown := [kind for kind in chosen if kind not in KINDS]:
        print(f"There is no kind of test called {unknown[0]}: use unit, contract or e2e.", file=sys.stderr)
        return 2
    if not chosen or "contract" in chosen:
        tell_what_is_left_out()
    # The long files first, or one worker would be left with them at the end while the other has nothing to do.
    folders = [f"tests/{kind}" for kind in reversed(KINDS) if kind in (chosen or KINDS)]
    checks = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *folders, *passed_on.split()],
    ]
    for check in checks:
        code = subprocess.run([sys.executable, "-m", *check], cwd=ROOT, check=False).returncode
        if code:
            return code
    return 0


def tell_what_is_left_out() -> None:
    """One line if there is no Bicep compiler: tests/contract/infra needs it."""
    if find() is None:
        print(missing(), file=sys.stderr)
