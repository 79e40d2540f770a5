"""One flow: since when and why it stands as it does, what it did, how far it has read."""

from collections.abc import Mapping
from typing import Any

from shared.console.charts import points
from shared.console.outgoing import View
from shared.console.pages.jobs import shown
from shared.console.pages.overview import NO_FIGURES, freshness, line
from shared.console.pages.shown import shown_missing
from shared.console.questions import question
from shared.console.reading import reading
from shared.console.sentences import sentence
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline.brake import is_asking
from shared.state.figures import HOURS, TICKS
from shared.state.flows import FlowState

SPANS: Mapping[str, tuple[str, float]] = {
    "24h": (TICKS, 86_400.0),
    "7d": (HOURS, 7 * 86_400.0),
    "30d": (HOURS, 30 * 86_400.0),
}
WIDTH, HEIGHT = 640.0, 120.0
JOBS_SHOWN = 5


def flow(visit: Visit) -> View:
    key, flows, bridge = visit.parts["flow"], visit.services.flows(), visit.services.bridge
    if key not in flows:
        said = sentence("not_found", visit.look.language)
        return View("refused", {"error": "not_found", "sentence": said}, 404)
    made = visit.services.figures.latest()
    figures = made[1]["flows"].get(key, {}) if made else {}
    state = bridge.flows.all().get(key, FlowState())
    read, missing = reading(flows[key], figures)
    return View(
        "flow",
        {
            **line(key, {**NO_FIGURES, **figures}, state),
            **read,
            **freshness(visit, made[0] if made else 0.0),
            "missing": shown_missing(visit, missing),
            "outcomes": figures.get("totals", {}),
            "calls": figures.get("call_totals", {}),
            "poison": figures.get("poison"),
            "polled_at": state.polled_at,
            "caught_up_at": state.caught_up_at,
            "tells_changed": key == flows[key].letters and flows[key].tells_changed,
            "question": question(flows[key], bridge) if is_asking(state) else None,
            "jobs": [shown(one, visit.look.language) for one in bridge.jobs.of(key, JOBS_SHOWN)],
            **trend(visit, key),
        },
    )


def trend(visit: Visit, key: str) -> dict[str, Any]:
    """Records a minute over a span of time, as points of a line and as rows of a table."""
    span = visit.incoming.query.get("span", "24h")
    span = span if span in SPANS else "24h"
    kind, seconds = SPANS[span]
    rows = list(visit.services.figures.since(kind, key, visit.now() - seconds))
    rates = [settled(row.outcomes) * 60 / row.seconds if row.seconds else 0.0 for row in rows]
    return {
        "name": name_of(key),
        "span": span,
        "spans": list(SPANS),
        "trend": [
            {"at": row.at, "per_minute": round(rate, 1), "waiting": row.waiting}
            for row, rate in zip(rows, rates, strict=True)
        ],
        "most": round(max(rates, default=0.0), 1),
        "line": " ".join(f"{x},{y}" for x, y in points(rates, WIDTH, HEIGHT)) if rates else "",
    }


def settled(outcomes: Mapping[str, int]) -> int:
    return sum(count for name, count in outcomes.items() if name != "waiting")
