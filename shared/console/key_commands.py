"""Commands of whoever has a key: the same acts as the console's pages, and in the same list.

`plan` and `carry_out` are the pages' way: what exactly is shown first, then done, once.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlencode

from shared import telemetry
from shared.console.acts.common import readers
from shared.console.acts.start import give_answer
from shared.console.commands import (
    Cancel,
    CarryOut,
    Command,
    Discard,
    MakePlan,
    Replay,
    Start,
    Stop,
    read_command,
)
from shared.console.incoming import FORM_TYPE, Incoming
from shared.console.jobs import job_json
from shared.console.look import Look
from shared.console.plan_kinds import KINDS
from shared.console.plans import KEY_ROLE, Plan, carry_out, check_role, fault
from shared.console.questions import question
from shared.console.refusals import Refusal
from shared.console.roles import Role
from shared.console.sentences import sentence
from shared.console.session import Session
from shared.console.visit import Services, Visit
from shared.console_settings import ConsoleSettings
from shared.identifiers import is_row_key
from shared.pipeline.flow import Flow
from shared.pipeline.replay import (
    ALL,
    MOST_DISCARDED,
    NotReplayed,
    begin,
    discard,
    handled_by,
    once_sentences,
    order_all,
    replay,
)
from shared.pipeline.running import start, stop
from shared.pipeline.selecting import order_letters
from shared.state.activity import DONE, FAILED, Act
from shared.state.jobs import Job
from shared.state.plans import TAKEN

NO_JOB = "There is no such job: GET /api/jobs lists them. One is kept for 30 days."


@dataclass(frozen=True, slots=True)
class Call:
    """Who commands what: `name` is the key that the address has, the flow's or its feed's."""

    name: str
    flow: Flow
    services: Services
    by: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Status and body of the answer. `count`: how many records it was about."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    count: int = 0

    @property
    def result(self) -> str:
        """As it is noted: a job's id, or whether it was done."""
        job = self.body.get("job")
        if isinstance(job, Mapping):
            return str(job["id"])
        return DONE if self.status < 400 else FAILED


def run_command(command: str, call: Call, body: bytes) -> Answered:
    """InvalidCommand for a body that means nothing, before anything is done or noted."""
    kind, do = COMMANDS[command]
    order = read_command(kind, body)
    if isinstance(order, MakePlan | CarryOut):  # a plan is no act, and notes its own
        return refused_as_answer(lambda: do(call, order))
    act = Act(call.by, KEY_ROLE, *act_of(command, call.name, order), why=order.why)
    with call.services.activity.noted(act) as ending:
        answered = do(call, order)
        ending.result, ending.count = answered.result, answered.count
    return answered


def act_of(command: str, name: str, order: Command) -> tuple[str, str]:
    """The act's code and what it is done on, as a plan's kind has it."""
    if isinstance(order, Cancel):
        return "cancel_job", order.job
    if isinstance(order, Replay):
        codes = {"record": "send_again", ALL: "replay_all"}
        on = f"{name}/{order.record}" if order.record else name
        return codes.get(order.what, "replay_letters"), on
    return ("discard_letters", name) if isinstance(order, Discard) else (command, name)


def refused_as_answer(work: Callable[[], Answered]) -> Answered:
    try:
        return work()
    except Refusal as refusal:
        said = sentence(refusal.code, "en", **refusal.arguments)
        return Answered(refusal.status, {"error": said, "code": refusal.code})


def do_start(call: Call, order: Start) -> Answered:
    """An answer to what the flow asks goes with it, where it asks."""
    name, flow, bridge = call.name, call.flow, call.services.bridge
    if name == flow.key and (asked := question(flow, bridge)):
        if order.deletes is None:
            return Answered(400, {"error": unanswered(name, asked["count"]), "question": asked})
        if another := give_answer(name, flow, bridge, asked, order.deletes, call.by):
            entry = {"error": unanswered(name, another["count"]), "question": another}
            return Answered(409, entry)
    start(name, bridge, by=call.by)
    return Answered(200, {"flow": name, "status": "running"})


def unanswered(name: str, count: int) -> str:
    return (
        f"Flow {name} asks about records, {count} so far: GET /api/flows/{name}/question lists"
        ' them. Start it with {"deletes": "confirm"} or {"deletes": "discard"}.'
    )


def do_stop(call: Call, order: Stop) -> Answered:
    stop(call.name, call.services.bridge, by=call.by, why=order.why)
    return Answered(200, {"flow": call.name, "status": "stopped"})


def do_discard(call: Call, order: Discard) -> Answered:
    flow, bridge = call.flow, call.services.bridge
    handled = discard(flow, bridge, order.what, order.value, checked=order.checked)
    count, left = handled.count, handled.left
    if left and not count:
        return Answered(409, {"error": " ".join(left), "left": left.total()})
    telemetry.noted(
        flow=flow.letters,
        event="dead_letters_discarded",
        count=count,
        reason=order.what,
        by=call.by,
    )
    body = {"flow": call.name, "what": order.what, "discarded": count}
    return Answered(200, {**body, "more": count >= MOST_DISCARDED, **handled.as_entry()}, count)


def do_replay(call: Call, order: Replay) -> Answered:
    flow, bridge = call.flow, call.services.bridge
    if order.what == "record":
        return replayed_record(call, order.record)
    try:
        job = ordered(call, order.what)
    except NotReplayed as error:
        return Answered(409, {"error": str(error)})
    job = begin(flow, bridge, job)
    handled = handled_by(job)
    telemetry.noted(
        flow=flow.key, event="replayed", count=handled.count, reason=order.what, by=call.by
    )
    entry = handled.as_entry()
    if order.what == ALL and (once := once_sentences(reading(call))):
        entry = {"left": len(once), "why": once}
    body = {"flow": flow.key, "what": order.what, "handed_off": handled.count}
    return Answered(202, {**body, "job": job_json(job), **entry}, handled.count)


def replayed_record(call: Call, record: str) -> Answered:
    flow = call.flow
    handled = replay(flow, call.services.bridge, "record", record)
    if handled.left:
        return Answered(409, {"error": " ".join(handled.left)})
    telemetry.noted(
        flow=flow.key, event="replayed", count=handled.count, reason="record", by=call.by
    )
    body = {"flow": flow.key, "what": "record", "handed_off": handled.count}
    return Answered(202, body, handled.count)


def ordered(call: Call, what: str) -> Job:
    bridge = call.services.bridge
    if what == ALL:
        return order_all(call.name, reading(call), bridge, call.by)
    return order_letters(call.flow, bridge, call.by)


def reading(call: Call) -> list[Flow]:
    return readers(call.services.flows(), call.name)


def do_cancel(call: Call, order: Cancel) -> Answered:
    """A job that is cancelled keeps what it has done."""
    bridge = call.services.bridge
    found = bridge.jobs.find(order.job) if is_row_key(order.job) else None
    if found is None or found.flow != call.name:
        return Answered(404, {"error": NO_JOB})
    job = begin(call.flow, bridge, bridge.jobs.cancel(order.job) or found)
    telemetry.noted(flow=call.name, event="job_cancelled", reason=job.kind, by=call.by)
    return Answered(200, job_json(job), job.counts.total())


def do_plan(call: Call, order: MakePlan) -> Answered:
    """What exactly would be done. Nothing is done yet."""
    kind = KINDS.get(order.kind)
    if kind is None:
        raise Refusal(400, "no_such_act")
    form = order.as_form(call.name)
    visit = visit_of(call, form)
    check_role(visit, kind)
    plan = call.services.plans.put(kind.code, call.by, kind.prepare(visit))
    return Answered(200, plan_json(plan))


def plan_json(plan: Plan) -> dict[str, Any]:
    """With each line as an English sentence."""
    planned = plan.planned
    named = {"name": planned.name, "count": planned.count}
    lines = [
        {
            "what": sentence(line.label, "en"),
            "sentence": sentence(line.text, "en", **line.arguments),
            **asdict(line),
        }
        for line in planned.lines
    ]
    return {
        "plan": plan.id,
        "kind": plan.kind,
        "question": sentence(f"plan_{plan.kind}", "en", **named),
        "count": planned.count,
        "must_type": planned.must_type,
        "needs_why": planned.needs_why,
        "lines": lines,
    }


def do_carry_out(call: Call, order: CarryOut) -> Answered:
    is_id = is_row_key(order.plan) and not order.plan.startswith(TAKEN)
    plan = call.services.plans.get(order.plan) if is_id else None
    if plan is None or plan.kind not in KINDS:
        raise over(call, order.plan if is_id else "")
    if plan.person != call.by:
        raise Refusal(403, "plan_of_another")
    kind, visit = KINDS[plan.kind], visit_of(call, [])
    check_role(visit, kind)
    if problem := fault(plan, str(order.number), order.why):
        raise Refusal(400, problem, {"number": str(plan.planned.must_type)})
    carried = carry_out(visit, kind, plan, order.why)
    return Answered(200, {"kind": plan.kind, "on": plan.planned.on, "result": carried.result})


def over(call: Call, plan_id: str) -> Refusal:
    """Whoever carried it out and did not hear of it is told that it was ordered."""
    taken = call.services.plans.taken(plan_id, call.by) if plan_id else None
    if taken and taken.refused:
        return Refusal(**taken.refused)
    return Refusal(409, "plan_taken") if taken else Refusal(404, "plan_over")


def visit_of(call: Call, form: list[tuple[str, str]]) -> Visit:
    """A visit as an operator's who is known by a key."""
    now = call.services.bridge.now
    session = Session(call.by, "", call.by, (Role.OPERATOR,), now(), now())
    incoming = Incoming("POST", "/plans", {}, {"content-type": FORM_TYPE}, urlencode(form).encode())
    settings = ConsoleSettings.model_construct()
    return Visit(incoming, {}, session, Look(), settings, call.services, now, by_key=True)


COMMANDS: Mapping[str, tuple[type[Command], Callable[[Call, Any], Answered]]] = {
    "start": (Start, do_start),
    "stop": (Stop, do_stop),
    "replay": (Replay, do_replay),
    "discard": (Discard, do_discard),
    "cancel": (Cancel, do_cancel),
    "plan": (MakePlan, do_plan),
    "carry_out": (CarryOut, do_carry_out),
}
