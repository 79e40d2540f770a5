"""Plan pages: what exactly is about to be done, what it costs, and the button that does it."""

from dataclasses import asdict

from shared.console.outgoing import Answer, Redirect, View
from shared.console.plan_kinds import KINDS
from shared.console.plans import Plan, PlanKind, carry_out, check_role, fault
from shared.console.reasons import MOST_WHY_LETTERS
from shared.console.refusals import Refusal
from shared.console.sentences import sentence
from shared.console.visit import Visit
from shared.identifiers import is_row_key
from shared.state.plans import GOOD_SECONDS, TAKEN


def make(visit: Visit) -> Answer:
    """Works the plan out and keeps it. Nothing is done yet."""
    kind = KINDS.get(visit.incoming.form.get("kind", ""))
    if kind is None:
        raise Refusal(400, "no_such_act")
    check_role(visit, kind)
    planned = kind.prepare(visit)
    plan = visit.services.plans.put(kind.code, visit.signed_in.person, planned)
    return Redirect(f"/plans/{plan.id}")


def show(visit: Visit) -> Answer:
    return shown(visit, *found(visit))


def carry(visit: Visit) -> Answer:
    """Does it. A second click is led to where the first one led."""
    try:
        kind, plan = found(visit)
        form = visit.incoming.form
        why = form.get("why", "").strip()
        if problem := fault(plan, form.get("number", ""), why):
            return shown(visit, kind, plan, problem, why)
        return Redirect(carry_out(visit, kind, plan, why).to)
    except Refusal as refusal:
        if refusal.code not in ("plan_over", "plan_taken") or not (to := led_to(visit)):
            raise
        return Redirect(to)


def led_to(visit: Visit) -> str:
    """Where this person's act led, "" where there is none. It is there once the plan is gone."""
    plan_id = visit.parts["id"]
    return visit.services.plans.taken(plan_id, visit.signed_in.person) if is_id(plan_id) else ""


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
