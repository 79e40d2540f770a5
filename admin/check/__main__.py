"""`manage.py check`: everything that can be wrong between the bridge and what it needs, one line
each with what to do.

Exit code 0: all is well; 1: there are warnings; 2: there are errors.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from admin.check.checks import CHECKS
from admin.connection import NoConnection, require_sign_in, take_settings, take_stack
from admin.private import PLACE, settings_file
from shared.checks.findings import Finding, State, run_all
from shared.checks.look import Look
from shared.settings import load_settings, problems
from shared.wiring import Wiring

USUAL = "check.settings.json"
NO_SETTINGS = (
    f"There is no .local/{USUAL}, so the settings are those of the environment. Name a file with"
    " --settings, or the local stack with --stack."
)
EXIT_CODES: dict[State, int] = {"ok": 0, "warning": 1, "skipped": 2, "error": 2}


def run(argv: list[str]) -> int:
    options = parse(argv)
    try:
        take_connection(options)
    except NoConnection as error:
        print(error, file=sys.stderr)
        return 2
    logging.getLogger("azure.identity").setLevel(
        logging.CRITICAL
    )  # it would tell the same, and worse
    findings: list[Finding] = []
    for finding in run_all(CHECKS, look(os.environ)):
        findings.append(finding)
        if not options.json:
            print(finding, flush=True)
    print(
        json.dumps([asdict(finding) for finding in findings], indent=2)
        if options.json
        else summary(findings)
    )
    return exit_code(findings)


def take_connection(options: argparse.Namespace) -> None:
    """The settings that are asked about; a hint where there are none."""
    if options.stack:
        take_stack(options.directory)
        return
    file = settings_file(options.settings, USUAL)
    take_settings(file)
    if file is None and "DATAVERSE_URL" not in os.environ:
        print(NO_SETTINGS, file=sys.stderr, flush=True)


def look(environment: Mapping[str, str]) -> Look:
    """By these settings, as whoever has signed in on this machine."""
    return Look(problems(environment), lambda: Wiring(load_settings(environment)), require_sign_in)


def exit_code(findings: Iterable[Finding]) -> int:
    return max((EXIT_CODES[finding.state] for finding in findings), default=0)


def summary(findings: list[Finding]) -> str:
    counts = {
        state: sum(1 for finding in findings if finding.state == state)
        for state in ("error", "warning", "skipped", "ok")
    }
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--settings", type=Path, help=f"settings; without it .local/{USUAL}, else the environment"
    )
    place.add_argument("--stack", action="store_true", help="the stack that `manage.py up` started")
    parser.add_argument(
        "--directory", type=Path, default=PLACE, help="where that stack's files are"
    )
    parser.add_argument(
        "--json", action="store_true", help="a list of {check, subject, state, message, next}"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
