"""`manage.py vendor`: makes the console's editor of CodeMirror and dev/editor, as one file.

It is committed, so that nothing is built at deployment. The versions are those of package.json,
which names every part. Run it after a change of dev/editor or of a version.
"""

import os
import subprocess
import sys
from pathlib import Path

from dev.commands.azurite import MODULES
from dev.commands.processes import ROOT

SOURCE = ROOT / "dev" / "editor" / "editor.js"
LICENSE = ROOT / "dev" / "editor" / "license.txt"
VENDORED = ROOT / "shared" / "console" / "static" / "editor.js"
ESBUILD = MODULES / "esbuild" / "bin" / "esbuild"
SECONDS = 120.0


class NotBuilt(Exception):
    """The message says what to do."""


def run(argv: list[str]) -> int:
    if argv:
        print("manage.py vendor takes no arguments.", file=sys.stderr)
        return 2
    try:
        VENDORED.write_bytes(built())
    except NotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    size = VENDORED.stat().st_size
    print(f"Wrote {VENDORED.relative_to(ROOT)}, {size:,} bytes: look at it, then commit it.")
    return 0


def built() -> bytes:
    """The file's content, the same on every machine: it depends on its sources alone."""
    if not ESBUILD.exists():
        raise NotBuilt(
            "esbuild is not installed: run python3 manage.py vendor, which gets it by npm."
        )
    command = ["node", str(ESBUILD), SOURCE.name, "--bundle", "--minify", "--format=iife"]
    options = ["--target=es2022", "--charset=utf8", "--legal-comments=none", "--log-level=error"]
    done = subprocess.run(
        [*command, *options],
        cwd=SOURCE.parent,
        env={**os.environ, "NODE_PATH": str(MODULES)},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise NotBuilt(f"esbuild refused the editor: {done.stderr.decode(errors='replace')}")
    return banner() + done.stdout


def banner() -> bytes:
    lines = Path(LICENSE).read_text("utf-8").splitlines()
    return "\n".join(["/*", *lines, "*/", ""]).encode()
