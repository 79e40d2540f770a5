"""Plan pages: what exactly is about to be done, what it costs, and the button that does it."""

from dataclasses import asdict
from functools import partial

from shared.console.outgoing import Answer, Redirect, View
from shared.console.patience import page_in_time
from shared.console.plan_kinds import KINDS
from shared.console.plans import Plan, PlanKind, carry_out, check_role, fault
from shared.console.reasons import MOST_WHY_LETTERS
from shared.console.refusals import Refusal
from shared.console.sentences import sentence
from shared.console.visit import Visit
from shared.deadlines import ANSWER_END_SECONDS
from shared.identifiers import is_row_key
from shared.state.plans import GOOD_SECONDS, TAKEN, Taken

PLAN_SECONDS = 25.0
"""Of working a plan out: it asks both systems, and nothing is done by then."""


def make(visit: Visit) -> Answer:
    """Works the plan out and keeps it. Nothing is done yet."""
    kind = KINDS.get(visit.incoming.form.get("kind", ""))
    if kind is None:
        raise Refusal(400, "no_such_act")
    check_role(visit, kind)
    return page_in_time(partial(made, visit, kind), PLAN_SECONDS, "plan_late")


def made(visit: Visit, kind: PlanKind) -> Redirect:
    planned = kind.prepare(visit)
    plan = visit.services.plans.put(kind.code, visit.signed_in.person, planned)
    return Redirect(f"/plans/{plan.id}")


def show(visit: Visit) -> Answer:
    """One that was carried out leads to what became of it."""
    try:
        return shown(visit, *found(visit))
    except Refusal as refusal:
        taken = taken_by(visit, refusal)
        return Redirect(taken.to) if taken.to else shown_taken(visit, taken)


def carry(visit: Visit) -> Answer:
    """Does it. A second click is led where the first one leads."""
    try:
        kind, plan = found(visit)
        form = visit.incoming.form
        why = form.get("why", "").strip()
        if problem := fault(plan, form.get("number", ""), why):
            return shown(visit, kind, plan, problem, why)
        return Redirect(carry_out(visit, kind, plan, why).to)
    except Refusal as refusal:
        return Redirect(taken_by(visit, refusal).to or f"/plans/{visit.parts['id']}")


def taken_by(visit: Visit, refusal: Refusal) -> Taken:
    """What became of the plan that this person has carried out, where that is why it is refused.
    Else Refusal: this one, or the one that the act ended in.
    """
    plan_id, person = visit.parts["id"], visit.signed_in.person
    is_over = refusal.code in ("plan_over", "plan_taken") and is_id(plan_id)
    taken = visit.services.plans.taken(plan_id, person) if is_over else None
    if taken is None:
        raise refusal
    if taken.refused:
        raise Refusal(**taken.refused)
    return taken


def is_id(text: str) -> bool:
    return is_row_key(text) and not text.startswith(TAKEN)


def found(visit: Visit) -> tuple[PlanKind, Plan]:
    """Refusal where it is over, or of somebody else."""
    plan_id = visit.parts["id"]
    plan = visit.services.plans.get(plan_id) if is_id(plan_id) else None
    if plan is None or plan.kind not in KINDS:
        raise Refusal(404, "plan_over")
    if plan.person != visit.signed_in.person:
        raise Refusal(403, "plan_of_another")
    kind = KINDS[plan.kind]
    check_role(visit, kind)
    return kind, plan


def shown(visit: Visit, kind: PlanKind, plan: Plan, problem: str = "", why: str = "") -> View:
    planned, language = plan.planned, visit.look.language
    return View(
        "plan",
        {
            "id": plan.id,
            "kind": kind.code,
            "on": planned.on,
            "name": planned.name,
            "count": planned.count,
            "lines": [asdict(line) for line in planned.lines],
            "must_type": planned.must_type,
            "needs_why": planned.needs_why,
            "most_why": MOST_WHY_LETTERS,
            "why": why,
            "back": planned.back,
            "good_until": plan.made_at + GOOD_SECONDS,
            "problem": problem,
            "sentence": sentence(problem, language, number=planned.must_type) if problem else "",
        },
        400 if problem else 200,
    )


def shown_taken(visit: Visit, taken: Taken) -> View:
    """The order was taken, and what it leads to is not there yet. No request lasts longer than
    ANSWER_END_SECONDS: after that nobody works on it any more.
    """
    values = {"kind": taken.kind, "name": taken.name, "back": taken.back, "taken_at": taken.at}
    state = "cut_off" if visit.now() - taken.at > ANSWER_END_SECONDS else "taken"
    return View("taken", {"id": visit.parts["id"], "state": state, **values})
