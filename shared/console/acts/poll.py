"""Poll now: what reads for a flow reads at once. For opt-outs that is both systems."""

from collections.abc import Mapping

from shared.console.acts.common import check_runs, flow_of, planned_flow, readers
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.opt_out.flow import KEY as OPT_OUT
from shared.pipeline.flow import Bridge, Flow
from shared.pipeline.polling import order_poll
from shared.pipeline.replay import begin
from shared.state.jobs import Job
from shared.state.plans import Line, Planned


def prepare(visit: Visit) -> Planned:
    key, _ = flow_of(visit)
    check_runs(visit, key)
    reading = readers(visit.services.flows(), key)
    if not reading:
        raise Refusal(409, "reads_nothing", {"name": name_of(key)})
    lines = [
        Line("label_what", "poll_what", items=[name_of(reader.feed) for reader in reading]),
        Line("label_opt_outs", "poll_harmless"),
    ]
    return Planned(key, name_of(key), lines, {"flow": key}, page_of(key), len(reading))


def carry_out(visit: Visit, plan: Plan, why: str) -> Carried:
    key, _ = planned_flow(visit, plan)
    jobs = read_all_now(visit.services.flows(), key, visit.services.bridge, visit.who)
    only = jobs[0].id if len(jobs) == 1 else ""
    return Carried(f"/jobs/{only}" if only else page_of(key), ", ".join(job.id for job in jobs))


def read_all_now(flows: Mapping[str, Flow], key: str, bridge: Bridge, who: str) -> list[Job]:
    """A job for each source, begun at once."""
    reading = readers(flows, key)
    ordered = [(reader, order_poll(reader, bridge, who)) for reader in reading]
    return [begin(reader, bridge, job) for reader, job in ordered]


def page_of(key: str) -> str:
    return "/opt-outs" if key == OPT_OUT else f"/flows/{key}"


POLL = PlanKind("poll", Least.OPERATOR, prepare, carry_out)
