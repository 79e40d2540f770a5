"""Opt-outs: may a delivery start, and what was decided on a day."""

from shared.console.opt_out import csv_of, decisions, is_day, safe_to_send, today
from shared.console.outgoing import Answer, File, View
from shared.console.visit import Visit


def opt_outs(visit: Visit) -> View:
    """Asked now, not read from the summary: somebody is about to start a delivery."""
    parts, bridge = visit.services.opt_out, visit.services.bridge
    day = day_of(visit)
    return View(
        "opt_outs",
        {
            "at": visit.now(),
            **safe_to_send(parts, bridge),
            "mode": parts.mode.value,
            "day": day,
            "decisions": decisions(parts, day),
        },
    )


def download(visit: Visit) -> Answer:
    day = day_of(visit)
    content = csv_of(visit.services.opt_out, day).encode("utf-8", "replace")
    return File(content, "text/csv; charset=utf-8", f"opt-out-{day}.csv")


def day_of(visit: Visit) -> str:
    """The day that is asked for; today where it is none."""
    asked = visit.incoming.query.get("day", "")
    return asked if is_day(asked) else today(visit.services.opt_out)
