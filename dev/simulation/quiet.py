"""What must hold when all is quiet: nothing is left over, nothing waits without a reason that a
person can see, counts are exact, nothing was abandoned.
"""

import json
from collections import Counter
from typing import Any

import azure.functions as func

from dev.simulation.hiding import Hiding
from dev.simulation.host import FUNCTIONS, TIMEOUT_SECONDS, Host
from dev.simulation.people import People
from dev.simulation.storage import Account
from dev.simulation.world import World

HEADER = "!"
Row = dict[str, Any]


class Quiet:
    """Adds what it finds to the world's violations."""

    def __init__(
        self, world: World, host: Host, account: Account, people: People, hiding: Hiding
    ) -> None:
        self.world, self.host, self.account, self.people = world, host, account, people
        self.hiding = hiding

    def check(self) -> None:
        rows = self.ledger_rows()
        self.left_over()
        self.flows()
        self.letters()
        for partition, listed in rows.items():
            self.counts(partition, listed)
        self.status(rows)
        self.reasons(rows)

    def left_over(self) -> None:
        begun = self.world.scheduler.now - TIMEOUT_SECONDS
        if self.world.late or any(run.started < begun for run in self.host.runs):
            self.world.violated("stuck", f"{len(self.host.runs)} runs do not end")
        for queue, messages in self.account.queue.queues.items():
            if messages:
                self.world.violated("stuck", f"{len(messages)} messages are left on {queue}")

    def flows(self) -> None:
        for flow, row in self.account.flow_rows().items():
            status = row.get("status", "running")
            if status != "running":
                self.world.violated("stopped", f"flow {flow} is {status}: {row.get('reason')}")

    def letters(self) -> None:
        """None but those of records that nobody is shown."""
        for (flow, record), row in self.account.table.tables.get("deadletters", {}).items():
            if not self.hiding.explains(flow, record, row.values["reason"]):
                self.world.violated(
                    "dead letter",
                    f"{flow} {record}: {row.values['reason']}: {row.values['sentence'][:140]}",
                )

    def ledger_rows(self) -> dict[str, list[Row]]:
        """By partition, without its header."""
        rows: dict[str, list[Row]] = {}
        for (partition, key), row in self.account.table.tables.get("ledger", {}).items():
            listed = rows.setdefault(partition, [])
            if key[:1] != HEADER:
                listed.append({**row.values, "id": key})
        return rows

    def counts(self, partition: str, listed: list[Row]) -> None:
        """A partition's counts are those of its rows."""
        header = self.account.table.tables["ledger"][partition, HEADER].values
        counted = Counter(
            {name: count for name, count in json.loads(header["counts"]).items() if count}
        )
        true = Counter(row["outcome"] for row in listed)
        if counted != true or header["rows"] != len(listed):
            self.world.violated(
                "counts",
                f"{partition} counts {dict(counted)} of {header['rows']}, and has {dict(true)}",
            )

    def status(self, rows: dict[str, list[Row]]) -> None:
        """What the status says of records is what the ledger holds."""
        shown = self.shown_status()
        for flow in self.people.scenario.commanded:
            true = Counter(
                row["outcome"]
                for partition, listed in rows.items()
                if partition.rpartition("-")[0] == flow
                for row in listed
            )
            if flow != "email_events" and shown[flow]["records"] != dict(sorted(true.items())):
                self.world.violated(
                    "status", f"{flow} shows {shown[flow]['records']}, and has {dict(true)}"
                )

    def shown_status(self) -> dict[str, Any]:
        """GET /api/status, as an operator sees it."""
        asked = func.HttpRequest(
            method="GET", url="https://bridge.example.org/", headers={}, params={}, body=b""
        )
        answer = FUNCTIONS["console_status"].get_user_function()(asked)
        if answer.status_code != 200:
            self.world.violated("status", f"it is answered with {answer.status_code}")
        flows: dict[str, Any] = json.loads(answer.get_body())["flows"]
        return flows

    def reasons(self, rows: dict[str, list[Row]]) -> None:
        """Contacts wait for nobody; a record of another table may wait for its parent, and says
        so.
        """
        for partition, listed in rows.items():
            flow = partition.rpartition("-")[0]
            for row in listed:
                if row["outcome"] not in ("waiting", "rejected"):
                    continue
                if self.hiding.explains(flow, row["id"], row["reason"]):
                    continue
                family = partition.startswith("custom_entities-")
                if not family or not row["reason"] or row["outcome"] == "rejected":
                    self.world.violated(
                        "stuck",
                        f"record {row['id']} of {partition} is {row['outcome']}: {row['reason']}",
                    )
