"""Cancel a job: what it has done stays done."""

from shared.console.jobs import job_json
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.identifiers import is_row_key
from shared.pipeline.replay import begin
from shared.state.jobs import Job
from shared.state.plans import Line, Planned


def job_of(visit: Visit, job_id: str) -> Job:
    """Refusal where there is none, or it is over."""
    job = visit.services.bridge.jobs.find(job_id) if is_row_key(job_id) else None
    if job is None:
        raise Refusal(404, "no_job")
    if job.is_over:
        raise Refusal(409, "job_is_over")
    return job


def prepare(visit: Visit) -> Planned:
    job = job_of(visit, visit.incoming.form.get("job", ""))
    counts = job_json(job)["counts"]
    done = ", ".join(f"{name}: {number}" for name, number in counts.items()) or "–"
    lines = [
        Line("label_what", "cancel_what", {"done": done}),
        Line("label_then", f"cancel_{'all' if job.work == 'all' else 'some'}"),
    ]
    arguments, page = {"job": job.id}, f"/jobs/{job.id}"
    return Planned(job.id, name_of(job.flow), lines, arguments, page, job.counts.total())


def carry_out(visit: Visit, plan: Plan, why: str) -> Carried:
    job_id, bridge = str(plan.planned.arguments["job"]), visit.services.bridge
    job_of(visit, job_id)
    job = bridge.jobs.cancel(job_id)
    flow = visit.services.flows().get(job.flow) if job else None
    if job and flow:
        begin(flow, bridge, job)
    return Carried(f"/jobs/{job_id}")


CANCEL = PlanKind("cancel_job", Least.OPERATOR, prepare, carry_out)
