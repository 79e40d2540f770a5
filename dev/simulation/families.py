"""What people do to custom entities: cars of contacts, services of cars, and the last service of a
car, which is a circle.
"""

from functools import partial
from typing import Any

from dev.simulation.people import WEBHOOK_SHARE, People, ids, state

DEEDS = (
    "create",
    "create",
    "change",
    "change",
    "link",
    "link",
    "deactivate",
    "activate",
    "delete",
)
LOOKUPS = {
    "acs_car": {"acs_owner": "contact", "acs_last": "acs_service"},
    "acs_service": {"acs_carref": "acs_car"},
}
SET_OF = {"contact": "contacts", "acs_car": "acs_cars", "acs_service": "acs_services"}


class Families:
    """Deeds on both tables, often before the parents' own."""

    def __init__(self, people: People) -> None:
        self.people, self.world, self.systems = people, people.world, people.systems
        share = self.world.draws.share
        self.records = {
            "contact": people.contacts,
            "acs_car": ids("acs_car", 1 + int(4 * share("cars"))),
            "acs_service": ids("acs_service", 1 + int(4 * share("services"))),
        }

    def plan(self) -> None:
        draws = self.world.draws
        for number in range(10 + int(50 * draws.share("family deeds"))):
            name = f"family deed {number}"
            table = draws.of(f"{name} table", tuple(LOOKUPS))
            what = draws.of(f"{name} what", DEEDS)
            self.people.later(name, partial(self.do, name, table, what))

    def do(self, name: str, table: str, what: str) -> None:
        number = self.world.draws.of(f"{name} record", range(len(self.records[table])))
        record = self.records[table][number]
        there = self.systems.there(table, record)
        what = self.possible(what, there is not None)
        if what and self.people.wanted(f"{name}: {what} {table} {number}"):
            self.write(name, table, what, record)
            if self.world.draws.share(f"{name} webhook") < WEBHOOK_SHARE:
                self.people.call_webhook(table, record, what)

    def possible(self, what: str, there: bool) -> str:
        """What comes closest to it, "" for nothing."""
        if there:
            return "change" if what == "create" else what
        return "" if what == "delete" else "create"

    def write(self, name: str, table: str, what: str, record: str) -> None:
        place = f"/{SET_OF[table]}"
        named = {f"{table}_name": self.people.text(name)}
        if what == "create":
            body = {f"{table}id": record, **named, **self.links(name, table, every=True)}
            self.systems.by_person("POST", place, body)
        elif what == "delete":
            self.systems.by_person("DELETE", f"{place}({record})")
        elif what in ("activate", "deactivate"):
            self.systems.by_person("PATCH", f"{place}({record})", state(what))
        else:
            links = self.links(name, table, every=False) if what == "link" else {}
            self.systems.by_person("PATCH", f"{place}({record})", {**named, **links})

    def links(self, name: str, table: str, every: bool) -> dict[str, Any]:
        """Lookups to records that are there; some are left empty."""
        draws, body = self.world.draws, dict[str, Any]()
        for lookup, parent in LOOKUPS[table].items():
            present = [one for one in self.records[parent] if self.systems.there(parent, one)]
            share = draws.share(f"{name} {lookup}")
            wanted = share < (0.9 if parent != "acs_service" else 0.5)
            if present and wanted:
                target = draws.of(f"{name} {lookup} to", present)
                body[f"{lookup}@odata.bind"] = f"/{SET_OF[parent]}({target})"
            elif not every and share > 0.95:
                body[f"{lookup}@odata.bind"] = None
        return body
