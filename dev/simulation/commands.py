"""What operators tell the bridge meanwhile: stop and start, replay, discard."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from dev.simulation.people import People, ids
from dev.simulation.scenarios import OPT_OUTS

COMMANDS = (
    "replay all",
    "replay record",
    "replay dead_letters",
    "stop",
    "stop",
    "expire tokens",
)
AGAIN_SECONDS = 20.0


class Commands:
    """`stopped`: flows that a person has stopped and nobody has started since; `starting`: how many
    starts of a flow were not taken yet, `taken`: how many were.
    """

    def __init__(self, people: People) -> None:
        self.people, self.world, self.host = people, people.world, people.host
        self.stopped: set[str] = set()
        self.starting, self.taken = Counter[str](), Counter[str]()

    def plan(self) -> None:
        draws = self.world.draws
        for number in range(int(4 * draws.share("commands"))):
            name = f"command {number}"
            flow = draws.of(f"{name} flow", self.people.scenario.commanded)
            what = draws.of(f"{name} what", COMMANDS)
            self.people.later(name, partial(self.command, name, flow, what))

    def command(self, name: str, flow: str, what: str) -> None:
        if flow in ("opt_out", "email_events") and what.startswith("replay"):
            what = "stop"
        if not self.people.wanted(f"{name}: {what} of {flow}"):
            return
        if what == "expire tokens":
            self.people.systems.dataverse.api.tracking.expire_all()
        elif what == "stop":
            seconds = self.world.draws.between(f"{name} for", 5.0, 240.0)
            then = partial(self.stop, flow, seconds, self.taken[flow])
            self.insist(flow, "stop", {}, then=then)
        else:
            self.replay(
                flow, what.split()[1], self.world.draws.of(f"{name} id", self.records(flow))
            )

    def records(self, flow: str) -> list[str]:
        table = flow.rpartition("-")[2]
        return ids(table, 4) if table.startswith("acs_") else self.people.contacts

    def replay(self, flow: str, what: str, record: str = "") -> None:
        self.insist(flow, "replay", {"what": what, **({"id": record} if what == "record" else {})})

    def say_restored(self) -> None:
        """What the page on opt-outs asks for after a restore, before people are let in."""

        def taken(_: int) -> None:
            self.people.words -= 1

        self.insist(OPT_OUTS, "replay", {"what": "all"}, then=taken)

    def stop(self, flow: str, seconds: float, taken: int, status: int) -> None:
        """Once the stop was answered: who sees the flow run starts nothing.

        If a start was under way meanwhile, which of both was the last is not known. `taken`: starts
        before it.
        """
        if status == 200 and not self.starting[flow] and self.taken[flow] == taken:
            self.stopped.add(flow)
        self.people.after(seconds, partial(self.start, flow))

    def start(self, flow: str) -> None:
        """An earlier start may be taken after a later stop, for it is given again: it counts."""

        def taken(_: int) -> None:
            self.starting[flow] -= 1
            self.taken[flow] += 1
            self.stopped.discard(flow)

        self.starting[flow] += 1
        self.stopped.discard(flow)
        self.insist(flow, "start", {}, then=taken)

    def insist(
        self,
        flow: str,
        command: str,
        body: dict[str, Any],
        attempts: int = 40,
        then: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Gives a command, and again until it was taken or refused; `then` follows with the
        answer's status.
        """

        def answered(status: int) -> None:
            if status >= 500 and attempts:
                again = partial(self.insist, flow, command, body, attempts - 1, then)
                self.people.after(AGAIN_SECONDS, again)
            else:
                then(status)

        route = {"flow": flow, "command": command}
        self.host.request("console_command", body, route, answered)
