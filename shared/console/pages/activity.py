"""Activity: who did what, when, why, and with which result; what the bridge did by itself too."""

import re
from dataclasses import asdict
from typing import Any

from shared.console.cells import csv_file
from shared.console.outgoing import Answer, View
from shared.console.refusals import Refusal
from shared.console.status import moment
from shared.console.visit import Visit
from shared.identifiers import is_row_key, table_name
from shared.state.activity import Act, NotedAct

PAGE_ACTS = 50
MOST_IN_FILE = 20_000
COLUMNS = ("at", "who", "role", "act", "on", "why", "result", "count")
JOB = re.compile(r"[\w.-]+-[a-z_]+(?:\.[0-9a-f]{10,12})?-\d{13}", re.ASCII)


def activity(visit: Visit) -> View:
    """Newest first. One read."""
    before = visit.incoming.query.get("before", "")
    if not is_row_key(before):
        raise Refusal(400, "no_such_place")
    found = visit.services.activity.page(before, PAGE_ACTS)
    following = found[-1].key if len(found) == PAGE_ACTS else ""
    return View("activity", {"acts": [shown(visit, one) for one in found], "next": following})


def shown(visit: Visit, noted: NotedAct) -> dict[str, Any]:
    """`page` is where what it was done on is shown, `jobs` those that it ordered."""
    act = noted.act
    return {
        "at": noted.at,
        **asdict(act),
        "page": page_of(visit, act),
        "jobs": [part for part in act.result.split(", ") if JOB.fullmatch(part)],
    }


def page_of(visit: Visit, act: Act) -> str:
    """Behind /console, "" where there is none."""
    flow, _, record = act.on.partition("/")
    if act.act.startswith("mapping_") and table_name(act.on):
        return f"/mappings/{act.on}"
    if flow not in visit.services.flows():
        return f"/jobs/{act.on}" if JOB.fullmatch(act.on) else ""
    return f"/records/{flow}/{record}" if record else f"/flows/{flow}"


def download(visit: Visit) -> Answer:
    """The newest acts as a file for a spreadsheet."""
    acts = visit.services.activity.page("", MOST_IN_FILE)
    rows = [cells(noted) for noted in acts]
    return csv_file(f"activity-{(moment(visit.now()) or '')[:10]}.csv", COLUMNS, rows)


def cells(noted: NotedAct) -> list[object]:
    values = {"at": moment(noted.at), **asdict(noted.act)}
    return [values[name] for name in COLUMNS]
