"""Opt-outs: may a delivery start, how both feeds stand, and what was decided on a day."""

from collections.abc import MutableMapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from shared.console.opt_out import csv_of, decisions, is_day, today, unsafe
from shared.console.outgoing import Answer, File, View
from shared.console.pages.shown import said_reason, shown_missing
from shared.console.patience import Missing, ask
from shared.console.visit import Services, Visit
from shared.opt_out.deciding import Mode
from shared.opt_out.safety import SIDES, Reason
from shared.state.flows import FlowState

SAFE, FEEDS, DECISIONS = "part_safe", "part_feeds", "part_decisions"
GOOD_SECONDS = 60.0
"""An answer that came too late for its page serves the next one for so long: also the refresh."""

Asked = tuple[float, Sequence[Reason]]
"""When it was asked, and why a delivery should not start."""

LAST: MutableMapping[Services, Asked] = WeakKeyDictionary()


def opt_outs(visit: Visit) -> View:
    """Asked now, not read from the summary: somebody is about to start a delivery."""
    services, day = visit.services, day_of(visit)
    asked = ask(SAFE, lambda: answer_now(visit))
    feeds = ask(FEEDS, lambda: feeds_of(services))
    decided = ask(DECISIONS, lambda: decisions(services.opt_out, day))
    answer, read, listed = lately(visit, asked.result()), feeds.result(), decided.result()
    missing = [one for one in (answer, read, listed) if isinstance(one, Missing)]
    return View(
        "opt_outs",
        {
            **answered(visit, answer),
            "mode": services.opt_out.mode.value,
            "feeds": [] if isinstance(read, Missing) else read,
            "day": day,
            "decisions": None if isinstance(listed, Missing) else listed,
            "missing": shown_missing(visit, missing),
        },
    )


def answer_now(visit: Visit) -> Asked:
    found = (visit.now(), unsafe(visit.services.opt_out, visit.services.bridge))
    LAST[visit.services] = found
    return found


def lately(visit: Visit, answer: Asked | Missing) -> Asked | Missing:
    """The answer; where it is late, one of a moment ago."""
    if not isinstance(answer, Missing):
        return answer
    last = LAST.get(visit.services)
    return last if last and visit.now() - last[0] <= GOOD_SECONDS else answer


def answered(visit: Visit, answer: Asked | Missing) -> dict[str, Any]:
    """`safe` is None where it is not known: that is no yes."""
    if isinstance(answer, Missing):
        return {"safe": None, "at": visit.now(), "reasons": []}
    at, found = answer
    return {"safe": not found, "at": at, "reasons": [reason(visit, one) for one in found]}


def reason(visit: Visit, one: Reason) -> dict[str, Any]:
    return {
        "code": one.code,
        **one.arguments,
        "sentence": said_reason(visit, one.code, one.arguments),
        "age_seconds": visit.now() - one.since if one.since else None,
        "flow": one.flow,
    }


def feeds_of(services: Services) -> list[dict[str, Any]]:
    """How far each side was read, against what is promised; none while the mode is disabled."""
    parts, bridge = services.opt_out, services.bridge
    if parts.mode is Mode.DISABLED:
        return []
    promised = parts.catalog.version().document.promise_minutes * 60.0
    states, found = bridge.flows.all(), []
    for flow in parts.polls():
        checkpoint = bridge.checkpoints.load(flow.key, flow.table)
        at, state = checkpoint.caught_up_at, states.get(flow.key, FlowState())
        age = bridge.now() - at if at else None
        found.append(
            {
                "flow": flow.key,
                "side": SIDES[flow.key],
                "status": state.status,
                "polled_at": state.polled_at,
                "caught_up_at": at,
                "age_seconds": age,
                "promised_seconds": promised,
                "is_whole": checkpoint.phase != "delta",
                "is_late": age is None or age > promised,
            }
        )
    return found


def download(visit: Visit) -> Answer:
    day = day_of(visit)
    content = csv_of(visit.services.opt_out, day).encode()
    return File(content, "text/csv; charset=utf-8", f"opt-out-{day}.csv")


def day_of(visit: Visit) -> str:
    """The day that is asked for; today where it is none."""
    asked = visit.incoming.query.get("day", "")
    return asked if is_day(asked) else today(visit.services.opt_out)
