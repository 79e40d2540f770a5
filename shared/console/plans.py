"""Acts and their plans: what somebody is about to do is worked out, shown, and done once.

A form posts to `/console/plans` with `kind` and what the kind needs. The server works the plan out,
keeps it for ten minutes (shared/state/plans.py) and shows its page. The page's button posts to
`/console/plans/<id>`. Kinds stand in shared/console/plan_kinds.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from shared.console.reasons import why_fault
from shared.console.refusals import Refusal, met_bug
from shared.console.roles import Least, allowing_role, missing_role
from shared.console.visit import Visit
from shared.errors import BridgeError, Bug, Retryable
from shared.pipeline.guarded import guarded
from shared.state.activity import DONE, Act
from shared.state.plans import Line, Plan, Planned, Plans

__all__ = ["Carried", "Line", "Plan", "PlanKind", "Planned", "carry_out", "check_role", "fault"]


KEY_ROLE = "key"
"""Noted as the role of whoever acts by a key."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of an act."""

    to: str
    """The page that shows it, behind /console."""
    result: str = DONE
    """A code, or a job's id: it is noted in the activity log."""
    count: int | None = None
    """How many records it was; None: as many as were planned."""


@dataclass(frozen=True, slots=True)
class PlanKind:
    """An act. Its sentences are `plan_<code>` (the title, with `name` and `count`) and `do_<code>`
    (the button).

    `prepare` reads the form of `visit.incoming`; it writes nothing, and raises Refusal where the
    act makes no sense. `carry_out` does it, with the reason that was given; it raises Refusal where
    that has changed since.
    """

    code: str
    """Also the act in the activity log."""
    least: Least
    prepare: Callable[[Visit], Planned]
    carry_out: Callable[[Visit, Plan, str], Carried]


def check_role(visit: Visit, kind: PlanKind) -> None:
    """Refusal for whoever may act, but not like this."""
    if not visit.may(kind.least):
        raise Refusal(403, "role_missing", {"role": missing_role(kind.least).value})


def fault(plan: Plan, number: str, why: str) -> str:
    """The code of what is missing, "" where nothing is."""
    wanted = plan.planned.must_type
    if wanted and number.strip() != str(wanted):
        return "type_the_number"
    if plan.planned.needs_why and not why:
        return "say_why"
    return why_fault(why)


def carry_out(visit: Visit, kind: PlanKind, plan: Plan, why: str) -> Carried:
    """Once: Refusal for a second caller. The act and its result are in the activity log."""
    services, planned = visit.services, plan.planned
    if not services.plans.take(plan):
        raise Refusal(409, "plan_taken")
    roles = visit.signed_in.roles
    role = KEY_ROLE if visit.by_key else allowing_role(roles, kind.least).value
    act = Act(visit.who, role, kind.code, planned.on, why, count=planned.count)
    with services.activity.noted(act) as ending, told_twice(services.plans, plan):
        carried = or_refusal(partial(kind.carry_out, visit, plan, why))
        ending.result, ending.count = carried.result, carried.count
    with suppress(Retryable):  # it is done: a second click is told of the activity list then
        services.plans.led_to(plan, carried.to)
    return carried


@contextmanager
def told_twice(plans: Plans, plan: Plan) -> Iterator[None]:
    """Whoever clicked twice sees the answer to the second click: it is told what went wrong."""
    try:
        yield
    except Refusal as refusal:
        note_refusal(plans, plan, refusal)
        raise


def or_refusal(act: Callable[[], Carried]) -> Carried:
    """An act that is broken off says so, by a bug of ours too: it may have done a part."""
    try:
        return guarded(act, Refusal)
    except BridgeError as error:
        raise Refusal(503, "act_broken_off", {"cause": str(error)}) from None
    except Bug as bug:
        raise Refusal(500, "act_broken_off", {"cause": met_bug(bug)}) from None


def note_refusal(plans: Plans, plan: Plan, refusal: Refusal) -> None:
    with suppress(Retryable):
        plans.refused(plan, refusal.status, refusal.code, refusal.arguments)
