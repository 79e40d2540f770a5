"""What must hold at every moment, as far as it can be seen from outside of the product."""

from dev.simulation.commands import Commands
from dev.simulation.host import Host
from dev.simulation.queues import Message
from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.state.envelope import read_envelope
from shared.state.flows import RUNNING

LOOK_SECONDS = 30.0
LOOKS = 4
"""How often in a row a flow that a person has stopped must be seen to run: an answer that nobody
got yet may be a start.
"""

MOST_MESSAGES = 200
"""On a queue: many times what all records of a world can be."""

STOPPED_SECONDS = 300.0
"""After which nothing is under way that began before a flow stopped."""

MOST_WAIT_SECONDS = 90.0
"""For a lock: longer than any one call to a system lasts."""

SAME = (
    "functions.triggers.ready",
    "functions.triggers.received",
    "shared.dataverse.batch.table",
    "shared.documents.keeper.active",
    "shared.documents.keeper.forget",
    "shared.documents.keeper.listing",
    "shared.http.tokens.token",
    "shared.state.flows.state",
    "shared.sftp.client.run",
)
"""Who waits there for another one's answer needs just that answer: the storage account's first,
the same document, definition or token, the same source's connection.
"""

REFETCHED = ("contacts", "custom-entities")
"""Queues whose records the source can be asked for again: they never rest there with values."""


class Watching:
    """Looks every half minute, at each message that is sent, and at each wait for a lock."""

    def __init__(self, world: World, host: Host, account: Account, commands: Commands) -> None:
        self.world, self.host, self.account, self.commands = world, host, account, commands
        self.runs_though_stopped: dict[str, int] = {}
        self.stopped_since: dict[str, float] = {}

    def plan(self) -> None:
        self.account.queue.on_put = self.sent
        self.world.scheduler.on_wait = self.waited
        self.look()

    def look(self) -> None:
        now = self.world.scheduler.now
        for flow, status in self.statuses().items():
            self.stopped_since.setdefault(flow, now)
            if status == RUNNING:
                del self.stopped_since[flow]
            self.word(flow, status)
        for queue, messages in self.account.queue.queues.items():
            if len(messages) > MOST_MESSAGES:
                self.world.violated("queue length", f"{queue} holds over {MOST_MESSAGES} messages")
        self.world.scheduler.at(now + LOOK_SECONDS, self.look)

    def statuses(self) -> dict[str, str]:
        """By flow, as the table holds them now."""
        rows = self.account.flow_rows()
        return {flow: row.get("status", RUNNING) for flow, row in rows.items()}

    def word(self, flow: str, status: str) -> None:
        """A stop by a person stands until a person starts the flow."""
        overruled = flow in self.commands.stopped and status != "stopped"
        looks = self.runs_though_stopped[flow] = (
            self.runs_though_stopped.get(flow, 0) + 1 if overruled else 0
        )
        if looks == LOOKS:
            self.world.violated("a person's word", f"{flow} was stopped, and is {status}")

    def sent(self, queue: str, message: Message) -> None:
        """No message of a flow that has not run for long carries a row. It may have run between two
        looks, for a moment.
        """
        if queue not in REFETCHED or not self.stopped_since:
            return
        envelope = read_envelope(message.content.encode())
        row = self.account.flow_rows().get(envelope.flow, {})
        if row.get("status", RUNNING) == RUNNING:
            return
        looked = self.stopped_since.get(envelope.flow, self.world.scheduler.now)
        since = max(looked, float(row.get("since", 0.0)))
        rows = any(change.row is not None for change in envelope.changes)
        if rows and self.world.scheduler.now - since > STOPPED_SECONDS:
            self.world.violated("rows at rest", f"a message of {envelope.flow}, which does not run")

    def waited(self, seconds: float, where: str, holder: str) -> None:
        """No I/O under a lock that others need."""
        if seconds > MOST_WAIT_SECONDS and where not in SAME:
            self.world.violated(
                "lock",
                f"{where} waits over {MOST_WAIT_SECONDS:g} s for {holder} to give a lock back",
            )
