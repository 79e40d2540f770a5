"""How far a flow has read its source: its token's age against the window, and how far a read of all
rows has come. Dynamics is asked for what it alone knows.
"""

from collections.abc import Mapping
from typing import Any

from shared.console.patience import Missing, ask
from shared.console.story import DYNAMICS
from shared.console.with_records import with_records
from shared.dataverse.counting import about_rows
from shared.entities.flow import TableFlow
from shared.pipeline.flow import Flow

DAY_SECONDS = 86_400.0
OLD_SHARE = 0.5
"""Of the window: then it is worth a look."""


def reading(flow: Flow, figures: Mapping[str, Any]) -> tuple[dict[str, Any], list[Missing]]:
    """`figures`: the watch's of this flow. What Dynamics does not tell in time is missing."""
    phase, rows = figures.get("phase", ""), figures.get("rows_read", 0)
    age, rate = figures.get("token_age_seconds"), figures.get("rows_per_minute", 0.0)
    table = with_records(flow)
    window = ask(DYNAMICS, lambda: window_of(table)) if table and age else None
    count = ask(DYNAMICS, lambda: count_of(table)) if table and phase == "full" else None
    found = [part.result() if part else None for part in (window, count)]
    missing = [one for one in found if isinstance(one, Missing)]
    window_seconds, about = (None if isinstance(one, Missing) else one for one in found)
    return {
        "phase": phase,
        "rows_read": rows,
        "about_rows": about,
        "left_seconds": left(about, rows, rate),
        "token_age_seconds": age,
        "window_seconds": window_seconds,
        "is_token_old": bool(age and window_seconds and age > window_seconds * OLD_SHARE),
    }, missing[:1]


def window_of(flow: TableFlow) -> float:
    """How long the organization keeps what a token needs."""
    return flow.dataverse.change_window_days() * DAY_SECONDS


def count_of(flow: TableFlow) -> float | None:
    return about_rows(flow.dataverse, flow.table)


def left(about: float | None, rows: int, per_minute: float) -> float | None:
    """Seconds until all rows are read; None where nobody knows."""
    if not about or not per_minute:
        return None
    return round(max(0.0, about - rows) / per_minute * 60)
