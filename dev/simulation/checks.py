"""What must hold when all is quiet: both systems agree, nothing waits, counts are exact, nothing
was given up.
"""

import json
from collections import Counter
from typing import Any

from dev.simulation.host import Host
from dev.simulation.people import PAIRS, People
from dev.simulation.storage import Account
from dev.simulation.systems import Systems
from dev.simulation.world import World

FIELDS = {"firstname": "firstName", "lastname": "lastName", "emailaddress1": "email"}
HEADER = "!"
Row = dict[str, Any]


class Checks:
    """Adds what it finds to the world's violations."""

    def __init__(
        self, world: World, host: Host, account: Account, systems: Systems, people: People
    ) -> None:
        self.world, self.host, self.account, self.systems, self.people = (
            world,
            host,
            account,
            systems,
            people,
        )

    def when_quiet(self) -> None:
        if any(told.startswith("unending") for told in self.world.violations):
            return  # what is under way differs
        for check in (self.agreement, self.waiting, self.flows, self.letters, self.counts):
            check()

    def agreement(self) -> None:
        """Each active contact has its profile with its values; nothing else is there."""
        contacts = {row["contactid"]: row for row in self.contacts() if not row["statecode"]}
        profiles = {
            str(row["externalId"]): row
            for row in self.systems.gateway.engine.tables["profile"].rows.values()
        }
        for contact in sorted(contacts.keys() | profiles.keys()):
            if contact not in profiles:
                self.world.violated("agreement", f"contact {contact} has no profile")
            elif contact not in contacts:
                self.world.violated(
                    "agreement", f"profile {contact} is there, and its contact is not"
                )
            else:
                self.compare(contact, contacts[contact], profiles[contact])
                self.opt_outs(contact, contacts[contact], profiles[contact])

    def compare(self, contact: str, row: Row, profile: Row) -> None:
        different = [
            name for column, name in FIELDS.items() if (row[column] or "") != (profile[name] or "")
        ]
        if different:
            self.world.violated(
                "agreement",
                f"profile {contact} has another {', '.join(different)} than its contact",
            )

    def opt_outs(self, contact: str, row: Row, profile: Row) -> None:
        """Both sides say the same, and who opted out last is opted out: a conflict ends in the
        opt-out.
        """
        for column, flag in PAIRS if self.people.scenario.flags else ():
            sides = (bool(row[column]), bool(profile[flag]))
            if sides[0] != sides[1]:
                self.world.violated(
                    "opt-out",
                    f"{flag} of {contact} is {sides[0]} in Dynamics and {sides[1]} in Campaign",
                )
            if self.people.last_word.get((contact, flag)) and not all(sides):
                self.world.violated("opt-out lost", f"{flag} of {contact}: a person opted out last")

    def contacts(self) -> list[Row]:
        columns = ", ".join(("contactid", "statecode", *FIELDS, *(column for column, _ in PAIRS)))
        cursor = self.systems.dataverse.store.db.execute(f"SELECT {columns} FROM contact")
        names = [part[0] for part in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def waiting(self) -> None:
        if self.world.late or self.host.runs:
            self.world.violated("stuck", f"{len(self.host.runs)} runs do not end")
        for queue, messages in self.account.queue.queues.items():
            if messages:
                self.world.violated("stuck", f"{len(messages)} messages are left on {queue}")

    def flows(self) -> None:
        for (_, flow), row in self.account.table.tables.get("flows", {}).items():
            status = row.values.get("status", "running")
            if status != "running":
                self.world.violated(
                    "stopped", f"flow {flow} is {status}: {row.values.get('reason')}"
                )

    def letters(self) -> None:
        for (flow, _), row in self.account.table.tables.get("deadletters", {}).items():
            self.world.violated(
                "dead letter", f"{flow}: {row.values['reason']}: {row.values['sentence'][:140]}"
            )

    def counts(self) -> None:
        """A partition's counts are those of its rows."""
        rows: dict[str, list[Row]] = {}
        for (partition, key), row in self.account.table.tables.get("ledger", {}).items():
            (
                rows.setdefault(partition, []).append(row.values)
                if key != HEADER
                else rows.setdefault(partition, [])
            )
        for partition, listed in rows.items():
            header = self.account.table.tables["ledger"][partition, HEADER].values
            told = Counter(
                {name: count for name, count in json.loads(header["counts"]).items() if count}
            )
            true = Counter(row["outcome"] for row in listed)
            if told != true or header["rows"] != len(listed):
                self.world.violated(
                    "counts",
                    f"{partition} counts {dict(told)} of {header['rows']}, and has {dict(true)}",
                )
            for one in listed:
                if one["outcome"] in ("waiting", "rejected"):
                    self.world.violated(
                        "stuck", f"a record of {partition} is {one['outcome']}: {one['reason']}"
                    )
