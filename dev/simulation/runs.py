"""One seed from start to quiet, and the shortest schedule that still breaks a rule."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from dev.simulation.checks import Checks
from dev.simulation.faults import KINDS
from dev.simulation.host import Host
from dev.simulation.patches import patched, replacements
from dev.simulation.people import People
from dev.simulation.scenarios import CONTACTS, Scenario
from dev.simulation.storage import Account
from dev.simulation.systems import Systems
from dev.simulation.world import World
from shared.http.transport import Send
from shared.wiring import Wiring

ACTIVE_SECONDS = (120.0, 900.0)
QUIET_SECONDS = 60.0
LONGEST_QUIET_SECONDS = 2 * 3600.0
MOST_STEPS = 20_000
HOST_EVENTS = ("worker_killed", "instance_killed", "frozen", "storage_outage", "campaign_throttles")


@dataclass(slots=True)
class Report:
    """What became of one seed. `happened`: labels of the faults and deeds, in their order."""

    scenario: str
    seed: int
    steps: int = 0
    violations: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    happened: list[str] = field(default_factory=list)
    trace: str = ""
    lines: list[str] = field(default_factory=list, repr=False)

    def rules(self) -> set[str]:
        return {violation.partition(":")[0] for violation in self.violations}


class Simulation:
    """One world with its app, both systems and people."""

    def __init__(self, world: World, account: Account, scenario: Scenario) -> None:
        self.world, self.scenario, draws = world, scenario, world.draws
        self.account, self.systems = account, Systems(world)
        self.host = Host(world, self.account, scenario, 1 + int(3 * draws.share("instances")))
        self.active_seconds = draws.between("active", *ACTIVE_SECONDS)
        self.people = People(world, self.host, self.systems, self.active_seconds, scenario)
        self.ends_at = world.scheduler.now + self.active_seconds

    def prepare(self) -> None:
        container = self.account.blob.get_container_client("config")
        container.create_container()
        for name, document in self.scenario.documents.items():
            container.upload_blob(name, document)
        self.people.plan()
        for function in self.scenario.periods:
            self.world.scheduler.at(self.world.scheduler.now + 1.0, partial(self.tick, function))
        self.plan_host_events()

    def tick(self, function: str) -> None:
        active, quiet = self.scenario.periods[function]
        self.host.tick(function)
        now = self.world.scheduler.now
        self.world.scheduler.at(
            now + (active if now < self.ends_at else quiet), partial(self.tick, function)
        )

    def plan_host_events(self) -> None:
        draws, faults = self.world.draws, self.world.faults
        for kind in HOST_EVENTS:
            for number in range(
                int(4 * draws.share(f"number of {kind}")) if kind in faults.kinds else 0
            ):
                label = f"{kind}: {number}"
                moment = self.world.scheduler.now + self.active_seconds * draws.share(
                    f"{label} when"
                )
                self.world.scheduler.at(moment, partial(self.happen, kind, label))

    def happen(self, kind: str, label: str) -> None:
        draws, now = self.world.draws, self.world.scheduler.now
        instances = [one for one in self.host.instances if one.alive]
        if not instances or not self.world.faults.happens(label, kind):
            return
        self.world.note(label)
        instance = draws.of(f"{label} which", instances)
        if kind == "worker_killed":
            self.host.kill_worker(instance)
        elif kind == "instance_killed":
            self.host.kill_instance(instance)
        elif kind == "frozen":
            self.host.freeze(instance, draws.between(f"{label} for", 5.0, 300.0))
        elif kind == "storage_outage":
            service = draws.of(f"{label} of", ("table", "queue", "blob"))
            self.account.out_until[service] = now + draws.between(f"{label} for", 5.0, 300.0)
        else:
            self.systems.throttled_until = now + draws.between(f"{label} for", 10.0, 600.0)

    def play(self) -> None:
        """People and faults until the active time ends; then no more faults until nothing is left
        to do.
        """
        self.prepare()
        scheduler = self.world.scheduler
        scheduler.run(self.ends_at)
        self.world.faults.on = False
        self.calm_down()
        scheduler.run(
            scheduler.now + 3 * QUIET_SECONDS
        )  # whoever was told to wait a little comes once more
        self.calm_down()
        if not self.has_polled():
            self.world.violated("stuck", "the source was not read any more")
        Checks(self.world, self.host, self.account, self.systems, self.people).when_quiet()

    def calm_down(self) -> None:
        scheduler, latest = self.world.scheduler, self.ends_at + LONGEST_QUIET_SECONDS
        while scheduler.now < latest and self.world.steps < MOST_STEPS and not self.is_quiet():
            scheduler.run(scheduler.now + QUIET_SECONDS)
        if self.world.steps >= MOST_STEPS:
            self.world.violated("unending", f"more than {MOST_STEPS} steps, and not quiet yet")

    def is_quiet(self) -> bool:
        """Nothing on the queues, nothing under way, no request still to be carried out, and the
        source was read since.
        """
        empty = (
            not any(self.account.queue.queues.values())
            and not self.host.runs
            and not self.world.late
        )
        return empty and self.has_polled() and self.world.scheduler.now > self.ends_at + 600.0

    def has_polled(self) -> bool:
        return all(
            self.host.polled_at.get(name, 0.0) > self.ends_at for name in self.scenario.polls
        )

    def close(self) -> None:
        for instance in self.host.instances:
            self.world.scheduler.kill(instance)
        self.systems.close()


def play(
    seed: int,
    kinds: Collection[str] = KINDS,
    only: Collection[str] | None = None,
    lines: bool = False,
    scenario: Scenario = CONTACTS,
) -> Report:
    """Everything that one seed decides."""
    world = World(seed, kinds, only)
    world.lines = [] if lines else None
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    account, systems = Account(world), Lazy()
    try:
        with patched(replacements(world, account, systems.pooled, systems.current)):
            simulation = systems.simulation = Simulation(world, account, scenario)
            simulation.play()
            simulation.close()
    finally:
        logging.disable(before)
    faults = world.faults
    trace = world.trace.hexdigest()
    return Report(
        scenario.name,
        seed,
        world.steps,
        world.violations,
        faults.counts,
        faults.happened,
        trace,
        world.lines or [],
    )


class Lazy:
    """The systems and the app, which are made once the clock and chance that they begin with are
    simulated.
    """

    simulation: Simulation

    def pooled(self, system: str, timeout_seconds: float, connections: int) -> Send:
        return self.simulation.systems.pooled(system, timeout_seconds, connections)

    def current(self) -> Wiring:
        return self.simulation.host.current()
