"""Several tables on real storage, an instance's worker for each, against a Campaign that hides
orphans.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.pipeline.waiting_room import release_due
from shared.wiring import Wiring
from tests.contract.battery.kit import LOOK_SECONDS, Worker, outcomes

PACE = {
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "CLAIM_LEASE_SECONDS": "5",
    "MAPPING_CACHE_SECONDS": "30",
}


class Queue:
    """As much of a case as a worker asks for."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.queue = "contacts" if table == "contact" else "custom-entities"

    def flow(self, wiring: Wiring) -> Any:
        return wiring.table_flow(self.table)


class World:
    """The tables exist and their documents are in `config`; contact is always one of them."""

    def __init__(self, stack: Stack, wiring: Wiring, tables: Sequence[str]) -> None:
        self.stack, self.wiring = stack, wiring
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        self.workers = {table: Worker(Queue(table), wiring) for table in ("contact", *tables)}  # type: ignore[arg-type]
        for worker in self.workers.values():
            worker.flow.activate()

    def poll(self, table: str) -> list[str]:
        """One table's changes, delivered; what that releases stays on the queue."""
        worker = self.workers[table]
        worker.poll()
        return [
            outcome
            for message in worker.messages()
            for outcome in outcomes(worker.deliver(message))
        ]

    def drain(self) -> None:
        """Polls and delivers every table until nothing is left on the queues."""
        deadline = time.monotonic() + 60
        while True:
            for worker in self.workers.values():
                worker.poll()
            release_due(self.wiring.bridge)
            taken = [self.deliver_all(table) for table in self.workers]
            if not any(taken) and not any(
                self.wiring.handoff.length(queue) for queue in ("contacts", "custom-entities")
            ):
                return
            if not any(taken):
                time.sleep(LOOK_SECONDS)  # what is on the queues is hidden for a time
            assert time.monotonic() < deadline, "the queues do not become empty"

    def waits(self, table: str) -> int:
        """How much of a table waits: references in the waiting room, messages on its queue."""
        flow = self.workers[table].flow
        resting = self.wiring.bridge.waiting.waiting_counts(flow.key).counts.total()
        return int(resting + self.wiring.handoff.length(flow.queue))

    def deliver_all(self, queue: str) -> int:
        """What is visible on the queue of this table, whichever table it is of."""
        taker = self.workers[queue]
        messages = taker.messages()
        for message in messages:
            table = str(json.loads(message.content)["table"])
            self.workers[table].deliver(message, complete=False)
            taker.complete(message)
        return len(messages)

    def create(self, table: str, **columns: Any) -> str:
        response = self.dynamics.http.ask("POST", f"/{table}s", columns)
        assert response.status_code == 204, response.text
        return str(response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")"))

    def change(self, table: str, record_id: str, **columns: Any) -> None:
        self.dynamics.http.json("PATCH", f"/{table}s({record_id})", columns, If_Match="*")

    def delete(self, table: str, record_id: str) -> None:
        self.dynamics.http.json("DELETE", f"/{table}s({record_id})")

    def shown(self, resource: str, api: str = "profileAndServicesExt") -> list[dict[str, Any]]:
        """What Campaign shows, which is not what is hidden."""
        return list(self.campaign.http.json("GET", f"/{api}/{resource}")["content"])

    def reason(self, table: str) -> str:
        """Why the table's flow has failed, "" if it runs."""
        flow = self.workers[table].flow
        state = self.wiring.bridge.flows.read(flow.key)
        return state.reason or state.mapping_problem
