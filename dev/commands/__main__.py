"""The commands of manage.py, run inside its virtual environment."""

import os
import signal
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module

from dev.commands.azurite import AzuriteFailed
from dev.commands.processes import DidNotStart, die_with_parent

COMMANDS = {
    "demo": ("dev.commands.demo", "start everything, play the story, compare both systems"),
    "test": ("dev.commands.test", "run the tests: all, unit, contract, e2e or browser"),
    "up": ("dev.commands.up", "start everything and stay"),
    "stop": ("dev.commands.stop", "end what up has started"),
    "bench": ("dev.bench.__main__", "measure"),
    "setup": (
        "admin.setup.__main__",
        "make in Dataverse what the bridge needs there: setup dataverse, setup activities",
    ),
    "package": (
        "dev.commands.package",
        "make the zip that is deployed: the app, and its packages where nothing is built in Azure",
    ),
    "lock": (
        "dev.commands.lock",
        "pin every package with its hashes: requirements.txt, requirements-dev.txt",
    ),
    "vendor": ("dev.commands.vendor", "make the console's editor, one file, of CodeMirror"),
    "mapping": (
        "admin.mapping",
        "check a document, put it into the container config: mapping check, mapping apply",
    ),
    "flow": (
        "admin.flow",
        "question, start, stop, poll, replay, discard, jobs or cancel of a flow of the app",
    ),
    "check": (
        "admin.check.__main__",
        "say what is wrong between the bridge and what it needs, and what to do",
    ),
}


CALLED_FROM = "MANAGE_CALLED_FROM"
"""The folder of the person's shell, which relative paths of options start from; by manage.py."""


def main(argv: list[str]) -> int:
    """A signal ends a command as an exception, so that what it started is stopped."""
    if argv in ([], ["-h"], ["--help"]):
        print(usage())
        return 0
    if argv[0] not in COMMANDS:
        print(f"{unknown(argv[0])}\n\n{usage()}", file=sys.stderr)
        return 2
    if folder := os.environ.pop(CALLED_FROM, ""):
        os.chdir(folder)
    if sys.platform == "linux":
        die_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run: Callable[[list[str]], int] = import_module(COMMANDS[argv[0]][0]).run
    try:
        return run(argv[1:])
    except (AzuriteFailed, DidNotStart) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def usage() -> str:
    lines = [f"  {name:<8} {purpose}" for name, (_, purpose) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python3 manage.py <command> [options]\n",
            *lines,
            "\n`python3 manage.py <command> --help` lists the options of a command.",
        ]
    )


def unknown(name: str) -> str:
    near = get_close_matches(name.lower(), COMMANDS, 1)
    return f"There is no command {name}." + (f" Did you mean {near[0]}?" if near else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
