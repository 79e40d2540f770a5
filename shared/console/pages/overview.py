"""Overview: is all well, may a delivery start, what needs somebody.

Reads the watch's summary and the flows' own rows: a start, stop or failure shows at once.
"""

from collections.abc import Mapping
from typing import Any

from shared.console.outgoing import View
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline.brake import is_asking
from shared.state.flows import FAILED, RUNNING, STOPPED, FlowState

STALE_SECONDS = 900.0
"""The watch runs every five minutes."""
SIGNS = {RUNNING: ("ok", "●"), FAILED: ("bad", "■"), STOPPED: ("warn", "◐")}
NOTHING: Mapping[str, Any] = {
    "waiting": 0,
    "oldest_seconds": 0.0,
    "per_minute": 0.0,
    "done_in_seconds": None,
    "dead_letters": 0,
    "mapping_version": 0,
    "mapping_problem": "",
}


def overview(visit: Visit) -> View:
    """The start page: two reads of storage."""
    made, states = visit.services.figures.latest(), visit.services.bridge.flows.all()
    at, found = made if made else (0.0, {"flows": {}, "safe": {"safe": None, "reasons": []}})
    lines = [
        line(key, found["flows"].get(key, NOTHING), states.get(key, FlowState()))
        for key in visit.services.flows()
    ]
    return View(
        "overview",
        {
            "flows": lines,
            "needing": [one for one in lines if one["status"] == FAILED or one["problem"]],
            "safe": found["safe"],
            "at": at,
            "age_seconds": visit.now() - at if at else None,
            "is_stale": bool(at) and visit.now() - at > STALE_SECONDS,
        },
    )


def line(key: str, found: Mapping[str, Any], state: FlowState) -> dict[str, Any]:
    """A flow's row. Its status is the one of this moment, its figures are the watch's."""
    kind, sign = SIGNS.get(state.status, ("warn", "◐"))
    return {
        "key": key,
        "name": name_of(key),
        "status": state.status,
        "kind": kind,
        "sign": sign,
        "reason": state.reason,
        "setting": state.setting,
        "asks": is_asking(state),
        "since": state.since,
        "by": state.by,
        "problem": state.mapping_problem,
        **{name: found[name] for name in NOTHING if name != "mapping_problem"},
    }
