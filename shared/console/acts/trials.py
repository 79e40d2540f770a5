"""What a plan says of records that were tried without writing: results, calls, minutes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.console.patience import LATE, Missing, ask
from shared.pipeline.trial import CALLS, STAYS, Tried
from shared.state.plans import Line

TRIED_SECONDS = 8.0
"""A person waits for the plan meanwhile."""


def trial_lines(
    try_some: Callable[[], Sequence[Tried]], count: int, found: Mapping[str, Any]
) -> list[Line]:
    """What would become of them and what it costs; why it is not known where it was not tried.

    `found`: what the watch counted of the flow, for its rate.
    """
    tried = ask("trial", try_some, TRIED_SECONDS).result()
    if isinstance(tried, Missing):
        return [not_tried(tried)]
    results = Counter((one.result, one.reason, one.field) for one in tried)
    lines = [
        Line("label_tried", said(result, reason), {"count": number, **why(reason, field)})
        for (result, reason, field), number in results.most_common()
    ]
    return [*lines, *costs(tried, count, found)]


def not_tried(missing: Missing) -> Line:
    if missing.code == LATE:
        return Line("label_tried", "tried_too_late", {"seconds": round(TRIED_SECONDS)})
    return Line("label_tried", "not_tried", {"cause": missing.cause})


def said(result: str, reason: str) -> str:
    return f"left_{reason}" if result == STAYS else f"would_{result}"


def why(reason: str, field: str) -> dict[str, str]:
    return {"reason": reason or "–", "field": field or "–"}


def costs(tried: Sequence[Tried], count: int, found: Mapping[str, Any]) -> list[Line]:
    if not tried:
        return []
    calls = sum(CALLS.get(one.result, 0) for one in tried)
    lines = [Line("label_costs", "cost_calls", {"calls": round(calls / len(tried) * count)})]
    if rate := float(found.get("per_minute", 0.0)):
        lines.append(Line("label_takes", "cost_minutes", {"minutes": max(1, round(count / rate))}))
    return lines
