"""`manage.py package`: makes the zip that is deployed.

It holds what .funcignore lists and, under .python_packages, every package of requirements.txt for
Python 3.13 on Linux x64: Azure has nothing to build. With --remote-build it holds the listed files
alone, and Azure installs requirements.txt.
"""

import argparse
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from dev.commands.processes import ROOT
from dev.commands.shipped import shipped

PACKAGES = ".python_packages/lib/site-packages"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
WHEN = (1980, 1, 1, 0, 0, 0)  # the zip of the same files is the same zip
READABLE = 0o100644 << 16


def run(argv: list[str]) -> int:
    options = parse(argv)
    try:
        files = {path.relative_to(ROOT).as_posix(): path for path in shipped(ROOT)}
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        packages = Path(folder)
        if not options.remote_build and (code := install(packages)):
            print(
                "The packages for Linux could not be installed: pip says above which one, and why.",
                file=sys.stderr,
            )
            return code
        write(options.output, files | dict(vendored(packages)))
    built = (
        "Azure installs requirements.txt"
        if options.remote_build
        else "with all packages for Python 3.13 on Linux x64"
    )
    print(f"Wrote {options.output}: {len(files)} files of the app, {built}.")
    return 0


def install(target: Path) -> int:
    """Only wheels, and only those whose hashes are locked: nothing is built on this machine."""
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    form = [
        *platforms,
        "--python-version",
        "3.13",
        "--implementation",
        "cp",
        "--only-binary=:all:",
        "--no-compile",
    ]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
    ]
    return subprocess.run(
        [*pip, *form, "--target", target, "-r", ROOT / "requirements.txt"], check=False
    ).returncode


def vendored(packages: Path) -> Iterator[tuple[str, Path]]:
    for path in packages.rglob("*"):
        name = path.relative_to(packages).as_posix()
        if path.is_file() and not name.startswith("bin/"):
            yield f"{PACKAGES}/{name}", path


def write(output: Path, files: dict[str, Path]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE
            archive.writestr(entry, path.read_bytes())


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py package",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=ROOT / ".local" / "app.zip",
        help="the zip to write; .local/app.zip",
    )
    parser.add_argument(
        "--remote-build", action="store_true", help="without packages: Azure installs them"
    )
    return parser.parse_args(argv)
