"""One seed from start to quiet."""

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial

from dev.simulation.agreement import AgreementCheck
from dev.simulation.at_rest import AtRest
from dev.simulation.commands import Commands
from dev.simulation.exporting import Exporting
from dev.simulation.families import Families
from dev.simulation.faults import KINDS
from dev.simulation.files import Server
from dev.simulation.hiding import Hiding
from dev.simulation.host import Host
from dev.simulation.mailings import Mailings
from dev.simulation.organization import DATABASES, prepare
from dev.simulation.outages import Outages
from dev.simulation.patches import patched, replacements
from dev.simulation.people import People
from dev.simulation.quiet import Quiet
from dev.simulation.scenarios import EVENTS, FAMILIES, SCENARIOS, Scenario
from dev.simulation.scheduler import Process
from dev.simulation.storage import Account
from dev.simulation.systems import DATAVERSE, Systems
from dev.simulation.upheavals import Upheavals
from dev.simulation.watching import Watching
from dev.simulation.world import World
from shared.http.transport import Send
from shared.state.due import DUE, HEADER
from shared.wiring import Wiring

ACTIVE_SECONDS = (120.0, 900.0)
QUIET_SECONDS = 47.0
"""Between two looks whether all is quiet: out of step with the timers, which run each minute."""

LATE_SECONDS = 700.0
"""After the last fault: no request is carried out any more, and no doubt is left."""

LONGEST_QUIET_SECONDS = 2 * 3600.0
MOST_STEPS = 60_000


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

    def __init__(
        self, world: World, account: Account, server: Server, scenario: Scenario, database: bytes
    ) -> None:
        self.world, self.scenario, draws = world, scenario, world.draws
        self.account, self.systems = account, Systems(world, database)
        self.host = Host(world, self.account, scenario, 1 + int(3 * draws.share("instances")))
        self.systems.network.end_worker = self.end_worker
        self.active_seconds = draws.between("active", *ACTIVE_SECONDS)
        self.ends_at = world.scheduler.now + self.active_seconds
        parts = (world, self.host, self.systems, self.active_seconds, scenario)
        self.people = People(*parts)
        self.commands = Commands(self.people)
        exporting = Exporting(world, self.systems.gateway.marketing, server)
        self.families, self.mailings = Families(self.people), Mailings(self.people, exporting)
        self.outages = Outages(world, self.host, account, self.systems, self.active_seconds)
        self.upheavals = Upheavals(self.people, self.commands, account)
        self.watching = Watching(world, self.host, account, self.commands)

    def end_worker(self, process: Process) -> None:
        """Ends it as soon as the task that asks for it gives way."""
        scheduler = self.world.scheduler
        for instance in self.host.instances:
            if instance is process:
                scheduler.at(scheduler.now, partial(self.host.kill_worker, instance))

    def prepare(self) -> None:
        container = self.account.blob.get_container_client("config")
        container.create_container()
        for name, versions in self.scenario.documents.items():
            container.upload_blob(name, versions[0])
        for part in (self.people, self.commands, self.outages, self.upheavals, self.watching):
            part.plan()
        if FAMILIES in self.scenario.flows:
            self.families.plan()
        if EVENTS in self.scenario.flows:
            self.mailings.plan()
        for function in self.scenario.periods:
            self.world.scheduler.at(self.world.scheduler.now + 1.0, partial(self.tick, function))

    def tick(self, function: str) -> None:
        active, quiet = self.scenario.periods[function]
        self.host.tick(function)
        now = self.world.scheduler.now
        self.world.scheduler.at(
            now + (active if now < self.ends_at else quiet), partial(self.tick, function)
        )

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
        if not any(broken.startswith("unending") for broken in self.world.violations):
            self.check()

    def check(self) -> None:
        """What holds when all is quiet."""
        hiding = Hiding(self.systems, self.people, self.upheavals, self.account)
        Quiet(self.world, self.host, self.account, self.people, hiding).check()
        parts = (self.systems, self.people, self.upheavals, self.families, hiding)
        AgreementCheck(self.world, *parts).check()
        AtRest(self.world, self.account).check()

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
            and not self.is_due()
        )
        return (
            empty
            and self.has_polled()
            and self.world.scheduler.now > self.ends_at + 2 * LATE_SECONDS
        )

    def is_due(self) -> bool:
        """Whether anything in the waiting room comes back by itself at a time."""
        rows = self.account.table.tables.get("waiting", {})
        return any(partition.startswith(DUE) and key != HEADER for partition, key in rows)

    def has_polled(self) -> bool:
        """Every source was read to its end after the last thing that could change it."""
        flows = self.account.flow_rows()
        return all(
            self.host.polled_at.get(name, 0.0) > self.ends_at for name in self.scenario.polls
        ) and all(
            flows.get(key, {}).get("caught_up_at", 0.0) > self.ends_at
            for key in self.scenario.tables
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
    scenario: Scenario = SCENARIOS["contacts"],
) -> Report:
    """Everything that one seed decides."""
    database = first_database()
    world = World(seed, kinds, only)
    world.lines = [] if lines else None
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    account, server, later = Account(world), Server(world), Lazy()
    try:
        with patched(replacements(world, account, server, later.pooled, later.current)):
            simulation = Simulation(world, account, server, scenario, database)
            later.simulations.append(simulation)
            simulation.play()
            simulation.close()
    finally:
        logging.disable(before)
    faults = world.faults
    return Report(
        scenario.name,
        seed,
        world.steps,
        world.violations,
        faults.counts,
        faults.happened,
        world.trace.hexdigest(),
        world.lines or [],
    )


def first_database() -> bytes:
    """What every world's Dataverse begins with, made once in this process by a seed of its own."""
    if not DATABASES:
        world, later = World(0, ()), Lazy()
        parts = (Account(world), Server(world), later.pooled, later.current)
        with patched(replacements(world, *parts)):
            systems = Systems(world)
            prepare(systems.by_person, systems.as_administrator, DATAVERSE)
            DATABASES.append(systems.dataverse.store.db.serialize())
            systems.close()
    return DATABASES[0]


class Lazy:
    """The systems and the app, which are made once the clock and chance that they begin with are
    simulated.
    """

    def __init__(self) -> None:
        self.simulations: list[Simulation] = []

    def pooled(self, system: str, timeout_seconds: float, connections: int) -> Send:
        return self.simulations[0].systems.pooled(system, timeout_seconds, connections)

    def current(self) -> Wiring:
        return self.simulations[0].host.current()
