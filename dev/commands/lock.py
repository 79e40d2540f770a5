"""`manage.py lock`: writes requirements.txt and requirements-dev.txt from the .in files.

Every package is pinned with its hashes, also what a package needs, for Linux, macOS and Windows.
Versions that are locked stay; `--upgrade` takes the newest that the .in files allow. Run it after
each change of an .in file.
"""

import argparse
import subprocess
import sys

from dev.commands.processes import ROOT

HEADER = "# Written by `python3 manage.py lock` from {source}: do not edit.\n"
FILES = (
    "requirements",
    "requirements-dev",
)  # in this order: the second is held to the versions of the first
OPTIONS = (
    "--universal",
    "--python-version",
    "3.13",
    "--generate-hashes",
    "--no-annotate",
    "--no-header",
    "--no-emit-index-url",
)


def run(argv: list[str]) -> int:
    options = parse(argv)
    for name in FILES:
        code = lock(name, ["--upgrade"] if options.upgrade else [])
        if code:
            print(
                f"{name}.in could not be locked: correct what is named above, then run the command"
                " again.",
                file=sys.stderr,
            )
            return code
    print(
        "Wrote requirements.txt and requirements-dev.txt: run `python3 manage.py test`, then commit"
        " all four files."
    )
    return 0


def lock(name: str, more: list[str]) -> int:
    """uv reads the output file that is there and keeps its versions."""
    output = ROOT / f"{name}.txt"
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *OPTIONS,
        *more,
        f"{name}.in",
        "--output-file",
        output.name,
    ]
    code = subprocess.run([*command, "--quiet"], cwd=ROOT, check=False).returncode
    if not code:
        output.write_text(HEADER.format(source=f"{name}.in") + output.read_text("utf-8"), "utf-8")
    return code


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py lock",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions that the .in files allow"
    )
    return parser.parse_args(argv)
