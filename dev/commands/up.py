"""`manage.py up`: starts everything and stays until Ctrl-C or `manage.py stop`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import yaml

from admin.connection import STACK_FILE
from dev.commands import core_tools
from dev.commands.preparing import (
    CannotPrepare,
    create_tables,
    put_documents,
    read_documents,
    read_tables,
)
from dev.commands.processes import ROOT, stack_processes
from dev.commands.settings import UnknownSetting, chosen_settings
from dev.commands.stack import DIRECTORY, Stack
from dev.emulators.campaign.publication import InvalidPublication, extended_publication
from dev.seed import examples
from dev.verbs import Dynamics
from shared.errors import Misconfigured

LOCAL_SETTINGS = ROOT / "local.settings.json"
STARTING = "Starting Azurite, identity, Dataverse, Campaign, SFTP and the functions ..."
RUNNING = "Ctrl-C stops everything, `manage.py stop` too."
"""The first and the last line: .vscode/tasks.json waits for them."""


def run(argv: list[str]) -> int:
    """With --no-host the functions are left to `func start`, for which local.settings.json is
    written.
    """
    options = parse(argv)
    try:
        settings = chosen_settings(options.set)
        tables = read_tables(options.tables) if options.tables else {}
        documents = read_documents(options.document)
        publication = publication_file(options.publication, options.directory)
    except (CannotPrepare, InvalidPublication, UnknownSetting, Misconfigured) as problem:
        print(f"Nothing was started. {problem}")
        return 1
    if why := why_not(options):
        print(f"Nothing was started. {why}")
        return 1
    print(STARTING, flush=True)
    chosen = {"publication": publication, "groups": options.groups, "host_kind": options.host}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # `manage.py stop`: no failure
    with Stack(
        options.directory, options.instances, not options.no_host, settings, **chosen
    ) as stack:
        create_tables(Dynamics(stack.facts), tables)
        put_documents(stack.facts["storage"], documents)
        if stack.with_host and documents:
            stack.register_webhooks()
        if options.contacts:
            Dynamics(stack.facts).seed(options.contacts)
        if options.examples:
            examples.create(Dynamics(stack.facts))
        if options.no_host:
            LOCAL_SETTINGS.write_text(
                json.dumps({"IsEncrypted": False, "Values": stack.environment}, indent=2) + "\n"
            )
            LOCAL_SETTINGS.chmod(0o600)
            print("Wrote local.settings.json: run `func start` in another window.")
        for name in ("console", "functions", "dataverse", "campaign", "ims", "identity"):
            if stack.facts.get(name):
                print(f"{name:<10} {stack.facts[name]}")
        if options.examples:
            print(f"Look in the console for {', '.join(examples.ADDRESSES)}.")
        print(f"Keys, tokens and process ids are in {options.directory / STACK_FILE}.")
        print(RUNNING, flush=True)
        threading.Event().wait()
    return 0


def why_not(options: argparse.Namespace) -> str:
    """Why the stack must not be started; empty if it may."""
    if options.host == "func" and core_tools.find() is None:
        return core_tools.HOW_TO_GET_IT
    if running := stack_processes(options.directory):
        pid = next(iter(running.values())).pid
        return (
            f"A stack runs already from {options.directory} (process {pid}): stop it with"
            " `manage.py stop`, or give another --directory."
        )
    if options.no_host and not replaceable(LOCAL_SETTINGS):
        return (
            "local.settings.json holds settings of another system, and --no-host would replace"
            " them: move the file away first."
        )
    return ""


def replaceable(file: Path) -> bool:
    """Whether the file is none, or one of a local stack, whose Dataverse is on loopback."""
    if not file.exists():
        return True
    try:
        found = json.loads(file.read_text("utf-8"))["Values"].get("DATAVERSE_URL", "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return str(found).startswith("http://127.0.0.1:")


def publication_file(path: Path | None, directory: Path) -> Path | None:
    """The local stack's own publication with what the file adds, as a file for the emulator."""
    if path is None:
        return None
    text = yaml.safe_dump(extended_publication(path), sort_keys=False)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "publication.yaml").write_text(text)
    return directory / "publication.yaml"


def at_least(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"must be a whole number, {least} or more")
        return int(text)

    return number


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    parser.add_argument(
        "--instances",
        type=at_least(1),
        default=1,
        metavar="N",
        help="how many hosts run the functions; 1 if not given",
    )
    parser.add_argument(
        "--groups",
        action="store_true",
        help="a host for each timer and queue function, and one for HTTP, as on Flex Consumption",
    )
    parser.add_argument(
        "--contacts",
        type=at_least(0),
        default=0,
        metavar="N",
        help="how many contacts Dynamics begins with; none if not given",
    )
    parser.add_argument(
        "--examples",
        action="store_true",
        help="contacts to look for in the console: one arrives, one is refused, one is opted out",
    )
    parser.add_argument(
        "--host",
        choices=("stand-in", "func"),
        default="stand-in",
        help="what runs the functions; func is Azure Functions Core Tools",
    )
    parser.add_argument(
        "--no-host",
        action="store_true",
        help="leave the functions to your own `func start`; writes local.settings.json for it",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the function app, as docs and Azure name it; may be given several times",
    )
    parser.add_argument(
        "--publication",
        type=Path,
        metavar="FILE",
        help="YAML, what Campaign's administrator has published besides: docs/local-stack.md",
    )
    parser.add_argument(
        "--tables",
        type=Path,
        metavar="FILE",
        help="YAML, tables and columns that Dynamics has besides: docs/local-stack.md",
    )
    parser.add_argument(
        "--document",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a document for the container config; may be given several times",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        default=DIRECTORY,
        metavar="DIR",
        help="where stack.json, settings and logs go; .local if not given",
    )
    options = parser.parse_args(argv)
    if options.no_host and (options.groups or options.instances > 1 or options.host == "func"):
        parser.error("--no-host starts no host: leave out --groups, --instances and --host.")
    if options.host == "func" and options.groups:
        parser.error("Core Tools run every function in one host: leave out --groups or --host.")
    return options
