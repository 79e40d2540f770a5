"""Records: find one by its id, and its story, so that "why did it not arrive?" has an answer."""

from typing import Any

from shared.console.outgoing import Answer, Redirect, View
from shared.console.sentences import sentence
from shared.console.status import record
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.identifiers import record_id
from shared.pipeline.flow import Flow

UNKNOWN = "unknown"
STATES = {
    "created": "there",
    "updated": "there",
    "unchanged": "there",
    "stale": "there",
    "deleted": "gone",
    "filtered": "left_out",
    "waiting": "waiting",
    "rejected": "refused",
}
"""What a record's last outcome means to a reader."""


def records(visit: Visit) -> View:
    return View("records", {"asked": "", "found": [], "problem": ""})


def find(visit: Visit) -> Answer:
    """A POST, so that what was looked for stands in no address, log or history."""
    asked = visit.incoming.form.get("q", "")
    wanted = record_id(asked)
    if not wanted:
        problem = sentence("no_guid", visit.look.language)
        return View("records", {"asked": "", "found": [], "problem": problem}, 400)
    found = [key for key, flow in flows_with_records(visit) if seen(visit, flow, wanted)]
    if len(found) == 1:
        return Redirect(f"/records/{found[0]}/{wanted}")
    problem = "" if found else sentence("never_seen", visit.look.language, id=wanted)
    lines = [{"flow": key, "name": name_of(key), "id": wanted} for key in found]
    return View("records", {"asked": wanted, "found": lines, "problem": problem})


def flows_with_records(visit: Visit) -> list[tuple[str, Flow]]:
    """Those that have a ledger row for each record; a feed has none of its own."""
    flows = visit.services.flows()
    return [(key, flow) for key, flow in flows.items() if key == flow.key and has_rows(flow)]


def has_rows(flow: Flow) -> bool:
    return not flow.policy.created_once


def seen(visit: Visit, flow: Flow, wanted: str) -> bool:
    return record(flow, visit.services.bridge, wanted) is not None


def story(visit: Visit) -> View:
    """One record: how it stands, its dead letter, its history with the newest first."""
    key, wanted = visit.parts["flow"], record_id(visit.parts["id"])
    flow = dict(flows_with_records(visit)).get(key)
    found = record(flow, visit.services.bridge, wanted) if flow and wanted else None
    if found is None:
        said = sentence("never_seen", visit.look.language, id=wanted or "?")
        return View("refused", {"error": "never_seen", "sentence": said}, 404)
    return View("record", {**found, "name": name_of(key), "state": state_of(found)})


def state_of(found: dict[str, Any]) -> str:
    """A code: there, gone, left_out, waiting, refused or unknown."""
    return STATES.get(str(found["outcome"]), UNKNOWN)
