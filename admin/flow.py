"""`manage.py flow`: what a person asks of a flow and tells it, over the app's own routes.

flow FLOW question            what it has stopped for and asks, with ids
flow FLOW start [ANSWER]      starts it; ANSWER (confirm or discard) answers its question
flow FLOW stop                stops it
flow FLOW poll                reads its sources now
flow FLOW replay WHAT         all, changed (in Dynamics, --since), dead_letters, the id of a
                              record, or letters (those that match)
flow FLOW put-back FILE       has an exported file read again; --folder says where it is
flow FLOW discard WHAT        letters (those that match), or the id of a dead letter
flow FLOW jobs                its long work, newest first
flow FLOW cancel JOB          ends a job

--plan shows what exactly would be done, tried on up to 20 records, and does nothing. `poll`,
`replay letters` and `discard` show it before they do it; many records need --number, as the plan
says. --why is kept in the list of acts.

The address is in BRIDGE_URL. The key is in BRIDGE_KEY, and is never an argument; with --stack both
are the stack's. Exit code 0: done; 1: refused, with the reason; 2: the app could not be asked.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
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
PUT_BACK = "put-back"
READS = ("question", "jobs")
ACTS = ("start", "stop", "poll", "replay", "discard", "cancel", PUT_BACK)
LETTERS, CHANGED = "letters", "changed"
REPLAYS = {"all": "replay_all", CHANGED: "replay_changed"}
KINDS = {
    "start": "start",
    "stop": "stop",
    "poll": "poll",
    "cancel": "cancel_job",
    "discard": "discard_letters",
    PUT_BACK: "put_back",
}
"""The kind of plan that each verb asks for; `replay` has several."""
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
    app = App(canonical(url), key)
    try:
        return by_plan(app, options) if needs_plan(options) else direct(app, options)
    except (URLError, TimeoutError, ValueError):
        print("The app did not answer: look at its address and whether it runs.", file=sys.stderr)
        return 2


@dataclass(frozen=True, slots=True)
class App:
    """Where the app is, and the key to it."""

    url: str = field(repr=False)
    key: str = field(repr=False)

    def asked(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[int, Any]:
        """Status and answer, which is printed."""
        status, answer = ask(self.url + path, self.key, method, body)
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return status, answer


def direct(app: App, options: argparse.Namespace) -> int:
    method, path, body = order(options.flow, options.verb, options.word, options.why)
    status, _ = app.asked(method, path, body)
    return 0 if status < 400 else 1


def needs_plan(options: argparse.Namespace) -> bool:
    if options.verb in READS:
        return False
    by_plan_alone = options.verb in ("poll", "discard", PUT_BACK)
    return options.plan or by_plan_alone or options.word in (LETTERS, CHANGED)


def by_plan(app: App, options: argparse.Namespace) -> int:
    """Shows what exactly would be done; then does it, if that is wanted."""
    name = quote(options.flow, safe="")
    status, plan = app.asked("POST", f"/api/flows/{name}/plan", wanted(options))
    if status >= 400 or options.plan:
        return 0 if status < 400 else 1
    if plan["must_type"] and options.number != plan["must_type"]:
        print(f"Nothing was done yet: add --number {plan['must_type']}.", file=sys.stderr)
        return 1
    body = {"plan": plan["plan"], "number": options.number, "why": options.why}
    status, _ = app.asked("POST", f"/api/flows/{name}/carry_out", body)
    return 0 if status < 400 else 1


def wanted(options: argparse.Namespace) -> dict[str, Any]:
    """The body that asks for a plan: what is not given is left out."""
    word, record = options.word, record_id(options.word)
    verb = options.verb
    if verb == "replay":
        kind = REPLAYS.get(word, "send_again" if record else "replay_letters")
    else:
        kind = KINDS[verb]
    values = {
        "kind": kind,
        "id": record,
        "deletes": word if verb == "start" else "",
        "job": word if verb == "cancel" else "",
        "reason": options.reason,
        "field": options.field,
        "version": options.version,
        "since": options.since,
        "until": options.until,
        "checked": options.checked,
        "file": word if verb == PUT_BACK else "",
        "folder": options.folder if verb == PUT_BACK else "",
    }
    return {name: value for name, value in values.items() if value}


def order(flow: str, verb: str, word: str, why: str = "") -> tuple[str, str, dict[str, Any] | None]:
    """Method, path and body of a request."""
    name, reason = quote(flow, safe=""), {"why": why} if why else {}
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
    return "POST", f"/api/flows/{name}/{verb}", {**bodies[verb], **reason}


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
    parser.add_argument("verb", choices=[*READS, *ACTS])
    parser.add_argument("word", nargs="?", default="", help="ANSWER, WHAT, FILE or JOB")
    parser.add_argument("--plan", action="store_true", help="show what would be done, no more")
    parser.add_argument("--number", type=int, default=0, help="as many records as the plan says")
    parser.add_argument("--why", default="", help="the reason, for the list of acts")
    for name in ("reason", "field"):
        parser.add_argument(f"--{name}", default="", help=f"dead letters of this {name}")
    parser.add_argument(
        "--since", default="", help="a moment, such as 2026-01-31T08:00Z: letters or changes since"
    )
    parser.add_argument("--until", default="", help="dead letters of before this moment")
    parser.add_argument(
        "--folder", default="rejected", choices=("rejected", "processed"), help="of put-back"
    )
    parser.add_argument("--version", type=int, default=0, help="refused by this mapping version")
    parser.add_argument(
        "--checked", action="store_true", help="both systems have the unreadable opt-outs"
    )
    parser.add_argument(
        "--stack", action="store_true", help="the stack that `manage.py up` started"
    )
    parser.add_argument(
        "--directory", type=Path, default=PLACE, help="where that stack's files are"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
