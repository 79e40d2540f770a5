"""What the watch writes for the start page: one summary of all flows, and a row of figures each."""

from collections.abc import Mapping
from typing import Any

from shared.state.figures import HOURS, TICKS, Figure, Figures

HOUR_SECONDS = 3600.0
SLOT_SECONDS, SLOTS = 1800.0, 48
CAMPAIGN_VERBS = ("GET", "POST", "PATCH", "DELETE")
"""Others are calls to Dataverse (shared/calls.py)."""
NAMES = {
    "contacts": "Contacts",
    "email_events": "E-mail events",
    "email_events-from-files": "E-mail events: files",
    "email_events-from-journal": "E-mail events: journal",
    "opt_out": "Opt-outs",
    "opt_out-from-dynamics": "Opt-outs: read from Dynamics",
    "opt_out-from-campaign": "Opt-outs: read from Campaign",
}
"""Of flows and feeds, for people; translated where they are shown."""
CUSTOM = "custom_entities-"


def name_of(flow: str) -> str:
    """A flow's name for people; a custom entity's is its table."""
    return NAMES.get(flow) or flow.removeprefix(CUSTOM)


def summary(
    statuses: Mapping[str, Mapping[str, Any]],
    safe: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    seconds: float,
    at: float = 0.0,
) -> dict[str, Any]:
    """`statuses`: each flow's status (shared/console/status.py). `before`: the summary before, made
    `seconds` ago. `at`: now, in seconds since 1970.
    """
    earlier = before["flows"] if before else {}
    flows = {
        key: flow_line(found, earlier.get(key), seconds, at) for key, found in statuses.items()
    }
    return {"flows": flows, "safe": dict(safe)}


def flow_line(
    found: Mapping[str, Any], before: Mapping[str, Any] | None, seconds: float, at: float = 0.0
) -> dict[str, Any]:
    """A flow as the start page shows it. `totals` are kept for the next difference."""
    outcomes = since(found["outcomes"], before["totals"] if before else None)
    calls = since(found["calls"], before["call_totals"] if before else None)
    settled = sum(number for name, number in outcomes.items() if name != "waiting")
    per_minute = settled * 60 / seconds if seconds else 0.0
    waiting = int(found["backlog"] or 0)
    return {
        "status": found["status"],
        "reason": found["reason"],
        "setting": found["setting"],
        "since": found["since"],
        "by": found["by"],
        "phase": found["phase"],
        "rows_read": found["rows_read"],
        "waiting": waiting,
        "oldest_seconds": found["oldest_unwritten_seconds"],
        "per_minute": round(per_minute, 1),
        "done_in_seconds": round(waiting / per_minute * 60) if waiting and per_minute else None,
        "dead_letters": found["dead_letters"],
        "letter_groups": found["letter_groups"],
        "poison": found["poison_messages"] + found["poison_letters"],
        "mapping_version": found["mapping_version"],
        "mapping_problem": found["mapping_problem"],
        "records": dict(found["records"]),
        "outcomes": outcomes,
        "calls": calls,
        "totals": dict(found["outcomes"]),
        "call_totals": dict(found["calls"]),
        "waits": [{"reason": w["reason"], "records": w["records"]} for w in found["waiting"]],
        "token_age_seconds": found["token_age_seconds"],
        "rows_per_minute": rows_per_minute(found, before, seconds),
        "polled_at": found["polled_at"],
        "day": with_slot(before["day"] if before and "day" in before else None, settled, calls, at),
    }


def rows_per_minute(
    found: Mapping[str, Any], before: Mapping[str, Any] | None, seconds: float
) -> float:
    """How fast a read of all rows goes on; 0 where none does, or it has begun since."""
    goes_on = before is not None and found["phase"] == before.get("phase") == "full"
    more = found["rows_read"] - before["rows_read"] if before and goes_on else 0
    return round(more * 60 / seconds, 1) if more > 0 and seconds else 0.0


def with_slot(
    before: Mapping[str, Any] | None, settled: int, calls: Mapping[str, int], at: float
) -> dict[str, Any]:
    """The last 24 hours in half hours, the newest last: records settled, and calls of a record's
    verbs. So the start page draws them from the one row that it reads.
    """
    slot, made = int(at // SLOT_SECONDS), sum(calls.get(verb, 0) for verb in CAMPAIGN_VERBS)
    known = before or {"slot": slot, "settled": [], "calls": []}
    gap = min(max(0, slot - int(known["slot"])), SLOTS)
    found: dict[str, Any] = {"slot": slot}
    for name, more in (("settled", settled), ("calls", made)):
        values = [*([0] * SLOTS), *known[name], *([0] * gap)][-SLOTS:]
        values[-1] += more
        found[name] = values
    return found


def since(totals: Mapping[str, int], before: Mapping[str, int] | None) -> dict[str, int]:
    """What was added to the totals; nothing where there are none to compare with."""
    if before is None:
        return {}
    added = {name: count - before.get(name, 0) for name, count in totals.items()}
    return {name: count for name, count in added.items() if count > 0}


def record(figures: Figures, made: Mapping[str, Any], at: float, seconds: float) -> None:
    """Writes the summary, a row of figures for each flow, and adds them to the hour's row."""
    rows = [figure_of(key, line, at, seconds) for key, line in made["flows"].items()]
    figures.add(TICKS, rows)
    figures.add(HOURS, [with_hour(figures, row) for row in rows])
    for row in rows:
        figures.remove_old(row.flow, at)
    figures.save_latest(at, made)


def figure_of(flow: str, line: Mapping[str, Any], at: float, seconds: float) -> Figure:
    return Figure(
        flow,
        at,
        seconds,
        line["waiting"],
        line["oldest_seconds"],
        line["dead_letters"],
        line["outcomes"],
        line["calls"],
    )


def with_hour(figures: Figures, row: Figure) -> Figure:
    """The row of the hour that this one lies in, with this one added."""
    end = (row.at // HOUR_SECONDS + 1) * HOUR_SECONDS
    before = next(figures.since(HOURS, row.flow, end), None)
    return Figure(
        row.flow,
        end,
        HOUR_SECONDS,
        max(row.waiting, before.waiting if before else 0),
        max(row.oldest_seconds, before.oldest_seconds if before else 0.0),
        row.dead_letters,
        added(row.outcomes, before.outcomes if before else {}),
        added(row.calls, before.calls if before else {}),
    )


def added(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: some.get(name, 0) + more.get(name, 0) for name in sorted({*some, *more})}
