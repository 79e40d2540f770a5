"""`manage.py stop [--now]`: ends the local stack of `up`, from another window."""

import argparse
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from admin.connection import STACK_FILE, STACK_SETTINGS
from dev.commands.processes import OWNER_FILE, is_command, runs, stack_processes
from dev.commands.stack import DIRECTORY

HOST_SECONDS = 10.0
"""What a host has until its runs are cut off."""
LIMIT_SECONDS = 45.0
"""What the whole stack has; more than each of its parts takes by itself."""
STACK_FILES = (STACK_FILE, STACK_SETTINGS, OWNER_FILE)


def run(argv: list[str]) -> int:
    """Returns 1 if a process had to be killed. No stack is no error: a second call is harmless."""
    options = parse(argv)
    listed = stack_processes(options.directory)
    if not listed:
        print(nothing_to_stop(options.directory))
        return 0
    began = time.monotonic()
    family = with_descendants(listed.values())
    if options.now:
        cut_off([process for name, process in listed.items() if name.startswith("host-")])
    left = ended(listed, family)
    print(f"Stopped {len(family)} processes within {time.monotonic() - began:.1f} s.")
    return killed(left)


def nothing_to_stop(directory: Path) -> str:
    """Takes away what a stack that was killed has left, so that no command asks it.

    A `stack.json` that stands alone is none of ours, and stays: `up` writes others beside it.
    """
    left = [path for name in STACK_FILES if (path := directory / name).exists()]
    if not left or left == [directory / STACK_FILE]:
        return f"No stack runs from {directory}. There is nothing to stop."
    for path in left:
        path.unlink(missing_ok=True)
    return f"The stack of {directory} had ended without `manage.py stop`. Its files were removed."


def with_descendants(listed: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The processes, the command that owns them and the workers of the hosts, each once."""
    found = [*listed, *owners(listed)]
    for process in tuple(found):
        with suppress(psutil.Error):
            found += process.children(recursive=True)
    return list({process.pid: process for process in found}.values())


def owners(listed: Iterable[psutil.Process]) -> list[psutil.Process]:
    """The command that started them.

    None if it is gone and the system has no tie between parent and child.
    """
    found = {}
    for process in listed:
        with suppress(psutil.Error):
            parent = process.parent()
            if parent and is_command(parent):
                found[parent.pid] = parent
    return list(found.values())


def cut_off(hosts: list[psutil.Process]) -> None:
    """A host that is told twice does not wait for its runs, as in a deployment to Azure."""
    until = time.monotonic() + HOST_SECONDS
    while (hosts := [host for host in hosts if runs(host)]) and time.monotonic() < until:
        tell(hosts)
        psutil.wait_procs(hosts, timeout=0.05)


def ended(
    listed: Mapping[str, psutil.Process], family: list[psutil.Process]
) -> list[psutil.Process]:
    """Tells the owner, which ends its own; tells the others themselves if there is none.

    Returns who is left.
    """
    owner = owners(listed.values())
    tell(owner or listed.values())
    if os.name == "nt":  # where a process that is told ends at once, and its children stay
        tell(family)
    return list(psutil.wait_procs(family, timeout=LIMIT_SECONDS)[1])


def tell(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()


def killed(left: list[psutil.Process]) -> int:
    for process in left:
        print(f"Process {process.pid} did not end within {LIMIT_SECONDS:g} s. It was killed.")
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return 1 if left else 0


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py stop", description=__doc__)
    parser.add_argument(
        "--now", action="store_true", help="cut off what runs, as a deployment to Azure does"
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="where stack.json is: as given to `up`",
    )
    return parser.parse_args(argv)
