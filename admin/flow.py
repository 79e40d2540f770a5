"""`manage.py flow`: what a person asks of a flow and tells it, over the app's own routes.

flow FLOW question            what it has stopped for and asks, with ids
flow FLOW start [ANSWER]      starts it; ANSWER (confirm or discard) answers its question
flow FLOW stop                stops it
flow FLOW replay WHAT         all, dead_letters or the id of a record
flow FLOW jobs                its long work, newest first
flow FLOW cancel JOB          ends a job

The address is in BRIDGE_URL. The key is in BRIDGE_KEY, and is never an argument; with --stack both
are the stack's. Exit code 0: done; 1: refused, with the reason; 2: the app could not be asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from admin.private import PLACE
from shared.addresses import address_fault, canonical
from shared.identifiers import record_id

SECONDS = 240.0
URL, KEY = "BRIDGE_URL", "BRIDGE_KEY"
READS = ("question", "jobs")
NO_PLACE = f"Set {URL} to the app's address, and {KEY} to your key (docs/operating.md, Keys)."


def run(argv: list[str]) -> int:
    options = parse(argv)
    try:
        url, key = stack(options) if options.stack else (os.environ[URL], os.environ[KEY])
    except KeyError:
        print(NO_PLACE, file=sys.stderr)
        return 2
    except OSError:
        print("No stack runs there: start one with `manage.py up`.", file=sys.stderr)
        return 2
    if fault := address_fault(canonical(url)):
        print(f"{URL} {fault}.", file=sys.stderr)
        return 2
    method, path, body = order(options.flow, options.verb, options.word)
    try:
        status, answer = ask(canonical(url) + path, key, method, body)
    except (URLError, TimeoutError, ValueError):
        print("The app did not answer: look at its address and whether it runs.", file=sys.stderr)
        return 2
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    return 0 if status < 400 else 1


def order(flow: str, verb: str, word: str) -> tuple[str, str, dict[str, Any] | None]:
    """Method, path and body of a request."""
    name = quote(flow, safe="")
    if verb == "question":
        return "GET", f"/api/flows/{name}/question", None
    if verb == "jobs":
        return "GET", f"/api/jobs?flow={name}", None
    bodies: Mapping[str, dict[str, Any]] = {
        "start": {"deletes": word} if word else {},
        "stop": {},
        "replay": {"what": "record", "id": word} if record_id(word) else {"what": word},
        "cancel": {"job": word},
    }
    return "POST", f"/api/flows/{name}/{verb}", bodies[verb]


def ask(url: str, key: str, method: str, body: dict[str, Any] | None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-functions-key": key, "Content-Type": "application/json"}
    request = Request(url, data=data, headers=headers, method=method)  # noqa: S310  # checked
    try:
        with urlopen(request, timeout=SECONDS) as response:  # noqa: S310  # checked
            return response.status, json.load(response)
    except HTTPError as error:
        text = error.read().decode("utf-8", "replace")
        return error.code, json.loads(text) if text.startswith("{") else {"error": error.reason}


def stack(options: argparse.Namespace) -> tuple[str, str]:
    facts = json.loads((options.directory / "stack.json").read_text("utf-8"))
    caller = "reading" if options.verb in READS else "commands"
    return facts["functions"], facts["keys"][caller]


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py flow",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("flow", help="such as contacts, opt_out, custom_entities-acs_visit")
    parser.add_argument("verb", choices=[*READS, "start", "stop", "replay", "cancel"])
    parser.add_argument("word", nargs="?", default="", help="ANSWER, WHAT or JOB")
    parser.add_argument(
        "--stack", action="store_true", help="the stack that `manage.py up` started"
    )
    parser.add_argument(
        "--directory", type=Path, default=PLACE, help="where that stack's files are"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
