"""What Campaign shows to nobody: profiles out of sight, and records below a profile that is gone.

Campaign answers as if they were not there, and refuses them as duplicates.
"""

from typing import Any

from dev.simulation.people import People
from dev.simulation.storage import Account
from dev.simulation.systems import Systems
from dev.simulation.upheavals import Upheavals

CAR, SERVICE = "acs_car", "acs_service"
RESOURCES = {CAR: "cusCar", SERVICE: "cusService"}
DUPLICATE = "duplicate_key"
Row = dict[str, Any]


class Hiding:
    """`refused`: the records that are dead letters for that reason alone, as table and id."""

    def __init__(
        self, systems: Systems, people: People, upheavals: Upheavals, account: Account
    ) -> None:
        self.engine, self.owners = systems.gateway.engine, systems.owners
        self.unseen, self.taken_away = people.unseen, upheavals.taken_away
        letters = account.table.tables.get("deadletters", {})
        self.refused = {
            (table_of(flow), record)
            for (flow, record), row in letters.items()
            if self.explains(flow, record, row.values["reason"])
        }

    def explains(self, flow: str, record: str, reason: str) -> bool:
        """Whether the refusal may be that of a record that nobody is shown.

        What was written below a profile that a person had deleted can be neither deleted nor moved
        to another profile. A service stays, too, if its car is deleted when the profile is back.
        """
        resource = RESOURCES.get(table_of(flow))
        if reason != DUPLICATE or resource is None:
            return reason == DUPLICATE and record in self.unseen
        table = self.engine.tables[resource]
        number = table.by_key(record)
        if number is None:
            return False
        found = table.rows[number]
        owners = {self.owner(found)} | self.owners[found.get("acs_carref_id") or ""]
        return not owners.isdisjoint(self.unseen | self.taken_away)

    def below_unseen(self, found: Row) -> bool:
        """Whether Campaign hides the record, as it hides its profile or its car's profile: whoever
        writes it is told that it is not there.
        """
        return self.owner(found) in self.unseen

    def was_out_of_reach(self, found: Row | None) -> bool:
        """Whether a person has deleted the record's profile: a creation that is carried out after
        that is hidden, and no deletion finds it.
        """
        return found is not None and self.owner(found) in self.taken_away

    def owner(self, found: Row) -> Any:
        """The contact of a car, or of a service's car."""
        cars = self.engine.tables[RESOURCES[CAR]]
        number = cars.by_key(found.get("acs_carref_id") or "")
        return (cars.rows[number] if number else found).get("acs_owner_id")


def table_of(flow: str) -> str:
    """Of a flow of custom entities, its table; "" for others."""
    return flow.partition("-")[2]
