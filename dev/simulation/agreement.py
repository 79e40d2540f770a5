"""What must hold when all is quiet: both systems agree for every record, link, flag and event."""

from collections import Counter
from typing import Any

from dev.simulation.families import Families
from dev.simulation.hiding import CAR, RESOURCES, SERVICE, Hiding
from dev.simulation.people import PAIRS, People
from dev.simulation.scenarios import EVENTS, FAMILIES, PAIRS_DOCUMENT
from dev.simulation.systems import Systems
from dev.simulation.upheavals import Upheavals
from dev.simulation.world import World
from shared.events.logs import event_id

FIELDS = {"firstname": "firstName", "lastname": "lastName", "emailaddress1": "email"}
ANOTHER = {"middlename": "middleName"}
"""The field that the second version of contacts' document has beside the others."""

CONTACT_DOCUMENT = "mappings/contact.yaml"
COLUMNS = (
    "contactid",
    "statecode",
    *FIELDS,
    *ANOTHER,
    *(column for column, _ in PAIRS),
)
LINKS = {CAR: {"acs_owner": "contact", "acs_last": SERVICE}, SERVICE: {"acs_carref": CAR}}
KINDS = ("send", "open", "click", "bounce")
Row = dict[str, Any]


class AgreementCheck:
    """Adds what it finds to the world's violations."""

    def __init__(
        self,
        world: World,
        systems: Systems,
        people: People,
        upheavals: Upheavals,
        families: Families,
        hiding: Hiding,
    ) -> None:
        self.world, self.systems, self.people = world, systems, people
        self.families, self.engine = families, systems.gateway.engine
        self.hiding = hiding
        version = upheavals.versions[CONTACT_DOCUMENT]
        self.fields = {**FIELDS, **(ANOTHER if version else {})}
        fewer = upheavals.versions.get(PAIRS_DOCUMENT)
        self.pairs = PAIRS[:1] if fewer else PAIRS if people.scenario.flags else ()
        self.contacts = {
            row["contactid"]: row for row in systems.rows("contact", ", ".join(COLUMNS))
        }

    def check(self) -> None:
        self.profiles()
        if FAMILIES in self.people.scenario.flows:
            self.children()
        if EVENTS in self.people.scenario.flows:
            self.events()

    def profiles(self) -> None:
        """Each active contact has its profile with its values; nothing else is there."""
        active = {key: row for key, row in self.contacts.items() if not row["statecode"]}
        profiles = {
            str(row["externalId"]): row for row in self.engine.tables["profile"].rows.values()
        }
        for contact in sorted((active.keys() | profiles.keys()) - self.people.unseen):
            if contact not in profiles:
                self.world.violated("agreement", f"contact {contact} has no profile")
            elif contact not in active:
                self.world.violated(
                    "agreement", f"profile {contact} is there, and its contact is not"
                )
            else:
                self.compare(contact, active[contact], profiles[contact])
                self.opt_outs(contact, active[contact], profiles[contact])

    def compare(self, contact: str, row: Row, profile: Row) -> None:
        different = [
            name
            for column, name in self.fields.items()
            if (row[column] or "") != (profile[name] or "")
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
        for column, flag in self.pairs:
            sides = (bool(row[column]), bool(profile[flag]))
            if sides[0] != sides[1]:
                self.world.violated(
                    "opt-out",
                    f"{flag} of {contact} is {sides[0]} in Dynamics and {sides[1]} in Campaign",
                )
            if self.people.last_word.get((contact, flag)) and not all(sides):
                self.world.violated("opt-out lost", f"{flag} of {contact}: a person opted out last")

    def children(self) -> None:
        rows = {
            table: {
                row[f"{table}id"]: row
                for row in self.systems.rows(
                    table, ", ".join((f"{table}id", f"{table}_name", "statecode", *links))
                )
            }
            for table, links in LINKS.items()
        }
        wanted = self.wanted(rows)
        for table, resource in RESOURCES.items():
            found = {
                str(row["recordId"]): row for row in self.engine.tables[resource].rows.values()
            }
            for record in sorted(wanted[table] | found.keys()):
                self.child(table, record, rows[table].get(record), found.get(record), wanted)

    def wanted(self, rows: dict[str, dict[str, Row]]) -> dict[str, set[str]]:
        """By table, who must be in Campaign: all whose parents must be there too.

        Circles are there as a whole, so it is the greatest such set. A dead letter that tells of a
        hidden record is none of them, nor are its children.
        """
        wanted = {
            "contact": {key for key, row in self.contacts.items() if not row["statecode"]}
            - self.people.unseen,
            CAR: {key for key, row in rows[CAR].items() if not row["statecode"]},
            SERVICE: set(rows[SERVICE]),
        }
        for table, record in self.hiding.refused:
            wanted.get(table, set()).discard(record)
        while True:
            before = {table: set(ids) for table, ids in wanted.items()}
            for table, links in LINKS.items():
                wanted[table] = {
                    key
                    for key in wanted[table]
                    if self.has_parents(rows[table][key], links, before)
                }
            if wanted == before:
                return wanted

    def has_parents(self, row: Row, links: dict[str, str], wanted: dict[str, set[str]]) -> bool:
        """A car's owner and a service's car are needed, a car's last service may be empty."""
        return all(
            row[lookup] in wanted[parent] or (lookup == "acs_last" and not row[lookup])
            for lookup, parent in links.items()
        )

    def child(
        self, table: str, record: str, row: Row | None, found: Row | None, wanted: Any
    ) -> None:
        what, inactive = f"{table} {record}", row is not None and table == CAR and row["statecode"]
        if found is not None and self.hiding.below_unseen(found):
            return
        if row is None or inactive:
            if self.hiding.was_out_of_reach(found):
                return
            self.world.violated("agreement", f"{what} is in Campaign, and its record is not")
        elif record not in wanted[table]:
            return
        elif found is None:
            self.world.violated("agreement", f"{what} is not in Campaign")
        else:
            self.compare_child(what, table, row, found)

    def compare_child(self, what: str, table: str, row: Row, found: Row) -> None:
        pairs = {f"{table}_name": "name", **{lookup: f"{lookup}_id" for lookup in LINKS[table]}}
        different = [
            field for column, field in pairs.items() if (row[column] or "") != (found[field] or "")
        ]
        if different:
            self.world.violated("agreement", f"{what} has another {', '.join(different)}")
        if self.engine.hidden(self.engine.resources[RESOURCES[table]], found):
            self.world.violated("agreement", f"{what} is hidden: a link of it leads nowhere")

    def events(self) -> None:
        """Each event is one activity of its contact; of who was deleted there may be none."""
        expected = {
            event_id(kind, str(number)): (contact, needed)
            for kind, number, contact, needed in self.happened()
        }
        found = [
            (row["acs_eventid"], row["regardingobjectid"])
            for kind in KINDS
            for row in self.systems.rows(f"acs_email{kind}", "acs_eventid, regardingobjectid")
        ]
        for event, count in Counter(event for event, _ in found).items():
            if count > 1:
                self.world.violated("event", f"{event} is there {count} times")
        for event, contact in found:
            if event not in expected or expected[event][0] != contact:
                self.world.violated("event", f"{event} is an activity of another contact")
        there = {event for event, _ in found}
        for event, (contact, needed) in sorted(expected.items()):
            if needed and event not in there:
                self.world.violated("event lost", f"{event} of {contact}")

    def happened(self) -> list[tuple[str, int, str, bool]]:
        """Kind, log id, contact, and whether its activity must be there: files do not tell of a
        send that bounced before they were written.
        """
        logs = self.systems.gateway.marketing.logs
        found = [("send", one.number, one.external_id, not one.failure_type) for one in logs.broad]
        found += [
            ("bounce", one.number, one.external_id, True) for one in logs.broad if one.failure_type
        ]
        found += [
            (one.kind, one.number, one.message.external_id, True)
            for one in logs.tracking
            if one.kind in KINDS
        ]
        return [
            (kind, number, contact, needed and self.stayed(contact))
            for kind, number, contact, needed in found
        ]

    def stayed(self, contact: str) -> bool:
        return contact in self.contacts and contact not in self.people.deleted
