"""Send one record again, what was changed since a moment, or all of a flow."""

from functools import partial

from shared.console.acts.common import (
    check_runs,
    counted,
    flow_of,
    number_to_type,
    planned_flow,
    readers,
)
from shared.console.acts.trials import trial_lines
from shared.console.letters_asked import moment
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.identifiers import record_id
from shared.pipeline.replay import (
    NotReplayed,
    begin,
    once_sentences,
    order_all,
    replay,
)
from shared.pipeline.rereading import order_changed
from shared.pipeline.trial import MOST_TRIED, try_records
from shared.state.plans import Line, Planned

SETTLED = ("created", "updated", "unchanged", "stale")
"""Outcomes of records that are in the target."""


def prepare_record(visit: Visit) -> Planned:
    key, flow = flow_of(visit)
    wanted, bridge = record_id(visit.incoming.form.get("id", "")), visit.services.bridge
    if not wanted or key != flow.letters or flow.policy.created_once:
        raise Refusal(400, "no_record")
    check_runs(visit, key)

    lines = [
        Line("label_which", "which_record", {"name": name_of(key)}, [wanted]),
        Line("label_how", "how_one", {"version": flow.mapping_version()}),
        *trial_lines(partial(try_records, flow, bridge, [wanted]), 1, {}),
    ]
    page = f"/records/{key}/{wanted}"
    return Planned(f"{key}/{wanted}", name_of(key), lines, {"flow": key, "id": wanted}, page, 1)


def carry_record(visit: Visit, plan: Plan, why: str) -> Carried:
    _, flow = planned_flow(visit, plan)
    handled = replay(flow, visit.services.bridge, "record", str(plan.planned.arguments["id"]))
    if handled.left:
        raise Refusal(409, f"stays_{next(iter(handled.left)).name}")
    return Carried(plan.planned.back)


def prepare_all(visit: Visit) -> Planned:
    key, _ = flow_of(visit)
    check_runs(visit, key)
    reading = readers(visit.services.flows(), key)
    if not [reader for reader in reading if not reader.read_once]:
        raise Refusal(409, "reads_once" if reading else "reads_nothing", {"name": name_of(key)})
    found = counted(visit, key)
    totals = found.get("records", {})
    count = sum(totals.get(name, 0) for name in SETTLED)
    code = "which_all" if count else "which_all_uncounted"
    lines = [
        Line("label_which", code, {"name": name_of(key), "count": count}),
        Line("label_how", "how_all"),
        *([Line("label_costs", "cost_calls", {"calls": count})] if count else []),
        *([Line("label_stay", "once_stays")] if once_sentences(reading) else []),
    ]
    if count and (rate := float(found.get("per_minute", 0.0))):
        lines.append(Line("label_takes", "cost_minutes", {"minutes": max(1, round(count / rate))}))
    page = f"/flows/{key}"
    must_type = number_to_type(visit, count)
    return Planned(key, name_of(key), lines, {"flow": key}, page, count, must_type)


def carry_all(visit: Visit, plan: Plan, why: str) -> Carried:
    key, flow = planned_flow(visit, plan)
    bridge = visit.services.bridge
    try:
        job = order_all(key, readers(visit.services.flows(), key), bridge, visit.who)
    except NotReplayed:
        raise Refusal(409, "reads_nothing", {"name": name_of(key)}) from None
    job = begin(flow, bridge, job)
    return Carried(f"/jobs/{job.id}", job.id)


def prepare_changed(visit: Visit) -> Planned:
    """The source is asked, so that what is shown is what is."""
    key, flow = flow_of(visit)
    if key != flow.letters or not flow.tells_changed:
        raise Refusal(409, "changed_unknown", {"name": name_of(key)})
    check_runs(visit, key)
    since = moment(visit.incoming.form.get("since", ""), visit.look.tzinfo)
    if not since or since > visit.now():
        raise Refusal(400, "no_moment")
    ids, link = flow.changed(since, "")
    if not ids:
        raise Refusal(409, "nothing_changed", {"name": name_of(key)})
    count, tried = len(ids), partial(try_records, flow, visit.services.bridge, ids[:MOST_TRIED])
    code = "which_changed_more" if link else "which_changed"
    said = f"{visit.look.local(since):%Y-%m-%d %H:%M} ({visit.look.zone})"
    lines = [
        Line("label_which", code, {"name": name_of(key), "count": count, "since": said}),
        Line("label_how", "how_changed", {"version": flow.mapping_version()}),
        *trial_lines(tried, count, {}),
    ]
    arguments = {"flow": key, "since": since, "total": 0 if link else count}
    must_type = number_to_type(visit, count)
    return Planned(key, name_of(key), lines, arguments, f"/flows/{key}", count, must_type)


def carry_changed(visit: Visit, plan: Plan, why: str) -> Carried:
    _, flow = planned_flow(visit, plan)
    arguments, bridge = plan.planned.arguments, visit.services.bridge
    since, total = float(arguments["since"]), int(arguments["total"])
    job = begin(flow, bridge, order_changed(flow, bridge, since, total, visit.who))
    return Carried(f"/jobs/{job.id}", job.id)


SEND_AGAIN = PlanKind("send_again", Least.OPERATOR, prepare_record, carry_record)
REPLAY_CHANGED = PlanKind("replay_changed", Least.OPERATOR, prepare_changed, carry_changed)
REPLAY_ALL = PlanKind("replay_all", Least.OPERATOR, prepare_all, carry_all)
