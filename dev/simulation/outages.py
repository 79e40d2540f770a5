"""What befalls an instance, a system or the storage for a while, at moments that the seed draws."""

from functools import partial

from dev.simulation.faults import OUTAGES
from dev.simulation.host import Host
from dev.simulation.storage import Account
from dev.simulation.systems import Systems
from dev.simulation.world import World

PAUSE_SECONDS = 120.0
SYSTEMS = {"campaign": "Campaign", "dataverse": "Dataverse"}


class Outages:
    """Each kind that the seed plays happens up to three times in so many `seconds`."""

    def __init__(
        self, world: World, host: Host, account: Account, systems: Systems, seconds: float
    ) -> None:
        self.world, self.host, self.account, self.systems = world, host, account, systems
        self.seconds = seconds

    def plan(self) -> None:
        draws, faults, scheduler = self.world.draws, self.world.faults, self.world.scheduler
        for kind in OUTAGES:
            for number in range(
                int(4 * draws.share(f"number of {kind}")) if kind in faults.kinds else 0
            ):
                label = f"{kind}: {number}"
                moment = scheduler.now + self.seconds * draws.share(f"{label} when")
                scheduler.at(moment, partial(self.happen, kind, label))

    def happen(self, kind: str, label: str) -> None:
        if not self.host.awake() or not self.world.faults.happens(label, kind):
            return
        self.world.note(label)
        if kind == "storage_outage":
            self.end_later(label, self.account.out_until, ("table", "queue", "blob"), 300.0)
        elif kind.partition("_")[0] in SYSTEMS:
            self.system(kind, label)
        else:
            self.host_event(kind, label)

    def end_later(
        self, label: str, until: dict[str, float], services: tuple[str, ...], longest: float
    ) -> None:
        service = self.world.draws.of(f"{label} of", services)
        seconds = self.world.draws.between(f"{label} for", 5.0, longest)
        until[service] = self.world.scheduler.now + seconds

    def system(self, kind: str, label: str) -> None:
        name, _, what = kind.partition("_")
        network = self.systems.network
        until = {
            "throttles": network.throttled_until,
            "silent": network.silent_until,
            "denies": network.denied_until,
        }
        self.end_later(label, until[what], (SYSTEMS[name],), 600.0)

    def host_event(self, kind: str, label: str) -> None:
        draws, host = self.world.draws, self.host
        instance = draws.of(f"{label} which", host.awake())
        if kind == "worker_killed":
            host.kill_worker(instance)
        elif kind == "instance_killed":
            host.kill_instance(instance)
        elif kind == "stopped_at_once":
            for one in list(host.instances):
                host.kill_instance(one)
        elif kind == "timers_pause":
            host.timers_from = self.world.scheduler.now + PAUSE_SECONDS
        else:
            host.freeze(instance, draws.between(f"{label} for", 5.0, 300.0))
