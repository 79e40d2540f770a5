"""Overview: is all well, may a delivery start, what needs somebody.

Reads the watch's summary and the flows' own rows: a start, stop or failure shows at once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.checks.findings import split
from shared.console.charts import points
from shared.console.outgoing import View
from shared.console.pages.activity import shown
from shared.console.pages.shown import said_reason, shown_missing
from shared.console.patience import Missing, ask
from shared.console.summary import SLOT_SECONDS, SLOTS, name_of
from shared.console.visit import Visit
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS
from shared.opt_out.gate import OPT_OUT
from shared.pipeline.brake import is_asking
from shared.state.flows import FAILED, RUNNING, STOPPED, FlowState

STALE_SECONDS = 900.0
"""The watch runs every five minutes."""
SIGNS = {RUNNING: ("ok", "●"), FAILED: ("bad", "■"), STOPPED: ("warn", "◐")}
NO_FIGURES: Mapping[str, Any] = {
    "waiting": None,
    "oldest_seconds": None,
    "per_minute": None,
    "done_in_seconds": None,
    "dead_letters": None,
    "mapping_version": 0,
    "mapping_problem": "",
    "waits": (),
}
"""Of a flow that the watch has not seen yet: nobody knows how many records wait or were refused."""
FROM_FIGURES = [name for name in NO_FIGURES if name != "mapping_problem"]
ACTS = "part_activity"
ACTS_SHOWN = 6
CHART_WIDTH, CHART_HEIGHT = 480.0, 100.0


def overview(visit: Visit) -> View:
    """The start page: three reads of storage."""
    acts = ask(ACTS, lambda: visit.services.activity.page("", ACTS_SHOWN))
    made, states = visit.services.figures.latest(), visit.services.bridge.flows.all()
    at, found = made if made else (0.0, {"flows": {}, "safe": {"safe": None, "reasons": []}})
    lines = [
        line(key, found["flows"].get(key, NO_FIGURES), states.get(key, FlowState()))
        for key in visit.services.flows()
    ]
    noted, fresh = acts.result(), freshness(visit, at)
    return View(
        "overview",
        {
            "flows": lines,
            "needing": [one for one in map(need, lines) if one],
            "stopped": [
                {"key": one["key"], "name": one["name"]}
                for one in lines
                if one["status"] == STOPPED
            ],
            "troubled": [
                {name: one[name] for name in ("key", "name", "trouble")}
                for one in lines
                if one["status"] == RUNNING and one["trouble"]
            ],
            "dead_letters": sum(one["dead_letters"] or 0 for one in lines),
            **fresh,
            "safe": of_now(visit, found["safe"], fresh["is_stale"] or not opt_outs_run(lines)),
            "calls": calls_of(found["flows"]),
            "acts": [] if isinstance(noted, Missing) else [shown(visit, one) for one in noted],
            "missing": shown_missing(visit, [noted] if isinstance(noted, Missing) else []),
        },
    )


def opt_outs_run(lines: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the opt-out flow and its feeds run at this moment, and were answered."""
    named = (OPT_OUT, FROM_DYNAMICS, FROM_CAMPAIGN)
    return all(
        one["status"] == RUNNING and not one["trouble"] for one in lines if one["key"] in named
    )


def of_now(visit: Visit, safe: Mapping[str, Any], is_stale: bool) -> Mapping[str, Any]:
    """A yes of long ago, or of before opt-outs failed or were stopped, is no yes: somebody may have
    opted out since. Figures of a release before have sentences alone.
    """
    if is_stale and safe["safe"]:
        return {"safe": None, "reasons": []}
    said = [said_reason(visit, one["code"], one["arguments"]) for one in safe.get("why", [])]
    return {"safe": safe["safe"], "reasons": said or safe["reasons"]}


def freshness(visit: Visit, at: float) -> dict[str, Any]:
    """How old the watch's figures are; stale where it should have written newer ones."""
    age = visit.now() - at if at else None
    return {"at": at, "age_seconds": age, "is_stale": age is not None and age > STALE_SECONDS}


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
        "trouble": state.trouble,
        "day": list(found.get("day", {}).get("settled", [])),
        **{name: found.get(name, NO_FIGURES[name]) for name in FROM_FIGURES},
    }


def need(one: Mapping[str, Any]) -> dict[str, str] | None:
    """Why a flow needs somebody, and what to do next; None where it needs nobody."""
    if one["asks"]:
        cause, advice, code = one["reason"], "", "need_answer"
    elif one["status"] == FAILED:
        cause, advice, code = *split(one["reason"], ""), "need_repair"
    elif one["problem"]:
        cause, advice, code = *split(one["problem"], ""), "need_document"
    else:
        return None
    return {"key": one["key"], "name": one["name"], "cause": cause, "next": advice, "code": code}


def calls_of(flows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Calls to Campaign by half hour, of all flows together; `at` is the end of the last one."""
    days = [found["day"] for found in flows.values() if found.get("day")]
    last = max((day["slot"] for day in days), default=0)
    each = [sum(day["calls"][place] for day in days) for place in range(SLOTS)] if days else []
    return {
        "at": [(last - SLOTS + 1 + place) * SLOT_SECONDS for place in range(len(each))],
        "each": each,
        "most": max(each, default=0),
        "line": " ".join(f"{x},{y}" for x, y in points(each, CHART_WIDTH, CHART_HEIGHT)),
    }
