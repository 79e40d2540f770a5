"""`manage.py up`: starts everything and stays until Ctrl-C or `manage.py stop`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import yaml

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
from dev.verbs import Dynamics
from shared.errors import Misconfigured


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
    if running := stack_processes(options.directory):
        pid = next(iter(running.values())).pid
        print(
            f"A stack runs already from {options.directory} (process {pid}): stop it with"
            " `manage.py stop`, or give another --directory."
        )
        return 1
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
        if options.no_host:
            path = ROOT / "local.settings.json"
            path.write_text(
                json.dumps({"IsEncrypted": False, "Values": stack.environment}, indent=2) + "\n"
            )
            print("Wrote local.settings.json: run `func start` in another window.")
        for name in ("functions", "dataverse", "campaign", "ims", "identity"):
            if stack.facts[name]:
                print(f"{name:<10} {stack.facts[name]}")
        print(f"Keys, tokens and process ids are in {options.directory / 'stack.json'}.")
        print("Ctrl-C stops everything, `manage.py stop` too.", flush=True)
        threading.Event().wait()
    return 0


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
        "--instances", type=at_least(1), default=1, help="how many processes run the functions"
    )
    parser.add_argument(
        "--groups",
        action="store_true",
        help="a process for each timer and queue function, as on Flex Consumption",
    )
    parser.add_argument(
        "--contacts", type=at_least(0), default=0, help="how many contacts Dataverse begins with"
    )
    parser.add_argument(
        "--host",
        choices=("stand-in", "func"),
        default="stand-in",
        help="func: Azure Functions Core Tools",
    )
    parser.add_argument(
        "--no-host", action="store_true", help="leave the functions to `func start`"
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
        help="what Campaign's administrator has published besides (YAML): docs/local-stack.md",
    )
    parser.add_argument(
        "--tables",
        type=Path,
        help="tables and columns that Dynamics has besides (YAML): docs/local-stack.md",
    )
    parser.add_argument(
        "--document",
        type=Path,
        action="append",
        default=[],
        help="a document for the container config; several times",
    )
    parser.add_argument(
        "--directory", type=Path, default=DIRECTORY, help="where stack.json and the logs go"
    )
    return parser.parse_args(argv)
